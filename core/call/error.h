/* From an answer, or the lack of one, to an error: type, code, message, param (contract 1.8). */
#ifndef GITDEV_CALL_ERROR_H
#define GITDEV_CALL_ERROR_H

#include "call/response.h"
#include "gitdev.h"

/* The words of an error; each is cut to fit. */
typedef struct gitdev_error_text {
  char code[64], message[512], param[128];
} gitdev_error_text;

/* Whether a status is a success: 2xx, or the 304 that a conditional request asked for. */
bool gitdev_is_success(int status);

/* In all of these `text` may be NULL, for want of memory: then only the type is told. */

/* Reads the error out of an answer that is no success: the contract's envelope, else what the
 * status alone says. Writes the text and returns the type, static. Secrets in the message are
 * masked. */
const char *gitdev_error_from_response(gitdev_error_text *text, const gitdev_response *response);

/* The same for a try without an answer. */
const char *gitdev_error_from_outcome(gitdev_error_text *text, const gitdev_outcome *outcome,
                                      const char *origin);

/* Writes one of the SDK's own errors; returns `type`. */
const char *gitdev_error_set(gitdev_error_text *text, const char *type, const char *code,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
