#include "net/multi.h"
#include "net/stall.h"
#include "wire/memory.h"
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct gitdev_multi {
  gitdev_loop *loop;
  CURLM *curl;
  gitdev_timer timer;
  gitdev_watch **watches; /* by descriptor, from its first use until it is closed: a connection that
                             rests between two transfers keeps its place in the epoll set */
  size_t watch_room;
  CURL *unwatched; /* there was no memory to watch its socket with: its transfer is to end */
  gitdev_finished_fn fn;
  void *payload;
};

void gitdev_multi_report(gitdev_multi *multi) {
  int left;
  CURLMsg *message;
  CURL *unwatched = multi->unwatched;
  multi->unwatched = NULL;
  if (unwatched)
    multi->fn(multi->payload, unwatched, CURLE_OUT_OF_MEMORY);
  while ((message = curl_multi_info_read(multi->curl, &left)))
    if (message->msg == CURLMSG_DONE)
      multi->fn(multi->payload, message->easy_handle, message->data.result);
}

static void act(gitdev_multi *multi, curl_socket_t fd, int ready) {
  int running;
  curl_multi_socket_action(multi->curl, fd, ready, &running);
  gitdev_multi_report(multi);
}

typedef struct socket_watch {
  gitdev_watch watch; /* first: the loop's pointer is ours */
  gitdev_multi *multi;
  int want; /* as libcurl says; the watch does not want to write while it is left alone */
  gitdev_stall stall;
  gitdev_timer pause; /* armed: it is left alone */
} socket_watch;

static void end_pause(socket_watch *socket) {
  gitdev_timer_clear(socket->multi->loop, &socket->pause);
  gitdev_watch_want(socket->multi->loop, &socket->watch, socket->want);
}

static void on_pause_over(void *payload) {
  socket_watch *socket = payload;
  gitdev_stall_passed(&socket->stall);
  end_pause(socket);
}

/* Whether libcurl is not to be told that it may write: it would not. */
static bool pause_stalled(socket_watch *socket) {
  gitdev_loop *loop = socket->multi->loop;
  if (!gitdev_stall_seen(&socket->stall, socket->watch.fd) ||
      gitdev_timer_set(loop, &socket->pause, gitdev_now() + GITDEV_STALL_PAUSE, on_pause_over,
                       socket) != GITDEV_OK)
    return false;
  gitdev_watch_want(loop, &socket->watch, socket->want & ~GITDEV_WRITABLE);
  return true;
}

static void on_ready(void *payload, int ready) {
  socket_watch *socket = payload;
  if (ready != GITDEV_WRITABLE) {
    socket->stall = (gitdev_stall){0};
    end_pause(socket);
  } else if (pause_stalled(socket)) {
    return;
  }
  int events = (ready & GITDEV_READABLE ? CURL_CSELECT_IN : 0) |
               (ready & GITDEV_WRITABLE ? CURL_CSELECT_OUT : 0) |
               (ready & GITDEV_HANGUP ? CURL_CSELECT_ERR : 0);
  act(socket->multi, socket->watch.fd, events);
}

static void on_time(void *payload) {
  act(payload, CURL_SOCKET_TIMEOUT, 0);
}

static bool make_room(gitdev_multi *multi, size_t fd) {
  if (fd < multi->watch_room)
    return true;
  size_t room = multi->watch_room ? multi->watch_room : 32;
  while (room <= fd)
    room *= 2;
  gitdev_watch **watches = gitdev_realloc(multi->watches, room * sizeof *watches);
  if (!watches)
    return false;
  memset(watches + multi->watch_room, 0, (room - multi->watch_room) * sizeof *watches);
  multi->watches = watches;
  multi->watch_room = room;
  return true;
}

static bool watch_socket(gitdev_multi *multi, int fd, int want) {
  if (!make_room(multi, (size_t)fd))
    return false;
  if (multi->watches[fd]) {
    socket_watch *known = (socket_watch *)multi->watches[fd];
    known->want = want;
    end_pause(known);
    return true;
  }
  socket_watch *socket = gitdev_calloc(1, sizeof *socket);
  if (!socket)
    return false;
  socket->multi = multi;
  socket->want = want;
  if (gitdev_watch_start(multi->loop, &socket->watch, fd, want, on_ready, socket) != GITDEV_OK) {
    gitdev_free(socket);
    return false;
  }
  multi->watches[fd] = &socket->watch;
  return true;
}

static void forget_socket(gitdev_multi *multi, int fd) {
  if ((size_t)fd >= multi->watch_room || !multi->watches[fd])
    return;
  gitdev_timer_clear(multi->loop, &((socket_watch *)multi->watches[fd])->pause);
  gitdev_unwatch(multi->loop, multi->watches[fd]);
  gitdev_free(multi->watches[fd]);
  multi->watches[fd] = NULL;
}

/* CURLMOPT_SOCKETFUNCTION. A socket that libcurl is done with for now wants nothing, but stays
 * known. One that cannot be watched costs its transfer: told of it, libcurl would never use the multi
 * again. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *payload, void *unused) {
  (void)unused;
  gitdev_multi *multi = payload;
  int want =
      (what & CURL_POLL_IN ? GITDEV_READABLE : 0) | (what & CURL_POLL_OUT ? GITDEV_WRITABLE : 0);
  if (what == CURL_POLL_REMOVE)
    want = 0;
  if (!watch_socket(multi, fd, want) && want)
    multi->unwatched = easy;
  return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *curl, long milliseconds, void *payload) {
  (void)curl;
  gitdev_multi *multi = payload;
  if (milliseconds < 0) {
    gitdev_timer_clear(multi->loop, &multi->timer);
    return 0;
  }
  double at = gitdev_now() + (double)milliseconds / 1000;
  return gitdev_timer_set(multi->loop, &multi->timer, at, on_time, multi) == GITDEV_OK ? 0 : -1;
}

/* A program that the script starts must not hold its connections. */
curl_socket_t gitdev_multi_open_socket(gitdev_multi *multi, const struct curl_sockaddr *address) {
  curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  /* A connection that was given up while it was being made is closed without a word: its number
   * comes again here. */
  if (fd >= 0)
    forget_socket(multi, fd);
  return fd;
}

/* CURLOPT_OPENSOCKETFUNCTION. */
static curl_socket_t on_open(void *payload, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  return gitdev_multi_open_socket(payload, address);
}

/* CURLOPT_CLOSESOCKETFUNCTION. */
static int on_close(void *payload, curl_socket_t fd) {
  forget_socket(payload, fd);
  return close(fd);
}

/* A libcurl that the program has initialised keeps the memory functions that it was given then. */
static void initialise_curl(void) {
  if (gitdev_memory_is_foreign())
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, gitdev_malloc, gitdev_free, gitdev_realloc,
                         gitdev_strdup, gitdev_calloc);
  else
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* libcurl's own guard for its one-time initialisation is newer than some builds of it; this one
 * costs nothing. */
static void initialise_curl_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, initialise_curl);
}

int gitdev_multi_new(gitdev_multi **out, gitdev_loop *loop, gitdev_finished_fn fn, void *payload) {
  *out = NULL;
  initialise_curl_once();
  gitdev_multi *multi = gitdev_calloc(1, sizeof *multi);
  if (!multi)
    return GITDEV_ENOMEM;
  multi->loop = loop;
  multi->fn = fn;
  multi->payload = payload;
  multi->curl = curl_multi_init();
  if (!multi->curl || curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket) ||
      curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi) ||
      curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer) ||
      curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi)) {
    gitdev_multi_free(multi);
    return GITDEV_ECURL;
  }
  *out = multi;
  return GITDEV_OK;
}

void gitdev_multi_free(gitdev_multi *multi) {
  if (!multi)
    return;
  if (multi->curl)
    curl_multi_cleanup(multi->curl);
  gitdev_timer_clear(multi->loop, &multi->timer);
  for (size_t fd = 0; fd < multi->watch_room; fd++)
    forget_socket(multi, (int)fd);
  gitdev_free(multi->watches);
  gitdev_free(multi);
}

void gitdev_multi_forsake(gitdev_multi *multi) {
  gitdev_timer_clear(multi->loop, &multi->timer);
  for (size_t fd = 0; fd < multi->watch_room; fd++)
    if (multi->watches[fd]) {
      forget_socket(multi, (int)fd);
      close((int)fd);
    }
  gitdev_free(multi->watches);
  multi->watches = NULL;
  multi->watch_room = 0;
}

CURLM *gitdev_multi_handle(gitdev_multi *multi) {
  return multi->curl;
}

int gitdev_multi_prepare(gitdev_multi *multi, CURL *easy) {
  if (curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) ||
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi) ||
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) ||
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi))
    return GITDEV_ECURL;
  return GITDEV_OK;
}

/* libcurl asks for a timer of no time; it is taken at its word here, since by way of the loop the
 * request would leave one turn later. */
int gitdev_multi_add(gitdev_multi *multi, CURL *easy) {
  int running;
  if (curl_multi_add_handle(multi->curl, easy))
    return GITDEV_ECURL;
  curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
  return GITDEV_OK;
}

/* libcurl has asked for a timer of no time, unless it believes that one is armed already. */
CURLcode gitdev_multi_resume(gitdev_multi *multi, CURL *easy) {
  CURLcode code = curl_easy_pause(easy, CURLPAUSE_CONT);
  if (!code && gitdev_timer_set(multi->loop, &multi->timer, gitdev_now(), on_time, multi))
    code = CURLE_OUT_OF_MEMORY;
  return code;
}

void gitdev_multi_let_go(gitdev_multi *multi, curl_socket_t fd) {
  forget_socket(multi, fd);
}

void gitdev_multi_remove(gitdev_multi *multi, CURL *easy) {
  curl_multi_remove_handle(multi->curl, easy);
  if (multi->unwatched == easy)
    multi->unwatched = NULL;
}
