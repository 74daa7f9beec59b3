#include "call/download.h"
#include <stdio.h>
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
  download->at = download->most = sink->offset;
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
  download->was = download->most;
  if (download->at == 0)
    return 0;
  snprintf(download->range, sizeof download->range, "bytes=%llu-", download->at);
  out[0] = (gitdev_header){"Range", download->range};
  out[1] = (gitdev_header){"If-Range", download->etag};
  return download->etag[0] ? 2 : 1;
}

/* Reads digits, and moves past them. False when there are none, or too many. */
static bool read_number(const char **at, unsigned long long *out) {
  enum { DIGITS_MAX = 18 };
  const char *start = *at;
  for (*out = 0; **at >= '0' && **at <= '9'; ++*at)
    *out = *out * 10 + (unsigned long long)(**at - '0');
  return *at > start && *at - start <= DIGITS_MAX;
}

/* "bytes 500-999/1000" (RFC 9110 14.4): whether it begins where we stopped. The total may be "*". */
static bool continues(gitdev_download *download, const char *text) {
  unsigned long long first, last, total = 0;
  if (!text || strncmp(text, "bytes ", 6) != 0)
    return false;
  text += 6;
  if (!read_number(&text, &first) || *text++ != '-' || !read_number(&text, &last) || *text++ != '/')
    return false;
  if (strcmp(text, "*") != 0 && (!read_number(&text, &total) || *text || total <= last))
    return false;
  download->total = total;
  return first == download->at && last >= first;
}

/* A part is only taken when one was asked for, and of the same thing (RFC 9110 15.3.7.3). */
static bool is_the_rest(gitdev_download *download, gitdev_response *response) {
  const char *etag = gitdev_response_find(response, "etag");
  if (download->at == 0 || (etag && download->etag[0] && strcmp(etag, download->etag) != 0))
    return false;
  return continues(download, gitdev_response_find(response, "content-range"));
}

int gitdev_download_accept(gitdev_download *download, gitdev_response *response) {
  if (download->begun)
    return GITDEV_OK;
  download->begun = true;
  bool whole = response->status >= 200 && response->status < 300 && response->status != 206;
  download->taken = whole || response->status == 206;
  if (!download->taken)
    return GITDEV_OK;
  if (whole ? !rewind_sink(download) : !is_the_rest(download, response))
    return GITDEV_EINVAL;
  if (whole)
    download->total = 0;
  const char *etag = gitdev_response_find(response, "etag");
  if (whole || etag)
    keep_etag(download, etag);
  return GITDEV_OK;
}

bool gitdev_download_whole(const gitdev_download *download) {
  return !download->taken || download->total == 0 || download->at >= download->total;
}

int gitdev_download_write(gitdev_download *download, const char *bytes, size_t len) {
  int rc = download->sink.write(download->sink.payload, bytes, len);
  if (rc == GITDEV_AGAIN)
    return rc;
  if (rc != GITDEV_OK) {
    download->refused = true;
    return GITDEV_EINVAL;
  }
  download->at += len;
  if (download->at > download->most)
    download->most = download->at;
  return GITDEV_OK;
}

bool gitdev_download_progressed(const gitdev_download *download) {
  return download->taken && download->most > download->was;
}
