/* A rate limit that is shared through a store, as whoever visits the store sees it. It outlives the
 * clients that were made with it: a visit may be under way when the last one is closed. */
#include "lua/call.h"
#include <math.h>

static gitdev_shared_pace *check_pace(lua_State *L) {
  gitdev_lua_limit *self = gitdev_lua_check(L, 1, GITDEV_LUA_LIMIT);
  luaL_argcheck(L, self->pace, 1, "the limit is closed");
  return self->pace;
}

static int limit_close(lua_State *L) {
  gitdev_lua_limit *self = gitdev_lua_check(L, 1, GITDEV_LUA_LIMIT);
  gitdev_shared_pace *pace = self->pace;
  self->pace = NULL;
  if (pace)
    gitdev_shared_pace_release(pace);
  return 0;
}

static void set_flag(lua_State *L, const char *name, bool on) {
  gitdev_lua_set_number(L, name, on ? 1 : -1);
}

static void push_report(lua_State *L, const gitdev_report *report) {
  lua_createtable(L, 0, 14);
  gitdev_lua_set_string(L, "member", report->member);
  gitdev_lua_set_number(L, "visit", report->visit);
  gitdev_lua_set_number(L, "wanted", report->wanted);
  gitdev_lua_set_number(L, "flying", report->flying);
  gitdev_lua_set_number(L, "returned", report->returned);
  gitdev_lua_set_number(L, "answered", report->answered);
  gitdev_lua_set_number(L, "refused", report->refused);
  gitdev_lua_set_number(L, "remaining", report->remaining);
  gitdev_lua_set_number(L, "age", report->age);
  gitdev_lua_set_number(L, "paused_for", report->paused_for > 0 ? report->paused_for : -1);
  gitdev_lua_set_number(L, "per_minute", report->per_minute);
  gitdev_lua_set_number(L, "burst", report->burst);
  set_flag(L, "asked", report->asked);
  set_flag(L, "unreadable", report->unreadable);
}

/* limit:report(now) -> report, the visit that is due: grant() or away() ends it
 *                   -> nil, again: when to ask anew; nil when nothing needs to be said */
static int limit_report(lua_State *L) {
  double again, now = luaL_checknumber(L, 2);
  gitdev_report report;
  if (gitdev_shared_pace_report(check_pace(L), now, &report, &again)) {
    push_report(L, &report);
    return 1;
  }
  lua_pushnil(L);
  if (isinf(again))
    return 1;
  lua_pushnumber(L, again);
  return 2;
}

/* What a store gives may have been through anything: what is no number is not there. */
static double field(lua_State *L, const char *name) {
  lua_getfield(L, 3, name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return isfinite(value) && value > 0 ? value : 0;
}

/* limit:grant(now, grant): see gitdev.store.bucket */
static int limit_grant(lua_State *L) {
  double now = luaL_checknumber(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  double granted = field(L, "granted");
  const gitdev_grant grant = {
      .granted = granted < GITDEV_GRANTED_MAX ? (int)granted : GITDEV_GRANTED_MAX,
      .wait = field(L, "wait"),
      .paused_for = field(L, "paused_for"),
      .per_minute = field(L, "per_minute"),
      .burst = field(L, "burst"),
      .alone = field(L, "alone"),
      .ask = field(L, "ask") > 0,
  };
  gitdev_pace_grant(&check_pace(L)->pace, now, &grant);
  return 0;
}

/* limit:away(again): the store cannot be reached, and is to be left alone until then */
static int limit_away(lua_State *L) {
  double again = luaL_checknumber(L, 2);
  gitdev_pace_away(&check_pace(L)->pace, again);
  return 0;
}

/* limit:name() -> what it is called in the store */
static int limit_name(lua_State *L) {
  lua_pushstring(L, check_pace(L)->limit_name);
  return 1;
}

/* limit:id() -> what call:limit() says of its calls */
static int limit_id(lua_State *L) {
  gitdev_lua_push_limit_id(L, check_pace(L));
  return 1;
}

/* limit:busy() -> whether calls wait or are under way */
static int limit_busy(lua_State *L) {
  const gitdev_pace *pace = &check_pace(L)->pace;
  lua_pushboolean(L, pace->waiting > 0 || pace->in_flight > 0);
  return 1;
}

static const luaL_Reg methods[] = {
    {"away", limit_away}, {"busy", limit_busy}, {"close", limit_close},   {"grant", limit_grant},
    {"id", limit_id},     {"name", limit_name}, {"report", limit_report}, {NULL, NULL},
};

void gitdev_lua_push_limit_id(lua_State *L, const gitdev_shared_pace *pace) {
  lua_pushfstring(L, "%p", (const void *)pace);
}

int gitdev_lua_push_limit(lua_State *L, gitdev_lua_client *client) {
  gitdev_lua_limit *self = gitdev_lua_new(L, GITDEV_LUA_LIMIT, sizeof *self);
  if (!client->client || !client->client->pace->limit_name[0])
    return 0;
  self->pace = client->client->pace;
  self->pace->owners++;
  return 1;
}

void gitdev_lua_open_limit(lua_State *L) {
  gitdev_lua_class(L, GITDEV_LUA_LIMIT, methods, limit_close);
}
