/* core's call: what has happened to it, for those who watch. The machine tells of it in C; it is
 * kept until Lua asks. */
#include "call/request.h"
#include "lua/call.h"
#include "wire/memory.h"
#include <string.h>

typedef struct entry {
  gitdev_event_kind kind;
  double at, wait;
  int number;
  gitdev_attempt attempt;
  char key[GITDEV_IDEMPOTENCY_KEY_MAX + 1]; /* "" for none */
} entry;

typedef struct gitdev_lua_events {
  gitdev_lua_call *owner;
  entry *entries;
  size_t count, room;
} gitdev_lua_events;

static bool make_room(gitdev_lua_events *events) {
  if (events->count < events->room)
    return true;
  size_t room = events->room ? events->room * 2 : 4;
  entry *entries = gitdev_realloc(events->entries, room * sizeof *entries);
  if (!entries)
    return false;
  events->entries = entries;
  events->room = room;
  return true;
}

static void keep_key(entry *one, const gitdev_request *request) {
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, "Idempotency-Key") == 0)
      memcpy(one->key, request->headers[i].value, strlen(request->headers[i].value));
}

/* Without memory an event is lost, and nothing else. */
static void on_event(void *payload, const gitdev_event *event) {
  gitdev_lua_events *events = payload;
  if (!make_room(events))
    return;
  entry *one = &events->entries[events->count++];
  memset(one, 0, sizeof *one);
  one->kind = event->kind;
  one->at = event->at;
  one->wait = event->wait;
  one->number = event->number;
  if (event->attempt)
    one->attempt = *event->attempt;
  if (event->kind == GITDEV_EVENT_REQUEST)
    keep_key(one, event->request);
  gitdev_lua_list(events->owner);
}

bool gitdev_lua_events_open(gitdev_lua_call *self, gitdev_call_options *options) {
  self->events = gitdev_calloc(1, sizeof *self->events);
  if (!self->events)
    return false;
  self->events->owner = self;
  options->on_event = on_event;
  options->event_payload = self->events;
  return true;
}

void gitdev_lua_events_close(gitdev_lua_call *self) {
  gitdev_lua_events *events = self->events;
  self->events = NULL;
  if (!events)
    return;
  gitdev_free(events->entries);
  gitdev_free(events);
}

static const char *const NAMES[] = {[GITDEV_EVENT_REQUEST] = "request",
                                    [GITDEV_EVENT_RESPONSE] = "response",
                                    [GITDEV_EVENT_RETRY] = "retry",
                                    [GITDEV_EVENT_WAIT] = "wait"};

static void push_entry(lua_State *L, const entry *one) {
  const gitdev_attempt *attempt = &one->attempt;
  lua_createtable(L, 0, 12);
  gitdev_lua_set_string(L, "kind", NAMES[one->kind]);
  lua_pushnumber(L, one->at);
  lua_setfield(L, -2, "at");
  gitdev_lua_set_number(L, "number", one->number);
  if (one->key[0])
    gitdev_lua_set_string(L, "idempotency_key", one->key);
  if (one->kind == GITDEV_EVENT_RETRY || one->kind == GITDEV_EVENT_WAIT)
    gitdev_lua_set_number(L, "wait", one->wait);
  if (one->kind == GITDEV_EVENT_RESPONSE || one->kind == GITDEV_EVENT_RETRY) {
    gitdev_lua_set_string(L, "reason", attempt->reason);
    gitdev_lua_set_string(L, "verdict", attempt->verdict);
    gitdev_lua_set_number(L, "dns", attempt->dns);
    gitdev_lua_set_number(L, "connect", attempt->connect);
    gitdev_lua_set_number(L, "tls", attempt->tls);
    gitdev_lua_set_number(L, "first_byte", attempt->first_byte);
    gitdev_lua_set_number(L, "seconds", attempt->total);
    if (attempt->status)
      gitdev_lua_set_number(L, "status", attempt->status);
    if (attempt->request_id[0])
      gitdev_lua_set_string(L, "request_id", attempt->request_id);
  }
}

/* call:events() -> { { kind = "request"|"response"|"retry"|"wait", at = seconds of core.now(),
 * number = of the try, from 1, wait, reason, verdict, status, request_id, seconds }, … } since it
 * was last asked; nil when there are none. A request has idempotency_key, a response the times of
 * dns, connect, tls and first_byte besides. */
static int call_events(lua_State *L) {
  const gitdev_lua_events *events = gitdev_lua_check_call(L)->events;
  if (!events || events->count == 0)
    return 0;
  lua_newtable(L);
  /* Making tables may run finalizers, and those anything: the events are looked at anew each time.
   */
  for (size_t i = 0;; i++) {
    gitdev_lua_events *now = gitdev_lua_check_call(L)->events;
    if (!now || i >= now->count) {
      if (now)
        now->count = 0;
      return 1;
    }
    const entry one = now->entries[i];
    push_entry(L, &one);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

void gitdev_lua_open_events(lua_State *L) {
  static const luaL_Reg methods[] = {{"events", call_events}, {NULL, NULL}};
  gitdev_lua_extend(L, GITDEV_LUA_CALL, methods);
}
