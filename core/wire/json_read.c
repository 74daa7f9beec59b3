/* Reading values out of a text that gitdev_json_check() has accepted: nothing here checks again. */
#include "wire/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int gitdev_json_hex4(const char *at, const char *end) {
  int value = 0;
  if (end - at < 4)
    return -1;
  for (int i = 0; i < 4; i++) {
    char lower = (char)(at[i] | 0x20);
    if (is_digit(at[i]))
      value = value * 16 + (at[i] - '0');
    else if (lower >= 'a' && lower <= 'f')
      value = value * 16 + (lower - 'a' + 10);
    else
      return -1;
  }
  return value;
}

/* Appends a code point as UTF-8; returns its length. */
static size_t encode_utf8(int point, char out[4]) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const int leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len - 1; i > 0; i--, point >>= 6)
    out[i] = (char)(0x80 | (point & 0x3F));
  out[0] = (char)(leads[len] | point);
  return len;
}

size_t gitdev_json_decode_escape(const char **at, const char *end, char out[4]) {
  static const char letters[] = "bfnrt";
  static const char meanings[] = "\b\f\n\r\t";
  char c = (*at)[1];
  if (c != 'u') {
    const char *letter = strchr(letters, c);
    out[0] = letter != NULL ? meanings[letter - letters] : c;
    *at += 2;
    return 1;
  }
  int point = gitdev_json_hex4(*at + 2, end);
  *at += 6;
  if (is_high_surrogate(point)) {
    point = 0x10000 + ((point - 0xD800) << 10) + (gitdev_json_hex4(*at + 2, end) - 0xDC00);
    *at += 6;
  }
  return encode_utf8(point, out);
}

gitdev_json gitdev_json_at(const char *text, size_t len) {
  gitdev_json_kind kind = GITDEV_JSON_NUMBER;
  switch (*text) {
  case 'n': kind = GITDEV_JSON_NULL; break;
  case 'f': kind = GITDEV_JSON_FALSE; break;
  case 't': kind = GITDEV_JSON_TRUE; break;
  case '"': kind = GITDEV_JSON_STRING; break;
  case '[': kind = GITDEV_JSON_ARRAY; break;
  case '{': kind = GITDEV_JSON_OBJECT; break;
  default: break;
  }
  return (gitdev_json){kind, text, len};
}

static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end; at++) {
    at = skip_plain(at, end);
    if (at == end || *at == '"')
      break;
    at += *at == '\\';
  }
  return at < end ? at + 1 : end;
}

static const char *skip_container(const char *at, const char *end) {
  int depth = 0;
  while (at < end) {
    if (*at == '"') {
      at = skip_string(at, end);
      continue;
    }
    depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    at++;
    if (depth == 0)
      break;
  }
  return at;
}

static const char *skip_value(const char *at, const char *end) {
  if (*at == '"')
    return skip_string(at, end);
  if (*at == '{' || *at == '[')
    return skip_container(at, end);
  while (at < end && *at != ',' && *at != ']' && *at != '}' && !is_blank(*at))
    at++;
  return at;
}

void gitdev_json_walk_begin(gitdev_json_walk *walk, const gitdev_json *container) {
  bool is_object = container->kind == GITDEV_JSON_OBJECT;
  bool is_container = is_object || container->kind == GITDEV_JSON_ARRAY;
  const char *end = container->text + container->len;
  *walk = (gitdev_json_walk){
      .at = is_container ? container->text + 1 : end,
      .end = is_container ? end - 1 : end, /* without the bracket */
      .is_object = is_object,
  };
}

/* Takes the next value and what separates it from the one after. */
static gitdev_json take_value(gitdev_json_walk *walk) {
  const char *start = skip_blanks(walk->at, walk->end);
  const char *end = skip_value(start, walk->end);
  walk->at = skip_blanks(end, walk->end);
  walk->at += walk->at < walk->end; /* a comma or a colon */
  return gitdev_json_at(start, (size_t)(end - start));
}

bool gitdev_json_walk_next(gitdev_json_walk *walk, gitdev_json *name, gitdev_json *value) {
  if (skip_blanks(walk->at, walk->end) == walk->end)
    return false;
  if (walk->is_object)
    *name = take_value(walk);
  *value = take_value(walk);
  return true;
}

static bool is_named(const gitdev_json *string, const char *name, size_t name_len) {
  const char *at = string->text + 1;
  const char *end = string->text + string->len - 1;
  size_t matched = 0;
  while (at < end) {
    char character[4] = {*at};
    size_t size = 1;
    if (*at == '\\')
      size = gitdev_json_decode_escape(&at, end, character);
    else
      at++;
    if (name_len - matched < size || memcmp(name + matched, character, size) != 0)
      return false;
    matched += size;
  }
  return matched == name_len;
}

bool gitdev_json_member(const gitdev_json *object, const char *name, size_t name_len,
                        gitdev_json *out) {
  gitdev_json_walk walk;
  gitdev_json key;
  gitdev_json value;
  if (object->kind != GITDEV_JSON_OBJECT)
    return false;
  gitdev_json_walk_begin(&walk, object);
  while (gitdev_json_walk_next(&walk, &key, &value)) {
    if (is_named(&key, name, name_len)) {
      *out = value;
      return true;
    }
  }
  return false;
}

bool gitdev_json_element(const gitdev_json *array, size_t index, gitdev_json *out) {
  gitdev_json_walk walk;
  gitdev_json value;
  if (array->kind != GITDEV_JSON_ARRAY)
    return false;
  gitdev_json_walk_begin(&walk, array);
  for (size_t i = 0; gitdev_json_walk_next(&walk, NULL, &value); i++) {
    if (i == index) {
      *out = value;
      return true;
    }
  }
  return false;
}

/* What gitdev_json_string() fills. */
typedef struct sink {
  char *out;
  size_t room; /* bytes that may still be written */
  size_t len;  /* of the whole decoded string so far */
} sink;

/* Adds whole characters. What does not fit is counted only, and so is all that follows it. */
static void put(sink *to, const char *bytes, size_t len) {
  size_t fit = len;
  if (len > to->room) {
    fit = to->room;
    while (fit > 0 && ((unsigned char)bytes[fit] & 0xC0) == 0x80)
      fit--;
  }
  memcpy(to->out, bytes, fit);
  to->out += fit;
  to->room = fit < len ? 0 : to->room - fit;
  to->len += len;
}

ptrdiff_t gitdev_json_string(const gitdev_json *value, char *out, size_t cap) {
  char nothing;
  if (value->kind != GITDEV_JSON_STRING)
    return -1;
  sink to = {cap > 0 ? out : &nothing, cap > 0 ? cap - 1 : 0, 0};
  const char *at = value->text + 1;
  const char *end = value->text + value->len - 1;
  while (at < end) {
    if (*at == '\\') {
      char character[4];
      size_t size = gitdev_json_decode_escape(&at, end, character);
      put(&to, character, size);
    } else {
      const char *escape = memchr(at, '\\', (size_t)(end - at));
      const char *stop = escape != NULL ? escape : end;
      put(&to, at, (size_t)(stop - at));
      at = stop;
    }
  }
  *to.out = '\0';
  return (ptrdiff_t)to.len;
}

enum {
  DIGITS_KEPT = 800, /* no double needs more than 767 to be rounded right, and one that says whether
                        more followed */
  EXPONENT_FAR = 1000000, /* beyond any double, whatever digits stand before it */
};

/* A number as digits without a leading zero, times a power of ten. */
typedef struct decimal {
  char digits[DIGITS_KEPT + 1];
  size_t count;
  int64_t exponent;
  bool rest; /* a digit that is not 0 was left out */
} decimal;

static void add_digit(decimal *number, char digit, bool is_fraction) {
  number->exponent -= is_fraction;
  if (number->count == 0 && digit == '0')
    return;
  if (number->count < DIGITS_KEPT) {
    number->digits[number->count++] = digit;
    return;
  }
  number->exponent++;
  number->rest = number->rest || digit != '0';
}

static int64_t read_exponent(const char *at, const char *end) {
  int64_t exponent = 0;
  bool is_negative = *at == '-';
  for (at += is_negative || *at == '+'; at < end; at++) {
    exponent =
        exponent < EXPONENT_FAR * (int64_t)INT32_MAX ? exponent * 10 + (*at - '0') : exponent;
  }
  return is_negative ? -exponent : exponent;
}

static void read_decimal(decimal *number, const char *at, const char *end) {
  bool is_fraction = false;
  number->count = 0;
  number->exponent = 0;
  number->rest = false;
  for (; at < end && *at != 'e' && *at != 'E'; at++)
    if (*at == '.')
      is_fraction = true;
    else
      add_digit(number, *at, is_fraction);
  number->exponent += at < end ? read_exponent(at + 1, end) : 0;
}

/* strtod() reads the decimal point of the program's locale. So it is given none: digits and an
 * exponent. */
static double to_double(const decimal *number) {
  char text[DIGITS_KEPT + 32];
  int64_t far = number->exponent < 0 ? -EXPONENT_FAR : EXPONENT_FAR;
  int64_t exponent = llabs(number->exponent) < EXPONENT_FAR ? number->exponent : far;
  memcpy(text, number->digits, number->count);
  (void)snprintf(text + number->count, sizeof text - number->count, "%se%lld",
                 number->rest ? "1" : "", (long long)exponent - number->rest);
  return strtod(text, NULL);
}

bool gitdev_json_number(const gitdev_json *value, double *out) {
  decimal number;
  if (value->kind != GITDEV_JSON_NUMBER)
    return false;
  bool is_negative = value->text[0] == '-';
  read_decimal(&number, value->text + is_negative, value->text + value->len);
  double magnitude = number.count > 0 ? to_double(&number) : 0;
  if (!isfinite(magnitude))
    return false;
  *out = is_negative ? -magnitude : magnitude;
  return true;
}
