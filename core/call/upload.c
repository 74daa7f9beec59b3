#include "call/upload.h"

/* A source that ends early would leave the server waiting; one that goes on would spoil the next
 * request on the connection. */
static long read_counted(void *payload, char *out, size_t room) {
  gitdev_upload *upload = payload;
  long long size = upload->given.size, left = size - upload->at;
  if (size >= 0 && (long long)room > left)
    room = (size_t)left;
  long got = room ? upload->given.read(upload->given.payload, out, room) : 0;
  if (got == GITDEV_AGAIN)
    return got;
  if (got < 0 || got > (long)room || (got == 0 && size >= 0 && left > 0)) {
    upload->failed = true;
    return GITDEV_EINVAL;
  }
  upload->at += got;
  return got;
}

void gitdev_upload_init(gitdev_upload *upload, const gitdev_source *source) {
  *upload = (gitdev_upload){0};
  if (!source)
    return;
  upload->given = *source;
  upload->counted = (gitdev_source){.read = read_counted, .payload = upload, .size = source->size};
}

bool gitdev_upload_rewind(gitdev_upload *upload) {
  if (upload->failed)
    return false;
  if (upload->at > 0 && !(upload->given.rewind && upload->given.rewind(upload->given.payload)))
    return false;
  upload->at = 0;
  return true;
}
