/* A request body that is read while it is sent: its user's source, counted and held to its size. */
#ifndef GITDEV_CALL_UPLOAD_H
#define GITDEV_CALL_UPLOAD_H

#include "gitdev.h"

/* Its memory must stay where it is: the request points to `counted`. */
typedef struct gitdev_upload {
  gitdev_source given;   /* its user's; read is NULL when there is none */
  gitdev_source counted; /* what a driver reads */
  long long at;          /* bytes read in this try */
  bool failed;           /* it gave an error, or not what it had announced */
} gitdev_upload;

/* `source` may be NULL. */
void gitdev_upload_init(gitdev_upload *upload, const gitdev_source *source);

/* Makes it ready to be read from the first byte. False when that is not possible any more. */
bool gitdev_upload_rewind(gitdev_upload *upload);

#endif
