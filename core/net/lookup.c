#include "net/lookup.h"
#include "net/loop.h"
#include "wire/memory.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the thread writes, and the loop reads once it `is_whole`: `done` wakes it. The last of the
 * two frees it. */
typedef struct answer {
  atomic_int owners;
  atomic_bool is_whole;
  int done; /* an eventfd */
  int error;
  gitdev_addresses addresses;
  char host[];
} answer;

struct gitdev_lookup {
  gitdev_loop *loop;
  gitdev_watch watch;
  gitdev_lookup_fn fn;
  void *payload;
  answer *answer;
};

bool gitdev_lookup_is_address(const char *host) {
  unsigned char room[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, host, room) == 1 || strchr(host, ':') != NULL;
}

static void let_go(answer *shared) {
  if (atomic_fetch_sub(&shared->owners, 1) > 1)
    return;
  if (shared->done >= 0)
    close(shared->done);
  gitdev_free(shared);
}

static void add_address(gitdev_addresses *list, const struct addrinfo *one) {
  if (list->count < GITDEV_LOOKUP_MAX &&
      getnameinfo(one->ai_addr, one->ai_addrlen, list->text[list->count],
                  sizeof list->text[list->count], NULL, 0, NI_NUMERICHOST) == 0)
    list->count++;
}

static void *look_up(void *payload) {
  answer *shared = payload;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
  shared->error = getaddrinfo(shared->host, NULL, &hints, &found);
  if (shared->error == 0) {
    for (const struct addrinfo *one = found; one; one = one->ai_next)
      add_address(&shared->addresses, one);
    freeaddrinfo(found);
    if (shared->addresses.count == 0)
      shared->error = EAI_NONAME;
  }
  atomic_store(&shared->is_whole, true);
  uint64_t one = 1;
  ssize_t written = write(shared->done, &one, sizeof one);
  (void)written; /* an eventfd of 0 takes it */
  let_go(shared);
  return NULL;
}

static void on_done(void *payload, int ready) {
  gitdev_lookup *lookup = payload;
  answer *shared = lookup->answer;
  (void)ready;
  if (!atomic_load(&shared->is_whole))
    return;
  gitdev_unwatch(lookup->loop, &lookup->watch);
  lookup->fn(lookup->payload, &shared->addresses,
             shared->error ? gai_strerror(shared->error) : NULL);
}

/* No signal of the program's is to be handled on this thread. */
static int start_thread(answer *shared) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, NULL, look_up, shared);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!error)
    pthread_detach(thread);
  errno = error;
  return error ? GITDEV_ESYSTEM : GITDEV_OK;
}

static int begin(gitdev_lookup *lookup, const char *host) {
  answer *shared = gitdev_calloc(1, sizeof *shared + strlen(host) + 1);
  lookup->answer = shared;
  if (!shared)
    return GITDEV_ENOMEM;
  atomic_init(&shared->owners, 1);
  memcpy(shared->host, host, strlen(host) + 1);
  shared->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (shared->done < 0)
    return GITDEV_ESYSTEM;
  int rc = gitdev_watch_start(lookup->loop, &lookup->watch, shared->done, GITDEV_READABLE, on_done,
                              lookup);
  if (rc != GITDEV_OK)
    return rc;
  atomic_fetch_add(&shared->owners, 1);
  rc = start_thread(shared);
  if (rc != GITDEV_OK)
    atomic_fetch_sub(&shared->owners, 1);
  return rc;
}

int gitdev_lookup_start(gitdev_lookup **out, gitdev_loop *loop, const char *host,
                        gitdev_lookup_fn fn, void *payload) {
  *out = NULL;
  gitdev_lookup *lookup = gitdev_calloc(1, sizeof *lookup);
  if (!lookup)
    return GITDEV_ENOMEM;
  lookup->loop = loop;
  lookup->fn = fn;
  lookup->payload = payload;
  gitdev_loop_retain(loop);
  int rc = begin(lookup, host);
  if (rc == GITDEV_OK) {
    *out = lookup;
    return rc;
  }
  int kept = errno;
  gitdev_lookup_free(lookup);
  errno = kept;
  return rc;
}

void gitdev_lookup_free(gitdev_lookup *lookup) {
  if (!lookup)
    return;
  gitdev_unwatch(lookup->loop, &lookup->watch);
  if (lookup->answer && gitdev_loop_forked(lookup->loop))
    atomic_store(&lookup->answer->owners, 1); /* the thread is the parent's */
  if (lookup->answer)
    let_go(lookup->answer);
  gitdev_loop_free(lookup->loop);
  gitdev_free(lookup);
}
