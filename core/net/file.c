#include "net/file.h"
#include "wire/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int gitdev_file_write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, bytes, len);
    if (written == 0 || (written < 0 && errno != EINTR))
      return written == 0 ? EIO : errno;
    if (written > 0) {
      bytes += written;
      len -= (size_t)written;
    }
  }
  return 0;
}

int gitdev_file_sync_directory(const char *path) {
  char *copy = gitdev_strdup(path);
  if (copy == NULL)
    return ENOMEM;
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int problem = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0)
    close(fd);
  gitdev_free(copy);
  return problem;
}

int gitdev_file_make_directory(const char *path) {
  struct stat status;
  if (mkdir(path, S_IRWXU) == 0)
    return gitdev_file_sync_directory(path);
  if (errno != EEXIST)
    return errno;
  if (stat(path, &status) != 0)
    return errno;
  return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}
