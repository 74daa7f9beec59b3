/* A file that several processes append to in turns: locked for a turn, read from where one was, and
 * replaced as a whole when it has grown. What is in it survives the death of a process at any
 * moment; what was synced survives the machine's.
 *
 * Functions that can fail return 0 or an errno. Not for two threads at once; a lock is held for no
 * longer than a turn takes, and never while anything else is waited for. */
#ifndef GITDEV_NET_JOURNAL_H
#define GITDEV_NET_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gitdev_journal gitdev_journal;

/* Opens the file, or makes it, readable to its user alone; the directory must exist, and be one to
 * which nobody else may write. The caller owns the journal. The path is copied; where it leads is
 * found out once, so that links and the working directory may change. */
int gitdev_journal_open(gitdev_journal **out, const char *path);
/* Gives up the lock, if it is held. NULL is fine. */
void gitdev_journal_close(gitdev_journal *journal);

/* Waits at most `seconds` for the lock (ETIMEDOUT when others keep it). What is locked is the file
 * that the path names now: another has it replaced meanwhile, or removed, and after a fork the
 * child opens it anew, as it would share its parent's lock. *is_new: it is another file than at the
 * last lock, so all that was read is to be forgotten. */
int gitdev_journal_lock(gitdev_journal *journal, double seconds, bool *is_new);
void gitdev_journal_unlock(gitdev_journal *journal);

/* The rest is for who holds the lock. */

int gitdev_journal_size(gitdev_journal *journal, uint64_t *size);
/* Reads up to `len` bytes from an offset; fewer at the end only. */
int gitdev_journal_read(gitdev_journal *journal, uint64_t offset, char *out, size_t len,
                        size_t *got);
/* Appends all, or nothing: what a full disk leaves of it is cut off. `sync`: returns when it is on
 * the disk. A process that dies inside may leave a part, which the next to lock the file finds at
 * its end and should cut off. */
int gitdev_journal_append(gitdev_journal *journal, const char *bytes, size_t len, bool sync);
int gitdev_journal_truncate(gitdev_journal *journal, uint64_t size);
/* Puts another file with these bytes in the place of this one, durably: after a crash there is the
 * old or the new, whole. It is locked like the one before, and as accessible. */
int gitdev_journal_replace(gitdev_journal *journal, const char *bytes, size_t len);

#endif
