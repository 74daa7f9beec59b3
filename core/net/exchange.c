#include "net/exchange.h"
#include "net/connection.h"
#include "net/upgrade.h"
#include "wire/memory.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* Of what follows the struct. */
static size_t copied_size(const gitdev_message *message) {
  size_t size = message->field_count * sizeof(gitdev_field);
  size += message->method_len + message->target_len;
  for (size_t i = 0; i < message->field_count; i++)
    size += message->fields[i].name_len + message->fields[i].value_len;
  return size;
}

static const char *copy(char **place, const char *text, size_t len) {
  char *start = *place;
  if (len)
    memcpy(start, text, len);
  *place += len;
  return start;
}

gitdev_exchange *gitdev_exchange_new(const gitdev_message *message, const char *peer,
                                     size_t body_max) {
  gitdev_exchange *made = gitdev_malloc(sizeof *made + copied_size(message));
  if (!made)
    return NULL;
  *made = (gitdev_exchange){.message = *message};
  snprintf(made->peer, sizeof made->peer, "%s", peer);
  gitdev_buffer_init(&made->body, body_max);
  char *place = (char *)(made->fields + message->field_count);
  made->message.method = copy(&place, message->method, message->method_len);
  made->message.target = copy(&place, message->target, message->target_len);
  made->message.fields = made->fields;
  for (size_t i = 0; i < message->field_count; i++) {
    made->fields[i] = message->fields[i];
    made->fields[i].name = copy(&place, message->fields[i].name, message->fields[i].name_len);
    made->fields[i].value = copy(&place, message->fields[i].value, message->fields[i].value_len);
  }
  return made;
}

void gitdev_exchange_destroy(gitdev_exchange *exchange) {
  if (!exchange)
    return;
  /* Requests carry keys. */
  gitdev_buffer_wipe(&exchange->body);
  OPENSSL_cleanse(exchange, sizeof *exchange + copied_size(&exchange->message));
  gitdev_free(exchange);
}

void gitdev_exchange_push(gitdev_exchange_queue *queue, gitdev_exchange *exchange) {
  exchange->next = NULL;
  if (queue->last)
    queue->last->next = exchange;
  else
    queue->first = exchange;
  queue->last = exchange;
}

gitdev_exchange *gitdev_exchange_pop(gitdev_exchange_queue *queue) {
  gitdev_exchange *first = queue->first;
  if (!first)
    return NULL;
  queue->first = first->next;
  if (!queue->first)
    queue->last = NULL;
  return first;
}

/* ---- what the listener's user does with it ---- */

const gitdev_message *gitdev_exchange_message(const gitdev_exchange *exchange) {
  return &exchange->message;
}

const char *gitdev_exchange_body(const gitdev_exchange *exchange, size_t *len) {
  *len = exchange->body.len;
  return exchange->body.data;
}

const char *gitdev_exchange_peer(const gitdev_exchange *exchange) {
  return exchange->peer;
}

bool gitdev_exchange_alive(const gitdev_exchange *exchange) {
  return exchange->connection && !gitdev_connection_has_ended(exchange->connection);
}

static bool is_head(const gitdev_message *message) {
  return message->method_len == 4 && !memcmp(message->method, "HEAD", 4);
}

/* Parts the exchange from its connection, which it has one thing to say to. NULL when there is none
 * to say it to. */
static gitdev_connection *part(gitdev_exchange *exchange) {
  gitdev_connection *connection = exchange->connection;
  exchange->connection = NULL;
  exchange->answered = true;
  return connection;
}

int gitdev_exchange_answer(gitdev_exchange *exchange, int status, const char *fields,
                           size_t fields_len, const char *body, size_t body_len) {
  if (exchange->answered || status < 200 || status > 999)
    return GITDEV_EINVAL;
  const gitdev_message *message = &exchange->message;
  gitdev_answer answer = {.status = status,
                          .fields = fields,
                          .fields_len = fields_len,
                          .body = body,
                          .body_len = body_len,
                          .to_head = is_head(message),
                          .to_old = message->minor_version == 0,
                          .last = !message->keep_alive};
  gitdev_connection *connection = part(exchange);
  return connection ? gitdev_connection_answer(connection, &answer) : GITDEV_ECLOSED;
}

int gitdev_exchange_raw(gitdev_exchange *exchange, const char *bytes, size_t len, bool reset) {
  if (exchange->answered)
    return GITDEV_EINVAL;
  gitdev_connection *connection = part(exchange);
  return connection ? gitdev_connection_raw(connection, bytes, len, reset) : GITDEV_ECLOSED;
}

gitdev_handshake_wish gitdev_exchange_wish(const gitdev_exchange *exchange, const char **problem) {
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE];
  return gitdev_handshake_read(&exchange->message, accept, problem);
}

int gitdev_exchange_upgrade(gitdev_exchange *exchange, const char *protocol, const char *fields,
                            size_t fields_len, size_t message_max, gitdev_socket **out) {
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE];
  const char *problem;
  *out = NULL;
  if (exchange->answered ||
      gitdev_handshake_read(&exchange->message, accept, &problem) != GITDEV_HANDSHAKE_GOOD)
    return GITDEV_EINVAL;
  gitdev_connection *connection = part(exchange);
  if (!connection)
    return GITDEV_ECLOSED;
  if (gitdev_connection_has_ended(connection)) {
    gitdev_connection_raw(connection, NULL, 0, false);
    return GITDEV_ECLOSED;
  }
  gitdev_buffer answer;
  gitdev_buffer_init(&answer, SIZE_MAX);
  gitdev_answer_switch(&answer, accept, protocol, fields, fields_len);
  int error = gitdev_upgrade(connection, &answer, message_max, out);
  gitdev_buffer_free(&answer);
  return error;
}

void gitdev_exchange_free(gitdev_exchange *exchange) {
  if (!exchange)
    return;
  gitdev_connection *connection = part(exchange);
  if (connection)
    gitdev_connection_raw(connection, NULL, 0, false);
  gitdev_exchange_destroy(exchange);
}
