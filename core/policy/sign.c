#include "policy/sign.h"
#include "wire/memory.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

struct gitdev_signer {
  EVP_MAC_CTX *mac;
  bool restarts; /* see can_restart() */
  size_t key_len;
  char key[128]; /* what `mac` was keyed with last, when `key_len` is not 0 */
};

static bool is_keyed(const gitdev_signer *signer, gitdev_secret key) {
  return signer->restarts && key.len == signer->key_len && key.len > 0 &&
         CRYPTO_memcmp(key.text, signer->key, key.len) == 0;
}

/* Most uses are with the key of the use before. Then it need not be set up again, which saves a
 * third of the time. */
static bool mac_begin(gitdev_signer *signer, gitdev_secret key) {
  if (key.text == NULL || key.len == 0)
    return false;
  if (is_keyed(signer, key))
    return EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1;
  signer->key_len = 0;
  if (EVP_MAC_init(signer->mac, (const unsigned char *)key.text, key.len, NULL) != 1)
    return false;
  if (key.len <= sizeof signer->key) {
    memcpy(signer->key, key.text, key.len);
    signer->key_len = key.len;
  }
  return true;
}

/* Adds the last bytes and takes the result. */
static bool mac_end(gitdev_signer *signer, const char *bytes, size_t len,
                    unsigned char mac[GITDEV_MAC_SIZE]) {
  size_t written = 0;
  return EVP_MAC_update(signer->mac, (const unsigned char *)bytes, len) == 1 &&
         EVP_MAC_final(signer->mac, mac, &written, GITDEV_MAC_SIZE) == 1 &&
         written == GITDEV_MAC_SIZE;
}

bool gitdev_mac(gitdev_signer *signer, gitdev_secret key, const char *bytes, size_t len,
                unsigned char mac[GITDEV_MAC_SIZE]) {
  return mac_begin(signer, key) && mac_end(signer, bytes, len, mac);
}

/* Whether a second use without a key starts anew. The HMAC of OpenSSL 3.0.0 to 3.0.2, which may be
 * loaded as a FIPS provider under any later libcrypto, goes on with what it had, says that all is
 * well, and is wrong. */
static bool can_restart(gitdev_signer *signer) {
  static const char text[] = "text";
  const gitdev_secret key = {"key", 3};
  unsigned char first[GITDEV_MAC_SIZE];
  unsigned char second[GITDEV_MAC_SIZE];
  return gitdev_mac(signer, key, text, sizeof text, first) &&
         EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1 &&
         mac_end(signer, text, sizeof text, second) &&
         CRYPTO_memcmp(first, second, sizeof first) == 0;
}

static EVP_MAC_CTX *make_hmac(void) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
  EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
  EVP_MAC_free(hmac); /* the context holds a reference of its own */
  /* The digest is looked up here, once: as a parameter of each EVP_MAC_init() it would cost as much
   * as the MAC. */
  if (mac != NULL && EVP_MAC_CTX_set_params(mac, params) != 1) {
    EVP_MAC_CTX_free(mac);
    return NULL;
  }
  return mac;
}

gitdev_signer *gitdev_signer_new(void) {
  gitdev_signer *signer = gitdev_calloc(1, sizeof *signer);
  if (signer == NULL)
    return NULL;
  signer->mac = make_hmac();
  if (signer->mac == NULL) {
    gitdev_free(signer);
    return NULL;
  }
  signer->restarts = can_restart(signer);
  return signer;
}

void gitdev_signer_free(gitdev_signer *signer) {
  if (signer != NULL) {
    EVP_MAC_CTX_free(signer->mac); /* wipes its own copy of the key */
    OPENSSL_cleanse(signer, sizeof *signer);
    gitdev_free(signer);
  }
}

const char *gitdev_signature_reason(gitdev_signature_status status) {
  switch (status) {
  case GITDEV_SIGNATURE_OK: return "ok";
  case GITDEV_SIGNATURE_NO_SECRET: return "no_secret";
  case GITDEV_SIGNATURE_MALFORMED: return "malformed_header";
  case GITDEV_SIGNATURE_NO_MATCH: return "no_match";
  case GITDEV_SIGNATURE_TIMESTAMP: return "timestamp_outside_tolerance";
  case GITDEV_SIGNATURE_INTERNAL: return "internal";
  }
  return "internal";
}

/* HMAC over what is signed before the body, and the body. */
static bool compute(gitdev_signer *signer, gitdev_secret key, gitdev_slice prefix, const char *body,
                    size_t body_len, unsigned char mac[GITDEV_MAC_SIZE]) {
  return mac_begin(signer, key) &&
         EVP_MAC_update(signer->mac, (const unsigned char *)prefix.text, prefix.len) == 1 &&
         mac_end(signer, body, body_len, mac);
}

/* Whether there are secrets, and all can be used. */
static bool have_keys(const gitdev_signature_check *check) {
  unsigned char room[GITDEV_KEY_SIZE_MAX];
  bool are_keys = check->secret_count > 0;
  for (size_t i = 0; i < check->secret_count; i++) {
    gitdev_secret key = gitdev_signature_key(check->headers.scheme, check->secrets[i], room);
    are_keys = are_keys && key.text != NULL;
  }
  if (check->headers.scheme == GITDEV_SCHEME_STANDARD)
    OPENSSL_cleanse(room, sizeof room);
  return are_keys;
}

/* Compares with every v1 of the header, whether or not one has matched: time tells nothing about
 * which. */
static unsigned count_matches(const gitdev_signature *signature,
                              const unsigned char mac[GITDEV_MAC_SIZE]) {
  unsigned matches = 0;
  for (size_t i = 0; i < signature->mac_count; i++)
    matches += CRYPTO_memcmp(signature->macs[i], mac, GITDEV_MAC_SIZE) == 0;
  return matches;
}

/* Tries all secrets, whether or not one has matched. False when OpenSSL failed. */
static bool match(gitdev_signer *signer, const gitdev_signature_check *check,
                  const gitdev_signature *signature, unsigned *matches) {
  unsigned char mac[GITDEV_MAC_SIZE], room[GITDEV_KEY_SIZE_MAX];
  gitdev_slice prefix = {signature->prefix, signature->prefix_len};
  bool computed = true;
  *matches = 0;
  for (size_t i = 0; i < check->secret_count && computed; i++) {
    gitdev_secret key = gitdev_signature_key(check->headers.scheme, check->secrets[i], room);
    computed = compute(signer, key, prefix, check->body, check->body_len, mac);
    *matches += computed ? count_matches(signature, mac) : 0;
  }
  OPENSSL_cleanse(mac, sizeof mac);
  if (check->headers.scheme == GITDEV_SCHEME_STANDARD)
    OPENSSL_cleanse(room, sizeof room);
  return computed;
}

static bool is_timely(const gitdev_signature_check *check, const gitdev_signature *signature) {
  if (check->any_time || !signature->is_timed)
    return true;
  /* Unsigned, as `now` is the caller's and may be anything. */
  uint64_t now = (uint64_t)check->now, then = (uint64_t)signature->timestamp;
  uint64_t apart = check->now > signature->timestamp ? now - then : then - now;
  return check->tolerance >= 0 && apart <= (uint64_t)check->tolerance;
}

gitdev_signature_status gitdev_verify(gitdev_signer *signer, const gitdev_signature_check *check) {
  gitdev_signature signature;
  unsigned matches;
  if (!have_keys(check))
    return GITDEV_SIGNATURE_NO_SECRET;
  if (!gitdev_signature_parse(&signature, &check->headers))
    return GITDEV_SIGNATURE_MALFORMED;
  if (!match(signer, check, &signature, &matches))
    return GITDEV_SIGNATURE_INTERNAL;
  if (matches == 0)
    return GITDEV_SIGNATURE_NO_MATCH;
  return is_timely(check, &signature) ? GITDEV_SIGNATURE_OK : GITDEV_SIGNATURE_TIMESTAMP;
}

static void write_hex(char *out, const unsigned char mac[GITDEV_MAC_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < GITDEV_MAC_SIZE; i++) {
    *out++ = digits[mac[i] >> 4];
    *out++ = digits[mac[i] & 15];
  }
  *out = '\0';
}

static void write_signature(const gitdev_signable *what, const unsigned char mac[GITDEV_MAC_SIZE],
                            char out[GITDEV_SIGNATURE_SIZE]) {
  int len = 0;
  switch (what->scheme) {
  case GITDEV_SCHEME_GIT:
    len = snprintf(out, GITDEV_SIGNATURE_SIZE, "t=%lld,v1=", (long long)what->timestamp);
    write_hex(out + len, mac);
    break;
  case GITDEV_SCHEME_STANDARD:
    len = snprintf(out, GITDEV_SIGNATURE_SIZE, "v1,");
    (void)EVP_EncodeBlock((unsigned char *)out + len, mac, GITDEV_MAC_SIZE);
    break;
  case GITDEV_SCHEME_BODY:
    len = snprintf(out, GITDEV_SIGNATURE_SIZE, "sha256=");
    write_hex(out + len, mac);
    break;
  }
}

bool gitdev_sign(gitdev_signer *signer, gitdev_secret secret, const gitdev_signable *what,
                 char out[GITDEV_SIGNATURE_SIZE]) {
  char prefix[GITDEV_SIGNATURE_PREFIX_SIZE];
  unsigned char mac[GITDEV_MAC_SIZE], room[GITDEV_KEY_SIZE_MAX];
  int len = gitdev_signature_prefix(what->scheme, what->id, what->timestamp, prefix);
  if (len < 0)
    return false;
  gitdev_slice before = {prefix, (size_t)len};
  gitdev_secret key = gitdev_signature_key(what->scheme, secret, room);
  bool computed = compute(signer, key, before, what->body, what->body_len, mac);
  if (computed)
    write_signature(what, mac, out);
  if (what->scheme == GITDEV_SCHEME_STANDARD)
    OPENSSL_cleanse(room, sizeof room);
  return computed;
}
