/* net.poster: plain HTTP requests beside the API's calls. Their ends are listed in C; Lua asks for
 * them. */
#include "lua/net.h"
#include "net/post.h"
#include <string.h>

static const char POSTER[] = "gitdev.poster", POST[] = "gitdev.post";

typedef struct lua_poster lua_poster;

typedef struct lua_post {
  gitdev_post *post; /* NULL once closed */
  lua_poster *poster;
  int reference; /* in the poster's anchored table, until its end is told */
  bool listed;
  struct lua_post *next;
} lua_post;

struct lua_poster {
  gitdev_poster *poster; /* NULL once closed */
  lua_post *first, *last;
};

/* The value anchored to a poster: { the loop, and by reference number each post that is to be told
 * of }. That of a post: its poster. */
enum { ANCHORED_LOOP = 1 };

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
  lua_createtable(L, 4, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, ANCHORED_LOOP);
  gitdev_lua_anchor(L, -2);
  return 1;
}

static void on_posted(void *payload, gitdev_post *post) {
  (void)post;
  lua_post *self = payload;
  lua_poster *poster = self->poster;
  self->listed = true;
  self->next = NULL;
  if (poster->last)
    poster->last->next = self;
  else
    poster->first = self;
  poster->last = self;
}

static void unlist(lua_post *post) {
  lua_poster *self = post->poster;
  lua_post *before = NULL, *one = self->first;
  for (; one && one != post; one = one->next)
    before = one;
  if (one && before)
    before->next = one->next;
  else if (one)
    self->first = one->next;
  if (one && self->last == one)
    self->last = before;
  post->listed = false;
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
  post->poster = self;
  lua_pushvalue(L, 1);
  gitdev_lua_anchor(L, -2);
  gitdev_lua_push_anchored(L, 1);
  lua_pushvalue(L, -2);
  post->reference = luaL_ref(L, -2);
  int rc = gitdev_post_start(&post->post, self->poster, &options, on_posted, post, &problem);
  if (rc == GITDEV_OK) {
    lua_pop(L, 1);
    return 1;
  }
  luaL_unref(L, -1, post->reference);
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
  lua_post *post = self->first;
  if (!post)
    return 0;
  lua_settop(L, 1);
  gitdev_lua_push_anchored(L, 1);
  lua_rawgeti(L, 2, post->reference);
  push_answer(L, gitdev_post_answer_of(post->post));
  unlist(post);
  luaL_unref(L, 2, post->reference);
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
  unlist(self);
  gitdev_lua_push_anchored(L, 1); /* its poster */
  gitdev_lua_push_anchored(L, -1);
  luaL_unref(L, -1, self->reference);
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
