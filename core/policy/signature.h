/* What webhook signatures look like in headers, by scheme (contract 4.4 and 8): taking them apart,
 * and the key that a secret is. Whether one is right is policy/sign.h's to say. */
#ifndef GITDEV_POLICY_SIGNATURE_H
#define GITDEV_POLICY_SIGNATURE_H

#include "gitdev.h"

enum {
  GITDEV_MAC_SIZE = 32,
  GITDEV_SIGNATURE_HEADER_MAX = 1024, /* a longer header is malformed */
  GITDEV_SIGNATURE_MACS_MAX = 21,     /* as many v1 entries as fit into such a header */
  GITDEV_SIGNATURE_ID_MAX = 256,      /* bytes of a webhook-id */
  GITDEV_SIGNATURE_PREFIX_SIZE = GITDEV_SIGNATURE_ID_MAX + 15, /* "id.", 12 digits, ".", NUL */
  GITDEV_KEY_SIZE_MIN = 24,                                    /* of Standard Webhooks */
  GITDEV_KEY_SIZE_MAX = 64,
};

/* Headers taken apart. */
typedef struct gitdev_signature {
  bool is_timed;
  int64_t timestamp;                         /* when is_timed */
  char prefix[GITDEV_SIGNATURE_PREFIX_SIZE]; /* what was signed before the body, as it was sent */
  size_t prefix_len;
  size_t mac_count;
  unsigned char macs[GITDEV_SIGNATURE_MACS_MAX][GITDEV_MAC_SIZE];
} gitdev_signature;

/* Parses the headers by rule 3 of 4.4, or its like: blanks are trimmed around an entry, not inside
 * it; entries of other versions are passed over; one that is none, or a v1 of another length, makes
 * the whole header malformed, and so do a second `t`, and no v1. A webhook-id is of visible ASCII
 * without a full stop, which would let one signature stand for two messages. False when they are
 * malformed, with nothing promised about `out`. */
bool gitdev_signature_parse(gitdev_signature *out, const gitdev_signature_headers *headers);

/* Writes what a scheme signs before the body into `out`, which has room for it. The timestamp is 0
 * to 12 digits, the id as above; what a scheme does not sign is not looked at. Returns its length,
 * or -1 when that cannot be signed. */
int gitdev_signature_prefix(gitdev_scheme scheme, gitdev_slice id, int64_t timestamp,
                            char out[GITDEV_SIGNATURE_PREFIX_SIZE]);

/* The HMAC key that a secret is: itself, or what it decodes to in `room`, which the caller wipes.
 * Of Standard Webhooks, `whsec_` may be missing, and the padding; the key has 24 to 64 bytes. Its
 * text is NULL when the secret is empty, or no such key. */
gitdev_secret gitdev_signature_key(gitdev_scheme scheme, gitdev_secret secret,
                                   unsigned char room[GITDEV_KEY_SIZE_MAX]);

#endif
