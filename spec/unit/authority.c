#include "authority.h"
#include "wire/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void authority_write(char path[AUTHORITY_PATH_SIZE], const gitdev_certificate *certificate) {
  char *pem = gitdev_certificate_authority_pem(certificate);
  assert_non_null(pem);
  strcpy(path, "/tmp/gitdev-authority-XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, pem, strlen(pem)), strlen(pem));
  close(fd);
  gitdev_free(pem);
}
