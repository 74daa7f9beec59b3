/* net.redis: commands to a Redis server. Their ends are listed in C; Lua asks for them. */
#include "lua/net.h"
#include "lua/net_ends.h"
#include "net/redis.h"
#include <string.h>

static const char REDIS[] = "gitdev.redis", COMMAND[] = "gitdev.redis_command";

enum { WORDS_MAX = 256 };

typedef struct lua_command {
  gitdev_redis_command *command; /* NULL once closed */
  gitdev_lua_end end;
} lua_command;

typedef struct lua_redis {
  gitdev_redis *redis; /* NULL once closed */
  gitdev_lua_ends ends;
} lua_redis;

static lua_redis *check_redis(lua_State *L) {
  lua_redis *self = gitdev_lua_check(L, 1, REDIS);
  luaL_argcheck(L, self->redis, 1, "the connection is closed");
  return self;
}

static int redis_close(lua_State *L) {
  lua_redis *self = gitdev_lua_check(L, 1, REDIS);
  gitdev_redis *redis = self->redis;
  self->redis = NULL;
  gitdev_redis_free(redis);
  return 0;
}

/* The stack keeps it. */
static const char *text_field(lua_State *L, const char *name) {
  size_t len = 0;
  lua_getfield(L, 2, name);
  if (lua_isnil(L, -1))
    return NULL;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (!text || strlen(text) != len)
    luaL_error(L, "%s must be a string without NUL", name);
  return text;
}

static int number_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  return (int)luaL_optinteger(L, -1, 0);
}

/* net.redis(loop, { socket = path | host =, port =, username =, password =, database = }) ->
 * connection. Nothing is opened before the first command. */
static int net_redis(lua_State *L) {
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TTABLE);
  gitdev_redis_options options = {.socket = text_field(L, "socket"),
                                  .host = text_field(L, "host"),
                                  .port = number_field(L, "port"),
                                  .username = text_field(L, "username"),
                                  .password = text_field(L, "password"),
                                  .database = number_field(L, "database")};
  luaL_argcheck(L, options.socket || (options.host && options.port > 0), 2,
                "a socket, or a host and a port, are missing");
  lua_redis *self = gitdev_lua_new(L, REDIS, sizeof *self);
  gitdev_loop *loop = gitdev_lua_check_loop(L, 1);
  int rc = gitdev_redis_new(&self->redis, loop, &options);
  if (rc != GITDEV_OK)
    return luaL_error(L, "no connection: %s", gitdev_strerror(rc));
  gitdev_lua_ends_open(L, 1);
  return 1;
}

static void on_over(void *payload, gitdev_redis_command *command) {
  (void)command;
  gitdev_lua_end_list(&((lua_command *)payload)->end);
}

/* connection:send(timeout, word, …) -> command | nil, problem | false in a fork's child, where the
 * connection is of no use. Words are strings or numbers. The command is kept until news() has told
 * of its end. */
static int redis_send(lua_State *L) {
  const char *words[WORDS_MAX];
  size_t lengths[WORDS_MAX];
  check_redis(L);
  double timeout = luaL_checknumber(L, 2);
  int count = lua_gettop(L) - 2;
  luaL_argcheck(L, count > 0 && count <= WORDS_MAX, 3, "a command has 1 to 256 words");
  for (int i = 0; i < count; i++)
    words[i] = luaL_checklstring(L, i + 3, &lengths[i]);
  luaL_checkstack(L, 8, "a command");
  lua_command *made = gitdev_lua_new(L, COMMAND, sizeof *made);
  lua_redis *self = check_redis(L);
  gitdev_lua_end_expect(L, &self->ends, &made->end, made);
  int rc = gitdev_redis_start(&made->command, self->redis, count, words, lengths, timeout, on_over,
                              made);
  if (rc == GITDEV_OK)
    return 1;
  gitdev_lua_end_forget(L, 1, &made->end);
  if (rc != GITDEV_ECLOSED)
    return gitdev_lua_fail(L, gitdev_strerror(rc));
  lua_pushboolean(L, 0);
  return 1;
}

static void push_values(lua_State *L, const gitdev_redis_answer *answer) {
  lua_createtable(L, (int)answer->count, 0);
  for (size_t i = 0; i < answer->count; i++) {
    const gitdev_redis_value *value = &answer->values[i];
    if (value->text)
      lua_pushlstring(L, value->text, value->len);
    else if (value->is_nil)
      lua_pushboolean(L, 0);
    else
      gitdev_lua_push_number(L, (double)value->number);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

static const char *word_of(gitdev_redis_end end) {
  switch (end) {
  case GITDEV_REDIS_REFUSED: return "refused";
  case GITDEV_REDIS_AWAY: return "away";
  case GITDEV_REDIS_LOST: return "lost";
  case GITDEV_REDIS_LATE: return "late";
  case GITDEV_REDIS_ANSWERED: break;
  }
  return NULL;
}

/* connection:news() -> command, values | command, nil, word, problem | nil: the next that is over.
 * `values`: strings, numbers, false for nothing. `word`: "refused" by the server, "away", "lost" (it
 * may have been carried out), "late" (likewise). */
static int redis_news(lua_State *L) {
  lua_redis *self = check_redis(L);
  lua_settop(L, 1);
  lua_command *command = gitdev_lua_ends_next(L, &self->ends);
  if (!command)
    return 0;
  const gitdev_redis_answer *answer = gitdev_redis_answer_of(command->command);
  const char *word = word_of(answer->end);
  if (word) {
    lua_pushnil(L);
    lua_pushstring(L, word);
    lua_pushstring(L, answer->problem);
  } else {
    push_values(L, answer);
  }
  gitdev_lua_end_forget(L, 1, &command->end);
  gitdev_redis_command_free(command->command);
  command->command = NULL;
  return word ? 4 : 2;
}

/* command:close(): ends it; it is no news. */
static int command_close(lua_State *L) {
  lua_command *self = gitdev_lua_check(L, 1, COMMAND);
  gitdev_redis_command *command = self->command;
  if (!command)
    return 0;
  self->command = NULL;
  gitdev_lua_push_anchored(L, 1); /* its connection */
  gitdev_lua_end_forget(L, lua_gettop(L), &self->end);
  gitdev_redis_command_free(command);
  return 0;
}

static const luaL_Reg redis_methods[] = {
    {"close", redis_close}, {"news", redis_news}, {"send", redis_send}, {NULL, NULL}};

static const luaL_Reg command_methods[] = {{"close", command_close}, {NULL, NULL}};

void gitdev_lua_open_redis(lua_State *L) {
  gitdev_lua_class(L, REDIS, redis_methods, redis_close);
  gitdev_lua_class(L, COMMAND, command_methods, command_close);
  lua_pushcfunction(L, net_redis);
  lua_setfield(L, -2, "redis");
}
