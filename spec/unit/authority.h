/* The file that a client of a test's own server is told to trust. */
#ifndef SPEC_AUTHORITY_H
#define SPEC_AUTHORITY_H

#include "net/certificate.h"

enum { AUTHORITY_PATH_SIZE = 64 };

/* Writes the certificate's authority into a new file, which the caller removes, and its name into
 * `path`. What goes wrong fails the test that runs. */
void authority_write(char path[AUTHORITY_PATH_SIZE], const gitdev_certificate *certificate);

#endif
