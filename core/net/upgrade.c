#include "net/upgrade.h"
#include "net/connection_state.h"

static gitdev_io transport_read(void *payload, char *bytes, size_t size, size_t *len) {
  gitdev_connection *connection = payload;
  return gitdev_stream_read(&connection->stream, bytes, size, len);
}

static gitdev_io transport_write(void *payload, const char *bytes, size_t len, size_t *written) {
  gitdev_connection *connection = payload;
  return gitdev_stream_write(&connection->stream, bytes, len, written);
}

static void transport_want(void *payload, int mask) {
  gitdev_connection *connection = payload;
  connection->socket_wants = mask;
  gitdev_connection_settle(connection);
}

static void transport_close(void *payload, bool reset) {
  gitdev_connection *connection = payload;
  bool forked = gitdev_loop_forked(connection->server->loop);
  connection->socket = NULL;
  connection->reset = reset && !forked;
  connection->phase = reset || forked ? CLOSED : GOODBYE;
  gitdev_connection_wind_up(connection);
  gitdev_connection_settle(connection);
}

void gitdev_upgrade_drain(gitdev_socket *socket) {
  if (gitdev_socket_close(socket, 1001, "the server is leaving") == GITDEV_ENOMEM)
    gitdev_socket_leave(socket, "memory is out");
}

int gitdev_upgrade(gitdev_connection *connection, const gitdev_buffer *answer, size_t message_max,
                   gitdev_socket **out) {
  const gitdev_server *server = connection->server;
  gitdev_transport transport = {.read = transport_read,
                                .write = transport_write,
                                .want = transport_want,
                                .close = transport_close,
                                .payload = connection};
  connection->held = NULL;
  connection->phase = UPGRADED;
  gitdev_timer_clear(server->loop, &connection->again);
  gitdev_buffer *first = &connection->out;
  if (answer->failed || !gitdev_buffer_append(first, answer->data, answer->len)) {
    transport_close(connection, false);
    return GITDEV_ENOMEM;
  }
  gitdev_socket_options options = {.role = GITDEV_WEBSOCKET_SERVER,
                                   .message_max = message_max,
                                   .first = first->data + connection->sent,
                                   .first_len = first->len - connection->sent};
  options.ahead = gitdev_intake_rest(&connection->intake, &options.ahead_len);
  int error = gitdev_socket_new(out, server->loop, &transport, &options);
  if (error)
    return error;
  connection->socket = *out;
  gitdev_buffer_free(first);
  gitdev_intake_free(&connection->intake);
  if (server->draining)
    gitdev_upgrade_drain(*out);
  else
    transport_want(connection, GITDEV_READABLE);
  return 0;
}
