#include "net/crowd.h"
#include "net/connection_state.h"
#include "net/upgrade.h"
#include <math.h>

/* Since when nothing has happened on it that matters: no request, or not even a handshake. */
static double rests_since(const gitdev_connection *connection) {
  const gitdev_server *server = connection->server;
  switch (connection->deadline) {
  case GREETING: return connection->timer.at - server->request_timeout;
  case IDLE: return connection->timer.at - server->idle_timeout;
  default: return INFINITY;
  }
}

static gitdev_connection *longest_at_rest(const gitdev_server *server) {
  gitdev_connection *oldest = NULL;
  double since = INFINITY;
  for (gitdev_connection *one = server->first; one; one = one->next) {
    if (rests_since(one) < since) {
      oldest = one;
      since = rests_since(one);
    }
  }
  return oldest;
}

/* The oldest whose peer sends no more, and waits for an answer: most likely it has given up. */
static gitdev_connection *likely_gone(const gitdev_server *server) {
  gitdev_connection *found = NULL;
  for (gitdev_connection *one = server->first; one; one = one->next)
    if (one->phase == OPEN && one->ended && one->held)
      found = one;
  return found;
}

static void close_one_at_rest(gitdev_server *server) {
  size_t count = server->connection_count;
  gitdev_connection *oldest;
  while (server->connection_count == count && (oldest = longest_at_rest(server)) != NULL) {
    bool open = oldest->phase == OPEN;
    if (open) {
      /* A request may have come in that this step has not come to yet. */
      gitdev_stream_ready(&oldest->stream);
      gitdev_connection_read_some(oldest);
    }
    if (open && !gitdev_connection_is_idle(oldest)) {
      gitdev_connection_settle(oldest);
      continue;
    }
    if (open)
      (void)gitdev_stream_goodbye(&oldest->stream);
    gitdev_connection_destroy(oldest);
  }
}

bool gitdev_crowd_make_room(gitdev_server *server) {
  size_t count = server->connection_count;
  close_one_at_rest(server);
  gitdev_connection *gone = server->connection_count == count ? likely_gone(server) : NULL;
  if (gone) {
    (void)gitdev_stream_goodbye(&gone->stream);
    gitdev_connection_destroy(gone);
  }
  return server->connection_count < count;
}

static void drain(gitdev_connection *connection) {
  if (connection->phase == UPGRADED) {
    gitdev_upgrade_drain(connection->socket);
    return;
  }
  if (connection->phase == FIRST_BYTE || connection->phase == HANDSHAKE)
    connection->phase = CLOSED;
  /* A request may have come in that no step has seen yet. */
  gitdev_stream_ready(&connection->stream);
  if (gitdev_connection_is_idle(connection))
    gitdev_connection_read_some(connection);
  if (gitdev_connection_is_idle(connection))
    gitdev_connection_leave(connection);
  gitdev_connection_settle(connection);
}

void gitdev_crowd_drain(gitdev_server *server) {
  for (gitdev_connection *next, *connection = server->first; connection; connection = next) {
    next = connection->next;
    drain(connection);
  }
}

void gitdev_crowd_close(gitdev_server *server) {
  bool forked = gitdev_loop_forked(server->loop);
  while (server->first) {
    gitdev_connection *connection = server->first;
    if (connection->phase == UPGRADED) {
      /* It lets go of the connection. */
      gitdev_socket_leave(connection->socket, "the server was closed");
      continue;
    }
    if (!forked && connection->phase == OPEN)
      (void)gitdev_stream_goodbye(&connection->stream);
    gitdev_connection_destroy(connection);
  }
}
