#include "children.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CHILDREN_MAX = 256, NUMBER_MAX = 20 };

/* printf and opendir are not for signal handlers. */
static char *put(char *out, const char *text) {
  size_t len = strlen(text);
  memcpy(out, text, len);
  return out + len;
}

static char *put_number(char *out, pid_t number) {
  char digits[NUMBER_MAX];
  size_t count = 0;
  for (; number > 0; number /= 10)
    digits[count++] = (char)('0' + number % 10);
  while (count > 0)
    *out++ = digits[--count];
  return out;
}

static int open_children(pid_t parent) {
  char path[64], *end = put(path, "/proc/");
  end = put_number(end, parent);
  end = put(end, "/task/");
  end = put_number(end, parent);
  end = put(end, "/children");
  *end = '\0';
  return open(path, O_RDONLY | O_CLOEXEC);
}

/* Appends the children of a process: numbers, each with a blank behind it. */
static size_t append_children(pid_t *list, size_t count, pid_t parent) {
  int fd = open_children(parent);
  char bytes[256];
  ssize_t got;
  pid_t number = 0;
  while (fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0)
    for (ssize_t i = 0; i < got; i++) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        number = number * 10 + (bytes[i] - '0');
      } else if (number > 0) {
        if (count < CHILDREN_MAX)
          list[count++] = number;
        number = 0;
      }
    }
  if (fd >= 0)
    close(fd);
  return count;
}

/* Those at the end of the tree are listed before anybody dies: a shell that ends leaves its children
 * to somebody else. */
void gitdev_children_signal(int number) {
  int kept = errno;
  pid_t list[CHILDREN_MAX];
  size_t count = append_children(list, 0, getpid());
  for (size_t i = 0; i < count; i++)
    count = append_children(list, count, list[i]);
  for (size_t i = 0; i < count; i++)
    kill(list[i], number);
  errno = kept;
}
