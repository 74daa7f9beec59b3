/* gitdev: the SDK of the .git platform, for C. This is its only public header.
 *
 * Four objects make a call:
 *
 *   gitdev_loop    an event loop: waits on sockets and timers;
 *   gitdev_engine  drives calls over libcurl on a loop;
 *   gitdev_client  an origin and a key, with what all calls made with them share: the mirror of the
 *                  rate limit and the retry budget;
 *   gitdev_call    one call: a state machine that knows deadlines, retries, idempotency keys and
 *                  pacing, and does no I/O. The engine obeys it; anything else may, see
 *                  gitdev_call_next().
 *
 * Ownership. A function whose first parameter is `T **out` makes an object that the caller owns and
 * frees with the function named beside it. Everything returned as `const` belongs to the object it
 * was asked of and lives as long as it, unless said otherwise. Strings passed in are copied, unless
 * said otherwise.
 *
 * Threads. There are no globals but what a process has once: the allocator (gitdev_setup()), and
 * libcurl's initialisation, which is guarded.
 * Objects may be used from one thread at a time; a loop, what hangs on it and the clients used
 * there belong together. gitdev_wake() alone may be called from any thread or signal handler. No
 * function installs a signal handler or changes a signal's disposition; writes to closed sockets
 * raise no SIGPIPE.
 *
 * Fork. A child must not use objects made before the fork: let it make its own. It may free them:
 * loops and engines then close descriptors and speak to nobody. (The memory that libcurl holds for an
 * engine's connections is left as it is, for freeing it would speak to them.)
 *
 * Time. All durations and times are seconds as double; times are those of gitdev_now(), a monotonic
 * clock.
 *
 * Errors. Functions that can fail return 0 or one of the negative codes below. */
#ifndef GITDEV_H
#define GITDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GITDEV_VERSION "0.1.0"
#define GITDEV_API     __attribute__((visibility("default")))

enum {
  GITDEV_OK = 0,
  GITDEV_ENOMEM = -1,  /* memory is out */
  GITDEV_EINVAL = -2,  /* an argument is wrong: gitdev_problem says which */
  GITDEV_ESYSTEM = -3, /* a system call failed: errno is kept */
  GITDEV_ETLS = -4,    /* OpenSSL failed */
  GITDEV_ECURL = -5,   /* libcurl could not be set up */
  GITDEV_ECLOSED = -6, /* the other side, or the object, is closed */
  GITDEV_AGAIN = -7    /* not now: of a source, a sink or a socket, see there */
};

/* What went wrong, in words: what, where, and what to do. Never holds a secret. */
typedef struct gitdev_problem {
  char text[256];
} gitdev_problem;

/* A static sentence for a return code. */
GITDEV_API const char *gitdev_strerror(int code);

/* ---- memory ---- */

/* Three functions that stand for malloc(), realloc() and free(). They may be called from any thread
 * that uses something of gitdev, at the same time. They are given no NULL, and no size of 0. */
typedef struct gitdev_allocator {
  void *(*allocate)(size_t size); /* NULL when memory is out */
  void *(*resize)(void *block, size_t size);
  void (*release)(void *block);
} gitdev_allocator;

/* Has all memory of gitdev taken from `allocator` (copied), and libcurl's too if gitdev is what
 * initialises it. Once in a process, before any other function of gitdev: 0, or GITDEV_EINVAL when
 * it is too late for it, or a function is missing. Not concerned: OpenSSL (CRYPTO_set_mem_functions()
 * is its own way), wslay (a hundred bytes for each WebSocket), hiredis (in gitdev-lua5.4), the C
 * library's name resolver, and Lua, whose states have an allocator each. Where memory is out gitdev
 * says so and goes on; a libcurl of 7.88 may crash. */
GITDEV_API int gitdev_setup(const gitdev_allocator *allocator);

/* ---- the loop ---- */

typedef struct gitdev_loop gitdev_loop;

GITDEV_API int gitdev_loop_new(gitdev_loop **out);
/* Frees the loop, which must not be used any more. What is still on it (engines, WebSockets) may
 * only be freed then. NULL is allowed, as with every free here. */
GITDEV_API void gitdev_loop_free(gitdev_loop *loop);

/* Seconds of the monotonic clock. */
GITDEV_API double gitdev_now(void);

/* Waits up to `timeout` seconds (0: not at all; negative: without end) for something to happen, and
 * handles all that is ready then; what becomes ready meanwhile is the next step's. Returns early for a
 * wake-up or a signal. 0, or GITDEV_ESYSTEM. */
GITDEV_API int gitdev_step(gitdev_loop *loop, double timeout);

/* For a foreign loop: one descriptor that is readable when gitdev_step(loop, 0) has work, and the
 * seconds until it has some anyway (0: now; negative: never). Ask again after each step and after
 * each new call. */
GITDEV_API int gitdev_fd(gitdev_loop *loop);
GITDEV_API double gitdev_timeout(gitdev_loop *loop);

/* Ends the current or the next wait. Safe from any thread and from a signal handler. */
GITDEV_API void gitdev_wake(gitdev_loop *loop);

/* ---- clients ---- */

typedef struct gitdev_client gitdev_client;

/* How much of what happens to calls is written down: how they end, and what holds them up; or each
 * try too. */
typedef enum gitdev_log_level {
  GITDEV_LOG_OFF,
  GITDEV_LOG_INFO,
  GITDEV_LOG_DEBUG
} gitdev_log_level;

/* Takes a line of the log, without a line end, of the level INFO or DEBUG: "gitdev", the time, and what
 * happened, in words and name=value pairs. Secrets in it are masked, and control characters shown as
 * \x1b. It lives until the function returns, which must not use the engine or the loop, nor touch a
 * call or a client. */
typedef void (*gitdev_log_fn)(void *payload, gitdev_log_level level, const char *line);

/* Zero or NULL means the default. */
typedef struct gitdev_client_options {
  const char *api_key;  /* gsk_… or gpk_…; required */
  const char *base_url; /* https only; default https://api.git.dev/v2 */
  const char
      *ca_file; /* a PEM file to trust instead of the system's; verification itself has no switch */
  const char *user_agent;     /* default gitdev-c/<version> */
  double timeout;             /* a whole call: queue, pacing, tries, waits, body; default 120 */
  double try_timeout;         /* one try; default 30 */
  double connect_timeout;     /* default 10 */
  int max_retries;            /* default 2; GITDEV_NO_RETRIES for none */
  size_t body_max;            /* the largest response body accepted, in bytes; default 64 MiB */
  unsigned long long seed;    /* for tests: idempotency keys and jitter follow from it; 0: from the
                              system's randomness */
  gitdev_log_level log_level; /* what `log` is told; off unless it is named */
  gitdev_log_fn log;          /* NULL: nothing is written, anywhere */
  void *log_payload;
  const char *limit_name; /* the rate limit is shared through a store, see below: "" names it by
                             origin and key, other text as the user likes; NULL: it is not */
  bool limit_closed;      /* nothing is sent while that store is away */
} gitdev_client_options;

enum { GITDEV_NO_RETRIES = -1, GITDEV_MAX_RETRIES_MAX = 20 };

/* Checks and copies the options; opens nothing. 0, GITDEV_ENOMEM, or GITDEV_EINVAL with `problem`
 * (may be NULL) filled: a missing or malformed key, a base URL that is not https. */
GITDEV_API int gitdev_client_new(gitdev_client **out, const gitdev_client_options *options,
                                 gitdev_problem *problem);
/* Wipes the key and lets go of the rest once the client's last call and WebSocket are freed. */
GITDEV_API void gitdev_client_free(gitdev_client *client);

/* Lets `client` share with `other` what belongs to both: the retry budget if their origins are the
 * same, the mirror of the rate limit if their keys are too. Call it before the client's first call.
 */
GITDEV_API void gitdev_client_share(gitdev_client *client, const gitdev_client *other);

typedef enum gitdev_sharing {
  GITDEV_LIMIT_OWN,    /* the client paces itself by its own mirror of the limit */
  GITDEV_LIMIT_SHARED, /* by what a store grants */
  GITDEV_LIMIT_AWAY    /* it should, but the store is away */
} gitdev_sharing;

/* What the client knows of its rate limit; -1 where unknown. */
typedef struct gitdev_rate_limit {
  double per_minute, burst; /* the plan's, once they were needed and asked for */
  double remaining;         /* tokens now, by the client's mirror */
  double paused_for;        /* seconds until anyone may send again, after a 429; 0 otherwise */
  double retry_budget;      /* retries in hand for this origin */
  gitdev_sharing sharing;
} gitdev_rate_limit;

GITDEV_API void gitdev_client_rate_limit(const gitdev_client *client, double now,
                                         gitdev_rate_limit *out);

/* The key as it may be shown, "gsk_test_***abcd". */
GITDEV_API const char *gitdev_client_key_hint(const gitdev_client *client);

/* ---- sharing a rate limit ---- */

/* Clients in many processes, on many machines, may spend one rate limit together, through a store of
 * the user's: Redis, shared memory, a file. What the store does is one rule, the Lua text in
 * lua/gitdev/store/bucket.lua, which says what the fields below mean; what the library does is
 * this, for a client that was made with a limit_name. Its calls wait until the store grants them
 * tokens. Whoever drives the client asks, after each turn and when *again has come, whether a visit
 * to the store is due; takes the report there under gitdev_client_limit_name(); and hands in what
 * the store granted, or that it is away. Then the client's own mirror of the limit decides, or,
 * with limit_closed, nothing is sent. A visit that has not come back after 3 seconds counts as
 * away. */

enum { GITDEV_LIMIT_NAME_SIZE = 96, GITDEV_MEMBER_SIZE = 48 };

/* What a member tells the store. */
typedef struct gitdev_report {
  char member[GITDEV_MEMBER_SIZE]; /* who it is: visible ASCII */
  int visit;                       /* from 1 */
  int wanted, flying, returned, answered, refused;
  double remaining, age;    /* -1: no answer yet */
  double paused_for;        /* 0: no pause */
  double per_minute, burst; /* -1: not known */
  bool asked, unreadable;
} gitdev_report;

/* What the store gives it. Zero where there is none. */
typedef struct gitdev_grant {
  int granted;
  double wait, paused_for, per_minute, burst, alone;
  bool ask;
} gitdev_grant;

/* What the client's limit is called in the store; NULL when it is not shared. */
GITDEV_API const char *gitdev_client_limit_name(const gitdev_client *client);

/* Whether a visit is due: true, with the report to take along; then the visit must end with one of
 * the next two. Else false, and `*again` is when to ask anew if nothing happens until then:
 * INFINITY when nothing needs to be said. Clients that share a limit in this process (see
 * gitdev_client_share()) make one visit for all. */
GITDEV_API bool gitdev_client_report(gitdev_client *client, double now, gitdev_report *out,
                                     double *again);
/* Call gitdev_poke() after either, for calls that an engine has under way. */
GITDEV_API void gitdev_client_grant(gitdev_client *client, double now, const gitdev_grant *grant);
/* The store could not be reached; no visit is due before `again`. */
GITDEV_API void gitdev_client_store_away(gitdev_client *client, double again);

/* ---- calls ---- */

typedef struct gitdev_call gitdev_call;

typedef struct gitdev_header {
  const char *name, *value;
} gitdev_header;

/* Where a request body comes from when it is not in memory. It is read as it is sent, once for each
 * try. Its functions, and those of a sink, are called in the midst of a transfer: they must not use
 * the engine or the loop, nor cancel or free anything. */
typedef struct gitdev_source {
  /* Writes up to `room` bytes to `out` and returns how many; 0 at the end; GITDEV_AGAIN when there
   * is nothing yet (gitdev_resume() says when); another negative code ends the call. */
  long (*read)(void *payload, char *out, size_t room);
  /* Back to the first byte, for another try; false if there is no way back. NULL: there is none. */
  bool (*rewind)(void *payload);
  void *payload;
  long long size; /* bytes in all, which is what must come; -1 when nobody knows */
} gitdev_source;

/* Where the body of a 2xx answer goes when it is not to be held in memory. (Other answers are read
 * for their error as ever.) A try that is cut off is taken up where it stopped, by Range. */
typedef struct gitdev_sink {
  /* Takes some bytes. GITDEV_OK; GITDEV_AGAIN: not now, the same ones are offered again after
   * gitdev_resume(), and the sender is held back meanwhile; another negative code ends the call. */
  int (*write)(void *payload, const char *bytes, size_t len);
  /* The server begins anew: forget what was written. False if that cannot be. NULL: it cannot. */
  bool (*rewind)(void *payload);
  void *payload;
  unsigned long long offset; /* bytes that are there from earlier: the rest is asked for */
  /* Of those bytes, in its quotes, as their answer had it; copied. NULL when it is unknown: then the
   * caller vouches for them. So it does with a weak one (W/"…"), which says nothing of single bytes. */
  const char *etag;
} gitdev_sink;

typedef enum gitdev_event_kind {
  GITDEV_EVENT_REQUEST,  /* a try is about to be sent */
  GITDEV_EVENT_RESPONSE, /* it has ended, with an answer or without: see attempt */
  GITDEV_EVENT_RETRY,    /* and will be repeated after `wait` seconds */
  GITDEV_EVENT_WAIT      /* the rate limit holds the call back, for `wait` seconds at least */
} gitdev_event_kind;

struct gitdev_attempt;
struct gitdev_request;

/* A moment in the life of a call. All of it is valid only while it is told. */
typedef struct gitdev_event {
  gitdev_event_kind kind;
  double at;                            /* gitdev_now() seconds */
  double wait;                          /* RETRY, WAIT */
  int number;                           /* of the try that it is about, from 1 */
  const struct gitdev_request *request; /* its first header is Authorization: never log it */
  const struct gitdev_attempt *attempt; /* RESPONSE, RETRY */
} gitdev_event;

/* Called by the machine as it is asked and told. It must not use the engine or the loop, nor touch
 * the call, nor free anything. */
typedef void (*gitdev_event_fn)(void *payload, const gitdev_event *event);

/* What to call. Zero or NULL means the default. */
typedef struct gitdev_call_options {
  const char *method; /* "GET", "POST", …, in capitals; required */
  const char *path;   /* "/deployments?limit=2": after the base URL, percent-encoded by the caller;
                         required */
  const char *body;   /* NULL for none */
  size_t body_len;
  const gitdev_source *source; /* instead of body; copied, its payload must outlive the call */
  const char *content_type;    /* of the body or source; default application/json */
  const gitdev_sink *sink;     /* with GET; copied, its payload must outlive the call */
  gitdev_event_fn on_event;    /* told what happens to the call; NULL: nobody */
  void *event_payload;
  const char *upgrade; /* with GET: opens a WebSocket that speaks this subprotocol, "git.logs.v1".
                          The call is done once it is open (status 101) or refused; its timeout
                          bounds that alone. See gitdev_call_socket() */
  const char *idempotency_key; /* default: a fresh UUIDv4, the same on every try, for anything but
                                   GET and HEAD */
  const gitdev_header
      *headers; /* further ones, 32 and 32 KiB at most; those the SDK sets itself are refused */
  size_t header_count;
  double timeout;  /* default: the client's */
  int max_retries; /* default: the client's; GITDEV_NO_RETRIES for none */
} gitdev_call_options;

/* Checks and copies the options; sends nothing; the deadline runs from `now`. The call keeps its
 * client alive. 0, GITDEV_ENOMEM, or GITDEV_EINVAL with `problem` (may be NULL) filled: CR, LF or
 * NUL in what becomes a header or a path, a header that is the SDK's own, a method that is not in
 * capitals, a bad idempotency key or etag, a length without bytes, what does not go together;
 * GITDEV_ESYSTEM when the system has no randomness. */
GITDEV_API int gitdev_call_new(gitdev_call **out, gitdev_client *client,
                               const gitdev_call_options *options, double now,
                               gitdev_problem *problem);
/* Lets go of the call. One that is under way in an engine goes on, and is freed when it is done;
 * gitdev_cancel() ends it at once. */
GITDEV_API void gitdev_call_free(gitdev_call *call);

/* One try of a call, as the ledger keeps it. Times are seconds, -1 where it did not come so far. */
typedef struct gitdev_attempt {
  const char *verdict; /* "ok", "retry", or "error" */
  const char *reason;  /* why it was not repeated, or what went wrong: static */
  int status;          /* 0 without an answer */
  char request_id[65];
  double wait; /* the wait before it: pacing, backoff, Retry-After */
  double dns, connect, tls, first_byte, total; /* since its start */
} gitdev_attempt;

/* How a call ended. `type` is NULL for a 2xx (and a 304); else one of the contract's error types or
 * "connection_error", "timeout_error", "response_error", "canceled_error", "config_error". */
typedef struct gitdev_result {
  int status; /* of the last answer, 0 without one */
  const char *type, *code;
  const char *message; /* one sentence: what was wrong; secrets masked */
  const char *param;   /* the field at fault, or NULL */
  const char *request_id;
  bool retryable;   /* the same call may succeed later */
  const char *body; /* NUL-terminated */
  size_t body_len;
  const gitdev_attempt *attempts;
  size_t attempt_count;
} gitdev_result;

/* The result of a call that is done, else NULL. It lives as long as the call. */
GITDEV_API const gitdev_result *gitdev_call_result(const gitdev_call *call);

/* The last answer's headers, names in lower case, in order of arrival; once the call is done they
 * live as long as it. NULL and 0 without an answer. */
GITDEV_API const gitdev_header *gitdev_call_headers(gitdev_call *call, size_t *count);

/* How far a streamed call has come: bytes read from its source in this try, bytes that its sink has.
 */
GITDEV_API long long gitdev_call_sent(const gitdev_call *call);
GITDEV_API unsigned long long gitdev_call_received(const gitdev_call *call);

/* ---- the machine, for those who bring their own transport ---- */

/* A try to be sent. It lives until the machine is told its outcome. */
typedef struct gitdev_request {
  const char *method, *url;
  bool safe;        /* GET or HEAD: sent twice, it does no more than sent once */
  const char *host; /* to connect to; IPv6 in brackets */
  int port;
  const char *target; /* the request line's */
  const gitdev_header
      *headers; /* all but Host and Content-Length; the first is Authorization: never log it */
  size_t header_count;
  const char *body; /* NULL for none, and with a source */
  size_t body_len;
  const gitdev_source *source; /* NULL for none; rewound before the try */
  bool streamed;               /* its answer goes to a sink */
  const char *upgrade; /* the subprotocol of the WebSocket that it opens; NULL: it opens none. The
                          driver adds the headers of the handshake (RFC 6455 4.1), and hands a 101
                          over as it does any status; one whose headers are wrong it reports as
                          GITDEV_FAILED_ANSWER. The body of a 2xx it need not read */
  const char *ca_file; /* NULL for the system's */
  double connect_timeout;
  size_t body_max;
} gitdev_request;

typedef enum gitdev_action_kind { GITDEV_WAIT, GITDEV_SEND, GITDEV_DONE } gitdev_action_kind;

typedef struct gitdev_action {
  gitdev_action_kind kind;
  double until; /* WAIT: ask again then; SEND: the try is over then */
  bool early;   /* WAIT: for the rate limit, so ask again also when another call of the client (of
                   its key) has ended. Whoever asked first is served first: keep the calls that wait
                   for it in a line, and ask for the first alone */
  double idle;  /* SEND: so many seconds without a byte end the try too; 0: `until` alone does */
  const gitdev_request *request; /* SEND */
} gitdev_action;

/* What to do next. After SEND, tell how it went with gitdev_call_outcome() before asking again. */
GITDEV_API gitdev_action gitdev_call_next(gitdev_call *call, double now);

/* While a try is answered: hand over each header line as it comes (a final status only, no 1xx),
 * then the body in pieces. gitdev_call_begin() starts a new answer. False, or GITDEV_EINVAL: stop,
 * it is malformed, too large, or refused by the sink; report the try as GITDEV_FAILED_ANSWER.
 * GITDEV_AGAIN: the sink is full; stop reading, and offer the same bytes again when its user says
 * so. */
GITDEV_API bool gitdev_call_begin(gitdev_call *call, int status);
GITDEV_API bool gitdev_call_header(gitdev_call *call, const char *name, size_t name_len,
                                   const char *value, size_t value_len);
GITDEV_API int gitdev_call_data(gitdev_call *call, const char *bytes, size_t len);

typedef enum gitdev_outcome_kind {
  GITDEV_COMPLETE,          /* the answer is whole */
  GITDEV_FAILED_UNSENT,     /* not a byte of the request left: refused, DNS, handshake */
  GITDEV_FAILED_SENT,       /* some of it left, and no whole answer came */
  GITDEV_FAILED_TRUST,      /* the server's certificate was not accepted */
  GITDEV_FAILED_ANSWER,     /* what came is no HTTP, or more than body_max */
  GITDEV_TIMED_OUT,         /* `until` passed, before it was sent if unsent is true */
  GITDEV_FAILED_LOCAL,      /* the driver itself cannot do it: a ca_file that is not there, say */
  GITDEV_FAILED_PROXY_TRUST /* the certificate of a proxy on the way was not accepted */
} gitdev_outcome_kind;

typedef struct gitdev_outcome {
  gitdev_outcome_kind kind;
  bool unsent; /* with GITDEV_TIMED_OUT */
  bool stale; /* with GITDEV_FAILED_SENT: on a connection that was used before, and not a byte of an
                 answer came: most likely it was closed while it rested */
  const char *message;                         /* the transport's words; copied */
  double dns, connect, tls, first_byte, total; /* seconds since the try's start, -1 unknown */
} gitdev_outcome;

GITDEV_API void gitdev_call_outcome(gitdev_call *call, const gitdev_outcome *outcome, double now);

/* Ends the call as canceled, unless it is done; a try under way need not be reported any more. */
GITDEV_API void gitdev_call_cancel(gitdev_call *call, double now);

/* ---- the engine: calls over libcurl ---- */

typedef struct gitdev_engine gitdev_engine;

typedef struct gitdev_engine_options {
  const char *connect_to; /* "HOST:PORT:HOST:PORT": reach the first at the second; names and
                             certificates stay the first's */
} gitdev_engine_options;

/* Makes an engine on a loop; `options` may be NULL. libcurl is initialised with the first one. 0,
 * GITDEV_ENOMEM, GITDEV_ECURL. */
GITDEV_API int gitdev_engine_new(gitdev_engine **out, gitdev_loop *loop,
                                 const gitdev_engine_options *options);
/* Cancels what is under way (each call ends as canceled, its `done` is not called), closes the
 * connections, WebSockets among them. */
GITDEV_API void gitdev_engine_free(gitdev_engine *engine);

/* Does what only an engine's first connection pays for, some ten milliseconds: libcurl and OpenSSL are
 * set up, and the certificates of authorities are read from `ca_file`, which is a client's, or NULL:
 * the system's. For programs that count the time of each step, to be called while they load. Nothing is
 * sent. 0, GITDEV_ENOMEM, GITDEV_ECURL, GITDEV_ECLOSED in a fork's child; GITDEV_EINVAL with `problem`
 * (may be NULL) filled: no certificate can be read there. */
GITDEV_API int gitdev_warm(gitdev_engine *engine, const char *ca_file, gitdev_problem *problem);

/* Called once the call is done: from gitdev_step(), or from gitdev_submit() (of this call or of another
 * one, before that returns), gitdev_resume() or gitdev_cancel_all(). It may submit other calls, cancel
 * any, and free this one; it must not step the loop, nor free it or the engine. */
typedef void (*gitdev_done_fn)(gitdev_call *call, void *payload);

/* Takes the call under way. Step the loop soon: over HTTP/2 the requests of a turn leave together,
 * when gitdev_step() is about to wait or gitdev_timeout() is asked (after 200 ms in any case). 0,
 * GITDEV_ENOMEM, GITDEV_EINVAL for one that is done or under way
 * already, GITDEV_ECLOSED in a fork's child: it must make an engine of its own. */
GITDEV_API int gitdev_submit(gitdev_engine *engine, gitdev_call *call, gitdev_done_fn done,
                             void *payload);
/* Takes a call back: it ends as canceled, and `done` is not called. One that is done stays as it is, but
 * a WebSocket of its that nobody has taken is closed. A call that another engine has is left alone. */
GITDEV_API void gitdev_cancel(gitdev_engine *engine, gitdev_call *call);
/* Ends all calls of a client that are under way, as canceled ("client_closed"); `done` is called for
 * each. Its WebSockets are closed, with code 1006 for their owners, who are told in the loop's next
 * turn. Not from within a done function of theirs. */
GITDEV_API void gitdev_cancel_all(gitdev_engine *engine, const gitdev_client *client);
/* The call's source has bytes again, or its sink room. Does nothing for one that does not wait for
 * that. */
GITDEV_API void gitdev_resume(gitdev_engine *engine, gitdev_call *call);
/* The client has been told of a grant, or that there will be none: its calls look whether it is their
 * turn, in the loop's next step. */
GITDEV_API void gitdev_poke(gitdev_engine *engine, const gitdev_client *client);

/* ---- WebSockets ---- */

/* An open WebSocket. Messages that are not read hold the sender back: about 64 KiB wait here, the
 * rest where they come from. */
typedef struct gitdev_socket gitdev_socket;

/* The WebSocket that a call with `upgrade` has opened: to be asked for once, when the call is done.
 * The caller owns it; it lives without the call, and is closed when the client or the engine is. NULL
 * when the call has none, or it has been taken. */
GITDEV_API gitdev_socket *gitdev_call_socket(gitdev_call *call);

/* Has fn called from gitdev_step() when something has come to be read, when all that was queued has
 * been sent, and when the socket is closed. Read until there is nothing: what was left is not told
 * again. It may read, send, close and free any socket; it must not step the loop, nor free it. What
 * happened before this is told in the next step. */
typedef void (*gitdev_socket_fn)(void *payload, gitdev_socket *socket);
GITDEV_API void gitdev_socket_on_news(gitdev_socket *socket, gitdev_socket_fn fn, void *payload);

/* The next message, NUL-terminated, valid until the socket is used again or the loop is stepped.
 * GITDEV_OK; GITDEV_AGAIN when none is there yet: step the loop; GITDEV_ECLOSED when none will
 * come: see gitdev_socket_close_code(). `binary` may be NULL. */
GITDEV_API int gitdev_socket_read(gitdev_socket *socket, const char **message, size_t *len,
                                  bool *binary);
/* Queues a text message, which must be UTF-8; it leaves with the next step of the loop. GITDEV_OK,
 * GITDEV_ENOMEM, GITDEV_ECLOSED (closed, or closing, or a fork's child). Nothing is refused for
 * being much: look at gitdev_socket_unsent(), the bytes that still wait to be sent. */
GITDEV_API int gitdev_socket_send(gitdev_socket *socket, const char *text, size_t len);
GITDEV_API size_t gitdev_socket_unsent(const gitdev_socket *socket);
/* Says goodbye: queues a close frame, after what is queued. The peer's answer is the end; when none
 * comes within two seconds (after the last of what is queued was taken) the connection is closed
 * anyway. What the peer sends meanwhile is dropped. `code` 1000 to 4999, as RFC 6455 7.4 allows;
 * `reason` may be NULL.
 * GITDEV_OK, GITDEV_ENOMEM, GITDEV_EINVAL, GITDEV_ECLOSED. */
GITDEV_API int gitdev_socket_close(gitdev_socket *socket, int code, const char *reason);
/* Why it was closed, once it is: the peer's code (1005: it gave none), 1006 when the connection
 * broke off without a close frame, 1002, 1007, 1009 when the peer broke the protocol, 1011 when
 * memory was out here; 0 while it is open. */
GITDEV_API int gitdev_socket_close_code(const gitdev_socket *socket);
/* The peer's reason, or what went wrong. Lives until the socket is used again. */
GITDEV_API const char *gitdev_socket_close_reason(const gitdev_socket *socket);
/* Closes at once, with a close frame (1001) if there is room for one, and frees. NULL is allowed.
 */
GITDEV_API void gitdev_socket_free(gitdev_socket *socket);

/* Submits the call and steps the loop until it is done. 0, or what kept the loop from turning. Of a
 * client whose rate limit is shared, nobody would visit the store meanwhile: its call is done at once,
 * with a config_error, code store_not_visited. Submit and step instead; and where a signal is to end the
 * wait, which does not end this. */
GITDEV_API int gitdev_perform(gitdev_engine *engine, gitdev_call *call);

/* ---- webhooks: signing and verifying ---- */

/* All are HMAC-SHA256; they differ in what is signed, by what key, and in how it is written. The
 * caller says which: none is ever guessed from a header. */
typedef enum gitdev_scheme {
  /* X-Git-Signature: `t=<unix seconds>,v1=<64 hex>[,v1=…]` over "t.body". The key is the whole
   * secret, `whsec_` included. */
  GITDEV_SCHEME_GIT = 0,
  /* Standard Webhooks 1.0: webhook-signature `v1,<base64>[ v1,…]` over "id.timestamp.body", with
   * webhook-id and webhook-timestamp. The key is what follows `whsec_`, decoded from base64. */
  GITDEV_SCHEME_STANDARD,
  /* `sha256=<64 hex>`, or the digits alone, over the body: it says nothing of the time. The key is
   * the whole secret. */
  GITDEV_SCHEME_BODY
} gitdev_scheme;

/* Some bytes; they need no NUL behind them. */
typedef struct gitdev_slice {
  const char *text;
  size_t len;
} gitdev_slice;

/* A webhook's secret; more than one at once while they are rotated. */
typedef struct gitdev_secret {
  const char *text;
  size_t len;
} gitdev_secret;

/* The headers that a scheme reads. Absent ones are empty. */
typedef struct gitdev_signature_headers {
  gitdev_scheme scheme;
  gitdev_slice signature;
  gitdev_slice id, timestamp; /* of Standard Webhooks alone */
} gitdev_signature_headers;

/* A MAC context that is made once and used many times: making one costs more than using it. It
 * remembers the key of its last use, since the next use is mostly with the same, until it is freed.
 * Not for two threads at once. */
typedef struct gitdev_signer gitdev_signer;

/* Makes a signer; the caller owns it. Returns NULL when OpenSSL has no HMAC or memory is out. */
GITDEV_API gitdev_signer *gitdev_signer_new(void);
GITDEV_API void gitdev_signer_free(gitdev_signer *signer);

enum {
  GITDEV_SIGNATURE_SIZE = 84, /* room for what gitdev_sign() writes, its NUL included */
  GITDEV_TOLERANCE = 300      /* the platform's tolerance, in seconds */
};

/* Why a signature was refused. */
typedef enum gitdev_signature_status {
  GITDEV_SIGNATURE_OK = 0,
  GITDEV_SIGNATURE_NO_SECRET,
  GITDEV_SIGNATURE_MALFORMED,
  GITDEV_SIGNATURE_NO_MATCH,
  GITDEV_SIGNATURE_TIMESTAMP,
  GITDEV_SIGNATURE_INTERNAL /* OpenSSL failed; nothing was decided */
} gitdev_signature_status;

/* The reason's code: "no_secret", "malformed_header", "no_match", "timestamp_outside_tolerance",
 * "internal"; "ok". Static. */
GITDEV_API const char *gitdev_signature_reason(gitdev_signature_status status);

/* What is to be verified. Everything is borrowed for the call. */
typedef struct gitdev_signature_check {
  const char *body;
  size_t body_len;
  gitdev_signature_headers headers;
  /* All are tried, with no early exit; an empty one, or one that is no key of the scheme, refuses
   * the lot. */
  const gitdev_secret *secrets;
  size_t secret_count;
  int64_t now;       /* Unix seconds: time(NULL) */
  int64_t tolerance; /* seconds, both ways: GITDEV_TOLERANCE; 0 means zero */
  bool any_time;     /* do not check the time at all; a scheme that signs none has none to check */
} gitdev_signature_check;

/* Whether a delivery is what somebody who knows a secret has sent, and when. Comparisons are constant in
 * time. What the body says is the caller's to read, after this; and that its event was not handled
 * before: a delivery may come twice. */
GITDEV_API gitdev_signature_status gitdev_verify(gitdev_signer *signer,
                                                 const gitdev_signature_check *check);

typedef struct gitdev_signable {
  gitdev_scheme scheme;
  gitdev_slice id;   /* the webhook-id, of Standard Webhooks alone */
  int64_t timestamp; /* Unix seconds, 0 to 12 digits, which all but GITDEV_SCHEME_BODY sign */
  const char *body;
  size_t body_len;
} gitdev_signable;

/* Writes the value of the header that holds the signature into `out`: "t=…,v1=…", "v1,…", or
 * "sha256=…". False when the secret is empty or no key of the scheme, the timestamp or the id is
 * one that no verifier takes, or OpenSSL failed. */
GITDEV_API bool gitdev_sign(gitdev_signer *signer, gitdev_secret secret,
                            const gitdev_signable *what, char out[GITDEV_SIGNATURE_SIZE]);

/* ---- text ---- */

/* Masks in place, by value, every secret of the platform in `text` (gsk_, gpk_, whsec_, tkt_): what
 * follows the prefix (and its live_/test_) becomes ***, whatever header or sentence it stands in,
 * up to a blank, a control or non-ASCII byte, or one of "'`\,;&()[]{}<>| (real secrets are letters
 * and digits only). A prefix without a letter or digit behind it stays, and so does a key's hint, as
 * gitdev_client_key_hint() has it. The text never grows. Returns its new length; no NUL is written. A
 * secret cut in two by the end of `text` is not known as one: redact whole lines. */
GITDEV_API size_t gitdev_redact(char *text, size_t len);

/* Writes `text`, percent-encoded as one segment of a path or one value of a query, to `out`, cut to
 * `size` bytes with its NUL. Returns the length of all of it, as snprintf() does: with `size` or more
 * it was cut. */
GITDEV_API size_t gitdev_escape(char *out, size_t size, const char *text);

/* The version of the library in use, which may be newer than GITDEV_VERSION. */
GITDEV_API const char *gitdev_version(void);

/* ---- in a Lua state ---- */

struct lua_State;

/* Lets require() of a state of Lua 5.4 find "gitdev" and all that belongs to it, without a file: call
 * it once for each state, before or after its libraries are opened. Nothing runs until a script says
 * require "gitdev"; nothing is raised, and the stack stays as it was. GITDEV_OK, GITDEV_ENOMEM,
 * GITDEV_EINVAL for another Lua.
 *
 * It is in the library gitdev-lua5.4, which holds all of this header's functions too: link it instead of
 * gitdev, not beside it. That library brings no Lua; it takes the program's. */
GITDEV_API int gitdev_open(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
