/* A certificate authority of one's own, made in memory, and one server certificate from it: what a
 * local server needs so that its clients can verify it as they verify any other. */
#ifndef GITDEV_NET_CERTIFICATE_H
#define GITDEV_NET_CERTIFICATE_H

#include <openssl/ssl.h>

/* Everything is owned by this struct. */
typedef struct gitdev_certificate {
  X509 *authority; /* what clients are given to trust; its private key is gone once this is made */
  X509 *certificate; /* for the names asked for */
  EVP_PKEY *key;     /* the server's */
} gitdev_certificate;

/* Makes P-256 keys, a CA certificate and a server certificate (SHA-256, valid from a day ago until
 * `days` from now) for the `names`: DNS names, or IP addresses (v4 or v6), which become IP subject
 * alternative names. 0; GITDEV_EINVAL for no name, one that is neither, or days < 1; GITDEV_ETLS
 * when OpenSSL fails. */
int gitdev_certificate_make(gitdev_certificate *out, const char *const *names, size_t count,
                            int days);
void gitdev_certificate_free(gitdev_certificate *certificate);

/* The authority as PEM, for a ca_file. A malloc'ed string that the caller frees; NULL when memory
 * is out. */
char *gitdev_certificate_authority_pem(const gitdev_certificate *certificate);

#endif
