/* What the checker and the readers of JSON share. Not for others: json.h is the interface. */
#ifndef GITDEV_WIRE_JSON_TEXT_H
#define GITDEV_WIRE_JSON_TEXT_H

#include "wire/json.h"

#include <string.h>

static inline bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline const char *skip_blanks(const char *at, const char *end) {
  while (at < end && is_blank(*at))
    at++;
  return at;
}

/* Whether one of 8 bytes is a control, non-ASCII, a quote or a backslash. Each term sets the high
 * bit of a byte that is (below a blank; equal to the character). */
static inline bool is_special_in(uint64_t word) {
  const uint64_t ones = 0x0101010101010101U;
  const uint64_t highs = ones * 0x80;
  uint64_t quotes = word ^ (ones * '"');
  uint64_t slashes = word ^ (ones * '\\');
  uint64_t below = (word - ones * ' ') & ~word;
  uint64_t equal = ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes);
  return ((word | below | equal) & highs) != 0;
}

static inline bool is_plain(char c) {
  return c >= ' ' && c != '"' && c != '\\' && (unsigned char)c < 0x80;
}

/* Past the ASCII that stands for itself in a string. This is where the time goes, hence 8 bytes at
 * once. */
static inline const char *skip_plain(const char *at, const char *end) {
  while (end - at >= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    if (is_special_in(word))
      break;
    at += 8;
  }
  while (at < end && is_plain(*at))
    at++;
  return at;
}

/* The UTF-16 unit that the XXXX of an escape stands for, or -1. */
int gitdev_json_hex4(const char *at, const char *end);

static inline bool is_high_surrogate(int unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

static inline bool is_low_surrogate(int unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Decodes the escape at `*at`, of a checked text, and moves past it. Returns how many bytes were
 * written. */
size_t gitdev_json_decode_escape(const char **at, const char *end, char out[4]);

/* The value that a checked text holds in these bytes. */
gitdev_json gitdev_json_at(const char *text, size_t len);

#endif
