/* Whom connections trust: certificates of authorities, read from a file once for all connections of an
 * engine.
 *
 * libcurl reads them for each multi, and OpenSSL decodes each as it reads it: 20 ms for what a system
 * trusts, of which a connection needs one. Here a file is only indexed, by the names of its authorities
 * (a tenth of that), and one is decoded when a certificate that it may have issued is to be verified.
 * Reading PEM and verifying are OpenSSL's, and so are the verdicts, but for one thing: where OpenSSL
 * refuses a file for a certificate in it that is broken, it is the others that are trusted. */
#ifndef GITDEV_NET_AUTHORITIES_H
#define GITDEV_NET_AUTHORITIES_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum { GITDEV_AUTHORITIES_MAX = 16 }; /* files; the one that was read first makes room */

/* A zeroed one is empty. */
typedef struct gitdev_authorities {
  struct gitdev_authority_file *files; /* the latest first */
} gitdev_authorities;

/* Reads a PEM file, unless it has been read and is still the same; NULL: what the system trusts. One that
 * has been read, and cannot be any more, is kept as it was. False when there is nothing to trust:
 * libcurl, told the file's name, says why. */
bool gitdev_authorities_read(gitdev_authorities *self, const char *ca_file);

/* Has connections of the context trust that file, read as above, and nothing else. */
bool gitdev_authorities_use(gitdev_authorities *self, const char *ca_file, SSL_CTX *context);

/* Decodes the first certificate of each file, once; `authorities` is a gitdev_authorities. It is for the
 * time in which a server's greeting is awaited: OpenSSL looks up how to decode one when it first does,
 * which takes longer than a short way there and back, and an authority of one's own is mostly alone in
 * its file. */
void gitdev_authorities_foresee(void *authorities);

/* Connections that are open keep what they need. */
void gitdev_authorities_free(gitdev_authorities *self);

/* The file and the directory that the system's authorities are in, as libcurl was built to look for
 * them; NULL where there is none. A directory is looked at only where there is no file: see handle.c. */
void gitdev_authorities_of_system(const char **file, const char **directory);

#endif
