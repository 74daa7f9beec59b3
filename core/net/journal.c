#include "net/journal.h"

#include "gitdev.h"
#include "net/file.h"
#include "wire/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char TEMPORARY[] = ".new"; /* what a replacement is called until it is whole */

struct gitdev_journal {
  char *path, *temporary;
  int fd;      /* -1: not open */
  pid_t owner; /* who opened it */
  bool is_new; /* opened since the last lock */
  bool is_locked;
};

static void close_file(gitdev_journal *journal) {
  if (journal->fd >= 0)
    close(journal->fd);
  journal->fd = -1;
}

static int open_file(gitdev_journal *journal) {
  close_file(journal);
  journal->fd = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  journal->owner = getpid();
  journal->is_new = true;
  journal->is_locked = false;
  return journal->fd < 0 ? errno : 0;
}

/* A file that is empty may be new: its name is made durable, lest what is synced later be lost with
 * it. */
static int sync_name(const gitdev_journal *journal) {
  struct stat status;
  if (fstat(journal->fd, &status) != 0)
    return errno;
  return status.st_size == 0 ? gitdev_file_sync_directory(journal->path) : 0;
}

static int reopen(gitdev_journal *journal) {
  int problem = open_file(journal);
  if (problem == 0)
    problem = sync_name(journal);
  if (problem != 0)
    close_file(journal);
  return problem;
}

/* From now on the file goes by the name that it has without symbolic links and from the root: who
 * opened it by another must not be left behind with the old one when it is replaced. */
static int resolve(gitdev_journal *journal) {
  char whole[PATH_MAX];
  if (realpath(journal->path, whole) == NULL)
    return errno;
  char *path = gitdev_strdup(whole);
  if (path == NULL)
    return ENOMEM;
  gitdev_free(journal->path);
  journal->path = path;
  size_t size = strlen(path) + sizeof TEMPORARY;
  journal->temporary = gitdev_malloc(size);
  if (journal->temporary == NULL)
    return ENOMEM;
  (void)snprintf(journal->temporary, size, "%s%s", path, TEMPORARY);
  return 0;
}

int gitdev_journal_open(gitdev_journal **out, const char *path) {
  gitdev_journal *journal = gitdev_calloc(1, sizeof *journal);
  *out = NULL;
  if (journal == NULL)
    return ENOMEM;
  journal->fd = -1;
  journal->path = gitdev_strdup(path);
  int problem = journal->path != NULL ? open_file(journal) : ENOMEM;
  if (problem == 0)
    problem = resolve(journal);
  if (problem == 0)
    problem = sync_name(journal);
  if (problem != 0)
    gitdev_journal_close(journal);
  else
    *out = journal;
  return problem;
}

void gitdev_journal_close(gitdev_journal *journal) {
  if (journal == NULL)
    return;
  gitdev_journal_unlock(journal);
  close_file(journal);
  gitdev_free(journal->path);
  gitdev_free(journal->temporary);
  gitdev_free(journal);
}

/* Tries again and again: there is no waiting for a lock with an end to it. */
static int take_lock(int fd, double until) {
  struct timespec pause = {0, 500000};
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return errno;
    if (gitdev_now() >= until)
      return ETIMEDOUT;
    (void)nanosleep(&pause, NULL);
    if (pause.tv_nsec < 10000000)
      pause.tv_nsec *= 2;
  }
  return 0;
}

/* Whether the path still names the file that is open. */
static bool is_current(const gitdev_journal *journal) {
  struct stat open, named;
  return fstat(journal->fd, &open) == 0 && stat(journal->path, &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

int gitdev_journal_lock(gitdev_journal *journal, double seconds, bool *is_new) {
  double until = gitdev_now() + seconds;
  bool is_open = journal->fd >= 0 && journal->owner == getpid();
  for (;;) {
    int problem = is_open ? 0 : reopen(journal);
    if (problem == 0)
      problem = take_lock(journal->fd, until);
    if (problem != 0)
      return problem;
    if (is_current(journal))
      break;
    is_open = false;
  }
  journal->is_locked = true;
  *is_new = journal->is_new;
  journal->is_new = false;
  return 0;
}

void gitdev_journal_unlock(gitdev_journal *journal) {
  /* A fork's child must not: the lock is one with its parent's. */
  if (journal->is_locked && journal->owner == getpid())
    (void)flock(journal->fd, LOCK_UN);
  journal->is_locked = false;
}

int gitdev_journal_size(gitdev_journal *journal, uint64_t *size) {
  struct stat status;
  *size = 0;
  if (fstat(journal->fd, &status) != 0)
    return errno;
  *size = (uint64_t)status.st_size;
  return 0;
}

int gitdev_journal_read(gitdev_journal *journal, uint64_t offset, char *out, size_t len,
                        size_t *got) {
  *got = 0;
  while (*got < len) {
    ssize_t count = pread(journal->fd, out + *got, len - *got, (off_t)(offset + *got));
    if (count == 0)
      break;
    if (count < 0 && errno != EINTR)
      return errno;
    *got += count > 0 ? (size_t)count : 0;
  }
  return 0;
}

int gitdev_journal_truncate(gitdev_journal *journal, uint64_t size) {
  return ftruncate(journal->fd, (off_t)size) == 0 ? 0 : errno;
}

int gitdev_journal_append(gitdev_journal *journal, const char *bytes, size_t len, bool sync) {
  uint64_t size;
  int problem = gitdev_journal_size(journal, &size);
  if (problem != 0)
    return problem;
  problem = gitdev_file_write_all(journal->fd, bytes, len);
  if (problem == 0 && sync && fdatasync(journal->fd) != 0)
    problem = errno;
  if (problem != 0)
    (void)gitdev_journal_truncate(journal, size);
  return problem;
}

/* Whoever could use the file before can use the one in its place, if that can be done. */
static int keep_access(const gitdev_journal *journal, int fd) {
  struct stat status;
  if (fstat(journal->fd, &status) != 0)
    return errno;
  if (fchown(fd, status.st_uid, status.st_gid) != 0)
    return errno == EPERM ? 0 : errno; /* it stays this user's alone */
  return fchmod(fd, status.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) == 0 ? 0 : errno;
}

/* A whole and durable file under the temporary name, locked; its descriptor in *fd, for the caller
 * to close also when something went wrong (-1: there is none). What has the name is left from
 * somebody who died, or is not ours: it is removed, never written to. */
static int write_replacement(const gitdev_journal *journal, const char *bytes, size_t len,
                             int *fd) {
  *fd = -1;
  if (unlink(journal->temporary) != 0 && errno != ENOENT)
    return errno;
  *fd =
      open(journal->temporary, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) != 0)
    return errno;
  int problem = keep_access(journal, *fd);
  if (problem == 0)
    problem = gitdev_file_write_all(*fd, bytes, len);
  return problem == 0 && fsync(*fd) != 0 ? errno : problem;
}

int gitdev_journal_replace(gitdev_journal *journal, const char *bytes, size_t len) {
  int fd;
  int problem = write_replacement(journal, bytes, len, &fd);
  if (problem == 0 && rename(journal->temporary, journal->path) != 0)
    problem = errno;
  if (problem != 0) {
    if (fd >= 0) {
      (void)unlink(journal->temporary);
      close(fd);
    }
    return problem;
  }
  close_file(journal); /* who waits for its lock finds that it is no longer the one */
  journal->fd = fd;
  return gitdev_file_sync_directory(journal->path);
}
