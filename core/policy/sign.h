/* Webhook signatures (contract 4.4 and 8): signing and verifying, in every scheme that
 * policy/signature.h tells of. */
#ifndef GITDEV_POLICY_SIGN_H
#define GITDEV_POLICY_SIGN_H

#include "policy/signature.h"

enum {
  GITDEV_SIGNATURE_SIZE = 84, /* room for what gitdev_sign writes, its NUL included */
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

/* What is to be verified. Everything is borrowed for the call. */
typedef struct gitdev_signature_check {
  const char *body;
  size_t body_len;
  gitdev_signature_headers headers;
  /* All are tried, with no early exit; an empty one, or one that is no key of the scheme, refuses
   * the lot. */
  const gitdev_secret *secrets;
  size_t secret_count;
  int64_t now;       /* Unix seconds */
  int64_t tolerance; /* seconds, both ways; 0 means zero */
  bool any_time;     /* do not check the time at all; a scheme that signs none has none to check */
} gitdev_signature_check;

/* Verifies by rules 1 to 5 of 4.4, in their order; comparisons are constant in time. Rule 6, the
 * payload, is the caller's. */
gitdev_signature_status gitdev_verify(gitdev_signer *signer, const gitdev_signature_check *check);

typedef struct gitdev_signable {
  gitdev_scheme scheme;
  gitdev_slice id;   /* the webhook-id, of Standard Webhooks alone */
  int64_t timestamp; /* Unix seconds, 0 to 12 digits, which all but GITDEV_SCHEME_BODY sign */
  const char *body;
  size_t body_len;
} gitdev_signable;

/* Writes the value of the header that holds the signature into `out`: "t=…,v1=…", "v1,…", or
 * "sha256=…". False when the secret is empty or no key of the scheme, the timestamp or the id is
 * one that no verifier takes, or OpenSSL failed. */
bool gitdev_sign(gitdev_signer *signer, gitdev_secret secret, const gitdev_signable *what,
                 char out[GITDEV_SIGNATURE_SIZE]);

/* The bare HMAC-SHA256 of `bytes`. `key.text` is any bytes. False when the key is empty or OpenSSL
 * failed. */
bool gitdev_mac(gitdev_signer *signer, gitdev_secret key, const char *bytes, size_t len,
                unsigned char mac[GITDEV_MAC_SIZE]);

#endif
