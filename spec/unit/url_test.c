#include "gitdev.h"
#include "wire/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const char *text;
  gitdev_url_status status;
  const char *host;
  int port;
  const char *path;
} URLS[] = {
    {"https://api.git.dev/v2", GITDEV_URL_OK, "api.git.dev", 443, "/v2"},
    {"https://api.git.dev", GITDEV_URL_OK, "api.git.dev", 443, ""},
    {"https://api.git.dev/", GITDEV_URL_OK, "api.git.dev", 443, ""},
    {"https://api.git.dev/v2/", GITDEV_URL_OK, "api.git.dev", 443, "/v2"},
    {"https://api.git.dev/v2///", GITDEV_URL_OK, "api.git.dev", 443, "/v2"},
    {"https://api.git.dev/A/b%2fc/~d", GITDEV_URL_OK, "api.git.dev", 443, "/A/b%2fc/~d"},
    {"HTTPS://API.Git.Dev/V2", GITDEV_URL_OK, "api.git.dev", 443, "/V2"},
    {"https://127.0.0.1:8443/v2", GITDEV_URL_OK, "127.0.0.1", 8443, "/v2"},
    {"https://[::1]:8443/v2", GITDEV_URL_OK, "[::1]", 8443, "/v2"},
    {"https://[2001:DB8::1]", GITDEV_URL_OK, "[2001:db8::1]", 443, ""},
    {"https://git_emulator:1", GITDEV_URL_OK, "git_emulator", 1, ""},
    {"https://localhost:65535", GITDEV_URL_OK, "localhost", 65535, ""},
    {"https://localhost:00443", GITDEV_URL_OK, "localhost", 443, ""},
    {"https://x/.well-known/...", GITDEV_URL_OK, "x", 443, "/.well-known/..."},

    {"http://api.git.dev/v2", GITDEV_URL_INSECURE, NULL, 0, NULL},
    {"HTTP://127.0.0.1:8080", GITDEV_URL_INSECURE, NULL, 0, NULL},
    {"http:", GITDEV_URL_INSECURE, NULL, 0, NULL},
    {"http://user:pw@x y/", GITDEV_URL_INSECURE, NULL, 0, NULL},
    {"", GITDEV_URL_SCHEME, NULL, 0, NULL},
    {"api.git.dev/v2", GITDEV_URL_SCHEME, NULL, 0, NULL},
    {"//api.git.dev/v2", GITDEV_URL_SCHEME, NULL, 0, NULL},
    {"ftp://api.git.dev/v2", GITDEV_URL_SCHEME, NULL, 0, NULL},
    {"httpsx://api.git.dev/v2", GITDEV_URL_SCHEME, NULL, 0, NULL},
    {"https:", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https:/api.git.dev", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https:///v2", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://:443/v2", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://api..git.dev", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://.git.dev", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://api.git.dev.", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://a%2fb", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://a,b", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://[::1", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://[]", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://[::1]x", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://[:::1]", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://[fe80::1%25eth0]", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://::1/v2", GITDEV_URL_HOST, NULL, 0, NULL},
    {"https://x:/v2", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:0", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:65536", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:999999", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:+1", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:80a", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://x:80:80", GITDEV_URL_PORT, NULL, 0, NULL},
    {"https://user@api.git.dev", GITDEV_URL_USERINFO, NULL, 0, NULL},
    {"https://user:pw@api.git.dev/v2", GITDEV_URL_USERINFO, NULL, 0, NULL},
    {"https://api.git.dev@evil.example", GITDEV_URL_USERINFO, NULL, 0, NULL},
    {"https://@x", GITDEV_URL_USERINFO, NULL, 0, NULL},
    {"https://api.git.dev/v2?key=1", GITDEV_URL_EXTRA, NULL, 0, NULL},
    {"https://api.git.dev?", GITDEV_URL_EXTRA, NULL, 0, NULL},
    {"https://api.git.dev/v2#top", GITDEV_URL_EXTRA, NULL, 0, NULL},
    {" https://api.git.dev", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev\n", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/a b", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/\xc3\xa4", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev\\@evil.example", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/<x>", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/[x]", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/%", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/%4", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/%4g", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/%00", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/.", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/../v1", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/v2/..", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/v2/%2E%2e/v1", GITDEV_URL_CHARS, NULL, 0, NULL},
    {"https://api.git.dev/v2/.%2e/v1", GITDEV_URL_CHARS, NULL, 0, NULL},
};

static void takes_base_urls_apart(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof URLS / sizeof *URLS; i++) {
    gitdev_url url;
    gitdev_url_status status = gitdev_url_parse(&url, URLS[i].text, strlen(URLS[i].text));
    if (status != URLS[i].status)
      fail_msg("\"%s\": %d", URLS[i].text, (int)status);
    bool is_ok = status == GITDEV_URL_OK;
    assert_string_equal(url.host, is_ok ? URLS[i].host : "");
    assert_string_equal(url.path, is_ok ? URLS[i].path : "");
    assert_int_equal(url.port, URLS[i].port);
  }
}

static void has_longest_url_and_host(void **state) {
  (void)state;
  gitdev_url url;
  char text[GITDEV_URL_MAX + 2];
  memset(text, 'a', sizeof text);
  memcpy(text, "https://x/", 10);
  assert_int_equal(gitdev_url_parse(&url, text, GITDEV_URL_MAX), GITDEV_URL_OK);
  assert_int_equal(strlen(url.path), GITDEV_URL_MAX - 9);
  assert_int_equal(gitdev_url_parse(&url, text, GITDEV_URL_MAX + 1), GITDEV_URL_TOO_LONG);

  memset(text, 'a', sizeof text);
  memcpy(text, "https://", 8);
  assert_int_equal(gitdev_url_parse(&url, text, 8 + GITDEV_HOST_MAX), GITDEV_URL_OK);
  assert_int_equal(strlen(url.host), GITDEV_HOST_MAX);
  assert_int_equal(gitdev_url_parse(&url, text, 8 + GITDEV_HOST_MAX + 1), GITDEV_URL_TOO_LONG);
}

static void every_problem_has_words(void **state) {
  (void)state;
  for (int status = GITDEV_URL_OK; status <= GITDEV_URL_TOO_LONG; status++)
    assert_true(strlen(gitdev_url_problem((gitdev_url_status)status)) > 10);
}

static const struct {
  const char *text;
  size_t len;
  const char *escaped;
} ESCAPES[] = {
    {"", 0, ""},
    {"plain-text_1.2~x", 16, "plain-text_1.2~x"},
    {"a/b c", 5, "a%2Fb%20c"},
    {"?&=+#%", 6, "%3F%26%3D%2B%23%25"},
    {"\xc3\xa4\xf0\x9f\x98\x80", 6, "%C3%A4%F0%9F%98%80"},
    {"\r\n\t\x7f", 4, "%0D%0A%09%7F"},
    {"!*'();:@$,[]", 12, "%21%2A%27%28%29%3B%3A%40%24%2C%5B%5D"},
};

static void escapes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++) {
    gitdev_buffer out;
    gitdev_buffer_init(&out, 100);
    assert_true(gitdev_url_escape(&out, ESCAPES[i].text, ESCAPES[i].len));
    assert_string_equal(out.data, ESCAPES[i].escaped);
    gitdev_buffer back;
    gitdev_buffer_init(&back, 100);
    assert_true(gitdev_url_unescape(&back, out.data, out.len, true));
    assert_int_equal(back.len, ESCAPES[i].len);
    assert_memory_equal(back.data, ESCAPES[i].text, back.len);
    gitdev_buffer_free(&back);
    gitdev_buffer_free(&out);
  }
}

static const struct {
  const char *text;
  bool plus_is_blank;
  const char *plain; /* NULL: refused */
} UNESCAPES[] = {
    {"", false, ""},        {"a+b", false, "a+b"},     {"a+b", true, "a b"},
    {"a%2Bb", true, "a+b"}, {"%2f%2F", false, "//"},   {"%C3%A4", false, "\xc3\xa4"},
    {"%25", false, "%"},    {"%2541", false, "%41"},   {"%", false, NULL},
    {"%4", false, NULL},    {"%4g", false, NULL},      {"%g4", false, NULL},
    {"ok%00", false, NULL}, {"%\xc3\xa4", true, NULL}, {"%+1", true, NULL},
};

static void unescapes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof UNESCAPES / sizeof *UNESCAPES; i++) {
    gitdev_buffer out;
    gitdev_buffer_init(&out, 100);
    assert_true(gitdev_buffer_puts(&out, "<"));
    const char *text = UNESCAPES[i].text;
    bool is_ok = gitdev_url_unescape(&out, text, strlen(text), UNESCAPES[i].plus_is_blank);
    assert_int_equal(is_ok, UNESCAPES[i].plain != NULL);
    assert_string_equal(out.data + 1, is_ok ? UNESCAPES[i].plain : "");
    gitdev_buffer_free(&out);
  }
}

static void a_full_buffer_fails(void **state) {
  (void)state;
  gitdev_buffer out;
  gitdev_buffer_init(&out, 5);
  assert_false(gitdev_url_escape(&out, "a//", 3));
  gitdev_buffer_reset(&out);
  assert_false(gitdev_url_unescape(&out, "abcdef", 6, false));
  assert_int_equal(out.len, 0);
  gitdev_buffer_free(&out);
}

static void a_raw_nul_is_refused(void **state) {
  (void)state;
  gitdev_buffer out;
  gitdev_buffer_init(&out, 5);
  assert_false(gitdev_url_unescape(&out, "a\0b", 3, false));
  assert_int_equal(out.len, 0);
  gitdev_buffer_free(&out);
}

/* gitdev_escape() of the public header: snprintf()'s manners, and no escape is cut in two. */
static void escapes_into_a_given_room(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t size, len;
    const char *written;
  } rows[] = {
      {"", 8, 0, ""},
      {"my-app", 16, 6, "my-app"},
      {"release/1.2 \xc3\xa9", 32, 22, "release%2F1.2%20%C3%A9"},
      {"a/b", 6, 5, "a%2Fb"},
      {"a/b", 5, 5, "a%2F"},
      {"a/b", 4, 5, "a"},
      {"a/b", 2, 5, "a"},
      {"/ab", 3, 5, ""},
      {"abc", 1, 3, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char out[32];
    memset(out, '#', sizeof out);
    assert_int_equal(gitdev_escape(out, rows[i].size, rows[i].text), rows[i].len);
    assert_string_equal(out, rows[i].written);
  }
  assert_int_equal(gitdev_escape(NULL, 0, "a/b"), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_base_urls_apart),
      cmocka_unit_test(has_longest_url_and_host),
      cmocka_unit_test(every_problem_has_words),
      cmocka_unit_test(escapes),
      cmocka_unit_test(unescapes),
      cmocka_unit_test(a_full_buffer_fails),
      cmocka_unit_test(escapes_into_a_given_room),
      cmocka_unit_test(a_raw_nul_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
