#include "net/tls_stream.h"
#include "gitdev.h"
#include "wire/memory.h"
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

struct gitdev_tls {
  SSL_CTX *context;
  BIO_METHOD *method;
};

/* ---- the socket ---- */

static bool would_block(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

static ssize_t receive(gitdev_stream *stream, char *bytes, size_t size, int flags) {
  if (stream->drained) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t got;
  do
    got = recv(stream->fd, bytes, size, flags);
  while (got < 0 && errno == EINTR);
  if (got != 0 && (got < 0 ? would_block() : (size_t)got < size))
    stream->drained = true;
  return got;
}

static ssize_t transmit(const gitdev_stream *stream, const char *bytes, size_t len) {
  ssize_t sent;
  do
    sent = send(stream->fd, bytes, len, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

/* What a return value of the two above means. */
static gitdev_io verdict(ssize_t result) {
  if (result > 0)
    return GITDEV_IO_DONE;
  if (result == 0)
    return GITDEV_IO_ENDED;
  return would_block() ? GITDEV_IO_AGAIN : GITDEV_IO_BROKEN;
}

/* ---- a BIO over it: OpenSSL's own would raise SIGPIPE and read a second time to see nothing ----
 */

static int bio_read(BIO *bio, char *bytes, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t got = receive(BIO_get_data(bio), bytes, (size_t)size, 0);
  if (got < 0 && would_block())
    BIO_set_retry_read(bio);
  return (int)got;
}

static int bio_write(BIO *bio, const char *bytes, int len) {
  BIO_clear_retry_flags(bio);
  ssize_t sent = transmit(BIO_get_data(bio), bytes, (size_t)len);
  if (sent < 0 && would_block())
    BIO_set_retry_write(bio);
  return (int)sent;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void) {
  /* Without an index of its own: there are only 127 of them in a process, and they are never given
   * back. */
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "gitdev socket");
  if (method && BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
      BIO_meth_set_ctrl(method, bio_ctrl))
    return method;
  BIO_meth_free(method);
  return NULL;
}

/* ---- what the streams of a server share ---- */

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *payload) {
  static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
  (void)ssl, (void)payload;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *context, const gitdev_certificate *certificate) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  /* Sessions live in the tickets, so nothing is kept for those that never come back. */
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
         SSL_CTX_use_certificate(context, certificate->certificate) == 1 &&
         SSL_CTX_use_PrivateKey(context, certificate->key) == 1 &&
         (!certificate->chain || SSL_CTX_set1_chain(context, certificate->chain) == 1);
}

int gitdev_tls_new(gitdev_tls **out, const gitdev_certificate *certificate) {
  *out = NULL;
  gitdev_tls *tls = gitdev_calloc(1, sizeof *tls);
  if (!tls)
    return GITDEV_ENOMEM;
  tls->method = make_method();
  tls->context = SSL_CTX_new(TLS_server_method());
  bool good = tls->method && tls->context && configure(tls->context, certificate);
  ERR_clear_error();
  if (!good) {
    gitdev_tls_free(tls);
    return GITDEV_ETLS;
  }
  *out = tls;
  return 0;
}

void gitdev_tls_free(gitdev_tls *tls) {
  if (!tls)
    return;
  SSL_CTX_free(tls->context);
  BIO_meth_free(tls->method);
  gitdev_free(tls);
}

/* ---- a stream ---- */

void gitdev_stream_open(gitdev_stream *stream, int fd) {
  *stream = (gitdev_stream){.fd = fd};
}

int gitdev_stream_peek(gitdev_stream *stream, gitdev_io *io) {
  unsigned char first;
  *io = verdict(receive(stream, (char *)&first, 1, MSG_PEEK));
  return *io == GITDEV_IO_DONE ? first : -1;
}

int gitdev_stream_start_tls(gitdev_stream *stream, const gitdev_tls *tls) {
  BIO *bio = BIO_new(tls->method);
  stream->ssl = bio ? SSL_new(tls->context) : NULL;
  if (!stream->ssl) {
    BIO_free(bio);
    ERR_clear_error();
    return GITDEV_ENOMEM;
  }
  BIO_set_data(bio, stream);
  BIO_set_init(bio, 1);
  SSL_set_bio(stream->ssl, bio, bio);
  SSL_set_accept_state(stream->ssl);
  return 0;
}

/* What became of a TLS operation that did not succeed. */
static gitdev_io tls_verdict(gitdev_stream *stream, int result) {
  int error = SSL_get_error(stream->ssl, result);
  ERR_clear_error();
  switch (error) {
  case SSL_ERROR_WANT_READ: return GITDEV_IO_AGAIN;
  case SSL_ERROR_WANT_WRITE: stream->wants_writable = true; return GITDEV_IO_AGAIN;
  case SSL_ERROR_ZERO_RETURN: return GITDEV_IO_ENDED;
  default: return GITDEV_IO_BROKEN;
  }
}

gitdev_io gitdev_stream_handshake(gitdev_stream *stream) {
  ERR_clear_error();
  stream->wants_writable = false;
  int result = SSL_do_handshake(stream->ssl);
  return result == 1 ? GITDEV_IO_DONE : tls_verdict(stream, result);
}

void gitdev_stream_ready(gitdev_stream *stream) {
  stream->drained = false;
}

gitdev_io gitdev_stream_read(gitdev_stream *stream, char *bytes, size_t size, size_t *len) {
  *len = 0;
  stream->wants_writable = false;
  if (!stream->ssl) {
    ssize_t got = receive(stream, bytes, size, 0);
    if (got > 0)
      *len = (size_t)got;
    return verdict(got);
  }
  ERR_clear_error();
  int result = SSL_read_ex(stream->ssl, bytes, size, len);
  return result == 1 ? GITDEV_IO_DONE : tls_verdict(stream, result);
}

gitdev_io gitdev_stream_write(gitdev_stream *stream, const char *bytes, size_t len,
                              size_t *written) {
  *written = 0;
  stream->wants_writable = false;
  if (!stream->ssl) {
    ssize_t sent = transmit(stream, bytes, len);
    if (sent > 0)
      *written = (size_t)sent;
    stream->wants_writable = verdict(sent) == GITDEV_IO_AGAIN;
    return verdict(sent);
  }
  ERR_clear_error();
  int result = SSL_write_ex(stream->ssl, bytes, len, written);
  return result == 1 ? GITDEV_IO_DONE : tls_verdict(stream, result);
}

gitdev_io gitdev_stream_goodbye(gitdev_stream *stream) {
  stream->wants_writable = false;
  if (stream->ssl && SSL_is_init_finished(stream->ssl)) {
    ERR_clear_error();
    int result = SSL_shutdown(stream->ssl);
    if (result < 0 && tls_verdict(stream, result) == GITDEV_IO_AGAIN)
      return GITDEV_IO_AGAIN;
  }
  return shutdown(stream->fd, SHUT_WR) ? GITDEV_IO_BROKEN : GITDEV_IO_DONE;
}

static void free_tls(gitdev_stream *stream) {
  SSL_free(stream->ssl);
  stream->ssl = NULL;
}

gitdev_io gitdev_stream_discard(gitdev_stream *stream, char *scratch, size_t size) {
  free_tls(stream);
  return verdict(receive(stream, scratch, size, 0));
}

void gitdev_stream_close(gitdev_stream *stream, bool reset) {
  free_tls(stream);
  if (stream->fd < 0)
    return;
  struct linger at_once = {.l_onoff = 1};
  if (reset)
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(stream->fd);
  stream->fd = -1;
}
