/* net.listener: a small HTTPS server whose requests Lua asks for and answers. */
#include "lua/net.h"
#include "net/certificate.h"
#include "net/listener.h"
#include "policy/random.h"
#include "wire/date.h"
#include "wire/memory.h"
#include <errno.h>
#include <string.h>
#include <time.h>

static const char CERTIFICATE[] = "gitdev.certificate", LISTENER[] = "gitdev.listener",
                  EXCHANGE[] = "gitdev.exchange";

/* ---- certificates ---- */

typedef struct lua_certificate {
  gitdev_certificate certificate;
} lua_certificate;

static int certificate_close(lua_State *L) {
  lua_certificate *self = gitdev_lua_check(L, 1, CERTIFICATE);
  gitdev_certificate_free(&self->certificate);
  return 0;
}

/* net.certificate({names} [, days]) -> certificate */
static int net_certificate(lua_State *L) {
  enum { NAMES_MAX = 16 };
  const char *names[NAMES_MAX];
  size_t count = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  int days = (int)luaL_optinteger(L, 2, 30);
  luaL_checkstack(L, NAMES_MAX + 4, "too many names");
  for (;; count++) {
    lua_rawgeti(L, 1, (int)count + 1);
    if (lua_isnil(L, -1))
      break;
    luaL_argcheck(L, count < NAMES_MAX && lua_type(L, -1) == LUA_TSTRING, 1,
                  "must be up to 16 strings");
    names[count] = lua_tostring(L, -1);
  }
  lua_certificate *self = gitdev_lua_new(L, CERTIFICATE, sizeof *self);
  int rc = gitdev_certificate_make(&self->certificate, names, count, days);
  if (rc != GITDEV_OK)
    return luaL_error(L, "no certificate: %s", gitdev_strerror(rc));
  return 1;
}

/* net.certificate_files(certificate_file, key_file) -> certificate | nil, problem */
static int net_certificate_files(lua_State *L) {
  const char *problem, *file = luaL_checkstring(L, 1), *key_file = luaL_checkstring(L, 2);
  lua_certificate *self = gitdev_lua_new(L, CERTIFICATE, sizeof *self);
  int rc = gitdev_certificate_load(&self->certificate, file, key_file, &problem);
  if (rc == GITDEV_OK)
    return 1;
  if (rc != GITDEV_ESYSTEM)
    return gitdev_lua_fail(L, problem);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", problem, strerror(errno));
  return 2;
}

static int certificate_authority_pem(lua_State *L) {
  const lua_certificate *self = gitdev_lua_check(L, 1, CERTIFICATE);
  luaL_argcheck(L, self->certificate.authority, 1, "has no authority of its own");
  char *pem = gitdev_certificate_authority_pem(&self->certificate);
  if (!pem)
    return luaL_error(L, "memory is out");
  lua_pushstring(L, pem);
  gitdev_free(pem);
  return 1;
}

/* ---- the listener ---- */

/* The value anchored to a listener: { the loop, sockets = see net.h }. */
enum { ANCHORED_LOOP = 1 };

typedef struct lua_listener {
  gitdev_listener *listener;
  gitdev_lua_sockets sockets;
  char version[16]; /* of the API, for what no handler sees; "": none */
  bool https_only;  /* what no handler sees is told that it must be https, whatever else it lacks */
} lua_listener;

static gitdev_listener *check_listener(lua_State *L) {
  lua_listener *self = gitdev_lua_check(L, 1, LISTENER);
  luaL_argcheck(L, self->listener, 1, "the listener is closed");
  return self->listener;
}

static int listener_close(lua_State *L) {
  lua_listener *self = gitdev_lua_check(L, 1, LISTENER);
  gitdev_listener *listener = self->listener;
  self->listener = NULL;
  gitdev_lua_close_sockets(&self->sockets);
  gitdev_listener_free(listener);
  return 0;
}

/* What the contract calls a refusal (1.7, 1.8). HTTP has finer statuses for some that the contract
 * does not use; what is not here is malformed. */
static const struct refusal {
  int status, answered;
  const char *type, *code;
} refusals[] = {
    {403, 403, "permission_error", "https_required"},
    {413, 413, "invalid_request_error", "payload_too_large"},
    {414, 413, "invalid_request_error", "payload_too_large"},
    {431, 413, "invalid_request_error", "payload_too_large"},
    {500, 500, "api_error", "internal_error"},
    {0, 400, "invalid_request_error", "parameter_invalid"},
};

static const struct refusal *refusal_of(int status) {
  const struct refusal *found = refusals;
  while (found->status && found->status != status)
    found++;
  return found;
}

/* How a request that cannot be read is answered: the contract's envelope, with the headers that
 * every answer has (1.9). It must not depend on Lua, since no handler sees such a request. */
static int refuse(void *payload, int status, const char *problem, gitdev_buffer *fields,
                  gitdev_buffer *body) {
  const lua_listener *self = payload;
  const struct refusal *refusal = refusal_of(self->https_only ? 403 : status);
  char id[13], date[GITDEV_DATE_SIZE];
  if (!gitdev_random_text(NULL, id, sizeof id - 1, GITDEV_ID_ALPHABET))
    id[0] = '\0';
  gitdev_date_format((int64_t)time(NULL), date);
  gitdev_buffer_printf(fields, "Date: %s\r\nX-Request-Id: req_%s\r\n", date, id);
  if (self->version[0])
    gitdev_buffer_printf(fields, "X-Git-Version: %s\r\n", self->version);
  gitdev_buffer_puts(fields, "Content-Type: application/json; charset=utf-8\r\n");
  gitdev_buffer_printf(body,
                       "{\"error\":{\"type\":\"%s\",\"code\":\"%s\",\"message\":\"The request was "
                       "refused: %s.\",\"param\":null,\"request_id\":\"req_%s\"}}",
                       refusal->type, refusal->code, problem, id);
  return refusal->answered;
}

static double number_field(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  double value = luaL_optnumber(L, -1, 0);
  lua_pop(L, 1);
  return value;
}

static void version_field(lua_State *L, int index, lua_listener *self) {
  lua_getfield(L, index, "version");
  size_t len;
  const char *version = luaL_optlstring(L, -1, "", &len);
  luaL_argcheck(L, len < sizeof self->version && !strpbrk(version, "\r\n"), index,
                "version must be a short string without line breaks");
  memcpy(self->version, version, len + 1);
  lua_pop(L, 1);
}

/* net.listener(loop, { host=, port=, certificate=, body_max=, idle_timeout=, request_timeout=,
 * version=, https_only= }) -> listener | nil, problem */
static int net_listener(lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  gitdev_listener_options options = {
      .port = (int)number_field(L, 2, "port"),
      .idle_timeout = number_field(L, 2, "idle_timeout"),
      .request_timeout = number_field(L, 2, "request_timeout"),
      .limits = {.body_max = (size_t)number_field(L, 2, "body_max")},
  };
  lua_getfield(L, 2, "host");
  options.host = luaL_optstring(L, -1, NULL);
  lua_getfield(L, 2, "certificate");
  if (!lua_isnil(L, -1)) {
    const lua_certificate *certificate = gitdev_lua_check(L, -1, CERTIFICATE);
    options.certificate = &certificate->certificate;
  }
  lua_listener *self = gitdev_lua_new(L, LISTENER, sizeof *self);
  version_field(L, 2, self);
  lua_getfield(L, 2, "https_only");
  self->https_only = lua_toboolean(L, -1);
  lua_pop(L, 1);
  gitdev_loop *loop = gitdev_lua_check_loop(L, 1);
  int rc = gitdev_listener_new(&self->listener, loop, &options);
  if (rc != GITDEV_OK)
    return gitdev_lua_fail(L, rc == GITDEV_ESYSTEM ? strerror(errno) : gitdev_strerror(rc));
  gitdev_listener_on_refuse(self->listener, refuse, self);
  lua_createtable(L, 1, 1);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, ANCHORED_LOOP);
  gitdev_lua_anchor(L, -2);
  return 1;
}

static int listener_port(lua_State *L) {
  lua_pushinteger(L, gitdev_listener_port(check_listener(L)));
  return 1;
}

static int listener_connections(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gitdev_listener_connections(check_listener(L)));
  return 1;
}

/* listener:news() -> socket | nil: the next WebSocket that has something to read, has sent all that
 * was queued, or is closed. */
static int listener_news(lua_State *L) {
  lua_listener *self = gitdev_lua_check(L, 1, LISTENER);
  return gitdev_lua_socket_news(L, 1, &self->sockets);
}

static int listener_drain(lua_State *L) {
  gitdev_listener_drain(check_listener(L));
  return 0;
}

/* ---- exchanges ---- */

typedef struct lua_exchange {
  gitdev_exchange *exchange;
} lua_exchange;

static gitdev_exchange *check_exchange(lua_State *L) {
  lua_exchange *self = gitdev_lua_check(L, 1, EXCHANGE);
  luaL_argcheck(L, self->exchange, 1, "the exchange is closed");
  return self->exchange;
}

static int exchange_close(lua_State *L) {
  lua_exchange *self = gitdev_lua_check(L, 1, EXCHANGE);
  gitdev_exchange *exchange = self->exchange;
  self->exchange = NULL;
  gitdev_exchange_free(exchange);
  return 0;
}

/* listener:next() -> exchange | nil */
static int listener_next(lua_State *L) {
  lua_exchange *self = gitdev_lua_new(L, EXCHANGE, sizeof *self);
  self->exchange = gitdev_listener_next(check_listener(L));
  if (!self->exchange)
    return 0;
  lua_pushvalue(L, 1);
  gitdev_lua_anchor(L, -2);
  return 1;
}

static void add_field(lua_State *L, const gitdev_field *field) {
  lua_pushlstring(L, field->name, field->name_len);
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlstring(L, field->value, field->value_len);
  } else {
    lua_pushliteral(L, ", ");
    lua_pushlstring(L, field->value, field->value_len);
    lua_concat(L, 3);
  }
  lua_rawset(L, -3);
}

/* exchange:request() -> method, target, headers, body, peer */
static int exchange_request(lua_State *L) {
  const gitdev_exchange *exchange = check_exchange(L);
  const gitdev_message *message = gitdev_exchange_message(exchange);
  lua_pushlstring(L, message->method, message->method_len);
  lua_pushlstring(L, message->target, message->target_len);
  lua_createtable(L, 0, (int)message->field_count);
  for (size_t i = 0; i < message->field_count; i++)
    add_field(L, &message->fields[i]);
  size_t len;
  const char *body = gitdev_exchange_body(exchange, &len);
  lua_pushlstring(L, body, len);
  lua_pushstring(L, gitdev_exchange_peer(exchange));
  return 5;
}

static int exchange_alive(lua_State *L) {
  lua_pushboolean(L, gitdev_exchange_alive(check_exchange(L)));
  return 1;
}

/* Pushes the header lines made of the flat list at `index`; CR, LF and NUL in a name or value are
 * refused. */
static void push_fields(lua_State *L, int index) {
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (int i = 1;; i++) {
    lua_rawgeti(L, index, i);
    if (lua_isnil(L, -1))
      break;
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (!text || strcspn(text, "\r\n") != len)
      luaL_error(L, "header %d is no string, or holds a line break or a NUL", i);
    luaL_addvalue(&out);
    luaL_addstring(&out, i % 2 ? ": " : "\r\n");
  }
  lua_pop(L, 1);
  luaL_pushresult(&out);
}

/* exchange:answer(status, { "Name", "value", ... }, body) -> true | nil, problem */
static int exchange_answer(lua_State *L) {
  gitdev_exchange *exchange = check_exchange(L);
  int status = (int)luaL_checkinteger(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t body_len, fields_len;
  const char *body = luaL_optlstring(L, 4, "", &body_len);
  push_fields(L, 3);
  const char *fields = lua_tolstring(L, -1, &fields_len);
  int rc = gitdev_exchange_answer(exchange, status, fields, fields_len, body, body_len);
  if (rc != GITDEV_OK)
    return gitdev_lua_fail(L, gitdev_strerror(rc));
  lua_pushboolean(L, 1);
  return 1;
}

/* exchange:raw(bytes [, reset]) */
static int exchange_raw(lua_State *L) {
  size_t len;
  gitdev_exchange *exchange = check_exchange(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  lua_pushboolean(L, gitdev_exchange_raw(exchange, bytes, len, lua_toboolean(L, 3)) == GITDEV_OK);
  return 1;
}

/* exchange:upgrade_wish() -> "none" | "good" | "malformed", problem: whether the request asks to
 * become a WebSocket. */
static int exchange_upgrade_wish(lua_State *L) {
  static const char *const names[] = {[GITDEV_HANDSHAKE_NONE] = "none",
                                      [GITDEV_HANDSHAKE_GOOD] = "good",
                                      [GITDEV_HANDSHAKE_MALFORMED] = "malformed"};
  const char *problem = NULL;
  gitdev_handshake_wish wish = gitdev_exchange_wish(check_exchange(L), &problem);
  lua_pushstring(L, names[wish]);
  if (wish != GITDEV_HANDSHAKE_MALFORMED)
    return 1;
  lua_pushstring(L, problem);
  return 2;
}

/* exchange:upgrade({ "Name", "value", ... }, protocol | nil [, message_max]) -> socket | nil,
 * problem: answers 101. What the socket has to tell is among the listener's news. */
static int exchange_upgrade(lua_State *L) {
  check_exchange(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  size_t protocol_len;
  const char *protocol = luaL_optlstring(L, 3, NULL, &protocol_len);
  luaL_argcheck(L, !protocol || strcspn(protocol, "\r\n") == protocol_len, 3,
                "must not hold a line break or a NUL");
  lua_Integer message_max = luaL_optinteger(L, 4, 0);
  luaL_argcheck(L, message_max >= 0, 4, "must not be negative");
  size_t fields_len;
  push_fields(L, 2);
  const char *fields = lua_tolstring(L, -1, &fields_len);
  gitdev_lua_push_anchored(L, 1);
  lua_listener *listener = gitdev_lua_check(L, -1, LISTENER);
  gitdev_lua_socket *self = gitdev_lua_new_socket(L, -1);
  gitdev_socket *socket;
  int rc = gitdev_exchange_upgrade(check_exchange(L), protocol, fields, fields_len,
                                   (size_t)message_max, &socket);
  if (rc != GITDEV_OK)
    return gitdev_lua_fail(L, gitdev_strerror(rc));
  gitdev_lua_own_socket(self, &listener->sockets, socket);
  return 1;
}

static const luaL_Reg certificate_methods[] = {{"authority_pem", certificate_authority_pem},
                                               {NULL, NULL}};

static const luaL_Reg listener_methods[] = {
    {"close", listener_close},
    {"connections", listener_connections},
    {"drain", listener_drain},
    {"news", listener_news},
    {"next", listener_next},
    {"port", listener_port},
    {NULL, NULL},
};

static const luaL_Reg exchange_methods[] = {
    {"alive", exchange_alive},
    {"answer", exchange_answer},
    {"close", exchange_close},
    {"raw", exchange_raw},
    {"request", exchange_request},
    {"upgrade", exchange_upgrade},
    {"upgrade_wish", exchange_upgrade_wish},
    {NULL, NULL},
};

void gitdev_lua_open_listener(lua_State *L) {
  gitdev_lua_class(L, CERTIFICATE, certificate_methods, certificate_close);
  gitdev_lua_class(L, LISTENER, listener_methods, listener_close);
  gitdev_lua_class(L, EXCHANGE, exchange_methods, exchange_close);
  lua_pushcfunction(L, net_certificate);
  lua_setfield(L, -2, "certificate");
  lua_pushcfunction(L, net_certificate_files);
  lua_setfield(L, -2, "certificate_files");
  lua_pushcfunction(L, net_listener);
  lua_setfield(L, -2, "listener");
}
