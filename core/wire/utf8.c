#include "wire/utf8.h"
#include <stdint.h>
#include <string.h>

/* Bytes of ASCII at the start, eight at a time. */
static size_t ascii_span(const char *text, size_t len) {
  size_t at = 0;
  for (; at + 8 <= len; at += 8) {
    uint64_t word;
    memcpy(&word, text + at, sizeof word);
    if (word & UINT64_C(0x8080808080808080))
      break;
  }
  while (at < len && (unsigned char)text[at] < 0x80)
    at++;
  return at;
}

/* The second byte's range is what shuts out overlong forms, surrogates and what lies beyond
 * U+10FFFF (RFC 3629 4). */
size_t gitdev_utf8_character(const char *text, size_t len) {
  const unsigned char *byte = (const unsigned char *)text;
  unsigned char first = byte[0], low = 0x80, high = 0xbf;
  size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (size == 0 || size > len || byte[1] < low || byte[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    if ((byte[i] & 0xc0) != 0x80)
      return 0;
  return size;
}

size_t gitdev_utf8_span(const char *text, size_t len) {
  for (size_t at = 0;;) {
    at += ascii_span(text + at, len - at);
    size_t size = at < len ? gitdev_utf8_character(text + at, len - at) : 0;
    if (size == 0)
      return at;
    at += size;
  }
}
