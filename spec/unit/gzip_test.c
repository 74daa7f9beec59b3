#include "gitdev.h"
#define ZLIB_CONST
#include "net/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* Inflates one gzip member, which must be all of `bytes`, and holds it against the text. */
static void assert_holds(const char *bytes, size_t size, const char *text, size_t len) {
  z_stream stream = {.next_in = (const Bytef *)bytes, .avail_in = (uInt)size};
  assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
  char *out = malloc(len + 1);
  assert_non_null(out);
  stream.next_out = (Bytef *)out;
  stream.avail_out = (uInt)len + 1;
  assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
  assert_int_equal(stream.total_out, len);
  assert_int_equal(stream.avail_in, 0);
  if (len > 0)
    assert_memory_equal(out, text, len);
  assert_int_equal(inflateEnd(&stream), Z_OK);
  free(out);
}

static void gives_back_what_it_was_given(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 10, 1024, 65536, 1000000};
  static char text[1000000];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * i >> 7);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    gitdev_buffer out;
    gitdev_buffer_init(&out, SIZE_MAX);
    assert_int_equal(gitdev_gzip(&out, text, lengths[i]), GITDEV_OK);
    assert_holds(out.data, out.len, text, lengths[i]);
    gitdev_buffer_free(&out);
  }
}

static void appends(void **state) {
  (void)state;
  gitdev_buffer out;
  gitdev_buffer_init(&out, 1000);
  assert_true(gitdev_buffer_puts(&out, "before"));
  assert_int_equal(gitdev_gzip(&out, "text", 4), GITDEV_OK);
  assert_memory_equal(out.data, "before", 6);
  assert_holds(out.data + 6, out.len - 6, "text", 4);
  gitdev_buffer_free(&out);
}

static void has_one_form_for_one_text(void **state) {
  (void)state;
  gitdev_buffer first, second;
  gitdev_buffer_init(&first, 1000);
  gitdev_buffer_init(&second, 1000);
  assert_int_equal(gitdev_gzip(&first, "text", 4), GITDEV_OK);
  assert_int_equal(gitdev_gzip(&second, "text", 4), GITDEV_OK);
  assert_int_equal(first.len, second.len);
  assert_memory_equal(first.data, second.data, first.len);
  gitdev_buffer_free(&first);
  gitdev_buffer_free(&second);
}

static void leaves_the_buffer_alone_when_it_is_too_small(void **state) {
  (void)state;
  char text[2000];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * 7919 >> 3);
  for (size_t cap = 0; cap <= 40; cap++) {
    gitdev_buffer out;
    gitdev_buffer_init(&out, cap);
    assert_int_equal(gitdev_gzip(&out, text, sizeof text), GITDEV_EINVAL);
    assert_int_equal(out.len, 0);
    assert_false(out.failed);
    gitdev_buffer_free(&out);
  }
}

static void refuses_what_is_too_long(void **state) {
  (void)state;
  gitdev_buffer out;
  gitdev_buffer_init(&out, SIZE_MAX);
  assert_int_equal(gitdev_gzip(&out, "", (size_t)GITDEV_GZIP_MAX + 1), GITDEV_EINVAL);
  assert_int_equal(out.len, 0);
  gitdev_buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_back_what_it_was_given),
      cmocka_unit_test(appends),
      cmocka_unit_test(has_one_form_for_one_text),
      cmocka_unit_test(leaves_the_buffer_alone_when_it_is_too_small),
      cmocka_unit_test(refuses_what_is_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
