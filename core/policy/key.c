#include "policy/key.h"

#include <openssl/crypto.h>
#include <string.h>

enum {
  LAST_SHOWN = 4,
  HIDDEN_MIN = 12, /* so many characters stay hidden when the last four are shown */
};

static const char MASK[] = "***";
enum { MASK_LEN = sizeof MASK - 1 };

static bool starts_with(const char *text, size_t len, const char *prefix) {
  size_t prefix_len = strlen(prefix);
  return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

static bool is_visible(char c) {
  return c > ' ' && c <= '~';
}

static gitdev_key_status inspect(const char *text, size_t len) {
  if (len == 0)
    return GITDEV_KEY_EMPTY;
  for (size_t i = 0; i < len; i++)
    if (!is_visible(text[i]))
      return GITDEV_KEY_CHARS;
  if (!starts_with(text, len, "gsk_") && !starts_with(text, len, "gpk_"))
    return GITDEV_KEY_PREFIX;
  return len > GITDEV_KEY_MAX ? GITDEV_KEY_TOO_LONG : GITDEV_KEY_OK;
}

gitdev_key_status gitdev_key_parse(gitdev_key *key, const char *text, size_t len) {
  gitdev_key_wipe(key);
  gitdev_key_status status = inspect(text, len);
  if (status == GITDEV_KEY_OK) {
    memcpy(key->text, text, len);
    key->len = len;
    key->is_public = text[1] == 'p';
    key->is_test = starts_with(text + 4, len - 4, "test_");
  }
  return status;
}

const char *gitdev_key_problem(gitdev_key_status status) {
  switch (status) {
  case GITDEV_KEY_OK: return "the API key is well-formed";
  case GITDEV_KEY_EMPTY: return "the API key is empty: set GIT_API_KEY or pass api_key";
  case GITDEV_KEY_PREFIX:
    return "the API key must begin with gsk_ (secret) or gpk_ (public): pass the key alone, "
           "without quotes or a name";
  case GITDEV_KEY_CHARS:
    return "the API key holds a blank, a line end or another byte that no key has: remove it "
           "(a key read from a file often ends in a newline)";
  case GITDEV_KEY_TOO_LONG: return "the API key is longer than 512 bytes: pass the key alone";
  }
  return "unknown key status";
}

/* The length of the live_ or test_ at `text`, 0 when there is neither. */
static size_t mode_len(const char *text, size_t len) {
  return starts_with(text, len, "live_") || starts_with(text, len, "test_") ? 5 : 0;
}

void gitdev_key_redact(const gitdev_key *key, char out[GITDEV_KEY_REDACTED_MAX]) {
  size_t shown = key->len < 4 ? key->len : 4 + mode_len(key->text + 4, key->len - 4);
  memcpy(out, key->text, shown);
  memcpy(out + shown, MASK, MASK_LEN);
  char *end = out + shown + MASK_LEN;
  if (key->len - shown >= LAST_SHOWN + HIDDEN_MIN) {
    memcpy(end, key->text + key->len - LAST_SHOWN, LAST_SHOWN);
    end += LAST_SHOWN;
  }
  *end = '\0';
}

void gitdev_key_wipe(gitdev_key *key) {
  OPENSSL_cleanse(key, sizeof *key);
}

/* Whether the underscore at `at` ends the prefix of a secret. All prefixes end in one: it is what
 * the scan looks for. */
static bool ends_prefix(const char *text, size_t at) {
  static const char *const prefixes[] = {"gsk", "gpk", "whsec", "tkt"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t len = strlen(prefixes[i]);
    if (at >= len && memcmp(text + at - len, prefixes[i], len) == 0)
      return true;
  }
  return false;
}

static bool is_alnum(char c) {
  char lower = (char)(c | 0x20);
  return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

/* What gitdev_key_redact() leaves of a key: three stars and the last four characters. */
static bool is_masked(const char *secret, size_t len) {
  return starts_with(secret, len, MASK) && len == MASK_LEN + LAST_SHOWN;
}

/* How much of `text` may be a secret: everything up to what ends a word in JSON, URLs, headers and
 * prose. Real secrets are letters and digits only; too much masked is a nuisance, too little a
 * leak. But without a single one of those ("gsk_: …") there is nothing to hide. */
static size_t secret_len(const char *text, size_t len) {
  size_t i = 0;
  bool has_alnum = false;
  while (i < len && is_visible(text[i]) && strchr("\"'`\\,;&()[]{}<>|", text[i]) == NULL) {
    has_alnum = has_alnum || is_alnum(text[i]);
    i++;
  }
  return has_alnum && !is_masked(text, i) ? i : 0;
}

size_t gitdev_redact(char *text, size_t len) {
  size_t read = 0;
  size_t write = 0;
  for (;;) {
    const char *found = read < len ? memchr(text + read, '_', len - read) : NULL;
    size_t next = found != NULL ? (size_t)(found - text) + 1 : len;
    bool is_secret = found != NULL && ends_prefix(text, next - 1);
    next += is_secret ? mode_len(text + next, len - next) : 0;
    memmove(text + write, text + read, next - read);
    write += next - read;
    read = next;
    if (found == NULL)
      return write;
    size_t secret = is_secret ? secret_len(text + read, len - read) : 0;
    size_t mask = secret < MASK_LEN ? secret : MASK_LEN;
    memcpy(text + write, MASK, mask);
    write += mask;
    read += secret;
  }
}
