/* net.poster: plain HTTP requests beside the API's calls. Their ends are listed in C; Lua asks for
 * them. */
#include "lua/net.h"
#include "lua/net_ends.h"
#include "net/post.h"
#include <string.h>

static const char POSTER[] = "gitdev.poster", POST[] = "gitdev.post";

typedef struct lua_post {
  gitdev_post *post; /* NULL once closed */
  gitdev_lua_end end;
} lua_post;

typedef struct lua_poster {
  gitdev_poster *poster; /* NULL once closed */
  gitdev_lua_ends ends;
} lua_poster;

static lua_poster *check_poster(lua_State *L) {
  lua_poster *self = gitdev_lua_check(L, 1, POSTER);
  luaL_argcheck(L, self->poster, 1, "the poster is closed");
  return self;
}

static int poster_close(lua_State *L) {
  lua_poster *self = gitdev_lua_check(L, 1, POSTER);
  gitdev_poster *poster = self->poster;
  self->poster = NULL;
  gitdev_poster_free(poster);
  return 0;
}

/* net.poster(loop) -> poster */
static int net_poster(lua_State *L) {
  lua_settop(L, 1);
  lua_poster *self = gitdev_lua_new(L, POSTER, sizeof *self);
  gitdev_loop *loop = gitdev_lua_check_loop(L, 1);
  int rc = gitdev_poster_new(&self->poster, loop);
  if (rc != GITDEV_OK)
    return luaL_error(L, "no poster: %s", gitdev_strerror(rc));
  gitdev_lua_ends_open(L, 1);
  return 1;
}

static void on_posted(void *payload, gitdev_post *post) {
  (void)post;
  gitdev_lua_end_list(&((lua_post *)payload)->end);
}

/* ---- what is sent ---- */

static const char *string_field(lua_State *L, const char *name, size_t *len) {
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s must be a string", name);
  return lua_tolstring(L, -1, len); /* the table keeps it, and the stack */
}

static bool flag_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  return lua_toboolean(L, -1);
}

/* The string at place `i` of the table on the top of the stack, which keeps it; NULL past its end. A
 * NUL would end it early. */
static const char *list_item(lua_State *L, int i) {
  size_t len = 0;
  lua_rawgeti(L, -1, i);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (text ? strlen(text) != len : !lua_isnil(L, -1))
    luaL_error(L, "headers must be strings without NUL: a name and its value, in turn");
  lua_pop(L, 1);
  return text;
}

static size_t read_headers(lua_State *L, gitdev_header headers[GITDEV_POST_HEADERS_MAX]) {
  lua_getfield(L, 2, "headers");
  if (lua_isnil(L, -1))
    return 0;
  luaL_argcheck(L, lua_istable(L, -1), 2, "headers must be a table");
  for (int i = 0;; i++) {
    const char *name = list_item(L, 2 * i + 1), *value = list_item(L, 2 * i + 2);
    if (!name || !value)
      return (size_t)i;
    luaL_argcheck(L, i < GITDEV_POST_HEADERS_MAX, 2, "there are too many headers");
    headers[i] = (gitdev_header){name, value};
  }
}

static void read_options(lua_State *L, gitdev_post_options *options,
                         gitdev_header headers[GITDEV_POST_HEADERS_MAX]) {
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 16, "a request");
  options->url = string_field(L, "url", NULL);
  luaL_argcheck(L, options->url, 2, "a request needs a url");
  options->body = string_field(L, "body", &options->body_len);
  options->ca_file = string_field(L, "ca_file", NULL);
  lua_getfield(L, 2, "timeout");
  options->timeout = lua_tonumber(L, -1);
  luaL_argcheck(L, options->timeout > 0, 2, "a request needs a timeout in seconds");
  options->reach = GITDEV_ADDRESS_PUBLIC;
  if (flag_field(L, "loopback"))
    options->reach |= GITDEV_ADDRESS_LOOPBACK;
  if (flag_field(L, "private"))
    options->reach |= GITDEV_ADDRESS_PRIVATE;
  options->headers = headers;
  options->header_count = read_headers(L, headers);
}

/* poster:send{ url =, headers = { "Name", "value", … }, body =, timeout = seconds, ca_file =, loopback =
 * true, private = true } -> post | nil, problem | false in a fork's child, where the poster is of no
 * use. `loopback`, `private`: what the host may turn out to be besides public. The post is kept until
 * news() has told of its end. */
static int poster_send(lua_State *L) {
  gitdev_header headers[GITDEV_POST_HEADERS_MAX];
  gitdev_post_options options = {0};
  gitdev_problem problem = {{0}};
  lua_settop(L, 2);
  check_poster(L);
  read_options(L, &options, headers);
  lua_post *post = gitdev_lua_new(L, POST, sizeof *post);
  lua_poster *self = check_poster(L);
  gitdev_lua_end_expect(L, &self->ends, &post->end, post);
  int rc = gitdev_post_start(&post->post, self->poster, &options, on_posted, post, &problem);
  if (rc == GITDEV_OK)
    return 1;
  gitdev_lua_end_forget(L, 1, &post->end);
  if (rc == GITDEV_ECLOSED) {
    lua_pushboolean(L, 0);
    return 1;
  }
  return gitdev_lua_fail(L, rc == GITDEV_EINVAL ? problem.text : gitdev_strerror(rc));
}

/* ---- what came back ---- */

static void push_headers(lua_State *L, const gitdev_post_answer *answer) {
  lua_createtable(L, (int)answer->header_count * 2, 0);
  for (size_t i = 0; i < answer->header_count; i++) {
    lua_pushstring(L, answer->headers[i].name);
    lua_rawseti(L, -2, (int)i * 2 + 1);
    lua_pushstring(L, answer->headers[i].value);
    lua_rawseti(L, -2, (int)i * 2 + 2);
  }
}

static void push_answer(lua_State *L, const gitdev_post_answer *answer) {
  lua_createtable(L, 0, 6);
  lua_pushnumber(L, answer->seconds);
  lua_setfield(L, -2, "seconds");
  gitdev_lua_set_string(L, "error", answer->error);
  gitdev_lua_set_string(L, "problem", answer->error ? answer->problem : NULL);
  if (!answer->status)
    return;
  lua_pushinteger(L, answer->status);
  lua_setfield(L, -2, "status");
  push_headers(L, answer);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, answer->body, answer->body_len);
  lua_setfield(L, -2, "body");
}

/* poster:news() -> post, result | nil: the next that is over. `result`: seconds; status, headers
 * (flat, as they came), body (its first 4 KiB); error, a word of the contract's, and problem, a
 * sentence, when there was no answer, or a redirect. */
static int poster_news(lua_State *L) {
  lua_poster *self = check_poster(L);
  lua_settop(L, 1);
  lua_post *post = gitdev_lua_ends_next(L, &self->ends);
  if (!post)
    return 0;
  push_answer(L, gitdev_post_answer_of(post->post));
  gitdev_lua_end_forget(L, 1, &post->end);
  gitdev_post_free(post->post);
  post->post = NULL;
  return 2;
}

/* post:close(): ends it; it is no news. */
static int post_close(lua_State *L) {
  lua_post *self = gitdev_lua_check(L, 1, POST);
  gitdev_post *post = self->post;
  if (!post)
    return 0;
  self->post = NULL;
  gitdev_lua_push_anchored(L, 1); /* its poster */
  gitdev_lua_end_forget(L, lua_gettop(L), &self->end);
  gitdev_post_free(post);
  return 0;
}

static const luaL_Reg poster_methods[] = {
    {"close", poster_close}, {"news", poster_news}, {"send", poster_send}, {NULL, NULL}};

static const luaL_Reg post_methods[] = {{"close", post_close}, {NULL, NULL}};

void gitdev_lua_open_post(lua_State *L) {
  gitdev_lua_class(L, POSTER, poster_methods, poster_close);
  gitdev_lua_class(L, POST, post_methods, post_close);
  lua_pushcfunction(L, net_poster);
  lua_setfield(L, -2, "poster");
}
