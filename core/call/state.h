/* What a call is made of: for the files of the machine alone (call, next, outcome, log). */
#ifndef GITDEV_CALL_STATE_H
#define GITDEV_CALL_STATE_H

#include "call/call.h"
#include "call/download.h"
#include "call/error.h"
#include "call/ledger.h"
#include "call/upload.h"

/* READY --take--> SENT --outcome--> READY (again) or DONE.
 *   \---ask---> PROBING --outcome--> READY
 * PROBING is GET /rate_limit on behalf of everyone who shares the pace; it is no try of this call.
 */
typedef enum gitdev_call_state {
  GITDEV_CALL_READY,
  GITDEV_CALL_PROBING,
  GITDEV_CALL_SENT,
  GITDEV_CALL_DONE
} gitdev_call_state;

struct gitdev_call {
  int owners; /* its user, and its driver while it is under way */
  gitdev_client *client;
  gitdev_call_state state;
  bool queued;                        /* counted in the pace as waiting */
  bool held;                          /* the rate limit holds it back, and that was told */
  bool heeded;                        /* the pace has heard of this try's answer already */
  bool forgiven;                      /* a stale connection has been made up for */
  double deadline, not_before, since; /* since: when the present wait began */
  double sent_at;
  unsigned ended_before; /* calls of the pace that had ended by then */
  bool repeatable;
  int retries, max_retries;
  gitdev_request request, probe;
  size_t header_count; /* of the request, without those of one try */
  void *request_block, *probe_block;
  gitdev_upload *upload;     /* NULL without a source */
  gitdev_download *download; /* NULL without a sink */
  gitdev_event_fn on_event;
  void *event_payload;
  unsigned long long log_number; /* what the log calls it, from 1; 0 without a log */
  double began;                  /* with a log */
  void *driver;
  gitdev_opened opened; /* what an upgrade has opened, until somebody takes it */
  gitdev_response response;
  gitdev_ledger ledger;
  gitdev_error_text *error; /* made with the first error: most calls have none */
  gitdev_result result;
};

/* The call's error text; NULL when memory is out: then the error's type alone is kept. */
gitdev_error_text *gitdev_call_error(gitdev_call *call);

/* Ends the call: with an error of `type` (static), or well with NULL. */
void gitdev_call_finish(gitdev_call *call, const char *type, bool retryable, double now);

/* Tells whoever wants to know. */
void gitdev_call_tell(gitdev_call *call, const gitdev_event *event);

/* Makes source and sink ready for another try. False when what streams can neither be continued nor
 * begin anew. */
bool gitdev_call_prepare_streams(gitdev_call *call);

#endif
