#include "policy/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "0123456789abcdefghijABCDEFGHIJxy"

static const struct {
  const char *text;
  gitdev_key_status status;
  bool is_public, is_test;
  const char *redacted;
} KEYS[] = {
    {"gsk_live_" SECRET, GITDEV_KEY_OK, false, false, "gsk_live_***IJxy"},
    {"gsk_test_" SECRET, GITDEV_KEY_OK, false, true, "gsk_test_***IJxy"},
    {"gpk_live_" SECRET, GITDEV_KEY_OK, true, false, "gpk_live_***IJxy"},
    {"gpk_test_" SECRET, GITDEV_KEY_OK, true, true, "gpk_test_***IJxy"},
    {"gsk_" SECRET, GITDEV_KEY_OK, false, false, "gsk_***IJxy"},
    {"gsk_live_0123456789abcdef", GITDEV_KEY_OK, false, false, "gsk_live_***cdef"},
    {"gsk_live_0123456789abcde", GITDEV_KEY_OK, false, false, "gsk_live_***"},
    {"gsk_live_", GITDEV_KEY_OK, false, false, "gsk_live_***"},
    {"gsk_test", GITDEV_KEY_OK, false, false, "gsk_***"},
    {"gsk_", GITDEV_KEY_OK, false, false, "gsk_***"},
    {"gsk_live_odd!~/but=visible+ascii", GITDEV_KEY_OK, false, false, "gsk_live_***scii"},
    {"", GITDEV_KEY_EMPTY, false, false, NULL},
    {"gsk", GITDEV_KEY_PREFIX, false, false, NULL},
    {"sk_live_" SECRET, GITDEV_KEY_PREFIX, false, false, NULL},
    {"GSK_live_" SECRET, GITDEV_KEY_PREFIX, false, false, NULL},
    {"whsec_" SECRET, GITDEV_KEY_PREFIX, false, false, NULL},
    {"\"gsk_live_" SECRET "\"", GITDEV_KEY_PREFIX, false, false, NULL},
    {"gsk_live_" SECRET "\n", GITDEV_KEY_CHARS, false, false, NULL},
    {" gsk_live_" SECRET, GITDEV_KEY_CHARS, false, false, NULL},
    {"Bearer gsk_live_" SECRET, GITDEV_KEY_CHARS, false, false, NULL},
    {"gsk_live_\r\nX-Evil: 1", GITDEV_KEY_CHARS, false, false, NULL},
    {"gsk_live_\x7f", GITDEV_KEY_CHARS, false, false, NULL},
    {"gsk_live_\xc3\xa4", GITDEV_KEY_CHARS, false, false, NULL},
};

static bool is_wiped(const gitdev_key *key) {
  const unsigned char *bytes = (const unsigned char *)key;
  size_t i = 0;
  while (i < sizeof *key && bytes[i] == 0)
    i++;
  return i == sizeof *key;
}

static void parses_and_redacts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
    gitdev_key key;
    memset(&key, 'x', sizeof key);
    gitdev_key_status status = gitdev_key_parse(&key, KEYS[i].text, strlen(KEYS[i].text));
    if (status != KEYS[i].status)
      fail_msg("\"%s\": %d", KEYS[i].text, (int)status);
    if (status != GITDEV_KEY_OK) {
      assert_true(is_wiped(&key));
      continue;
    }
    char redacted[GITDEV_KEY_REDACTED_MAX];
    gitdev_key_redact(&key, redacted);
    assert_string_equal(redacted, KEYS[i].redacted);
    assert_string_equal(key.text, KEYS[i].text);
    assert_int_equal(key.len, strlen(KEYS[i].text));
    assert_int_equal(key.is_public, KEYS[i].is_public);
    assert_int_equal(key.is_test, KEYS[i].is_test);
    gitdev_key_wipe(&key);
    gitdev_key_wipe(&key);
    assert_true(is_wiped(&key));
  }
}

static void a_nul_inside_is_refused(void **state) {
  (void)state;
  gitdev_key key;
  assert_int_equal(gitdev_key_parse(&key, "gsk_live_a\0b", 12), GITDEV_KEY_CHARS);
}

static void has_a_longest_key(void **state) {
  (void)state;
  char text[GITDEV_KEY_MAX + 1];
  gitdev_key key;
  memset(text, 'a', sizeof text);
  memcpy(text, "gsk_live_", 9);
  assert_int_equal(gitdev_key_parse(&key, text, GITDEV_KEY_MAX), GITDEV_KEY_OK);
  assert_int_equal(key.text[GITDEV_KEY_MAX], '\0');
  assert_int_equal(gitdev_key_parse(&key, text, GITDEV_KEY_MAX + 1), GITDEV_KEY_TOO_LONG);
  assert_true(is_wiped(&key));
}

static void every_problem_has_words(void **state) {
  (void)state;
  for (int status = GITDEV_KEY_OK; status <= GITDEV_KEY_TOO_LONG; status++)
    assert_true(strlen(gitdev_key_problem((gitdev_key_status)status)) > 10);
}

static const struct {
  const char *text, *redacted;
} TEXTS[] = {
    {"", ""},
    {"nothing to hide", "nothing to hide"},
    {"gsk_live_" SECRET, "gsk_live_***"},
    {"gsk_test_" SECRET, "gsk_test_***"},
    {"gsk_" SECRET, "gsk_***"},
    {"gpk_live_" SECRET, "gpk_live_***"},
    {"whsec_" SECRET, "whsec_***"},
    {"tkt_" SECRET, "tkt_***"},
    {"Authorization: Bearer gsk_live_" SECRET "\r\nHost: x",
     "Authorization: Bearer gsk_live_***\r\nHost: x"},
    {"{\"secret\":\"whsec_" SECRET "\",\"a\":1}", "{\"secret\":\"whsec_***\",\"a\":1}"},
    {"wss://x/y?ticket=tkt_" SECRET "&z=1", "wss://x/y?ticket=tkt_***&z=1"},
    {"two: gsk_live_" SECRET ", whsec_" SECRET ".", "two: gsk_live_***, whsec_***"},
    {"it's 'gsk_live_" SECRET "'", "it's 'gsk_live_***'"},
    {"prefix_gsk_live_" SECRET, "prefix_gsk_live_***"},
    {"gsk_live_gsk_live_" SECRET, "gsk_live_***"},
    {"gsk_live_with-other_chars/+= next", "gsk_live_*** next"},
    /* A prefix with nothing behind it, as in our own messages. */
    {"must begin with gsk_ or gpk_: x", "must begin with gsk_ or gpk_: x"},
    {"gsk_live_", "gsk_live_"},
    {"gsk_live_ x", "gsk_live_ x"},
    {"gsk_\xe2\x80\xa6", "gsk_\xe2\x80\xa6"},
    /* What is shown of a key stays, and so does what was redacted. */
    {"gsk_live_***", "gsk_live_***"},
    {"key gsk_live_***abcd failed", "key gsk_live_***abcd failed"},
    {"gsk_live_***abcde", "gsk_live_***"},
    /* The text never grows. */
    {"gsk_a", "gsk_*"},
    {"gsk_ab tkt_abc", "gsk_** tkt_***"},
    {"_ __ sk_ gsk tkt", "_ __ sk_ gsk tkt"},
};

static void masks_every_secret_in_a_text(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
    char text[256];
    size_t len = strlen(TEXTS[i].text);
    memcpy(text, TEXTS[i].text, len + 1);
    size_t redacted = gitdev_redact(text, len);
    assert_true(redacted <= len);
    text[redacted] = '\0';
    assert_string_equal(text, TEXTS[i].redacted);
    assert_int_equal(gitdev_redact(text, redacted), redacted);
    assert_string_equal(text, TEXTS[i].redacted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parses_and_redacts),
      cmocka_unit_test(a_nul_inside_is_refused),
      cmocka_unit_test(has_a_longest_key),
      cmocka_unit_test(every_problem_has_words),
      cmocka_unit_test(masks_every_secret_in_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
