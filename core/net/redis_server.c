#include "net/redis_server.h"
#include "wire/memory.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const double PAUSE_MIN = 0.05,
                    PAUSE_MAX = 1;  /* before the next look at a server that is away */
static const double TRY_MAX = 0.25; /* seconds for an address that is not the last */

/* ---- the end of a connection ---- */

/* One that has served is made anew without a pause. */
static void note_end(gitdev_redis_server *server, const char *problem) {
  char kept[GITDEV_REDIS_PROBLEM_MAX];
  snprintf(kept, sizeof kept, "%s", problem);
  memcpy(server->problem, kept, sizeof kept);
  server->link = NULL;
  server->addresses.count = 0;
  gitdev_timer_clear(server->loop, &server->next);
  if (!server->welcome) {
    server->pause = server->pause > 0 ? server->pause * 2 : PAUSE_MIN;
    server->pause = server->pause > PAUSE_MAX ? PAUSE_MAX : server->pause;
    server->look_again = gitdev_now() + server->pause;
  }
  server->events->gone(server->payload, server->problem);
}

void gitdev_redis_server_drop(gitdev_redis_server *server, const char *problem) {
  gitdev_redis_link *link = server->link;
  gitdev_lookup_free(server->lookup);
  server->lookup = NULL;
  note_end(server, problem);
  if (link)
    gitdev_redis_link_close(link);
}

/* ---- what is told of the connection ---- */

static void try_next(void *payload);

static void on_up(void *payload) {
  gitdev_redis_server *server = payload;
  server->events->up(server->payload);
}

static void on_reply(void *payload, const struct redisReply *reply) {
  gitdev_redis_server *server = payload;
  server->welcome = true;
  server->pause = 0;
  server->events->reply(server->payload, reply);
}

/* One that was not made makes room for the next address, in a turn of its own. */
static void on_gone(void *payload, const char *problem) {
  gitdev_redis_server *server = payload;
  bool was_made = gitdev_redis_link_is_connected(server->link);
  server->link = NULL;
  if (was_made || server->next_address >= server->addresses.count ||
      gitdev_timer_set(server->loop, &server->next, gitdev_now(), try_next, server) != GITDEV_OK)
    note_end(server, problem);
}

static const gitdev_redis_link_events EVENTS = {on_up, on_reply, on_gone};

/* ---- connecting ---- */

/* To the socket, the host that is an address, or the next of its addresses. */
static void connect_now(gitdev_redis_server *server) {
  bool is_listed = server->next_address < server->addresses.count;
  const gitdev_redis_login login = {
      .socket = server->socket,
      .address = is_listed ? server->addresses.text[server->next_address++] : server->host,
      .port = server->port,
      .username = server->username,
      .password = server->password,
      .database = server->database,
  };
  char problem[GITDEV_REDIS_PROBLEM_MAX];
  server->welcome = false;
  server->link = gitdev_redis_link_open(server->loop, &login, &EVENTS, server, problem);
  /* An address behind which nothing answers at all must not take the others' time. */
  bool is_last = server->next_address >= server->addresses.count;
  double next = gitdev_now() + (server->link ? TRY_MAX : 0);
  if (is_last || gitdev_timer_set(server->loop, &server->next, next, try_next, server) != GITDEV_OK)
    gitdev_timer_clear(server->loop, &server->next);
  if (!server->link && !server->next.place)
    note_end(server, problem);
}

static void try_next(void *payload) {
  gitdev_redis_server *server = payload;
  if (server->link && gitdev_redis_link_is_connected(server->link))
    return;
  if (server->link)
    gitdev_redis_link_close(server->link);
  server->link = NULL;
  connect_now(server);
}

static void on_addresses(void *payload, const gitdev_addresses *addresses, const char *problem) {
  gitdev_redis_server *server = payload;
  server->addresses = *addresses;
  server->next_address = 0;
  char why[GITDEV_REDIS_PROBLEM_MAX];
  snprintf(why, sizeof why, "its host's name was not resolved: %s", problem ? problem : "");
  gitdev_lookup_free(server->lookup);
  server->lookup = NULL;
  if (problem)
    note_end(server, why);
  else
    connect_now(server);
}

static void look_up(gitdev_redis_server *server) {
  server->welcome = false;
  if (gitdev_lookup_start(&server->lookup, server->loop, server->host, on_addresses, server) !=
      GITDEV_OK)
    note_end(server, "its host's name could not be looked up");
}

void gitdev_redis_server_reach(gitdev_redis_server *server) {
  if (server->link || server->lookup || server->next.place)
    return;
  if (gitdev_now() < server->look_again)
    server->events->gone(server->payload, server->problem);
  else if (server->socket || gitdev_lookup_is_address(server->host))
    connect_now(server);
  else
    look_up(server);
}

bool gitdev_redis_server_is_up(const gitdev_redis_server *server) {
  return server->link && gitdev_redis_link_is_up(server->link);
}

/* ---- life ---- */

static char *copy_of(const char *text, bool *whole) {
  char *copy = text ? gitdev_strdup(text) : NULL;
  *whole &= !text || copy;
  return copy;
}

int gitdev_redis_server_open(gitdev_redis_server *server, gitdev_loop *loop,
                             const gitdev_redis_options *options,
                             const gitdev_redis_link_events *events, void *payload) {
  bool whole = true;
  server->loop = loop;
  gitdev_loop_retain(loop);
  server->socket = copy_of(options->socket, &whole);
  server->host = copy_of(options->host, &whole);
  server->username = copy_of(options->username, &whole);
  server->password = copy_of(options->password, &whole);
  server->port = options->port;
  server->database = options->database;
  server->events = events;
  server->payload = payload;
  return whole ? GITDEV_OK : GITDEV_ENOMEM;
}

void gitdev_redis_server_close(gitdev_redis_server *server) {
  if (server->link)
    gitdev_redis_link_close(server->link);
  gitdev_lookup_free(server->lookup);
  gitdev_timer_clear(server->loop, &server->next);
  if (server->password)
    OPENSSL_cleanse(server->password, strlen(server->password));
  gitdev_free(server->password);
  gitdev_free(server->username);
  gitdev_free(server->host);
  gitdev_free(server->socket);
  gitdev_loop_free(server->loop);
}
