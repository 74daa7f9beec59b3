/* Writing files so that they outlive a crash. Functions return 0 or an errno. */
#ifndef GITDEV_NET_FILE_H
#define GITDEV_NET_FILE_H

#include <stddef.h>

/* Writes all bytes at the descriptor's place, however often that takes. */
int gitdev_file_write_all(int fd, const char *bytes, size_t len);

/* Makes durable what the directory that holds `path` says of it: that it is there, or was renamed
 * or removed. */
int gitdev_file_sync_directory(const char *path);

/* Makes a directory for its user alone, durably. One that is there already is fine. */
int gitdev_file_make_directory(const char *path);

#endif
