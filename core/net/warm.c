/* What only the first connection pays for, done before it. */
#include "call/problem.h"
#include "net/certificate.h"
#include "net/job.h"
#include <openssl/err.h>

/* ---- a handshake ---- */

typedef struct rehearsal {
  gitdev_certificate certificate;
  SSL_CTX *contexts[2]; /* the client's, the server's */
  SSL *ends[2];
} rehearsal;

static bool set_up(rehearsal *self) {
  static const char *const names[] = {"localhost"};
  if (gitdev_certificate_make(&self->certificate, names, 1, 1) != GITDEV_OK)
    return false;
  self->contexts[0] = SSL_CTX_new(TLS_client_method());
  self->contexts[1] = SSL_CTX_new(TLS_server_method());
  for (int i = 0; i < 2; i++)
    if (!self->contexts[i] || !(self->ends[i] = SSL_new(self->contexts[i])))
      return false;
  SSL_CTX_set_verify(self->contexts[0], SSL_VERIFY_PEER, NULL);
  BIO *wire[2];
  if (!BIO_new_bio_pair(&wire[0], 0, &wire[1], 0))
    return false;
  for (int i = 0; i < 2; i++)
    SSL_set_bio(self->ends[i], wire[i], wire[i]);
  return X509_STORE_add_cert(SSL_CTX_get_cert_store(self->contexts[0]),
                             self->certificate.authority) &&
         SSL_use_certificate(self->ends[1], self->certificate.certificate) &&
         SSL_use_PrivateKey(self->ends[1], self->certificate.key) &&
         SSL_set1_host(self->ends[0], names[0]);
}

/* OpenSSL looks most of what it does up when it does it first, which takes longer than doing it: a
 * client and a server, both here, shake hands. How that ends does not matter. */
static void rehearse(void) {
  enum { TURNS = 4 };
  rehearsal self = {0};
  if (set_up(&self))
    for (int turn = 0; turn < TURNS; turn++) {
      SSL_connect(self.ends[0]);
      SSL_accept(self.ends[1]);
    }
  for (int i = 0; i < 2; i++) {
    SSL_free(self.ends[i]);
    SSL_CTX_free(self.contexts[i]);
  }
  gitdev_certificate_free(&self.certificate);
  ERR_clear_error();
}

/* ---- an engine ---- */

static int open_all(gitdev_engine *engine) {
  int rc = gitdev_channels_open(&engine->channels, engine->loop);
  for (size_t i = 0; i < GITDEV_POOLS && rc == GITDEV_OK; i++)
    rc = gitdev_pool_open(&engine->pools[i], &engine->pool_options);
  return rc;
}

int gitdev_warm(gitdev_engine *engine, const char *ca_file, gitdev_problem *problem) {
  if (gitdev_loop_forked(engine->loop))
    return GITDEV_ECLOSED;
  int rc = open_all(engine);
  if (rc != GITDEV_OK)
    return rc;
  if (!engine->rehearsed)
    rehearse();
  engine->rehearsed = true;
  gitdev_authorities *authorities = &engine->handle_options.authorities;
  bool trusts = gitdev_authorities_read(authorities, ca_file);
  gitdev_authorities_foresee(authorities);
  if (trusts)
    return GITDEV_OK;
  return gitdev_problem_set(
      problem, GITDEV_EINVAL, "no certificate of an authority can be read %s%s: %s",
      ca_file ? "in " : "where this system keeps them", ca_file ? ca_file : "",
      ca_file ? "ca_file names a PEM file" : "install ca-certificates");
}
