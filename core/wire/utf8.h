/* UTF-8 (RFC 3629): what is valid and what is not. */
#ifndef GITDEV_WIRE_UTF8_H
#define GITDEV_WIRE_UTF8_H

#include <stddef.h>

/* The length of the multi-byte character that `text` begins with, of `len` > 0 bytes; 0 when it is
 * invalid, or ASCII. */
size_t gitdev_utf8_character(const char *text, size_t len);

/* The length of the longest valid start of a text: `len` when all of it is. Overlong forms,
 * surrogates and code points above U+10FFFF are invalid; NUL is a character like any other. */
size_t gitdev_utf8_span(const char *text, size_t len);

#endif
