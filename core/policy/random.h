/* Randomness from the kernel's CSPRNG, in the forms that the rest asks for. */
#ifndef GITDEV_POLICY_RANDOM_H
#define GITDEV_POLICY_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

enum { GITDEV_UUID_SIZE = 37 };

/* The alphabets of ids and of secrets (contract 1.2). */
#define GITDEV_ID_ALPHABET    "0123456789abcdefghijklmnopqrstuvwxyz"
#define GITDEV_TOKEN_ALPHABET "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Writes `count` characters of `alphabet` (2 to 256 of them), each equally likely, and a NUL.
 * False, here and below, when OpenSSL has no randomness. */
bool gitdev_random_text(char *out, size_t count, const char *alphabet);

/* Writes a random UUIDv4 (RFC 9562 5.4) and its NUL. */
bool gitdev_random_uuid(char out[GITDEV_UUID_SIZE]);

/* Uniform in [0, 1); 0.5 without randomness, for jitter that nothing depends on. */
double gitdev_random_unit(void);

#endif
