/* core.client: an origin and a key. */
#include "call/request.h"
#include "lua/call.h"
#include <string.h>

/* A weak table of this state's clients: those of one origin or one key share what belongs to both.
 */
static const char CLIENTS[] = "gitdev.clients";

static gitdev_client *check_client(lua_State *L) {
  gitdev_lua_client *self = gitdev_lua_check(L, 1, GITDEV_LUA_CLIENT);
  luaL_argcheck(L, self->client, 1, "the client is closed");
  return self->client;
}

static int client_close(lua_State *L) {
  gitdev_lua_client *self = gitdev_lua_check(L, 1, GITDEV_LUA_CLIENT);
  gitdev_client *client = self->client;
  self->client = NULL;
  gitdev_client_free(client);
  return 0;
}

/* A string of the table at 1; one with a NUL inside would be cut by C, so it is refused. */
static const char *string_option(lua_State *L, const char *name, const char **bad) {
  lua_getfield(L, 1, name); /* left on the stack: the string must live until it is copied */
  if (lua_isnil(L, -1))
    return NULL;
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (lua_type(L, -1) != LUA_TSTRING || strlen(text) != len)
    *bad = name;
  return text;
}

static double number_option(lua_State *L, const char *name, const char **bad) {
  lua_getfield(L, 1, name);
  bool absent = lua_isnil(L, -1);
  double value = lua_tonumber(L, -1);
  if (!absent && lua_type(L, -1) != LUA_TNUMBER)
    *bad = name;
  lua_pop(L, 1);
  return absent ? 0 : value;
}

/* A whole number of bytes, or the like, that C can hold. */
static double whole_option(lua_State *L, const char *name, const char **bad) {
  double value = number_option(L, name, bad);
  if (!(value >= 0 && value <= 9007199254740992.0))
    *bad = name;
  return *bad ? 0 : value;
}

static bool field_is_true(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  bool value = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return value;
}

/* In C, 0 retries means the default; in Lua it means 0. */
static int retries_option(lua_State *L, int index) {
  if (lua_isnoneornil(L, index))
    return 0;
  double value = lua_tonumber(L, index);
  if (value >= 0 && value < 1)
    return GITDEV_NO_RETRIES;
  return value > 0 && value <= GITDEV_MAX_RETRIES_MAX ? (int)value : GITDEV_MAX_RETRIES_MAX + 1;
}

static bool is_same(double a, double b) {
  return !(a < b) && !(a > b);
}

static void share(lua_State *L, const gitdev_lua_client *self) {
  lua_getfield(L, LUA_REGISTRYINDEX, CLIENTS);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    const gitdev_lua_client *other = lua_touserdata(L, -2);
    if (other->client && is_same(other->world, self->world)) {
      if (is_same(other->store, self->store))
        gitdev_client_share(self->client, other->client);
      else
        gitdev_client_share_budget(self->client, other->client);
    }
    lua_pop(L, 1);
  }
  lua_pushvalue(L, -2); /* the new client */
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static int core_client(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  const char *bad = NULL;
  gitdev_client_options options = {
      .api_key = string_option(L, "api_key", &bad),
      .base_url = string_option(L, "base_url", &bad),
      .ca_file = string_option(L, "ca_file", &bad),
      .user_agent = string_option(L, "user_agent", &bad),
      .timeout = number_option(L, "timeout", &bad),
      .try_timeout = number_option(L, "try_timeout", &bad),
      .connect_timeout = number_option(L, "connect_timeout", &bad),
      .body_max = (size_t)whole_option(L, "body_max", &bad),
      .seed = (unsigned long long)whole_option(L, "seed", &bad),
      .limit_name = string_option(L, "limit_name", &bad),
      .limit_closed = field_is_true(L, 1, "limit_closed"),
  };
  double world = number_option(L, "world", &bad), store = number_option(L, "store", &bad);
  lua_getfield(L, 1, "max_retries");
  options.max_retries = retries_option(L, -1);
  if (bad) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: is of the wrong type, or holds a NUL byte", bad);
    return 2;
  }
  gitdev_lua_client *self = gitdev_lua_new(L, GITDEV_LUA_CLIENT, sizeof *self);
  gitdev_problem problem;
  if (gitdev_client_new(&self->client, &options, &problem) != GITDEV_OK)
    return gitdev_lua_fail(L, problem.text);
  self->world = world;
  self->store = store;
  share(L, self);
  return 1;
}

/* client:rate_limit([now]) */
static int client_rate_limit(lua_State *L) {
  static const char *const SHARING[] = {
      [GITDEV_LIMIT_OWN] = NULL, [GITDEV_LIMIT_SHARED] = "yes", [GITDEV_LIMIT_AWAY] = "away"};
  gitdev_rate_limit limit;
  double now = lua_isnoneornil(L, 2) ? gitdev_now() : luaL_checknumber(L, 2);
  gitdev_client_rate_limit(check_client(L), now, &limit);
  lua_createtable(L, 0, 6);
  gitdev_lua_set_string(L, "shared", SHARING[limit.sharing]);
  gitdev_lua_set_number(L, "per_minute", limit.per_minute);
  gitdev_lua_set_number(L, "burst", limit.burst);
  gitdev_lua_set_number(L, "remaining", limit.remaining);
  gitdev_lua_set_number(L, "paused_for", limit.paused_for);
  gitdev_lua_set_number(L, "retry_budget", limit.retry_budget);
  return 1;
}

/* client:configuration() -> what it goes by: base_url, ca_file, timeout, try_timeout,
 * connect_timeout, max_retries, body_max */
static int client_configuration(lua_State *L) {
  const gitdev_client *client = check_client(L);
  lua_createtable(L, 0, 7);
  lua_pushfstring(L, "%s%s", client->origin, client->base.path);
  lua_setfield(L, -2, "base_url");
  gitdev_lua_set_string(L, "ca_file", client->ca_file);
  gitdev_lua_set_number(L, "timeout", client->timeout);
  gitdev_lua_set_number(L, "try_timeout", client->try_timeout);
  gitdev_lua_set_number(L, "connect_timeout", client->connect_timeout);
  gitdev_lua_set_number(L, "max_retries", client->max_retries);
  gitdev_lua_set_number(L, "body_max", (double)client->body_max);
  return 1;
}

/* client:limit() -> its rate limit, for whoever visits the store; nil when it is not shared */
static int client_limit(lua_State *L) {
  check_client(L);
  return gitdev_lua_push_limit(L, gitdev_lua_check(L, 1, GITDEV_LUA_CLIENT));
}

static int client_key_hint(lua_State *L) {
  lua_pushstring(L, gitdev_client_key_hint(check_client(L)));
  return 1;
}

/* A string argument, or NULL for nil; `*bad` is set for one with a NUL inside. */
static const char *optional_text(lua_State *L, int index, const char *name, const char **bad) {
  if (lua_isnoneornil(L, index))
    return NULL;
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  if (strlen(text) != len)
    *bad = name;
  return text;
}

/* Reads the table at `index` into `headers`; the strings stay on the stack. Returns how many; -1
 * with `*bad` set. */
static int read_headers(lua_State *L, int index, gitdev_header *headers, const char **bad) {
  int count = 0;
  luaL_checktype(L, index, LUA_TTABLE);
  luaL_checkstack(L, 2 * GITDEV_HEADERS_MAX + 4, "too many headers");
  lua_pushnil(L);
  while (lua_next(L, index)) {
    size_t name_len, value_len;
    if (count == GITDEV_HEADERS_MAX || lua_type(L, -2) != LUA_TSTRING ||
        lua_type(L, -1) != LUA_TSTRING) {
      *bad = count == GITDEV_HEADERS_MAX ? "headers: too many"
                                         : "headers: names and values must be strings";
      return -1;
    }
    const char *name = lua_tolstring(L, -2, &name_len), *value = lua_tolstring(L, -1, &value_len);
    if (strlen(name) != name_len || strlen(value) != value_len) {
      *bad = "headers: a name or value holds a NUL byte";
      return -1;
    }
    headers[count++] = (gitdev_header){name, value};
    lua_pushvalue(L, -2); /* the name and the value stay below the key for the next round */
  }
  return count;
}

/* What few calls have, from the table at `index`. */
typedef struct rarer_options {
  bool watched, upload, rewindable, download;
  gitdev_source source;
  gitdev_sink sink;
} rarer_options;

/* A number of bytes, from `least` on; -2 when it is not there. */
static double stream_size(lua_State *L, int index, const char *name, double least,
                          const char **bad) {
  lua_getfield(L, index, name);
  double value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -2;
  lua_pop(L, 1);
  if (value > -2 && !(value >= least && value <= 9007199254740992.0)) {
    *bad = "upload, download: no number of bytes";
    return -2;
  }
  return value;
}

/* The strings stay on the stack. */
static void read_rarer(lua_State *L, int index, rarer_options *out, gitdev_call_options *options,
                       const char **bad) {
  luaL_checktype(L, index, LUA_TTABLE);
  out->watched = field_is_true(L, index, "watched");
  out->rewindable = field_is_true(L, index, "rewindable");
  lua_getfield(L, index, "content_type");
  options->content_type = optional_text(L, lua_gettop(L), "content_type: holds a NUL byte", bad);
  double size = stream_size(L, index, "upload", -1, bad);
  out->upload = size >= -1;
  out->source.size = (long long)size;
  double offset = stream_size(L, index, "download", 0, bad);
  out->download = offset >= 0;
  out->sink.offset = out->download ? (unsigned long long)offset : 0;
  lua_getfield(L, index, "etag");
  out->sink.etag = optional_text(L, lua_gettop(L), "etag: holds a NUL byte", bad);
  lua_getfield(L, index, "upgrade");
  options->upgrade = optional_text(L, lua_gettop(L), "upgrade: holds a NUL byte", bad);
  options->source = out->upload ? &out->source : NULL;
  options->sink = out->download ? &out->sink : NULL;
}

static bool open_rarer(gitdev_lua_call *self, rarer_options *rarer, gitdev_call_options *options) {
  return gitdev_lua_stream_open(self, rarer->upload ? &rarer->source : NULL, rarer->rewindable,
                                rarer->download ? &rarer->sink : NULL) &&
         (!rarer->watched || gitdev_lua_events_open(self, options));
}

/* client:call(method, path, body, idempotency_key, headers, timeout, max_retries, now, rarer) ->
 * call | nil, problem. `rarer`: { watched = true keeps its events, content_type, upload = bytes of
 * a body that is written in pieces (-1: unknown), rewindable = whether it can be written again,
 * download = bytes that are there already: the answer's body is read in pieces, etag = of those,
 * upgrade = the subprotocol of the WebSocket that it opens }. */
static int client_call(lua_State *L) {
  gitdev_header headers[GITDEV_HEADERS_MAX];
  const char *bad = NULL;
  lua_settop(L, 10);
  gitdev_call_options options = {.headers = headers};
  rarer_options rarer = {0};
  options.method = optional_text(L, 2, "method: holds a NUL byte", &bad);
  options.path = optional_text(L, 3, "path: holds a NUL byte", &bad);
  options.body = luaL_optlstring(L, 4, NULL, &options.body_len);
  options.idempotency_key = optional_text(L, 5, "idempotency_key: holds a NUL byte", &bad);
  options.timeout = luaL_optnumber(L, 7, 0);
  options.max_retries = retries_option(L, 8);
  double now = lua_isnil(L, 9) ? gitdev_now() : luaL_checknumber(L, 9);
  if (!lua_isnil(L, 10))
    read_rarer(L, 10, &rarer, &options, &bad);
  gitdev_lua_call *self = gitdev_lua_new(L, GITDEV_LUA_CALL, sizeof *self);
  int made = lua_gettop(L);
  gitdev_client *client = ((gitdev_lua_client *)gitdev_lua_check(L, 1, GITDEV_LUA_CLIENT))->client;
  if (!client)
    return gitdev_lua_fail(L, "the client is closed");
  int count = lua_isnil(L, 6) || bad ? 0 : read_headers(L, 6, headers, &bad);
  if (bad)
    return gitdev_lua_fail(L, bad);
  options.header_count = (size_t)count;
  gitdev_problem problem;
  if (!open_rarer(self, &rarer, &options))
    return gitdev_lua_fail(L, "memory is out");
  if (gitdev_call_new(&self->call, client, &options, now, &problem) != GITDEV_OK)
    return gitdev_lua_fail(L, problem.text);
  lua_settop(L, made);
  return 1;
}

static const luaL_Reg methods[] = {
    {"call", client_call},
    {"close", client_close},
    {"configuration", client_configuration},
    {"key_hint", client_key_hint},
    {"limit", client_limit},
    {"rate_limit", client_rate_limit},
    {NULL, NULL},
};

void gitdev_lua_open_client(lua_State *L) {
  gitdev_lua_class(L, GITDEV_LUA_CLIENT, methods, client_close);
  lua_getfield(L, LUA_REGISTRYINDEX, CLIENTS);
  bool known = lua_istable(L, -1);
  lua_pop(L, 1);
  if (!known) {
    lua_newtable(L);
    lua_newtable(L);
    gitdev_lua_set_string(L, "__mode", "k");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, CLIENTS);
  }
  lua_pushcfunction(L, core_client);
  lua_setfield(L, -2, "client");
}
