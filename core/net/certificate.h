/* A server's certificate and key: read from files, or made in memory with a certificate authority of
 * one's own, which is what a local server needs so that its clients can verify it as any other. */
#ifndef GITDEV_NET_CERTIFICATE_H
#define GITDEV_NET_CERTIFICATE_H

#include <openssl/ssl.h>

/* Everything is owned by this struct. */
typedef struct gitdev_certificate {
  X509 *authority;   /* what clients are given to trust; its private key is gone once this is made.
                      NULL for one from files */
  X509 *certificate; /* the server's */
  STACK_OF(X509) * chain; /* what is sent after it; NULL: nothing */
  EVP_PKEY *key;
} gitdev_certificate;

/* Makes P-256 keys, a CA certificate and a server certificate (SHA-256, valid from a day ago until
 * `days` from now) for the `names`: DNS names, or IP addresses (v4 or v6), which become IP subject
 * alternative names. 0; GITDEV_EINVAL for no name, one that is neither, or days < 1; GITDEV_ETLS
 * when OpenSSL fails. */
int gitdev_certificate_make(gitdev_certificate *out, const char *const *names, size_t count,
                            int days);
/* Reads PEM files: the server's certificate, followed by those that lead to its authority, if any, and
 * its private key, without a password. 0; GITDEV_ESYSTEM with errno kept for a file that cannot be
 * opened, GITDEV_EINVAL for what is wrong with its text or for a certificate that has expired,
 * GITDEV_ENOMEM. `*problem` is then a static text that says which: "the key file cannot be
 * opened". */
int gitdev_certificate_load(gitdev_certificate *out, const char *certificate_file,
                            const char *key_file, const char **problem);
void gitdev_certificate_free(gitdev_certificate *certificate);

/* The authority as PEM, for a ca_file. The caller frees it with gitdev_free(); NULL when
 * memory is out, or there is no authority. */
char *gitdev_certificate_authority_pem(const gitdev_certificate *certificate);

#endif
