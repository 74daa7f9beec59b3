/* One walk over a value that checks it against a shape and writes it, when it is plainly right. It
 * tells of no fault, and need not know all that is right: what it is not sure of is looked at in
 * Lua (see gitdev.shape). */
#include "lua/shape.h"
#include "wire/json_text.h"
#include "wire/utf8.h"
#include <math.h>
#include <stdio.h>

enum {
  TEXT_MAX = 8192, /* written on the stack: nothing to free, whatever Lua raises */
  MEMBERS_MAX = 32,
  INTEGER_SIZE = 24,
};

static const double INTEGER_MAX = 9007199254740992.0; /* 2^53: above, not all are numbers */

typedef struct walk {
  lua_State *L;
  const gitdev_lua_row *rows; /* the first is the whole */
  size_t len;
  char text[TEXT_MAX];
} walk;

/* ---- writing ---- */

static bool put(walk *w, const char *text, size_t len) {
  if (len > TEXT_MAX - w->len)
    return false;
  memcpy(w->text + w->len, text, len);
  w->len += len;
  return true;
}

static bool put_byte(walk *w, char byte) {
  return put(w, &byte, 1);
}

/* Before the member or element at `place`, counted from 0. */
static bool put_comma(walk *w, size_t place) {
  return place == 0 || put_byte(w, ',');
}

/* A text as a JSON string. */
static bool put_string(walk *w, const char *text, size_t len) {
  const char *at = text, *end = text + len;
  bool fits = put_byte(w, '"');
  while (fits) {
    const char *plain = at;
    at = skip_to(at, end, escaped_bits);
    fits = put(w, plain, (size_t)(at - plain));
    if (at == end)
      break;
    char escape[GITDEV_JSON_ESCAPE_MAX];
    fits = fits && put(w, escape, gitdev_json_escape((unsigned char)*at++, escape));
  }
  return fits && put_byte(w, '"');
}

/* ---- texts, numbers, words ---- */

/* Whether a class of bytes holds one. `set` is behind its bracket; `*end` behind the class. */
static bool holds(const char *set, unsigned char byte, const char **end) {
  bool negated = *set == '^', found = false;
  for (set += negated; *set != ']'; set++) {
    unsigned char low = (unsigned char)*set, high = low;
    if (set[1] == '-' && set[2] != ']') {
      set += 2;
      high = (unsigned char)*set;
    }
    found = found || (low <= byte && byte <= high);
  }
  *end = set + 1;
  return found != negated;
}

static bool is_in_classes(const gitdev_lua_format *rules, const char *text, size_t len) {
  const char *set = rules->classes, *next;
  if ((double)len < rules->least || (double)len > rules->most)
    return false;
  for (size_t i = 0; i < len; i++) {
    if (!holds(set + 1, (unsigned char)text[i], &next))
      return false;
    if (*next)
      set = next;
  }
  return true;
}

static bool follows(const gitdev_lua_format *rules, const char *text, size_t len) {
  if (rules->no_nul && memchr(text, '\0', len))
    return false;
  if (rules->reserved_len && len >= rules->reserved_len &&
      memcmp(text, rules->reserved, rules->reserved_len) == 0)
    return false;
  return !rules->classes || is_in_classes(rules, text, len);
}

/* Whether a text of valid UTF-8 has as many characters as it may. A character is one to four bytes:
 * most lengths are settled without counting. */
static bool is_as_long(const gitdev_lua_row *row, const char *text, size_t len) {
  double count = 0;
  if ((double)len >= 4 * row->min && (double)len <= row->max)
    return true;
  for (size_t i = 0; i < len; i++)
    count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count >= row->min && count <= row->max;
}

static bool write_characters(walk *w, const gitdev_lua_row *row, const char *text, size_t len) {
  return (double)len <= row->bytes && gitdev_utf8_span(text, len) == len &&
         is_as_long(row, text, len) && follows(&row->format, text, len) && put_string(w, text, len);
}

static bool write_text(walk *w, const gitdev_lua_row *row, int index) {
  size_t len;
  if (lua_type(w->L, index) != LUA_TSTRING)
    return false;
  const char *text = lua_tolstring(w->L, index, &len);
  return write_characters(w, row, text, len);
}

static const gitdev_lua_row *find(const walk *w, const gitdev_lua_row *row, const char *name,
                                  size_t len) {
  const gitdev_lua_row *inner = w->rows + row->first;
  for (size_t i = 0; i < row->count; i++)
    if (inner[i].name_len == len && memcmp(inner[i].name, name, len) == 0)
      return &inner[i];
  return NULL;
}

static bool write_enum(walk *w, const gitdev_lua_row *row, int index) {
  size_t len;
  if (lua_type(w->L, index) != LUA_TSTRING)
    return false;
  const char *text = lua_tolstring(w->L, index, &len);
  return find(w, row, text, len) && put_byte(w, '"') && put(w, text, len) && put_byte(w, '"');
}

static bool write_integer(walk *w, const gitdev_lua_row *row, int index) {
  char text[INTEGER_SIZE];
  if (lua_type(w->L, index) != LUA_TNUMBER)
    return false;
  double value = lua_tonumber(w->L, index);
  if (!(value >= row->min && value <= row->max && fabs(value) < INTEGER_MAX) || fmod(value, 1) != 0)
    return false;
  int len = snprintf(text, sizeof text, "%lld", (long long)value);
  return len > 0 && put(w, text, (size_t)len);
}

static bool write_boolean(walk *w, int index) {
  if (lua_type(w->L, index) != LUA_TBOOLEAN)
    return false;
  return lua_toboolean(w->L, index) ? put(w, "true", 4) : put(w, "false", 5);
}

/* ---- what holds others ---- */

static bool write_value(walk *w, const gitdev_lua_row *row, int index);

static double count_pairs(lua_State *L, int table) {
  double count = 0;
  lua_pushnil(L);
  for (; lua_next(L, table); lua_pop(L, 1))
    count++;
  return count;
}

/* A list without holes has an element for each pair. */
static bool write_array(walk *w, const gitdev_lua_row *row, int index) {
  lua_State *L = w->L;
  double count = count_pairs(L, index);
  if (count < row->min || count > row->max || !put_byte(w, '['))
    return false;
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    if (!put_comma(w, (size_t)i) || !write_value(w, w->rows + row->first, lua_gettop(L)))
      return false;
    lua_pop(L, 1);
  }
  return put_byte(w, ']');
}

/* A pair of a table; its value stays on the stack while it is here. */
typedef struct pair {
  const char *name;
  size_t len;
  const gitdev_lua_row *row;
  int index;
} pair;

typedef struct pairs {
  size_t count;
  pair list[MEMBERS_MAX];
} pairs;

/* An object's members by the order of its fields, a map's by their names. */
static bool is_before(const pair *a, const pair *b) {
  if (a->row != b->row)
    return a->row < b->row;
  int order = memcmp(a->name, b->name, a->len < b->len ? a->len : b->len);
  return order < 0 || (order == 0 && a->len < b->len);
}

static void insert(pairs *to, pair one) {
  size_t place = to->count++;
  for (; place > 0 && is_before(&one, &to->list[place - 1]); place--)
    to->list[place] = to->list[place - 1];
  to->list[place] = one;
}

/* The pairs of a table, in order. `row` is an object or a map. */
static bool collect(walk *w, const gitdev_lua_row *row, int table, pairs *to) {
  lua_State *L = w->L;
  const gitdev_lua_row *inner = w->rows + row->first;
  to->count = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    pair one = {.index = lua_gettop(L)};
    if (to->count == MEMBERS_MAX || lua_type(L, -2) != LUA_TSTRING ||
        !lua_checkstack(L, LUA_MINSTACK))
      return false;
    one.name = lua_tolstring(L, -2, &one.len);
    one.row = row->kind == GITDEV_ROW_MAP ? inner + 1 : find(w, row, one.name, one.len);
    if (!one.row)
      return false;
    insert(to, one);
    lua_pushvalue(L, -2); /* the value stays, below the key for the next round */
  }
  return true;
}

static bool write_map(walk *w, const gitdev_lua_row *row, int index) {
  const gitdev_lua_row *inner = w->rows + row->first;
  pairs members;
  double bytes = 0;
  if (!collect(w, row, index, &members) || (double)members.count < row->min ||
      (double)members.count > row->max || !put_byte(w, '{'))
    return false;
  for (size_t i = 0; i < members.count; i++) {
    const pair *one = &members.list[i];
    size_t len = 0;
    if (lua_type(w->L, one->index) == LUA_TSTRING)
      lua_tolstring(w->L, one->index, &len);
    bytes += (double)(one->len + len);
    if (!put_comma(w, i) || !write_characters(w, inner, one->name, one->len) || !put_byte(w, ':') ||
        !write_value(w, one->row, one->index))
      return false;
  }
  return bytes <= row->bytes && put_byte(w, '}');
}

static size_t count_required(const walk *w, const gitdev_lua_row *row) {
  size_t count = 0;
  for (size_t i = 0; i < row->count; i++)
    count += w->rows[row->first + i].required;
  return count;
}

static bool write_object(walk *w, const gitdev_lua_row *row, int index) {
  pairs members;
  size_t required = 0;
  if (!collect(w, row, index, &members) || !put_byte(w, '{'))
    return false;
  for (size_t i = 0; i < members.count; i++) {
    const pair *one = &members.list[i];
    required += one->row->required;
    if (!put_comma(w, i) || !put_byte(w, '"') || !put(w, one->name, one->len) ||
        !put(w, "\":", 2) || !write_value(w, one->row, one->index))
      return false;
  }
  return required == count_required(w, row) && put_byte(w, '}');
}

/* A metatable may make of a table another thing than it looks like. */
static bool write_table(walk *w, const gitdev_lua_row *row, int index) {
  lua_State *L = w->L;
  if (lua_type(L, index) != LUA_TTABLE || lua_getmetatable(L, index))
    return false;
  int top = lua_gettop(L);
  bool written = row->kind == GITDEV_ROW_ARRAY ? write_array(w, row, index)
                 : row->kind == GITDEV_ROW_MAP ? write_map(w, row, index)
                                               : write_object(w, row, index);
  lua_settop(L, top);
  return written;
}

static bool is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL;
}

static bool write_value(walk *w, const gitdev_lua_row *row, int index) {
  if (row->nullable && is_null(w->L, index))
    return put(w, "null", 4);
  switch (row->kind) {
  case GITDEV_ROW_TEXT: return write_text(w, row, index);
  case GITDEV_ROW_ENUM: return write_enum(w, row, index);
  case GITDEV_ROW_INT: return write_integer(w, row, index);
  case GITDEV_ROW_BOOL: return write_boolean(w, index);
  case GITDEV_ROW_ARRAY:
  case GITDEV_ROW_MAP:
  case GITDEV_ROW_OBJECT: return write_table(w, row, index);
  case GITDEV_ROW_WORD:
  case GITDEV_ROW_OTHER: break;
  }
  return false;
}

int gitdev_lua_walk(lua_State *L) {
  walk w; /* not cleared: the text is written before it is read */
  w.L = L;
  w.rows = lua_touserdata(L, lua_upvalueindex(1));
  w.len = 0;
  lua_settop(L, 1);
  if (!write_value(&w, w.rows, 1))
    return 0;
  lua_pushlstring(L, w.text, w.len);
  return 1;
}
