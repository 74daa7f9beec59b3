/* The known answers and the refusals of contract 4.4. */
#include "policy/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ZEROS   "whsec_00000000000000000000000000000000"
#define LETTERS "whsec_abcdefghijklmnopqrstuvwxyz012345"

static const char BODY[] =
    "{\"id\":\"evt_8x9y7z6w5v4u\",\"type\":\"deployment.completed\",\"timestamp\":1718942301,"
    "\"data\":{\"project\":\"my-app\",\"status\":\"live\",\"url\":\"https://my-app.git.dev\","
    "\"duration_ms\":2400}}";

static const char SPACED[] =
    "{\"id\": \"evt_8x9y7z6w5v4u\",\"type\":\"deployment.completed\",\"timestamp\":1718942301,"
    "\"data\":{\"project\":\"my-app\",\"status\":\"live\",\"url\":\"https://my-app.git.dev\","
    "\"duration_ms\":2400}}";

static const char REORDERED[] =
    "{\"type\":\"deployment.completed\",\"id\":\"evt_8x9y7z6w5v4u\",\"timestamp\":1718942301,"
    "\"data\":{\"project\":\"my-app\",\"status\":\"live\",\"url\":\"https://my-app.git.dev\","
    "\"duration_ms\":2400}}";

static const char PING[] =
    "{\"id\":\"evt_000000000000\",\"type\":\"webhook.ping\",\"timestamp\":1718942301,"
    "\"data\":{\"note\":\"\xc3\xa9\xf0\x9f\x98\x80\\n=\"}}";

enum { NOW = 1718942301 };

#define MAC1  "65ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff"
#define MAC2  "cba14886c789498d216fe3ba6beba360a1275c228acc2bfbffc4d0c07bc0cead"
#define MAC3  "80b93380018e278ce411809b8da2953792944fc6b6026ae8185d2c4c97bca9fa"
#define MAC4  "eade0033ef5896264174c93a90f846beec6c0a9863bad23d33ae88a33b0e9c37"
#define WRONG "0000000000000000000000000000000000000000000000000000000000000000"
#define UPPER "65EC1026E057C1DE364475F10B5C32F2F7BE872B0981BE344D9E67AE50B603FF"

static gitdev_signer *signer(void **state) {
  return *state;
}

static int make_signer(void **state) {
  *state = gitdev_signer_new();
  return *state != NULL ? 0 : -1;
}

static int free_signer(void **state) {
  gitdev_signer_free(*state);
  return 0;
}

static const struct {
  const char *secret;
  int64_t timestamp;
  const char *body, *header;
} ANSWERS[] = {
    {ZEROS, 1718942301, BODY, "t=1718942301,v1=" MAC1},
    {LETTERS, 1718942301, BODY, "t=1718942301,v1=" MAC2},
    {ZEROS, 1718942306, BODY, "t=1718942306,v1=" MAC3},
    {ZEROS, 1718942301, PING, "t=1718942301,v1=" MAC4},
};

static void gives_the_known_answers(void **state) {
  assert_int_equal(strlen(BODY), 172);
  for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
    char header[GITDEV_SIGNATURE_SIZE];
    gitdev_secret secret = {ANSWERS[i].secret, strlen(ANSWERS[i].secret)};
    gitdev_signable what = {.timestamp = ANSWERS[i].timestamp,
                            .body = ANSWERS[i].body,
                            .body_len = strlen(ANSWERS[i].body)};
    assert_true(gitdev_sign(signer(state), secret, &what, header));
    assert_string_equal(header, ANSWERS[i].header);
  }
}

typedef struct verify_case {
  const char *name, *header;
  gitdev_signature_status status;
  const char *body, *secret; /* BODY and ZEROS when NULL */
  int64_t late;              /* now - t */
} verify_case;

#define T "t=1718942301"

static const verify_case CASES[] = {
    {"row 1", T ",v1=" MAC1, GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"row 2", T ",v1=" MAC2, GITDEV_SIGNATURE_OK, NULL, LETTERS, 0},
    {"row 3", "t=1718942306,v1=" MAC3, GITDEV_SIGNATURE_OK, NULL, NULL, 5},
    {"row 4", T ",v1=" MAC4, GITDEV_SIGNATURE_OK, PING, NULL, 0},

    /* Must pass. */
    {"300 s late", T ",v1=" MAC1, GITDEV_SIGNATURE_OK, NULL, NULL, 300},
    {"300 s early", T ",v1=" MAC1, GITDEV_SIGNATURE_OK, NULL, NULL, -300},
    {"upper-case hex", T ",v1=" UPPER, GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"a wrong v1 first", T ",v1=" WRONG ",v1=" MAC1, GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"a wrong v1 last", T ",v1=" MAC1 ",v1=" WRONG, GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"an unknown key", T ",v2=abc,v1=" MAC1 ",x=", GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"v0 beside v1", T ",v0=" WRONG ",v1=" MAC1, GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"blanks around entries", "  " T " ,\tv1=" MAC1 "  ", GITDEV_SIGNATURE_OK, NULL, NULL, 0},
    {"t last", "v1=" MAC1 "," T, GITDEV_SIGNATURE_OK, NULL, NULL, 0},

    /* Must be refused. */
    {"empty", "", GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"sha256=", "sha256=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"bare hex", MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"v1 only", "v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"t only", T, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"two t", T "," T ",v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"signed t", "t=+1718942301,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"negative t", "t=-1718942301,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"t with letters", "t=17189x2301,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"t in hex", "t=0x66,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"t empty", "t=,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"t of 13 digits", "t=1718942301000,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"v1 of 63",
     T ",v1="
       "5ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff",
     GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"v1 of 65", T ",v1=0" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"v1 of 63 beside a good one", T ",v1=" MAC1 ",v1=abc", GITDEV_SIGNATURE_MALFORMED, NULL, NULL,
     0},
    {"v1 with a letter",
     T ",v1="
       "g5ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff",
     GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"right mac under v0", T ",v0=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"right mac under V1", T ",V1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"right mac under v0, wrong v1", T ",v0=" MAC1 ",v1=" WRONG, GITDEV_SIGNATURE_NO_MATCH, NULL,
     NULL, 0},
    {"an entry without =", T ",v1=" MAC1 ",x", GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"an empty entry", T ",,v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"a comma at the end", T ",v1=" MAC1 ",", GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"no key before =", T ",v1=" MAC1 ",=x", GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"semicolons", T ";v1=" MAC1, GITDEV_SIGNATURE_MALFORMED, NULL, NULL, 0},
    {"a space added", T ",v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, SPACED, NULL, 0},
    {"other key order", T ",v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, REORDERED, NULL, 0},
    {"secret without its prefix", T ",v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, NULL,
     "00000000000000000000000000000000", 0},
    {"another secret", T ",v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, NULL, LETTERS, 0},
    {"another t", "t=1718942302,v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, NULL, NULL, 1},
    {"t with a zero before", "t=01718942301,v1=" MAC1, GITDEV_SIGNATURE_NO_MATCH, NULL, NULL, 0},
    {"empty secret", T ",v1=" MAC1, GITDEV_SIGNATURE_NO_SECRET, NULL, "", 0},
    {"empty secret and header", "", GITDEV_SIGNATURE_NO_SECRET, NULL, "", 0},
    {"301 s late", T ",v1=" MAC1, GITDEV_SIGNATURE_TIMESTAMP, NULL, NULL, 301},
    {"301 s early", T ",v1=" MAC1, GITDEV_SIGNATURE_TIMESTAMP, NULL, NULL, -301},
    /* The time is looked at only after the mac: it tells a forger nothing. */
    {"wrong and late", T ",v1=" WRONG, GITDEV_SIGNATURE_NO_MATCH, NULL, NULL, 301},
};

static gitdev_signature_check check_of(const char *header, const char *body, gitdev_secret *secret,
                                       int64_t now) {
  return (gitdev_signature_check){.body = body,
                                  .body_len = strlen(body),
                                  .headers.signature = {header, strlen(header)},
                                  .secrets = secret,
                                  .secret_count = 1,
                                  .now = now,
                                  .tolerance = 300};
}

static void verifies(void **state) {
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    const verify_case *c = &CASES[i];
    const char *text = c->secret != NULL ? c->secret : ZEROS;
    gitdev_secret secret = {text, strlen(text)};
    gitdev_signature_check check =
        check_of(c->header, c->body != NULL ? c->body : BODY, &secret, NOW + c->late);
    gitdev_signature_status status = gitdev_verify(signer(state), &check);
    if (status != c->status)
      fail_msg("%s: %s", c->name, gitdev_signature_reason(status));
  }
}

static void a_missing_header_or_secret_is_refused(void **state) {
  gitdev_secret secret = {ZEROS, strlen(ZEROS)};
  gitdev_signature_check check = check_of("", BODY, &secret, NOW);
  check.headers.signature = (gitdev_slice){NULL, 0};
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_MALFORMED);
  check.secret_count = 0;
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_NO_SECRET);
  check.secrets = NULL;
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_NO_SECRET);
}

static void every_secret_is_tried(void **state) {
  static const struct {
    const char *first, *second;
    gitdev_signature_status status;
  } cases[] = {
      {ZEROS, LETTERS, GITDEV_SIGNATURE_OK},         {LETTERS, ZEROS, GITDEV_SIGNATURE_OK},
      {LETTERS, LETTERS, GITDEV_SIGNATURE_NO_MATCH}, {ZEROS, "", GITDEV_SIGNATURE_NO_SECRET},
      {"", ZEROS, GITDEV_SIGNATURE_NO_SECRET},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_secret secrets[] = {{cases[i].first, strlen(cases[i].first)},
                               {cases[i].second, strlen(cases[i].second)}};
    gitdev_signature_check check = check_of(T ",v1=" MAC1, BODY, secrets, NOW);
    check.secret_count = 2;
    assert_int_equal(gitdev_verify(signer(state), &check), cases[i].status);
  }
}

static void keeps_to_the_tolerance(void **state) {
  static const struct {
    int64_t now, tolerance;
    bool any_time;
    gitdev_signature_status status;
  } cases[] = {
      {NOW, 0, false, GITDEV_SIGNATURE_OK},
      {NOW + 1, 0, false, GITDEV_SIGNATURE_TIMESTAMP},
      {NOW - 1, 0, false, GITDEV_SIGNATURE_TIMESTAMP},
      {NOW + 1, 0, true, GITDEV_SIGNATURE_OK},
      {NOW, -1, false, GITDEV_SIGNATURE_TIMESTAMP},
      {INT64_MAX, 300, false, GITDEV_SIGNATURE_TIMESTAMP},
      {INT64_MIN, 300, false, GITDEV_SIGNATURE_TIMESTAMP},
      {INT64_MAX, INT64_MAX, false, GITDEV_SIGNATURE_OK},
      {INT64_MIN, INT64_MAX, false, GITDEV_SIGNATURE_TIMESTAMP},
      {INT64_MIN, 0, true, GITDEV_SIGNATURE_OK},
  };
  gitdev_secret secret = {ZEROS, strlen(ZEROS)};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_signature_check check = check_of(T ",v1=" MAC1, BODY, &secret, cases[i].now);
    check.tolerance = cases[i].tolerance;
    check.any_time = cases[i].any_time;
    assert_int_equal(gitdev_verify(signer(state), &check), cases[i].status);
  }
}

/* `count` wrong v1, then the right one. */
static size_t long_header(char *out, size_t size, int count) {
  size_t len = (size_t)snprintf(out, size, T);
  for (int i = 0; i < count; i++)
    len += (size_t)snprintf(out + len, size - len, ",v1=" WRONG);
  return len + (size_t)snprintf(out + len, size - len, ",v1=" MAC1);
}

static void a_header_has_a_longest_length(void **state) {
  char header[2048];
  gitdev_secret secret = {ZEROS, strlen(ZEROS)};
  size_t len = long_header(header, sizeof header, 13);
  assert_true(len <= GITDEV_SIGNATURE_HEADER_MAX);
  gitdev_signature_check check = check_of(header, BODY, &secret, NOW);
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_OK);

  memset(header + len, ' ', sizeof header - len);
  check.headers.signature.len = GITDEV_SIGNATURE_HEADER_MAX;
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_OK);
  check.headers.signature.len++;
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_MALFORMED);

  check.headers.signature.len = long_header(header, sizeof header, 15);
  assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_MALFORMED);
}

static bool parse(gitdev_signature *out, const char *header, size_t len) {
  gitdev_signature_headers headers = {.signature = {header, len}};
  return gitdev_signature_parse(out, &headers);
}

static void as_many_macs_as_fit_are_parsed(void **state) {
  (void)state;
  char header[GITDEV_SIGNATURE_HEADER_MAX + 1];
  gitdev_signature signature;
  size_t len = (size_t)snprintf(header, sizeof header, "t=1");
  for (int i = 0; i < 15; i++)
    len += (size_t)snprintf(header + len, sizeof header - len, ",v1=" MAC1);
  assert_true(parse(&signature, header, len));
  assert_int_equal(signature.mac_count, 15);
  assert_int_equal(signature.timestamp, 1);
  assert_memory_equal(signature.prefix, "1.", signature.prefix_len);
  assert_true(parse(&signature, "t=999999999999,v1=" MAC1, 82));
  assert_int_equal(signature.timestamp, 999999999999);
  assert_memory_equal(signature.prefix, "999999999999.", signature.prefix_len);
}

static void signs_what_it_verifies(void **state) {
  static const struct {
    int64_t timestamp;
    size_t len;
    bool is_signed;
  } cases[] = {
      {0, 0, true},   {1, 1, true},          {999999999999, 63, true},  {NOW, 4096, true},
      {-1, 5, false}, {INT64_MIN, 5, false}, {1000000000000, 5, false},
  };
  char body[4096];
  memset(body, '\0', sizeof body);
  gitdev_secret secret = {ZEROS, strlen(ZEROS)};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char header[GITDEV_SIGNATURE_SIZE];
    gitdev_signable what = {
        .timestamp = cases[i].timestamp, .body = body, .body_len = cases[i].len};
    bool is_signed = gitdev_sign(signer(state), secret, &what, header);
    assert_int_equal(is_signed, cases[i].is_signed);
    if (is_signed) {
      gitdev_signature_check check = check_of(header, "", &secret, cases[i].timestamp);
      check.body = body;
      check.body_len = cases[i].len;
      check.tolerance = 0;
      assert_int_equal(gitdev_verify(signer(state), &check), GITDEV_SIGNATURE_OK);
    }
  }
  char header[GITDEV_SIGNATURE_SIZE];
  assert_false(
      gitdev_sign(signer(state), (gitdev_secret){"", 0}, &(gitdev_signable){.body = ""}, header));
}

#define AA10 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define AA50 AA10 AA10 AA10 AA10 AA10

/* RFC 4231, test cases 2, 6 and 7: a short key, and one that is longer than a block. Twice each, as
 * the signer treats a key that it has just used in another way. */
static void computes_bare_macs(void **state) {
  static const struct {
    const char *key;
    size_t key_len;
    const char *text, *mac;
  } cases[] = {
      {"Jefe", 4, "what do ya want for nothing?",
       "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
       "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43"},
      {AA50 AA50 AA10 AA10 AA10 "\xaa", 131,
       "Test Using Larger Than Block-Size Key - Hash Key First",
       "\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
       "\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f\x0e\xe3\x7f\x54"},
      {AA50 AA50 AA10 AA10 AA10 "\xaa", 131,
       "This is a test using a larger than block-size key and a larger than block-size data. "
       "The key needs to be hashed before being used by the HMAC algorithm.",
       "\x9b\x09\xff\xa7\x1b\x94\x2f\xcb\x27\x63\x5f\xbc\xd5\xb0\xe9\x44"
       "\xbf\xdc\x63\x64\x4f\x07\x13\x93\x8a\x7f\x51\x53\x5c\x3a\x35\xe2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int round = 0; round < 2; round++) {
      unsigned char mac[GITDEV_MAC_SIZE];
      gitdev_secret key = {cases[i].key, cases[i].key_len};
      assert_true(gitdev_mac(signer(state), key, cases[i].text, strlen(cases[i].text), mac));
      assert_memory_equal(mac, cases[i].mac, sizeof mac);
    }
  }
  unsigned char mac[GITDEV_MAC_SIZE];
  assert_false(gitdev_mac(signer(state), (gitdev_secret){NULL, 0}, "", 0, mac));
  assert_false(gitdev_mac(signer(state), (gitdev_secret){"", 0}, "", 0, mac));
}

/* Standard Webhooks: the specification's example, and what others' tools make of BODY. */
#define STANDARD_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STANDARD_MAC "X5LEPEw4bIbm73LyJl5gZrCI4EFsSp48xLrQnXuXX2M="
#define BODY_MAC     "0c2d25bd015e1a388755be11b4927e2e17b66bf0c2a89afbcd1cc618c56c36cb"

static void signs_in_other_schemes(void **state) {
  static const struct {
    gitdev_scheme scheme;
    const char *secret, *id;
    int64_t timestamp;
    const char *body, *header; /* NULL: it is not signed */
  } cases[] = {
      {GITDEV_SCHEME_STANDARD, STANDARD_KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
       "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
      {GITDEV_SCHEME_STANDARD, ZEROS, "evt_8x9y7z6w5v4u", NOW, BODY, "v1," STANDARD_MAC},
      {GITDEV_SCHEME_STANDARD, ZEROS, "evt.1", NOW, BODY, NULL},
      {GITDEV_SCHEME_STANDARD, ZEROS, "", NOW, BODY, NULL},
      {GITDEV_SCHEME_STANDARD, ZEROS, "evt_1", -1, BODY, NULL},
      {GITDEV_SCHEME_STANDARD, "whsec_0000", "evt_1", NOW, BODY, NULL},
      {GITDEV_SCHEME_STANDARD, "whsec_", "evt_1", NOW, BODY, NULL},
      {GITDEV_SCHEME_BODY, ZEROS, "", 0, BODY, "sha256=" BODY_MAC},
      {GITDEV_SCHEME_BODY, ZEROS, "", -1, BODY, "sha256=" BODY_MAC},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char header[GITDEV_SIGNATURE_SIZE];
    gitdev_secret secret = {cases[i].secret, strlen(cases[i].secret)};
    gitdev_signable what = {cases[i].scheme,
                            {cases[i].id, strlen(cases[i].id)},
                            cases[i].timestamp,
                            cases[i].body,
                            strlen(cases[i].body)};
    bool is_signed = gitdev_sign(signer(state), secret, &what, header);
    assert_int_equal(is_signed, cases[i].header != NULL);
    if (is_signed)
      assert_string_equal(header, cases[i].header);
  }
}

static gitdev_slice slice(const char *text) {
  return (gitdev_slice){text, strlen(text)};
}

static void verifies_other_schemes(void **state) {
  static const struct {
    gitdev_scheme scheme;
    const char *signature, *id, *timestamp;
    gitdev_signature_status status;
    int64_t late;
  } cases[] = {
      {GITDEV_SCHEME_STANDARD, "v1," STANDARD_MAC, "evt_8x9y7z6w5v4u", "1718942301",
       GITDEV_SIGNATURE_OK, 300},
      {GITDEV_SCHEME_STANDARD, "v1a,x v1," STANDARD_MAC, " evt_8x9y7z6w5v4u", "1718942301 ",
       GITDEV_SIGNATURE_OK, -300},
      {GITDEV_SCHEME_STANDARD, "v1," STANDARD_MAC, "evt_8x9y7z6w5v4u", "1718942301",
       GITDEV_SIGNATURE_TIMESTAMP, 301},
      {GITDEV_SCHEME_STANDARD, "v1," STANDARD_MAC, "evt_8x9y7z6w5v4u", "1718942302",
       GITDEV_SIGNATURE_NO_MATCH, 0},
      {GITDEV_SCHEME_STANDARD, "v1," STANDARD_MAC, "evt_8x9y7z6w5v4u.1", "1718942301",
       GITDEV_SIGNATURE_MALFORMED, 0},
      {GITDEV_SCHEME_STANDARD, "v2," STANDARD_MAC, "evt_8x9y7z6w5v4u", "1718942301",
       GITDEV_SIGNATURE_MALFORMED, 0},
      {GITDEV_SCHEME_STANDARD, "v1," STANDARD_MAC, "", "", GITDEV_SIGNATURE_MALFORMED, 0},
      {GITDEV_SCHEME_BODY, "sha256=" BODY_MAC, "", "", GITDEV_SIGNATURE_OK, 1000000},
      {GITDEV_SCHEME_BODY, BODY_MAC, "", "", GITDEV_SIGNATURE_OK, 0},
      {GITDEV_SCHEME_BODY, "sha256=" WRONG, "", "", GITDEV_SIGNATURE_NO_MATCH, 0},
      {GITDEV_SCHEME_BODY, "sha512=" BODY_MAC, "", "", GITDEV_SIGNATURE_MALFORMED, 0},
      {GITDEV_SCHEME_BODY, T ",v1=" MAC1, "", "", GITDEV_SIGNATURE_MALFORMED, 0},
  };
  gitdev_secret secrets[] = {{LETTERS, strlen(LETTERS)}, {ZEROS, strlen(ZEROS)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_signature_check check = check_of("", BODY, secrets, NOW + cases[i].late);
    check.secret_count = 2;
    check.headers = (gitdev_signature_headers){cases[i].scheme, slice(cases[i].signature),
                                               slice(cases[i].id), slice(cases[i].timestamp)};
    assert_int_equal(gitdev_verify(signer(state), &check), cases[i].status);
  }
}

/* As many as a header has room for: none is dropped, none written past the end. */
static void as_many_standard_signatures_as_fit_are_parsed(void **state) {
  (void)state;
  char header[GITDEV_SIGNATURE_HEADER_MAX + 1];
  gitdev_signature signature;
  size_t len = 0;
  for (int i = 0; i < GITDEV_SIGNATURE_MACS_MAX; i++)
    len += (size_t)snprintf(header + len, sizeof header - len, "v1," STANDARD_MAC " ");
  gitdev_signature_headers headers = {
      GITDEV_SCHEME_STANDARD, {header, len}, slice("a"), slice("1")};
  assert_true(gitdev_signature_parse(&signature, &headers));
  assert_int_equal(signature.mac_count, GITDEV_SIGNATURE_MACS_MAX);
  len = 0; /* without padding they are shorter, but there is no room for one more */
  for (int i = 0; i < GITDEV_SIGNATURE_MACS_MAX; i++)
    len += (size_t)snprintf(header + len, sizeof header - len, "v1,%.43s ", STANDARD_MAC);
  assert_true(len + strlen("v1," STANDARD_MAC) - 1 > GITDEV_SIGNATURE_HEADER_MAX);
  headers.signature.len = len;
  assert_true(gitdev_signature_parse(&signature, &headers));
  assert_int_equal(signature.mac_count, GITDEV_SIGNATURE_MACS_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_known_answers),
      cmocka_unit_test(verifies),
      cmocka_unit_test(a_missing_header_or_secret_is_refused),
      cmocka_unit_test(every_secret_is_tried),
      cmocka_unit_test(keeps_to_the_tolerance),
      cmocka_unit_test(a_header_has_a_longest_length),
      cmocka_unit_test(as_many_macs_as_fit_are_parsed),
      cmocka_unit_test(signs_what_it_verifies),
      cmocka_unit_test(computes_bare_macs),
      cmocka_unit_test(signs_in_other_schemes),
      cmocka_unit_test(verifies_other_schemes),
      cmocka_unit_test(as_many_standard_signatures_as_fit_are_parsed),
  };
  return cmocka_run_group_tests(tests, make_signer, free_signer);
}
