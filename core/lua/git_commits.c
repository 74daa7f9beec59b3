/* Commits: one by one, and the graph that they make. */
#include "lua/git.h"
#include <git2/sys/commit.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading one ---- */

static void set_person(lua_State *L, const char *field, const git_signature *person) {
  lua_createtable(L, 0, 3);
  gitdev_lua_set_string(L, "name", person->name);
  gitdev_lua_set_string(L, "email", person->email);
  gitdev_lua_push_number(L, (double)person->when.time);
  lua_setfield(L, -2, "at");
  lua_setfield(L, -2, field);
}

void gitdev_git_push_commit(lua_State *L, const git_commit *commit) {
  unsigned parents = git_commit_parentcount(commit);
  lua_createtable(L, 0, 6);
  gitdev_git_set_id(L, "sha", git_commit_id(commit));
  gitdev_git_set_id(L, "tree_sha", git_commit_tree_id(commit));
  lua_createtable(L, (int)parents, 0);
  for (unsigned i = 0; i < parents; i++) {
    gitdev_git_push_id(L, git_commit_parent_id(commit, i));
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "parents");
  gitdev_lua_set_string(L, "message", git_commit_message(commit));
  set_person(L, "author", git_commit_author(commit));
  set_person(L, "committer", git_commit_committer(commit));
}

/* repository:commit(id) -> the commit (see gitdev_git_push_commit) | nil, problem */
static int repository_commit(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid id;
  gitdev_git_check_id(L, 2, &id);
  if (git_commit_lookup(&self->held.commit, self->repository, &id) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_push_commit(L, self->held.commit);
  gitdev_git_release(self);
  return 1;
}

/* ---- writing one ---- */

/* The person in field `name` of the table at index 2, into `out`. */
static int read_person(lua_State *L, const char *name, git_signature **out) {
  lua_getfield(L, 2, name);
  luaL_argcheck(L, lua_istable(L, -1), 2, "author and committer must be tables");
  lua_getfield(L, -1, "name");
  lua_getfield(L, -2, "email");
  lua_getfield(L, -3, "at");
  const char *person = lua_tostring(L, -3), *email = lua_tostring(L, -2);
  luaL_argcheck(L, person && email && lua_isnumber(L, -1), 2,
                "author and committer have name, email and at");
  int rc = git_signature_new(out, person, email, (git_time_t)lua_tonumber(L, -1), 0);
  lua_pop(L, 4);
  return rc;
}

enum { PARENTS_MAX = 16 };

/* The field `parents` of the table at index 2. */
static size_t read_parents(lua_State *L, git_oid ids[PARENTS_MAX],
                           const git_oid *list[PARENTS_MAX]) {
  lua_getfield(L, 2, "parents");
  luaL_argcheck(L, lua_istable(L, -1), 2, "parents must be a list");
  size_t count = 0;
  for (;; count++) {
    lua_rawgeti(L, -1, (int)count + 1);
    if (lua_isnil(L, -1))
      break;
    luaL_argcheck(L, count < PARENTS_MAX, 2, "more than 16 parents");
    gitdev_git_check_id(L, lua_gettop(L), &ids[count]);
    list[count] = &ids[count];
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return count;
}

/* repository:write_commit{ tree, parents, message, author, committer } -> id | nil, problem. author
 * and committer: { name, email, at }, at in Unix seconds; Git leaves out what it has no room for,
 * blanks and dots around a name. No branch moves. */
static int repository_write_commit(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid tree, id, ids[PARENTS_MAX];
  const git_oid *parents[PARENTS_MAX];
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_getfield(L, 2, "tree");
  gitdev_git_check_id(L, 3, &tree);
  lua_getfield(L, 2, "message");
  const char *message = luaL_checkstring(L, 4);
  size_t count = read_parents(L, ids, parents);
  git_signature **author = &self->held.author, **committer = &self->held.committer;
  if (read_person(L, "author", author) != 0 || read_person(L, "committer", committer) != 0 ||
      git_commit_create_from_ids(&id, self->repository, NULL, *author, *committer, NULL, message,
                                 &tree, count, parents) != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_push_id(L, &id);
  gitdev_git_release(self);
  return 1;
}

/* ---- walking ---- */

/* What a log leaves out. */
typedef struct log_filter {
  const char *path, *author; /* NULL: nothing */
  double since, until;       /* negative: nothing */
} log_filter;

/* What stands at the path in a commit: an id, all zeros for nothing. A libgit2 code. */
static int id_at(git_oid *out, const git_commit *commit, const char *path) {
  git_tree *tree = NULL;
  git_tree_entry *entry = NULL;
  memset(out, 0, sizeof *out);
  int rc = git_commit_tree(&tree, commit);
  rc = rc ? rc : git_tree_entry_bypath(&entry, tree, path);
  if (rc == 0)
    git_oid_cpy(out, git_tree_entry_id(entry));
  git_tree_entry_free(entry);
  git_tree_free(tree);
  return rc == GIT_ENOTFOUND ? 0 : rc;
}

/* Whether a commit differs at the path from each of its parents: what comes from one of them is
 * that one's doing. A libgit2 code, or 1 when it does. */
static int touches(const git_commit *commit, const char *path) {
  git_oid mine, theirs;
  unsigned parents = git_commit_parentcount(commit);
  int rc = id_at(&mine, commit, path);
  if (rc == 0 && parents == 0)
    return !git_oid_is_zero(&mine);
  for (unsigned i = 0; i < parents && rc == 0; i++) {
    git_commit *parent = NULL;
    rc = git_commit_parent(&parent, commit, i);
    rc = rc ? rc : id_at(&theirs, parent, path);
    git_commit_free(parent);
    if (rc == 0 && git_oid_equal(&mine, &theirs))
      return 0;
  }
  return rc ? rc : 1;
}

/* Whether a commit passes the filter: 1, 0, or a libgit2 code. */
static int passes(const git_commit *commit, const log_filter *filter) {
  double at = (double)git_commit_committer(commit)->when.time;
  const git_signature *author = git_commit_author(commit);
  if ((filter->since >= 0 && at < filter->since) || (filter->until >= 0 && at >= filter->until))
    return 0;
  if (filter->author && !strcasestr(author->name, filter->author) &&
      !strcasestr(author->email, filter->author))
    return 0;
  return filter->path ? touches(commit, filter->path) : 1;
}

static const char *text_option(lua_State *L, const char *name) {
  lua_getfield(L, 3, name);
  const char *text = luaL_optstring(L, -1, NULL);
  lua_pop(L, 1); /* the table keeps it */
  return text;
}

static double number_option(lua_State *L, const char *name, double absent) {
  lua_getfield(L, 3, name);
  double value = luaL_optnumber(L, -1, absent);
  lua_pop(L, 1);
  return value;
}

/* A number of commits; absent: all. */
static size_t count_option(lua_State *L, const char *name) {
  return gitdev_git_count(number_option(L, name, HUGE_VAL));
}

/* Commits one after another, in the order of git log or the other way round. */
typedef struct log_walk {
  gitdev_git *self;
  gitdev_git_ids ids; /* those that are left, the last one first; none: what held.walk has left */
  bool reversed;
} log_walk;

static int start_walk(log_walk *walk, const git_oid *from, const git_oid *hidden) {
  gitdev_git_held *held = &walk->self->held;
  git_oid id;
  int rc = git_revwalk_new(&held->walk, walk->self->repository);
  rc = rc ? rc : git_revwalk_push(held->walk, from);
  rc = rc || !hidden ? rc : git_revwalk_hide(held->walk, hidden);
  while (rc == 0 && walk->reversed && (rc = git_revwalk_next(&id, held->walk)) == 0) {
    rc = gitdev_git_add_id(&id, &walk->ids);
    held->memory = walk->ids.ids;
  }
  return rc == GIT_ITEROVER ? 0 : rc;
}

static int next_id(log_walk *walk, git_oid *id) {
  if (!walk->reversed)
    return git_revwalk_next(id, walk->self->held.walk);
  if (walk->ids.count == 0)
    return GIT_ITEROVER;
  git_oid_cpy(id, &walk->ids.ids[--walk->ids.count]);
  return 0;
}

/* The next commit into held.commit. */
static int next_commit(log_walk *walk) {
  git_oid id;
  gitdev_git_held *held = &walk->self->held;
  git_commit_free(held->commit);
  held->commit = NULL;
  int rc = next_id(walk, &id);
  return rc ? rc : git_commit_lookup(&held->commit, walk->self->repository, &id);
}

/* Walks past the commit `after`. */
static int skip_to(log_walk *walk, const git_oid *after) {
  git_oid id;
  int rc;
  do
    rc = next_id(walk, &id);
  while (rc == 0 && !git_oid_equal(&id, after));
  return rc;
}

/* How far a walk shall go, and where it came to. */
typedef struct log_stretch {
  size_t limit, scan; /* commits that pass, commits looked at */
  git_oid last;       /* looked at */
  bool merged;        /* one of them has several parents */
} log_stretch;

/* Appends to the list on the top of the stack the commits that pass. GIT_ITEROVER: there are no
 * more. */
static int collect(lua_State *L, log_walk *walk, const log_filter *filter, log_stretch *stretch) {
  size_t found = 0;
  for (size_t i = 0; i < stretch->scan && found < stretch->limit; i++) {
    int rc = next_commit(walk);
    const git_commit *commit = walk->self->held.commit;
    int pass = rc ? 0 : passes(commit, filter);
    if (rc != 0 || pass < 0)
      return rc ? rc : pass;
    git_oid_cpy(&stretch->last, git_commit_id(commit));
    stretch->merged = stretch->merged || git_commit_parentcount(commit) > 1;
    if (pass) {
      gitdev_git_push_commit(L, commit);
      lua_rawseti(L, -2, (int)++found);
    }
  }
  return 0;
}

static bool flag_option(lua_State *L, const char *name) {
  lua_getfield(L, 3, name);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

/* The option `after`; whether it is given. */
static bool read_after(lua_State *L, git_oid *after) {
  lua_settop(L, 3);
  lua_getfield(L, 3, "after");
  bool given = !lua_isnil(L, 4);
  if (given)
    gitdev_git_check_id(L, 4, after);
  lua_pop(L, 1);
  return given;
}

/* repository:log(id, options) -> commits, last, merged | nil, problem. The commits that lead to
 * `id`, as git log orders them. options: `limit` (so many at most) and `scan` (look at so many at
 * most); `after`: begin after this commit, one that the walk comes past; `reversed`: the oldest
 * first; path, author (a part of the name or the address), since (at or after), until (before).
 * `last`: the commit to go on after, nil when there are no more; if not `merged` and not reversed, a
 * log of `last` itself goes on just so. */
static int repository_log(lua_State *L) {
  git_oid from, after;
  log_walk walk = {.self = gitdev_git_check(L)};
  gitdev_git_check_id(L, 2, &from);
  luaL_checktype(L, 3, LUA_TTABLE);
  log_filter filter = {text_option(L, "path"), text_option(L, "author"),
                       number_option(L, "since", -1), number_option(L, "until", -1)};
  log_stretch stretch = {.limit = count_option(L, "limit"), .scan = count_option(L, "scan")};
  walk.reversed = flag_option(L, "reversed");
  bool skips = read_after(L, &after);
  lua_newtable(L);
  int rc = start_walk(&walk, &from, NULL);
  rc = rc || !skips ? rc : skip_to(&walk, &after);
  rc = rc ? rc : collect(L, &walk, &filter, &stretch);
  if (rc != 0 && rc != GIT_ITEROVER)
    return gitdev_git_fail(L, walk.self);
  gitdev_git_release(walk.self);
  if (rc == GIT_ITEROVER)
    return 1;
  gitdev_git_push_id(L, &stretch.last);
  lua_pushboolean(L, stretch.merged);
  return 3;
}

/* repository:range(base, head, limit) -> the commits that lead to head and not to base, at most so
 * many, as git log orders them | nil, problem */
static int repository_range(lua_State *L) {
  log_walk walk = {.self = gitdev_git_check(L)};
  git_oid base, head;
  log_filter all = {NULL, NULL, -1, -1};
  gitdev_git_check_id(L, 2, &base);
  gitdev_git_check_id(L, 3, &head);
  log_stretch stretch = {.limit = gitdev_git_count(luaL_checknumber(L, 4)), .scan = SIZE_MAX};
  lua_newtable(L);
  int rc = start_walk(&walk, &head, &base);
  rc = rc ? rc : collect(L, &walk, &all, &stretch);
  if (rc != 0 && rc != GIT_ITEROVER)
    return gitdev_git_fail(L, walk.self);
  gitdev_git_release(walk.self);
  return 1;
}

/* repository:merge_base(a, b) -> the newest commit that both lead back to; nil when there is none;
 * nil, problem */
static int repository_merge_base(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid a, b, id;
  gitdev_git_check_id(L, 2, &a);
  gitdev_git_check_id(L, 3, &b);
  int rc = git_merge_base(&id, self->repository, &a, &b);
  if (rc == GIT_ENOTFOUND)
    return 0;
  if (rc != 0)
    return gitdev_git_fail(L, self);
  gitdev_git_push_id(L, &id);
  return 1;
}

/* repository:ahead_behind(base, head) -> how many commits head has that base has not, and the other
 * way round | nil, problem */
static int repository_ahead_behind(lua_State *L) {
  gitdev_git *self = gitdev_git_check(L);
  git_oid base, head;
  size_t ahead, behind;
  gitdev_git_check_id(L, 2, &base);
  gitdev_git_check_id(L, 3, &head);
  if (git_graph_ahead_behind(&ahead, &behind, self->repository, &head, &base) != 0)
    return gitdev_git_fail(L, self);
  gitdev_lua_push_number(L, (double)ahead);
  gitdev_lua_push_number(L, (double)behind);
  return 2;
}

static const luaL_Reg methods[] = {
    {"ahead_behind", repository_ahead_behind},
    {"commit", repository_commit},
    {"log", repository_log},
    {"merge_base", repository_merge_base},
    {"range", repository_range},
    {"write_commit", repository_write_commit},
    {NULL, NULL},
};

void gitdev_git_open_commits(lua_State *L) {
  gitdev_lua_extend(L, gitdev_git_class, methods);
}
