/* Directories that are made durably. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_a_directory_is_made_once_and_for_its_user_alone(void **state) {
  (void)state;
  char directory[] = "/tmp/gitdev-test-XXXXXX", path[64], file[64], below[96];
  struct stat status;
  assert_non_null(mkdtemp(directory));
  (void)snprintf(path, sizeof path, "%s/new", directory);
  (void)snprintf(file, sizeof file, "%s/file", directory);
  (void)snprintf(below, sizeof below, "%s/none/new", directory);
  assert_int_equal(gitdev_file_make_directory(path), 0);
  assert_int_equal(gitdev_file_make_directory(path), 0);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, S_IRWXU);
  int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
  assert_true(fd >= 0);
  assert_int_equal(close(fd), 0);
  assert_int_equal(gitdev_file_make_directory(file), ENOTDIR);
  assert_int_equal(gitdev_file_make_directory(below), ENOENT);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(path), 0);
  assert_int_equal(rmdir(directory), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_directory_is_made_once_and_for_its_user_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
