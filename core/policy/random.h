/* Randomness in the forms that the rest asks for: from the kernel's CSPRNG, or, for tests that are
 * to run alike, from a seed. */
#ifndef GITDEV_POLICY_RANDOM_H
#define GITDEV_POLICY_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GITDEV_UUID_SIZE = 37 };

/* The alphabets of ids and of secrets (contract 1.2). */
#define GITDEV_ID_ALPHABET    "0123456789abcdefghijklmnopqrstuvwxyz"
#define GITDEV_TOKEN_ALPHABET "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Where it comes from. With a seed it is a sequence that anyone can repeat: for tests alone. */
typedef struct gitdev_random {
  uint64_t seed; /* 0: the kernel's */
  uint64_t drawn;
} gitdev_random;

/* In all of these `random` may be NULL: the kernel's. */

/* Writes `count` characters of `alphabet` (2 to 256 of them), each equally likely, and a NUL.
 * False, here and below, when the kernel has no randomness. */
bool gitdev_random_text(gitdev_random *random, char *out, size_t count, const char *alphabet);

/* Writes a random UUIDv4 (RFC 9562 5.4) and its NUL. */
bool gitdev_random_uuid(gitdev_random *random, char out[GITDEV_UUID_SIZE]);

/* Uniform in [0, 1); 0.5 without randomness, for jitter that nothing depends on. */
double gitdev_random_unit(gitdev_random *random);

#endif
