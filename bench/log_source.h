/* What a server of log streams says (git.logs.v1), without I/O: an answer to each request, and after
 * a 101 as many log lines as a deployment's id asks for. They are made as they are taken, so that
 * the server is never what a client waits for. */
#ifndef BENCH_LOG_SOURCE_H
#define BENCH_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

enum {
  LOG_SOURCE_ROOM = 2048, /* bytes that any answer, and any one frame, fits into */
};

typedef struct log_source {
  long next, last; /* the number of the line that is sent next, and of the last; 0: none */
  bool streaming;  /* the last answer was a 101 */
  bool ended;      /* all was sent, the close frame too */
} log_source;

/* The answer to a request, whose head is `head`. The deployment "dep_000000100000" has a log of
 * 100,000 lines, after which its stream ends; that of "dep_000000000000" has none, and stays open.
 * Bytes written into `out`, which has LOG_SOURCE_ROOM of them. */
size_t log_source_answer(log_source *self, const char *head, char *out);

/* The next frames, as many as fit into `size` bytes, which are LOG_SOURCE_ROOM at least. 0 when none
 * is due. */
size_t log_source_frames(log_source *self, char *out, size_t size);

#endif
