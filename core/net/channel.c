#include "net/channel.h"
#include "wire/memory.h"
#include <sys/socket.h>
#include <unistd.h>

/* ---- all of them ---- */

static void on_finished(void *payload, CURL *easy, CURLcode code) {
  (void)payload;
  char *private = NULL;
  long tunnel = 0;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
  gitdev_channel *channel = (gitdev_channel *)(void *)private;
  channel->tunneled = tunnel != 0;
  if (!code && curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &channel->fd) != CURLE_OK)
    channel->fd = CURL_SOCKET_BAD;
  if (channel->fd != CURL_SOCKET_BAD)
    gitdev_multi_let_go(channel->of->multi, channel->fd);
  channel->on_connected(channel->payload, code);
}

int gitdev_channels_open(gitdev_channels *self, gitdev_loop *loop) {
  if (self->multi)
    return GITDEV_OK;
  self->loop = loop;
  self->share = curl_share_init();
  if (!self->share ||
      curl_share_setopt(self->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
    gitdev_channels_close(self);
    return GITDEV_ENOMEM;
  }
  int rc = gitdev_multi_new(&self->multi, loop, on_finished, self);
  if (rc != GITDEV_OK)
    gitdev_channels_close(self);
  return rc;
}

void gitdev_channels_close(gitdev_channels *self) {
  gitdev_multi_free(self->multi);
  curl_share_cleanup(self->share);
  *self = (gitdev_channels){0};
}

/* The channels that remain belong to sockets whose owners free them later, when the engine is gone. */
void gitdev_channels_forsake(gitdev_channels *self) {
  for (gitdev_channel *channel = self->first; channel; channel = channel->next) {
    gitdev_unwatch(self->loop, &channel->watch);
    if (channel->fd != CURL_SOCKET_BAD)
      close(channel->fd);
    channel->fd = CURL_SOCKET_BAD;
    channel->of = NULL;
  }
  if (self->multi)
    gitdev_multi_forsake(self->multi);
}

/* ---- one ---- */

/* What is to be written may have moved when it can be written at last. */
static void on_tls(void *payload, SSL_CTX *context) {
  (void)payload;
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* The proxy's answer to CONNECT. */
static size_t swallow(char *bytes, size_t size, size_t count, void *payload) {
  (void)bytes, (void)payload;
  return size * count;
}

static bool set_options(gitdev_channel *self) {
  CURL *easy = self->handle->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
  if (!code)                                                                                       \
  code = curl_easy_setopt(easy, option, value)
  SET(CURLOPT_PRIVATE, self);
  SET(CURLOPT_ERRORBUFFER, self->problem);
  SET(CURLOPT_WRITEFUNCTION, swallow);
  SET(CURLOPT_SHARE, self->of->share);
#undef SET
  return code == CURLE_OK && gitdev_multi_prepare(self->of->multi, easy) == GITDEV_OK;
}

static void enlist(gitdev_channel *self) {
  self->next = self->of->first;
  if (self->next)
    self->next->before = self;
  self->of->first = self;
}

static void delist(gitdev_channel *self) {
  if (self->before)
    self->before->next = self->next;
  else
    self->of->first = self->next;
  if (self->next)
    self->next->before = self->before;
}

int gitdev_channel_new(gitdev_channel **out, gitdev_channels *of, gitdev_client *client,
                       gitdev_handle_options *options) {
  *out = NULL;
  gitdev_channel *self = gitdev_calloc(1, sizeof *self);
  if (!self)
    return GITDEV_ENOMEM;
  *self = (gitdev_channel){.of = of, .client = client, .fd = CURL_SOCKET_BAD};
  self->handle = gitdev_handle_new(options, on_tls, NULL);
  if (!self->handle || !set_options(self)) {
    gitdev_handle_free(self->handle);
    gitdev_free(self);
    return GITDEV_ENOMEM;
  }
  gitdev_client_retain(client);
  enlist(self);
  *out = self;
  return GITDEV_OK;
}

int gitdev_channel_connect(gitdev_channel *self, const gitdev_request *request,
                           const gitdev_travel *travel, gitdev_channel_fn fn, void *payload) {
  self->on_connected = fn;
  self->payload = payload;
  int rc = gitdev_handle_set_connect(self->handle, request, travel);
  return rc == GITDEV_OK ? gitdev_multi_add(self->of->multi, self->handle->easy) : rc;
}

/* In a fork's child the connection is the parent's, and what libcurl holds of it is left to the
 * child's end. */
static void leave(gitdev_channel *self) {
  if (self->of) {
    delist(self);
    gitdev_unwatch(self->of->loop, &self->watch);
  }
  if (self->fd != CURL_SOCKET_BAD)
    close(self->fd);
}

static bool is_the_parents(const gitdev_channel *self) {
  return !self->of || gitdev_loop_forked(self->of->loop);
}

void gitdev_channel_free(gitdev_channel *self, bool reset) {
  const struct linger at_once = {.l_onoff = 1};
  if (!self)
    return;
  if (is_the_parents(self)) {
    leave(self);
  } else {
    gitdev_unwatch(self->of->loop, &self->watch);
    if (reset && self->fd != CURL_SOCKET_BAD)
      setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    gitdev_multi_remove(self->of->multi, self->handle->easy);
    gitdev_handle_free(self->handle);
    delist(self);
  }
  gitdev_client_free(self->client);
  gitdev_free(self);
}

/* ---- bytes ---- */

/* The connection is the handle's again once it has been used. */
static void learn_tls(gitdev_channel *self) {
  struct curl_tlssessioninfo *session = NULL;
  if (curl_easy_getinfo(self->handle->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session)
    self->ssl = session->internals;
}

/* OpenSSL keeps a record's room each way, 33 KiB in all, for as long as a connection lives; most of
 * ours rest most of the time. */
static void rest(gitdev_channel *self) {
  if (self->ssl)
    SSL_free_buffers(self->ssl);
}

gitdev_io gitdev_channel_read(gitdev_channel *self, char *bytes, size_t size, size_t *len) {
  *len = 0;
  if (is_the_parents(self))
    return GITDEV_IO_BROKEN;
  CURLcode code =
      self->drained ? CURLE_AGAIN : curl_easy_recv(self->handle->easy, bytes, size, len);
  self->drained =
      *len > 0 && *len < size && !self->tunneled && self->ssl && !SSL_has_pending(self->ssl);
  switch (code) {
  case CURLE_OK: return *len > 0 ? GITDEV_IO_DONE : GITDEV_IO_ENDED;
  case CURLE_AGAIN: rest(self); return GITDEV_IO_AGAIN;
  default: return GITDEV_IO_BROKEN;
  }
}

gitdev_io gitdev_channel_write(gitdev_channel *self, const char *bytes, size_t len,
                               size_t *written) {
  *written = 0;
  if (is_the_parents(self))
    return GITDEV_IO_BROKEN;
  CURLcode code = curl_easy_send(self->handle->easy, bytes, len, written);
  if (!code && !self->ssl)
    learn_tls(self);
  switch (code) {
  case CURLE_OK: return *written > 0 ? GITDEV_IO_DONE : GITDEV_IO_AGAIN;
  case CURLE_AGAIN: return GITDEV_IO_AGAIN;
  default: return GITDEV_IO_BROKEN;
  }
}

static void on_ready(void *payload, int ready) {
  gitdev_channel *self = payload;
  self->drained = false;
  self->on_ready(self->payload, ready);
}

int gitdev_channel_watch(gitdev_channel *self, int want, gitdev_watch_fn fn, void *payload) {
  self->on_ready = fn;
  self->payload = payload;
  return gitdev_watch_start(self->of->loop, &self->watch, self->fd, want, on_ready, self);
}

void gitdev_channel_pass(gitdev_channel *self, gitdev_watch_fn fn, void *payload) {
  self->on_ready = fn;
  self->payload = payload;
}

void gitdev_channel_want(gitdev_channel *self, int want) {
  if (self->of)
    gitdev_watch_want(self->of->loop, &self->watch, want);
}
