/* core's webhook signatures (contract 4.4): signing, verifying, and the event that was signed. */
#include "lua/call.h"
#include "policy/sign.h"
#include "wire/json.h"
#include <math.h>
#include <string.h>
#include <time.h>

static const char SIGNER[] = "gitdev.signer";

typedef struct lua_signer {
  gitdev_signer *signer;
} lua_signer;

static int signer_close(lua_State *L) {
  lua_signer *self = gitdev_lua_check(L, 1, SIGNER);
  gitdev_signer *signer = self->signer;
  self->signer = NULL;
  gitdev_signer_free(signer);
  return 0;
}

/* The signer that all functions here share as their upvalue: making a MAC context costs more than
 * using it. It is made on first use. */
static gitdev_signer *own_signer(lua_State *L) {
  lua_signer *self = lua_touserdata(L, lua_upvalueindex(1));
  if (!self->signer && !(self->signer = gitdev_signer_new()))
    luaL_error(L, "OpenSSL has no HMAC, or memory is out");
  return self->signer;
}

/* The string at `index`; empty when it is nil. False when it is something else. */
static bool read_slice(lua_State *L, int index, gitdev_slice *out) {
  *out = (gitdev_slice){"", 0};
  if (lua_type(L, index) != LUA_TSTRING)
    return lua_isnil(L, index);
  out->text = lua_tolstring(L, index, &out->len);
  return true;
}

static bool is_text(gitdev_slice slice, const char *text) {
  return slice.len == strlen(text) && memcmp(slice.text, text, slice.len) == 0;
}

/* The scheme named at `index`. False when it is none. */
static bool read_scheme(lua_State *L, int index, gitdev_scheme *out) {
  static const char *const names[] = {"git", "standard", "body"};
  static const gitdev_scheme schemes[] = {GITDEV_SCHEME_GIT, GITDEV_SCHEME_STANDARD,
                                          GITDEV_SCHEME_BODY};
  gitdev_slice name;
  if (!read_slice(L, index, &name))
    return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_text(name, names[i])) {
      *out = schemes[i];
      return true;
    }
  return false;
}

/* core.sign(secret, timestamp, body [, scheme [, id]]) -> the signature header's value | nil when
 * the secret is no key of the scheme, or the id is one that cannot be signed */
static int core_sign(lua_State *L) {
  gitdev_secret secret;
  gitdev_signable what = {.scheme = GITDEV_SCHEME_GIT};
  secret.text = luaL_checklstring(L, 1, &secret.len);
  double timestamp = luaL_checknumber(L, 2);
  what.body = luaL_checklstring(L, 3, &what.body_len);
  what.id.text = luaL_optlstring(L, 5, "", &what.id.len);
  luaL_argcheck(L, secret.len > 0, 1, "the secret is empty");
  luaL_argcheck(L, timestamp >= 0 && timestamp < 1e12, 2, "must be Unix seconds");
  luaL_argcheck(L, lua_isnoneornil(L, 4) || read_scheme(L, 4, &what.scheme), 4, "no such scheme");
  what.timestamp = (int64_t)timestamp;
  char header[GITDEV_SIGNATURE_SIZE];
  if (!gitdev_sign(own_signer(L), secret, &what, header))
    return 0;
  lua_pushstring(L, header);
  return 1;
}

/* core.mac(key, bytes) -> the 32 bytes of their HMAC-SHA256 */
static int core_mac(lua_State *L) {
  gitdev_secret key;
  size_t len;
  key.text = luaL_checklstring(L, 1, &key.len);
  const char *bytes = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, key.len > 0, 1, "the key is empty");
  unsigned char mac[GITDEV_MAC_SIZE];
  if (!gitdev_mac(own_signer(L), key, bytes, len, mac))
    return luaL_error(L, "OpenSSL failed to sign");
  lua_pushlstring(L, (const char *)mac, sizeof mac);
  return 1;
}

/* ---- verifying ---- */

/* Where the arguments of core.event are, and after them the clock of its options. */
enum { META = 1, BODY, SIGNATURE, SECRETS, OPTIONS, ID, TIMESTAMP, CLOCK };

enum { SECRETS_MAX = 8, TOLERANCE = 300 };

/* Why core.event refuses an argument of the wrong type: its caller can say more. */
static const char ARGUMENTS[] = "arguments";

/* A list in which there is nothing but its elements: what stands behind a hole would be passed
 * over. The table keeps the strings. */
static bool read_list(lua_State *L, int index, gitdev_secret *secrets, size_t *count) {
  size_t held = 0;
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
    held++;
  if (held > SECRETS_MAX)
    return false;
  for (*count = 0; *count < held; ++*count) {
    lua_rawgeti(L, index, (int)*count + 1);
    bool is_string = lua_type(L, -1) == LUA_TSTRING;
    if (is_string)
      secrets[*count].text = lua_tolstring(L, -1, &secrets[*count].len);
    lua_pop(L, 1);
    if (!is_string)
      return false;
  }
  return true;
}

static bool read_secrets(lua_State *L, int index, gitdev_secret *secrets, size_t *count) {
  *count = 1;
  if (lua_type(L, index) == LUA_TTABLE)
    return read_list(L, index, secrets, count);
  if (lua_type(L, index) != LUA_TSTRING)
    return false;
  secrets[0].text = lua_tolstring(L, index, &secrets[0].len);
  return true;
}

/* A number of seconds as a whole one. False for what is no number, or none of this world. */
static bool read_seconds(lua_State *L, int index, int64_t *out) {
  double seconds = lua_tonumber(L, index);
  bool is_good = lua_type(L, index) == LUA_TNUMBER && seconds > -1e15 && seconds < 1e15;
  *out = is_good ? (int64_t)floor(seconds) : 0;
  return is_good;
}

/* The clock, if one was given, else the system's. */
static bool read_clock(lua_State *L, int64_t *out) {
  if (lua_isnil(L, CLOCK)) {
    *out = (int64_t)time(NULL);
    return true;
  }
  if (lua_type(L, CLOCK) == LUA_TFUNCTION) {
    lua_pushvalue(L, CLOCK);
    lua_call(L, 0, 1);
    lua_replace(L, CLOCK);
  }
  return read_seconds(L, CLOCK, out);
}

/* The tolerance on the top of the stack; false for no check of the time. */
static bool read_tolerance(lua_State *L, gitdev_signature_check *check) {
  check->any_time = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  return check->any_time || (read_seconds(L, -1, &check->tolerance) && check->tolerance >= 0);
}

/* One option: its name is below its value on the stack. */
static bool read_option(lua_State *L, gitdev_signature_check *check) {
  gitdev_slice name;
  if (!read_slice(L, -2, &name))
    return false;
  if (is_text(name, "tolerance"))
    return read_tolerance(L, check);
  if (is_text(name, "scheme"))
    return read_scheme(L, -1, &check->headers.scheme);
  lua_pushvalue(L, -1);
  lua_replace(L, CLOCK);
  return is_text(name, "now");
}

/* The options, if there are any. What a metatable would add to them is not seen here, so there must
 * be none. */
static bool read_table(lua_State *L, gitdev_signature_check *check) {
  bool is_good = true;
  if (!lua_istable(L, OPTIONS))
    return lua_isnil(L, OPTIONS);
  if (lua_getmetatable(L, OPTIONS))
    return false;
  for (lua_pushnil(L); is_good && lua_next(L, OPTIONS) != 0; lua_pop(L, 1))
    is_good = read_option(L, check);
  return is_good;
}

/* A scheme that signs no time has none to hold a tolerance against, and the caller must not believe
 * otherwise. */
static bool read_options(lua_State *L, gitdev_signature_check *check) {
  check->headers.scheme = GITDEV_SCHEME_GIT;
  check->tolerance = -1;
  if (!read_table(L, check) ||
      (check->headers.scheme == GITDEV_SCHEME_BODY && check->tolerance >= 0))
    return false;
  if (check->tolerance < 0)
    check->tolerance = TOLERANCE;
  return read_clock(L, &check->now);
}

/* Verifies what core.event was given. Returns NULL when the signature is good, else why it is not.
 */
static const char *verify(lua_State *L) {
  gitdev_secret secrets[SECRETS_MAX];
  gitdev_signature_check check = {.secrets = secrets};
  /* The clock may be a function, which may do anything to the list of secrets: it comes first. */
  if (lua_type(L, BODY) != LUA_TSTRING || !read_options(L, &check) ||
      !read_secrets(L, SECRETS, secrets, &check.secret_count) ||
      !read_slice(L, SIGNATURE, &check.headers.signature) ||
      !read_slice(L, ID, &check.headers.id) || !read_slice(L, TIMESTAMP, &check.headers.timestamp))
    return ARGUMENTS;
  check.body = lua_tolstring(L, BODY, &check.body_len);
  gitdev_signature_status status = gitdev_verify(own_signer(L), &check);
  return status == GITDEV_SIGNATURE_OK ? NULL : gitdev_signature_reason(status);
}

/* ---- events ---- */

/* Whether a field of the table on the top of the stack is a string with something in it. */
static bool has_text(lua_State *L, const char *name) {
  size_t len = 0;
  lua_getfield(L, -1, name);
  bool found = lua_type(L, -1) == LUA_TSTRING && lua_tolstring(L, -1, &len) && len > 0;
  lua_pop(L, 1);
  return found;
}

static bool has_time(lua_State *L) {
  lua_getfield(L, -1, "timestamp");
  double at = lua_tonumber(L, -1);
  bool found = lua_type(L, -1) == LUA_TNUMBER && at >= 0 && at <= 1e15 && floor(at) >= at;
  lua_pop(L, 1);
  return found;
}

/* Whether `data` is an object. What an empty table was, only the text can tell. */
static bool has_data(lua_State *L, const char *body, size_t len) {
  bool is_object = false;
  lua_getfield(L, -1, "data");
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    bool is_empty = lua_next(L, -2) == 0;
    is_object = !is_empty && lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, is_empty ? 0 : 2);
    gitdev_json whole, data;
    if (is_empty)
      is_object = gitdev_json_check(&whole, body, len, GITDEV_JSON_DEPTH_MAX, NULL) &&
                  gitdev_json_member(&whole, "data", 4, &data) && data.kind == GITDEV_JSON_OBJECT;
  }
  lua_pop(L, 1);
  return is_object;
}

/* Pushes the event that a body holds, by rule 6. Returns what is wrong with it, or NULL. */
static const char *push_event(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, BODY, &len), *problem = gitdev_lua_decode(L, text, len);
  if (problem)
    return problem;
  bool is_event = lua_istable(L, -1) && has_text(L, "id") && has_text(L, "type") && has_time(L) &&
                  has_data(L, text, len);
  return is_event ? NULL : "it is no object with id, type, timestamp and data";
}

/* core.event(meta, body, signature, secret | {secrets}, options | nil [, id, timestamp]) -> event |
 * nil, reason [, problem]. Verifies, and makes an event of the body with the metatable `meta`. The
 * options are `tolerance` (seconds, 300 by default; false for any time), `now` and `scheme`; the
 * last two arguments are the other headers of Standard Webhooks. The reason is the contract's, or
 * "arguments" when one is of the wrong type, or a wrong option. */
static int core_event(lua_State *L) {
  luaL_checktype(L, META, LUA_TTABLE);
  lua_settop(L, TIMESTAMP);
  lua_pushnil(L);
  const char *reason = verify(L);
  if (reason)
    return gitdev_lua_fail(L, reason);
  const char *problem = push_event(L);
  if (problem) {
    gitdev_lua_fail(L, "bad_payload");
    lua_pushstring(L, problem);
    return 3;
  }
  lua_pushvalue(L, META);
  lua_setmetatable(L, -2);
  return 1;
}

static const luaL_Reg signer_methods[] = {{NULL, NULL}};

static const luaL_Reg functions[] = {
    {"event", core_event}, {"mac", core_mac}, {"sign", core_sign}, {NULL, NULL}};

void gitdev_lua_open_signature(lua_State *L) {
  gitdev_lua_class(L, SIGNER, signer_methods, signer_close);
  gitdev_lua_new(L, SIGNER, sizeof(lua_signer));
  for (const luaL_Reg *each = functions; each->name; each++) {
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, each->func, 1);
    lua_setfield(L, -3, each->name);
  }
  lua_pop(L, 1);
}
