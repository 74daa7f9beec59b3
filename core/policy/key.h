/* Keys of the platform (contract 1.2, 1.3): parsed once, shown only redacted, wiped when done. */
#ifndef GITDEV_POLICY_KEY_H
#define GITDEV_POLICY_KEY_H

#include "gitdev.h"

enum {
  GITDEV_KEY_MAX = 512,         /* the longest key accepted, in bytes */
  GITDEV_KEY_REDACTED_MAX = 24, /* room for what gitdev_key_redact writes, its NUL included */
};

/* Why a key was refused. gitdev_key_problem() has the words. */
typedef enum gitdev_key_status {
  GITDEV_KEY_OK = 0,
  GITDEV_KEY_EMPTY,  /* no text at all */
  GITDEV_KEY_PREFIX, /* begins with neither gsk_ nor gpk_: a quote from a file, a word before it */
  GITDEV_KEY_CHARS,  /* holds a byte outside visible ASCII: a newline, a blank */
  GITDEV_KEY_TOO_LONG, /* over GITDEV_KEY_MAX */
} gitdev_key_status;

typedef struct gitdev_key {
  char text[GITDEV_KEY_MAX + 1]; /* the secret, NUL-terminated */
  size_t len;
  bool is_public; /* gpk_ */
  bool is_test;   /* g?k_test_ */
} gitdev_key;

/* Parses `len` bytes at `text` into `key`. On failure `key` is wiped. The secret lives in `key`
 * alone: gitdev_key_wipe() it when done. */
gitdev_key_status gitdev_key_parse(gitdev_key *key, const char *text, size_t len);

/* What is wrong with a key, and what to do: a static sentence that never holds the key itself. */
const char *gitdev_key_problem(gitdev_key_status status);

/* Writes the key's public face, its prefix and its last four characters ("gsk_test_***abcd"), to
 * `out`. A key that would have fewer than 12 characters hidden shows its prefix and *** only. */
void gitdev_key_redact(const gitdev_key *key, char out[GITDEV_KEY_REDACTED_MAX]);

/* Overwrites the key so that the compiler cannot drop the store. May be repeated. */
void gitdev_key_wipe(gitdev_key *key);

#endif
