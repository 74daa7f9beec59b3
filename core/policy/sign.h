/* Webhook signatures (contract 4.4): `t=<unix seconds>,v1=<64 hex>[,v1=…]` over "t.body",
 * HMAC-SHA256. */
#ifndef GITDEV_POLICY_SIGN_H
#define GITDEV_POLICY_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  GITDEV_MAC_SIZE = 32,
  GITDEV_SIGNATURE_HEADER_MAX = 1024, /* a longer header is malformed */
  GITDEV_SIGNATURE_MACS_MAX = 15,     /* as many v1 entries as fit into such a header */
  GITDEV_SIGNATURE_SIZE = 84,         /* room for what gitdev_sign writes, its NUL included */
};

/* A MAC context that is made once and used many times: making one costs more than using it. It
 * remembers the key of its last use, since the next use is mostly with the same, until it is freed.
 * Not for two threads at once. */
typedef struct gitdev_signer gitdev_signer;

/* Makes a signer; the caller owns it. Returns NULL when OpenSSL has no HMAC or memory is out. */
gitdev_signer *gitdev_signer_new(void);
void gitdev_signer_free(gitdev_signer *signer);

/* Why a signature was refused. The names of gitdev_signature_reason() are the contract's. */
typedef enum gitdev_signature_status {
  GITDEV_SIGNATURE_OK = 0,
  GITDEV_SIGNATURE_NO_SECRET,
  GITDEV_SIGNATURE_MALFORMED,
  GITDEV_SIGNATURE_NO_MATCH,
  GITDEV_SIGNATURE_TIMESTAMP,
  GITDEV_SIGNATURE_INTERNAL, /* OpenSSL failed; nothing was decided */
} gitdev_signature_status;

/* The contract's reason code: "no_secret", "malformed_header", "no_match",
 * "timestamp_outside_tolerance"; "internal" for the last. Static. */
const char *gitdev_signature_reason(gitdev_signature_status status);

/* A header taken apart: its one t and all its v1. */
typedef struct gitdev_signature {
  int64_t timestamp;
  char timestamp_text[13]; /* as it was sent: the digits that were signed */
  size_t mac_count;
  unsigned char macs[GITDEV_SIGNATURE_MACS_MAX][GITDEV_MAC_SIZE];
} gitdev_signature;

/* Parses a header by rule 3 of 4.4: blanks are trimmed around an entry, not around its `=`; an
 * entry without `=`, an empty one, or a v1 of another length makes the whole header malformed.
 * False when it is, with nothing promised about `out`. */
bool gitdev_signature_parse(gitdev_signature *out, const char *header, size_t len);

typedef struct gitdev_secret {
  const char *text; /* whsec_ included: the whole string is the HMAC key */
  size_t len;
} gitdev_secret;

/* What is to be verified. Everything is borrowed for the call. */
typedef struct gitdev_signature_check {
  const char *body;
  size_t body_len;
  const char *header;
  size_t header_len;
  /* All are tried, with no early exit; an empty one refuses the lot. */
  const gitdev_secret *secrets;
  size_t secret_count;
  int64_t now;       /* Unix seconds */
  int64_t tolerance; /* seconds, both ways; 0 means zero */
  bool any_time;     /* do not check the time at all */
} gitdev_signature_check;

/* Verifies by rules 1 to 5 of 4.4, in their order; comparisons are constant in time. Rule 6, the
 * payload, is the caller's. */
gitdev_signature_status gitdev_verify(gitdev_signer *signer, const gitdev_signature_check *check);

/* Writes the header value for a body signed at `timestamp` (Unix seconds, 0 to 12 digits) into
 * `out`. False when the secret is empty, the timestamp is one that no verifier takes, or OpenSSL
 * failed. */
bool gitdev_sign(gitdev_signer *signer, gitdev_secret secret, int64_t timestamp, const char *body,
                 size_t body_len, char out[GITDEV_SIGNATURE_SIZE]);

/* The bare HMAC-SHA256 of `bytes`, for the other two schemes of contract 8 (a body-only signature,
 * Standard Webhooks). `key.text` is any bytes. False when the key is empty or OpenSSL failed. */
bool gitdev_mac(gitdev_signer *signer, gitdev_secret key, const char *bytes, size_t len,
                unsigned char mac[GITDEV_MAC_SIZE]);

#endif
