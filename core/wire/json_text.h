/* What the checker, the readers and the decoder of JSON share: tokens. json.h is the interface for
 * all others. */
#ifndef GITDEV_WIRE_JSON_TEXT_H
#define GITDEV_WIRE_JSON_TEXT_H

#include "wire/json.h"

#include <string.h>

static inline bool is_blank(char c) {
  return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline const char *skip_blanks(const char *at, const char *end) {
  while (at < end && is_blank(*at))
    at++;
  return at;
}

#define JSON_ONES  UINT64_C(0x0101010101010101)
#define JSON_HIGHS UINT64_C(0x8080808080808080)

/* At most 8 bytes, the first of them lowest, with quotes in place of those that are missing. */
static inline uint64_t load_word(const char *at, size_t len) {
  uint64_t word = JSON_ONES * '"';
  memcpy(&word, at, len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

/* Each of these sets the high bit of the first byte of its kind; of those after it, maybe some. */

/* A quote or a backslash. */
static inline uint64_t quote_bits(uint64_t word) {
  uint64_t quotes = word ^ (JSON_ONES * '"');
  uint64_t slashes = word ^ (JSON_ONES * '\\');
  return (((quotes - JSON_ONES) & ~quotes) | ((slashes - JSON_ONES) & ~slashes)) & JSON_HIGHS;
}

/* What a string cannot hold as it is: those and controls. */
static inline uint64_t escaped_bits(uint64_t word) {
  return quote_bits(word) | ((word - JSON_ONES * ' ') & ~word & JSON_HIGHS);
}

/* All but ASCII that stands for itself. */
static inline uint64_t special_bits(uint64_t word) {
  return escaped_bits(word) | (word & JSON_HIGHS);
}

/* This is where the time goes, hence 8 bytes at once. */
static inline const char *skip_to(const char *at, const char *end, uint64_t (*find)(uint64_t)) {
  uint64_t found = 0;
  for (; end - at >= 8; at += 8) {
    found = find(load_word(at, 8));
    if (found)
      break;
  }
  if (!found)
    found = find(load_word(at, (size_t)(end - at)));
  return at + __builtin_ctzll(found) / 8;
}

/* Past the ASCII that stands for itself in a string. */
static inline const char *skip_plain(const char *at, const char *end) {
  return skip_to(at, end, special_bits);
}

/* A place in a text that is read for the first time. */
typedef struct gitdev_json_cursor {
  const char *at, *end;
  const char *problem; /* static; set by what answers false, which leaves `at` where it is wrong */
} gitdev_json_cursor;

static inline bool gitdev_json_fail(gitdev_json_cursor *in, const char *problem) {
  in->problem = problem;
  return false;
}

static inline bool gitdev_json_next_is(const gitdev_json_cursor *in, char expected) {
  return in->at < in->end && *in->at == expected;
}

/* Each of these moves past one token that begins at the cursor, or fails. */
static inline bool gitdev_json_pass_word(gitdev_json_cursor *in, const char *word) {
  size_t len = strlen(word);
  if ((size_t)(in->end - in->at) < len || memcmp(in->at, word, len) != 0)
    return gitdev_json_fail(in, "a word that is not true, false or null");
  in->at += len;
  return true;
}

/* An escape of a string, at its backslash; a pair of surrogates is one. */
bool gitdev_json_pass_escape(gitdev_json_cursor *in);
bool gitdev_json_pass_number(gitdev_json_cursor *in);

/* The UTF-16 unit that the XXXX of an escape stands for, or -1. */
int gitdev_json_hex4(const char *at, const char *end);

static inline bool is_high_surrogate(int unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

static inline bool is_low_surrogate(int unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Writes the escape of a byte that cannot stand for itself: a quote, a backslash or a control.
 * Returns its length. */
enum { GITDEV_JSON_ESCAPE_MAX = 6 };
size_t gitdev_json_escape(unsigned char byte, char out[GITDEV_JSON_ESCAPE_MAX]);

/* Decodes the escape at `*at`, of a checked text, and moves past it. Returns how many bytes were
 * written. */
size_t gitdev_json_decode_escape(const char **at, const char *end, char out[4]);

/* The value that a checked text holds in these bytes. */
gitdev_json gitdev_json_at(const char *text, size_t len);

#endif
