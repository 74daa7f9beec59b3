/* core.decode: JSON becomes Lua values in one pass over the text. */
#include "lua/call.h"
#include "wire/json_text.h"
#include <math.h>

/* What is made room for at first: most answers are one thing with some twenty fields. */
enum { USUAL_MEMBERS = 24, USUAL_ELEMENTS = 4 };

/* The inside of a string. */
typedef struct slice {
  const char *text, *end;
  bool escaped;
} slice;

enum { OUTER_NAMES_MAX = 8 };

/* The names of the outermost object, which are few and plain. */
typedef struct outer_names {
  size_t count;
  bool is_unclear; /* there are others: whether one comes twice is still to be found out */
  slice names[OUTER_NAMES_MAX];
} outer_names;

typedef struct decoder {
  lua_State *L;
  gitdev_json_cursor in;
  const char *backslash; /* the next one, if it is not before the cursor */
  bool nulls;            /* whether members that are null are kept */
  outer_names *outer;    /* where no name may come twice in the outermost object, else NULL */
  int mark;              /* where the metatable of empty arrays is on the stack, or 0 */
  int depth;
  /* By depth, how many members the last object had that ended there: those of one list are alike,
   * and a table that is made large enough is not made again. */
  unsigned char members[GITDEV_JSON_DEPTH_MAX + 1];
} decoder;

static inline bool take(decoder *d, char expected) {
  d->in.at = skip_blanks(d->in.at, d->in.end);
  bool found = gitdev_json_next_is(&d->in, expected);
  d->in.at += found;
  return found;
}

/* ---- strings ---- */

static const char *next_byte(const gitdev_json_cursor *in, char byte) {
  const char *found = memchr(in->at, byte, (size_t)(in->end - in->at));
  return found ? found : in->end;
}

/* The SDK reads what others wrote: bytes that a strict reader would refuse (controls, no UTF-8) are
 * taken as they are. */
static bool pass_string(decoder *d, slice *out) {
  gitdev_json_cursor *in = &d->in;
  *out = (slice){.text = ++in->at};
  const char *quote = next_byte(in, '"');
  for (;;) {
    if (d->backslash < in->at)
      d->backslash = next_byte(in, '\\');
    if (quote < d->backslash)
      break;
    in->at = d->backslash;
    if (in->at == in->end)
      return gitdev_json_fail(in, "a string that does not end");
    out->escaped = true;
    if (!gitdev_json_pass_escape(in))
      return false;
    if (quote < in->at)
      quote = next_byte(in, '"');
  }
  out->end = quote;
  in->at = quote + 1;
  return true;
}

static void push_unescaped(lua_State *L, const slice *string) {
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (const char *at = string->text; at < string->end;) {
    const char *plain = at, *escape = memchr(at, '\\', (size_t)(string->end - at));
    at = escape ? escape : string->end;
    luaL_addlstring(&out, plain, (size_t)(at - plain));
    if (at < string->end) {
      char character[4];
      size_t len = gitdev_json_decode_escape(&at, string->end, character);
      luaL_addlstring(&out, character, len);
    }
  }
  luaL_pushresult(&out);
}

static void push_string(lua_State *L, const slice *string) {
  if (string->escaped)
    push_unescaped(L, string);
  else
    lua_pushlstring(L, string->text, (size_t)(string->end - string->text));
}

static bool read_string(decoder *d) {
  slice string;
  if (!pass_string(d, &string))
    return false;
  push_string(d->L, &string);
  return true;
}

/* ---- numbers and words ---- */

/* Digits that need no rounding, most numbers by far. */
static bool push_short(lua_State *L, const char *at, const char *end) {
  enum { DIGITS_MAX = 15 };
  bool negative = *at == '-';
  int64_t value = 0;
  at += negative;
  if (end - at > DIGITS_MAX)
    return false;
  for (; at < end; at++) {
    if (!is_digit(*at))
      return false;
    value = value * 10 + (*at - '0');
  }
  gitdev_lua_push_number(L, (double)(negative ? -value : value));
  return true;
}

/* A number beyond the largest double is infinite, as in strtod(). */
static bool read_number(decoder *d) {
  const char *start = d->in.at;
  if (!gitdev_json_pass_number(&d->in))
    return false;
  if (!push_short(d->L, start, d->in.at)) {
    gitdev_json number = {GITDEV_JSON_NUMBER, start, (size_t)(d->in.at - start)};
    double value;
    if (!gitdev_json_number(&number, &value))
      value = *start == '-' ? -HUGE_VAL : HUGE_VAL;
    gitdev_lua_push_number(d->L, value);
  }
  return true;
}

static bool read_boolean(decoder *d, bool value) {
  lua_pushboolean(d->L, value);
  return gitdev_json_pass_word(&d->in, value ? "true" : "false");
}

static bool read_null(decoder *d) {
  lua_pushlightuserdata(d->L, NULL);
  return gitdev_json_pass_word(&d->in, "null");
}

/* ---- arrays and objects ---- */

static bool read_value(decoder *d);

/* At an opening bracket. */
static bool enter(decoder *d) {
  if (d->depth == GITDEV_JSON_DEPTH_MAX)
    return gitdev_json_fail(&d->in, "arrays and objects nested too deep");
  luaL_checkstack(d->L, LUA_MINSTACK, "JSON is nested too deeply");
  d->depth++;
  d->in.at++;
  return true;
}

static bool leave(decoder *d, char bracket) {
  d->depth--;
  return take(d, bracket) ||
         gitdev_json_fail(&d->in, bracket == '}' ? "something else where a comma or } is due"
                                                 : "something else where a comma or ] is due");
}

static bool read_array(decoder *d) {
  if (!enter(d))
    return false;
  if (take(d, ']')) {
    lua_newtable(d->L);
    if (d->mark != 0) {
      lua_pushvalue(d->L, d->mark);
      lua_setmetatable(d->L, -2);
    }
    d->depth--;
    return true;
  }
  lua_createtable(d->L, USUAL_ELEMENTS, 0);
  int count = 0;
  do {
    if (!read_value(d))
      return false;
    lua_rawseti(d->L, -2, ++count);
  } while (take(d, ','));
  return leave(d, ']');
}

static bool pass_name(decoder *d, slice *name) {
  d->in.at = skip_blanks(d->in.at, d->in.end);
  if (!gitdev_json_next_is(&d->in, '"'))
    return gitdev_json_fail(&d->in, "something else where a key is due");
  if (!pass_string(d, name))
    return false;
  if (!take(d, ':'))
    return gitdev_json_fail(&d->in, "something else where a colon is due");
  d->in.at = skip_blanks(d->in.at, d->in.end);
  return true;
}

/* Whether no name of the outermost object has come twice yet, as far as that is seen at a glance. */
static bool is_new(decoder *d, const slice *name) {
  outer_names *outer = d->outer;
  size_t len = (size_t)(name->end - name->text);
  for (size_t i = 0; i < outer->count; i++)
    if (outer->names[i].end - outer->names[i].text == name->end - name->text &&
        memcmp(outer->names[i].text, name->text, len) == 0)
      return gitdev_json_fail(&d->in, "a key that comes twice");
  if (name->escaped || outer->count == OUTER_NAMES_MAX)
    outer->is_unclear = true;
  else
    outer->names[outer->count++] = *name;
  return true;
}

/* One member into the table on the top of the stack. */
static bool read_member(decoder *d, int *count) {
  slice name;
  if (!pass_name(d, &name) || (d->outer && d->depth == 1 && !is_new(d, &name)))
    return false;
  if (!d->nulls && gitdev_json_next_is(&d->in, 'n'))
    return gitdev_json_pass_word(&d->in, "null");
  push_string(d->L, &name);
  if (!read_value(d))
    return false;
  lua_rawset(d->L, -3);
  ++*count;
  return true;
}

static bool read_object(decoder *d) {
  if (!enter(d))
    return false;
  if (take(d, '}')) {
    lua_newtable(d->L);
    d->depth--;
    return true;
  }
  unsigned char *members = &d->members[d->depth];
  lua_createtable(d->L, 0, *members);
  int count = 0;
  do {
    if (!read_member(d, &count))
      return false;
  } while (take(d, ','));
  *members = (unsigned char)(count < UCHAR_MAX ? count : UCHAR_MAX);
  return leave(d, '}');
}

/* Pushes the value at the cursor. When it is none, what was made of it stays on the stack. */
static bool read_value(decoder *d) {
  d->in.at = skip_blanks(d->in.at, d->in.end);
  if (d->in.at == d->in.end)
    return gitdev_json_fail(&d->in, "the text ends where a value is due");
  switch (*d->in.at) {
  case '{': return read_object(d);
  case '[': return read_array(d);
  case '"': return read_string(d);
  case 't': return read_boolean(d, true);
  case 'f': return read_boolean(d, false);
  case 'n': return read_null(d);
  default:
    if (*d->in.at == '-' || is_digit(*d->in.at))
      return read_number(d);
    return gitdev_json_fail(&d->in, "something that begins no value");
  }
}

static bool read_text(decoder *d) {
  if (!read_value(d))
    return false;
  d->in.at = skip_blanks(d->in.at, d->in.end);
  return d->in.at == d->in.end || gitdev_json_fail(&d->in, "something after the end of the value");
}

static void begin(decoder *d) {
  d->backslash = next_byte(&d->in, '\\');
  d->members[1] = USUAL_MEMBERS;
}

const char *gitdev_lua_decode(lua_State *L, const char *text, size_t len) {
  outer_names outer;
  gitdev_json whole;
  gitdev_json_error error;
  decoder d = {.L = L, .in = {text, text + len, NULL}, .outer = &outer};
  outer.count = 0;
  outer.is_unclear = false;
  begin(&d);
  if (!read_text(&d))
    return d.in.problem;
  bool is_good =
      !outer.is_unclear || gitdev_json_check(&whole, text, len, GITDEV_JSON_DEPTH_MAX, &error);
  return is_good ? NULL : error.problem;
}

/* core.decode(text [, nulls [, mark]]) -> value, whether it is an object | nil, problem, offset.
 * Whole numbers become integers where Lua has them. Null is core.null; members that are null are
 * left out unless `nulls` is true. Empty arrays get the metatable `mark`, if there is one, as
 * nothing else tells them from empty objects. Of a name that comes twice, the last value counts. */
static int core_decode(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  decoder d = {.L = L, .in = {text, text + len, NULL}, .nulls = lua_toboolean(L, 2)};
  lua_settop(L, 3);
  d.mark = lua_istable(L, 3) ? 3 : 0;
  begin(&d);
  if (read_text(&d)) {
    lua_pushboolean(L, *skip_blanks(text, d.in.end) == '{');
    return 2;
  }
  gitdev_lua_fail(L, d.in.problem);
  lua_pushinteger(L, d.in.at - text);
  return 3;
}

static const luaL_Reg functions[] = {{"decode", core_decode}, {NULL, NULL}};

void gitdev_lua_open_decode(lua_State *L) {
  gitdev_lua_register(L, functions);
}
