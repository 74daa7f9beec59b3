#include "wire/utf8.h"
#include <stdint.h>
#include <string.h>

/* Bytes of ASCII at the start, eight at a time. */
static size_t ascii_span(const unsigned char *text, size_t len) {
  size_t at = 0;
  for (; at + 8 <= len; at += 8) {
    uint64_t word;
    memcpy(&word, text + at, sizeof word);
    if (word & UINT64_C(0x8080808080808080))
      break;
  }
  while (at < len && text[at] < 0x80)
    at++;
  return at;
}

/* The length of the multi-byte character at `text`, 0 when it is invalid. The second byte's range
 * is what shuts out overlong forms, surrogates and what lies beyond U+10FFFF (RFC 3629 4). */
static size_t character(const unsigned char *text, size_t len) {
  unsigned char first = text[0], low = 0x80, high = 0xbf;
  size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (size == 0 || size > len || text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  return size;
}

size_t gitdev_utf8_span(const char *text, size_t len) {
  const unsigned char *bytes = (const unsigned char *)text;
  for (size_t at = 0;;) {
    at += ascii_span(bytes + at, len - at);
    size_t size = at < len ? character(bytes + at, len - at) : 0;
    if (size == 0)
      return at;
    at += size;
  }
}
