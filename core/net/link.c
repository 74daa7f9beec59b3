#include "net/link.h"
#include "gitdev.h"
#include "wire/memory.h"
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

static const double GREETING_MAX = 1; /* seconds that a server's greeting is waited for */

/* ---- on the TLS state ---- */

/* Called by SSL_free(). Newer OpenSSL has let go of the socket by then: with the count unknown,
 * nothing is taken to be proven. */
static void on_ssl_free(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number,
                        void *pointer) {
  (void)data, (void)index, (void)number, (void)pointer;
  gitdev_link *link = value;
  if (!link)
    return;
  BIO *socket = SSL_get_wbio(parent);
  link->written = socket ? BIO_number_written(socket) : UINT64_MAX;
  link->ssl = NULL;
  link->watch->fn(link->watch->payload);
  gitdev_link_release(link);
}

/* Where links hang. OpenSSL gives out the numbers of such places for the life of the process: one is
 * taken, once, under a guard, and does not change. */
static int place = -1;

static void take_place(void) {
  place = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
}

static bool speaks_http2(const SSL *ssl) {
  const unsigned char *name = NULL;
  unsigned len = 0;
  SSL_get0_alpn_selected(ssl, &name, &len);
  return len == 2 && memcmp(name, "h2", 2) == 0;
}

/* The connection's link, made when there is none. Its handshake must be over. */
static gitdev_link *link_of(SSL *ssl, const gitdev_link_watch *watch) {
  gitdev_link *link = place < 0 ? NULL : SSL_get_ex_data(ssl, place);
  if (link || place < 0 || !(link = gitdev_calloc(1, sizeof *link)))
    return link;
  *link = (gitdev_link){.owners = 1,
                        .fd = -1,
                        .ssl = ssl,
                        .since = gitdev_now(),
                        .http2 = speaks_http2(ssl),
                        .watch = watch};
  if (SSL_set_ex_data(ssl, place, link))
    return link;
  gitdev_free(link);
  return NULL;
}

static bool is_data(const SSL *ssl, int type, const void *bytes, size_t len) {
  int wanted = SSL_version(ssl) >= TLS1_3_VERSION ? SSL3_RT_INNER_CONTENT_TYPE : SSL3_RT_HEADER;
  return type == wanted && len > 0 && *(const unsigned char *)bytes == SSL3_RT_APPLICATION_DATA;
}

/* Told of every record until the first that carries data from the server. An HTTP/2 server's first
 * word is its SETTINGS (RFC 9113 3.4). */
static void on_record(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                      void *payload) {
  (void)version;
  const gitdev_link_watch *watch = payload;
  if (sent || !is_data(ssl, type, bytes, len))
    return;
  SSL_set_msg_callback(ssl, NULL);
  gitdev_link *link = link_of(ssl, watch);
  if (!link)
    return;
  link->greeted = true;
  watch->fn(watch->payload);
}

/* Told of alerts, and of each step of a handshake. */
static void on_alert(const SSL *ssl, int where, int alert) {
  gitdev_link *link = place < 0 ? NULL : SSL_get_ex_data(ssl, place);
  if (link && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
    link->ended |= (alert & 0xff) == SSL_AD_CLOSE_NOTIFY;
}

void gitdev_link_prepare(void *watch, SSL_CTX *context) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, take_place);
  SSL_CTX_set_msg_callback(context, on_record);
  SSL_CTX_set_msg_callback_arg(context, watch);
  SSL_CTX_set_info_callback(context, on_alert);
}

gitdev_link *gitdev_link_of(CURL *easy, const gitdev_link_watch *watch) {
  struct curl_tlssessioninfo *session = NULL;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) || !session || !session->internals)
    return NULL;
  return link_of(session->internals, watch);
}

void gitdev_link_learn_fd(gitdev_link *link, CURL *easy) {
  curl_socket_t fd;
  if (link->fd < 0 && link->ssl && curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK)
    link->fd = fd;
}

/* ---- its life ---- */

gitdev_link *gitdev_link_retain(gitdev_link *link) {
  link->owners++;
  return link;
}

void gitdev_link_release(gitdev_link *link) {
  if (link && --link->owners == 0)
    gitdev_free(link);
}

/* ---- what is known ---- */

bool gitdev_link_admits(const gitdev_link *link, double now) {
  return !link->http2 || link->greeted || link->requests == 0 || now - link->since > GREETING_MAX;
}

bool gitdev_link_spoiled(const gitdev_link *link) {
  char byte;
  if (link->http2 || !link->answered || !link->ssl || link->fd < 0)
    return false;
  return SSL_has_pending(link->ssl) || recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

unsigned gitdev_link_enter(gitdev_link *link) {
  return ++link->requests;
}

bool gitdev_link_usable(const gitdev_link *link) {
  return link->ssl && link->greeted && !link->leaving;
}

/* A server that goes in good order says it twice: first without a limit, then with one. */
void gitdev_link_leave(gitdev_link *link, unsigned last_stream) {
  link->leaving = true;
  link->last_stream = last_stream;
}

/* A client's streams are numbered 1, 3, 5, … in the order of their requests. */
bool gitdev_link_refused(const gitdev_link *link, unsigned number) {
  return link->http2 && link->leaving && !link->miscounted && number * 2 - 1 > link->last_stream;
}

uint64_t gitdev_link_written(const gitdev_link *link) {
  const BIO *socket = link->ssl ? SSL_get_wbio(link->ssl) : NULL;
  return socket ? BIO_number_written((BIO *)socket) : link->written;
}
