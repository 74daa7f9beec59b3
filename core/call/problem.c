#include "call/problem.h"
#include "policy/key.h"
#include <stdarg.h>
#include <stdio.h>

int gitdev_problem_set(gitdev_problem *problem, int code, const char *format, ...) {
  if (!problem)
    return code;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(problem->text, sizeof problem->text, format, arguments);
  va_end(arguments);
  size_t len = written < 0 ? 0 : (size_t)written;
  if (len >= sizeof problem->text)
    len = sizeof problem->text - 1;
  problem->text[gitdev_redact(problem->text, len)] = '\0';
  return code;
}

const char *gitdev_version(void) {
  return GITDEV_VERSION;
}

const char *gitdev_strerror(int code) {
  switch (code) {
  case GITDEV_OK: return "no error";
  case GITDEV_ENOMEM: return "memory is out";
  case GITDEV_EINVAL: return "an argument is wrong";
  case GITDEV_ESYSTEM: return "a system call failed; errno says why";
  case GITDEV_ETLS: return "OpenSSL failed";
  case GITDEV_ECURL: return "libcurl could not be set up";
  case GITDEV_ECLOSED: return "the other side is closed";
  case GITDEV_AGAIN: return "not now: try again later";
  default: return "an unknown code";
  }
}
