/* net.journal: a file that several processes append to in turns (net/journal.h). */
#include "lua/net.h"
#include "net/file.h"
#include "net/journal.h"
#include <errno.h>
#include <string.h>

static const char JOURNAL[] = "gitdev.journal";

typedef struct lua_journal {
  gitdev_journal *journal; /* NULL once closed */
  bool is_locked;
} lua_journal;

/* Like io's functions: true, or nil, the problem and the errno. */
static int push_outcome(lua_State *L, int problem) {
  if (problem == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  gitdev_lua_fail(L, strerror(problem));
  lua_pushinteger(L, problem);
  return 3;
}

static int journal_close(lua_State *L) {
  lua_journal *self = gitdev_lua_check(L, 1, JOURNAL);
  gitdev_journal *journal = self->journal;
  self->journal = NULL;
  gitdev_journal_close(journal);
  return 0;
}

static lua_journal *check_journal(lua_State *L) {
  lua_journal *self = gitdev_lua_check(L, 1, JOURNAL);
  luaL_argcheck(L, self->journal, 1, "the journal is closed");
  return self;
}

static gitdev_journal *check_locked(lua_State *L) {
  lua_journal *self = check_journal(L);
  luaL_argcheck(L, self->is_locked, 1, "the journal is not locked");
  return self->journal;
}

/* net.journal(path) -> journal | nil, problem, errno */
static int net_journal(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_journal *self = gitdev_lua_new(L, JOURNAL, sizeof *self);
  int problem = gitdev_journal_open(&self->journal, path);
  return problem == 0 ? 1 : push_outcome(L, problem);
}

/* journal:lock(seconds) -> "same" | "new" | nil, problem, errno */
static int journal_lock(lua_State *L) {
  lua_journal *self = check_journal(L);
  double seconds = luaL_checknumber(L, 2);
  bool is_new;
  int problem = gitdev_journal_lock(self->journal, seconds, &is_new);
  self->is_locked = problem == 0;
  if (problem == ETIMEDOUT) { /* whose own words are of connections */
    gitdev_lua_fail(L, "another process keeps it locked");
    lua_pushinteger(L, problem);
    return 3;
  }
  if (problem != 0)
    return push_outcome(L, problem);
  lua_pushstring(L, is_new ? "new" : "same");
  return 1;
}

static int journal_unlock(lua_State *L) {
  lua_journal *self = check_journal(L);
  self->is_locked = false;
  gitdev_journal_unlock(self->journal);
  return 0;
}

/* journal:size() -> bytes | nil, problem, errno */
static int journal_size(lua_State *L) {
  uint64_t size;
  int problem = gitdev_journal_size(check_locked(L), &size);
  if (problem != 0)
    return push_outcome(L, problem);
  gitdev_lua_push_number(L, (double)size);
  return 1;
}

/* journal:read(offset) -> at most 64 KiB from there, "" at the end | nil, problem, errno */
static int journal_read(lua_State *L) {
  char bytes[65536];
  size_t got;
  double offset = luaL_checknumber(L, 2);
  luaL_argcheck(L, offset >= 0 && offset < 9e15, 2, "must be an offset");
  int problem = gitdev_journal_read(check_locked(L), (uint64_t)offset, bytes, sizeof bytes, &got);
  if (problem != 0)
    return push_outcome(L, problem);
  lua_pushlstring(L, bytes, got);
  return 1;
}

/* journal:append(text [, sync]) -> true | nil, problem, errno */
static int journal_append(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  return push_outcome(L, gitdev_journal_append(check_locked(L), text, len, lua_toboolean(L, 3)));
}

/* journal:truncate(size) -> true | nil, problem, errno */
static int journal_truncate(lua_State *L) {
  double size = luaL_checknumber(L, 2);
  luaL_argcheck(L, size >= 0 && size < 9e15, 2, "must be a size");
  return push_outcome(L, gitdev_journal_truncate(check_locked(L), (uint64_t)size));
}

/* journal:replace(text) -> true | nil, problem, errno */
static int journal_replace(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  return push_outcome(L, gitdev_journal_replace(check_locked(L), text, len));
}

/* net.make_directory(path) -> true | nil, problem, errno: for its user alone; one that is there is fine */
static int net_make_directory(lua_State *L) {
  return push_outcome(L, gitdev_file_make_directory(luaL_checkstring(L, 1)));
}

static const luaL_Reg methods[] = {
    {"append", journal_append},     {"close", journal_close},     {"lock", journal_lock},
    {"read", journal_read},         {"replace", journal_replace}, {"size", journal_size},
    {"truncate", journal_truncate}, {"unlock", journal_unlock},   {NULL, NULL},
};

void gitdev_lua_open_file(lua_State *L) {
  gitdev_lua_class(L, JOURNAL, methods, journal_close);
  lua_pushcfunction(L, net_journal);
  lua_setfield(L, -2, "journal");
  lua_pushcfunction(L, net_make_directory);
  lua_setfield(L, -2, "make_directory");
}
