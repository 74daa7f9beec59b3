/* A small strict JSON scanner (RFC 8259) that builds nothing: it validates a text and finds values
 * in it. It gives C the few fields it judges by, and Lua what its tables cannot tell (whether an
 * empty one was [] or {}). */
#ifndef GITDEV_WIRE_JSON_H
#define GITDEV_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GITDEV_JSON_DEPTH_MAX = 64 };

typedef enum gitdev_json_kind {
  GITDEV_JSON_NULL,
  GITDEV_JSON_FALSE,
  GITDEV_JSON_TRUE,
  GITDEV_JSON_NUMBER,
  GITDEV_JSON_STRING,
  GITDEV_JSON_ARRAY,
  GITDEV_JSON_OBJECT,
} gitdev_json_kind;

/* A value inside a text that gitdev_json_check() accepted; borrows that text. */
typedef struct gitdev_json {
  gitdev_json_kind kind;
  const char *text; /* the raw slice: quotes, brackets and all */
  size_t len;
} gitdev_json;

typedef struct gitdev_json_error {
  size_t offset;       /* where the text goes wrong, in bytes */
  const char *problem; /* static */
} gitdev_json_error;

/* Validates a whole text: one value, UTF-8 without BOM or overlong forms, no lone surrogate (raw or
 * escaped), no control byte in a string, RFC 8259 numbers, no trailing text, no key twice in one
 * object (compared decoded), at most `depth` levels of arrays and objects (≤ GITDEV_JSON_DEPTH_MAX;
 * 0 allows a scalar only), less than 2 GiB. On success `*out` is the value; else `*error` is filled
 * (`error` may be NULL). Every other function here wants such a value.
 *
 * Keys are compared in pairs while there are few, else sorted: n log n whatever the keys are.
 * Memory is taken only for objects with more than 64 keys (16 bytes a key) and for keys with
 * escapes (as much as the text once); when there is none the text counts as invalid, with "memory
 * is out". */
bool gitdev_json_check(gitdev_json *out, const char *text, size_t len, int depth,
                       gitdev_json_error *error);

/* A walk over the members of an object or the elements of an array, in the order of the text. */
typedef struct gitdev_json_walk {
  const char *at, *end;
  bool is_object;
} gitdev_json_walk;

/* Any other kind of value has nothing to walk over. */
void gitdev_json_walk_begin(gitdev_json_walk *walk, const gitdev_json *container);
/* The next member (`name` is a string, quotes and escapes included) or element (`name` is left
 * alone and may be NULL). False at the end. */
bool gitdev_json_walk_next(gitdev_json_walk *walk, gitdev_json *name, gitdev_json *value);

/* The member of an object by its (decoded) name. False when there is none or the value is no
 * object. */
bool gitdev_json_member(const gitdev_json *object, const char *name, size_t name_len,
                        gitdev_json *out);
/* The element of an array by its index from 0. False past its end or when the value is no array.
 * Each call walks from the start. */
bool gitdev_json_element(const gitdev_json *array, size_t index, gitdev_json *out);
/* Decodes a string into `out` (at most `cap` bytes, a NUL included and always written unless `cap`
 * is 0), cut at a character's start. Returns the decoded length (which may be more than was
 * written, and may count NULs of the string itself), or -1 when the value is no string. */
ptrdiff_t gitdev_json_string(const gitdev_json *value, char *out, size_t cap);
/* A number as the nearest double, whatever the locale. False when the value is no number, or too
 * large for one. */
bool gitdev_json_number(const gitdev_json *value, double *out);

#endif
