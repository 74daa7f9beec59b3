#include "call/download.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only a strong validator vouches for single bytes (RFC 9110 8.8.1); one with a NUL or too long is
 * none. */
static void keep_etag(gitdev_download *download, const char *etag) {
  size_t len = etag ? strlen(etag) : 0;
  if (len < 2 || len >= GITDEV_ETAG_SIZE || etag[0] != '"' || etag[len - 1] != '"')
    len = 0;
  memcpy(download->etag, len ? etag : "", len);
  download->etag[len] = '\0';
}

void gitdev_download_init(gitdev_download *download, const gitdev_sink *sink) {
  memset(download, 0, sizeof *download);
  if (!sink)
    return;
  download->sink = *sink;
  download->at = sink->offset;
  keep_etag(download, sink->etag);
  download->sink.etag = NULL;
}

static bool rewind_sink(gitdev_download *download) {
  if (download->at == 0)
    return true;
  if (!download->sink.rewind || !download->sink.rewind(download->sink.payload)) {
    download->refused = true;
    return false;
  }
  download->at = 0;
  return true;
}

/* What was begun in this call can only be continued if its validator is known; for what was there
 * before, its user vouches. */
static bool can_continue(const gitdev_download *download) {
  return download->etag[0] || download->at == download->sink.offset;
}

int gitdev_download_begin(gitdev_download *download, gitdev_header *out) {
  download->begun = download->taken = false;
  if (download->at > 0 && !can_continue(download) && !rewind_sink(download))
    return -1;
  download->was = download->at;
  if (download->at == 0)
    return 0;
  snprintf(download->range, sizeof download->range, "bytes=%llu-", download->at);
  out[0] = (gitdev_header){"Range", download->range};
  out[1] = (gitdev_header){"If-Range", download->etag};
  return download->etag[0] ? 2 : 1;
}

/* "bytes 500-999/1000": whether it begins where we stopped. */
static bool continues(const gitdev_download *download, const char *content_range) {
  char *end;
  if (!content_range || strncmp(content_range, "bytes ", 6) != 0 || content_range[6] < '0' ||
      content_range[6] > '9')
    return false;
  unsigned long long first = strtoull(content_range + 6, &end, 10);
  return *end == '-' && first == download->at;
}

int gitdev_download_accept(gitdev_download *download, gitdev_response *response) {
  if (download->begun)
    return GITDEV_OK;
  download->begun = true;
  bool whole = response->status >= 200 && response->status < 300 && response->status != 206;
  download->taken = whole || response->status == 206;
  if (!download->taken)
    return GITDEV_OK;
  if (whole && !rewind_sink(download))
    return GITDEV_EINVAL;
  if (!whole && !continues(download, gitdev_response_find(response, "content-range")))
    return GITDEV_EINVAL;
  keep_etag(download, gitdev_response_find(response, "etag"));
  return GITDEV_OK;
}

int gitdev_download_write(gitdev_download *download, const char *bytes, size_t len) {
  int rc = download->sink.write(download->sink.payload, bytes, len);
  if (rc == GITDEV_OK)
    download->at += len;
  else if (rc != GITDEV_AGAIN)
    download->refused = true;
  return rc == GITDEV_OK || rc == GITDEV_AGAIN ? rc : GITDEV_EINVAL;
}

bool gitdev_download_progressed(const gitdev_download *download) {
  return download->taken && download->at > download->was;
}
