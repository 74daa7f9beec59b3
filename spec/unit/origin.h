/* A server for unit tests on a thread and a loop of its own, so that the client's side is driven by
 * nothing but what the test is about. */
#ifndef SPEC_ORIGIN_H
#define SPEC_ORIGIN_H

#include "gitdev.h"
#include "net/listener.h"

#define ORIGIN_KEY "gsk_test_0123456789abcdefghijklmnopqrstuv"

typedef struct origin origin;

/* Answers a request, by the functions of net/listener.h, on the origin's thread. `number` counts
 * the requests from 1. False: it is held, without an answer, until the origin stops. */
typedef bool (*origin_fn)(void *payload, gitdev_exchange *exchange, int number);

/* Starts an origin; the caller stops it. What goes wrong fails the test that runs. */
origin *origin_start(origin_fn fn, void *payload);
/* Closes every connection, ends the thread, frees. */
void origin_stop(origin *stopped);

/* "https://127.0.0.1:PORT/v2", and the file with the authority to trust. */
const char *origin_url(const origin *of);
const char *origin_ca_file(const origin *of);
/* Requests that have come so far; from any thread. */
int origin_requests(const origin *of);
/* A client of it, with `max_retries` as in gitdev_client_options. The caller frees it. */
gitdev_client *origin_client(const origin *of, int max_retries);

/* Answers with JSON, a full bucket and further whole lines ("Name: value\r\n"; "" for none). */
void origin_answer(gitdev_exchange *exchange, int status, const char *lines, const char *body);
/* Whether the request's target ends in `path`. */
bool origin_is(const gitdev_exchange *exchange, const char *path);

#endif
