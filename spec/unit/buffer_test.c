#include "wire/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_empty_at_first(void **state) {
  (void)state;
  gitdev_buffer buffer;
  gitdev_buffer_init(&buffer, 10);
  assert_int_equal(buffer.len, 0);
  assert_string_equal(buffer.data, "");
  gitdev_buffer_consume(&buffer, 5);
  gitdev_buffer_reset(&buffer);
  gitdev_buffer_wipe(&buffer);
  assert_string_equal(buffer.data, "");
}

static void takes_what_fits_under_the_cap(void **state) {
  (void)state;
  static const size_t caps[] = {0, 1, 7, 127, 128, 129, 1000, 100000};
  static char text[100001];
  memset(text, 'x', sizeof text);
  for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
    gitdev_buffer buffer;
    gitdev_buffer_init(&buffer, caps[i]);
    assert_true(gitdev_buffer_append(&buffer, text, caps[i]));
    assert_int_equal(buffer.len, caps[i]);
    assert_int_equal(strlen(buffer.data), caps[i]);
    assert_false(gitdev_buffer_append(&buffer, text, 1));
    assert_int_equal(buffer.len, caps[i]);
    gitdev_buffer_free(&buffer);
  }
}

static void keeps_its_bytes_while_it_grows(void **state) {
  (void)state;
  gitdev_buffer buffer;
  gitdev_buffer_init(&buffer, SIZE_MAX);
  for (int i = 0; i < 100000; i++) {
    char byte = (char)(i % 251);
    assert_true(gitdev_buffer_append(&buffer, &byte, 1));
  }
  assert_int_equal(buffer.len, 100000);
  for (int i = 0; i < 100000; i++)
    assert_int_equal(buffer.data[i], (char)(i % 251));
  assert_int_equal(buffer.data[100000], '\0');
  gitdev_buffer_free(&buffer);
}

static void a_failure_is_sticky_until_reset(void **state) {
  (void)state;
  gitdev_buffer buffer;
  gitdev_buffer_init(&buffer, 4);
  assert_true(gitdev_buffer_puts(&buffer, "abc"));
  assert_false(gitdev_buffer_puts(&buffer, "de"));
  assert_false(gitdev_buffer_puts(&buffer, "d"));
  assert_false(gitdev_buffer_printf(&buffer, "%d", 1));
  assert_true(buffer.failed);
  gitdev_buffer_consume(&buffer, 3);
  assert_true(buffer.failed);
  gitdev_buffer_reset(&buffer);
  assert_true(gitdev_buffer_puts(&buffer, "de"));
  assert_string_equal(buffer.data, "de");
  gitdev_buffer_free(&buffer);
}

static void prints(void **state) {
  (void)state;
  gitdev_buffer buffer;
  gitdev_buffer_init(&buffer, 300);
  assert_true(gitdev_buffer_printf(&buffer, "%s-%d", "a", 5));
  assert_true(gitdev_buffer_printf(&buffer, "%s", ""));
  assert_true(gitdev_buffer_printf(&buffer, "%0200d", 7));
  assert_int_equal(buffer.len, 203);
  assert_memory_equal(buffer.data, "a-5000", 6);
  assert_false(gitdev_buffer_printf(&buffer, "%0200d", 7));
  assert_int_equal(buffer.len, 203);
  assert_int_equal(strlen(buffer.data), 203);
  gitdev_buffer_free(&buffer);
}

static void consumes_from_the_front(void **state) {
  (void)state;
  static const struct {
    size_t len;
    const char *left;
  } cases[] = {{0, "abcdef"}, {1, "bcdef"}, {5, "f"}, {6, ""}, {100, ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_buffer buffer;
    gitdev_buffer_init(&buffer, 10);
    assert_true(gitdev_buffer_puts(&buffer, "abcdef"));
    gitdev_buffer_consume(&buffer, cases[i].len);
    assert_string_equal(buffer.data, cases[i].left);
    assert_int_equal(buffer.len, strlen(cases[i].left));
    gitdev_buffer_free(&buffer);
    assert_int_equal(buffer.len, 0);
    assert_true(gitdev_buffer_puts(&buffer, "again"));
    gitdev_buffer_wipe(&buffer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_empty_at_first),
      cmocka_unit_test(takes_what_fits_under_the_cap),
      cmocka_unit_test(keeps_its_bytes_while_it_grows),
      cmocka_unit_test(a_failure_is_sticky_until_reset),
      cmocka_unit_test(prints),
      cmocka_unit_test(consumes_from_the_front),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
