/* core's randomness, digests and webhook signatures, over libcrypto. */
#include "lua/call.h"
#include "policy/random.h"
#include "policy/sign.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const char SIGNER[] = "gitdev.signer";

static int core_uuid(lua_State *L) {
  char uuid[GITDEV_UUID_SIZE];
  if (!gitdev_random_uuid(NULL, uuid))
    return luaL_error(L, "the system has no randomness");
  lua_pushstring(L, uuid);
  return 1;
}

static int push_random(lua_State *L, const char *alphabet) {
  enum { COUNT_MAX = 256 };
  lua_Integer count = luaL_checkinteger(L, 1);
  luaL_argcheck(L, count >= 0 && count <= COUNT_MAX, 1, "must be 0 to 256");
  char text[COUNT_MAX + 1];
  if (!gitdev_random_text(NULL, text, (size_t)count, alphabet))
    return luaL_error(L, "the system has no randomness");
  lua_pushlstring(L, text, (size_t)count);
  return 1;
}

static int core_random_id(lua_State *L) {
  return push_random(L, GITDEV_ID_ALPHABET);
}

static int core_random_token(lua_State *L) {
  return push_random(L, GITDEV_TOKEN_ALPHABET);
}

static int push_hex(lua_State *L, const unsigned char *bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  char hex[2 * EVP_MAX_MD_SIZE];
  for (size_t i = 0; i < count; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, hex, 2 * count);
  return 1;
}

static int push_digest(lua_State *L, const EVP_MD *kind) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size;
  if (EVP_Digest(text, len, digest, &size, kind, NULL) != 1)
    return luaL_error(L, "OpenSSL failed to make a digest");
  return push_hex(L, digest, size);
}

static int core_sha256(lua_State *L) {
  return push_digest(L, EVP_sha256());
}

static int core_sha1(lua_State *L) {
  return push_digest(L, EVP_sha1());
}

/* ---- a digest of what comes in pieces ---- */

static const char DIGEST[] = "gitdev.digest";

typedef struct lua_digest {
  EVP_MD_CTX *context;
} lua_digest;

static int digest_close(lua_State *L) {
  lua_digest *self = gitdev_lua_check(L, 1, DIGEST);
  EVP_MD_CTX *context = self->context;
  self->context = NULL;
  EVP_MD_CTX_free(context);
  return 0;
}

static EVP_MD_CTX *check_digest(lua_State *L) {
  lua_digest *self = gitdev_lua_check(L, 1, DIGEST);
  luaL_argcheck(L, self->context, 1, "the digest is finished");
  return self->context;
}

/* core.digest() -> a SHA-256 under way: update(text), then hex() once */
static int core_digest(lua_State *L) {
  lua_digest *self = gitdev_lua_new(L, DIGEST, sizeof *self);
  self->context = EVP_MD_CTX_new();
  if (!self->context || EVP_DigestInit_ex(self->context, EVP_sha256(), NULL) != 1)
    return luaL_error(L, "OpenSSL failed to begin a digest");
  return 1;
}

static int digest_update(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  if (EVP_DigestUpdate(check_digest(L), text, len) != 1)
    return luaL_error(L, "OpenSSL failed to go on with a digest");
  return 0;
}

static int digest_hex(lua_State *L) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size;
  if (EVP_DigestFinal_ex(check_digest(L), digest, &size) != 1)
    return luaL_error(L, "OpenSSL failed to finish a digest");
  digest_close(L);
  return push_hex(L, digest, size);
}

/* ---- signatures ---- */

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

/* The signer that sign and verify share as their upvalue: making a MAC context costs more than
 * using it. It is made on first use. */
static gitdev_signer *own_signer(lua_State *L) {
  lua_signer *self = lua_touserdata(L, lua_upvalueindex(1));
  if (!self->signer && !(self->signer = gitdev_signer_new()))
    luaL_error(L, "OpenSSL has no HMAC, or memory is out");
  return self->signer;
}

/* core.sign(secret, timestamp, body) -> header */
static int core_sign(lua_State *L) {
  gitdev_secret secret;
  size_t body_len;
  secret.text = luaL_checklstring(L, 1, &secret.len);
  double timestamp = luaL_checknumber(L, 2);
  const char *body = luaL_checklstring(L, 3, &body_len);
  luaL_argcheck(L, secret.len > 0, 1, "the secret is empty");
  luaL_argcheck(L, timestamp >= 0 && timestamp < 1e12, 2, "must be Unix seconds");
  char header[GITDEV_SIGNATURE_SIZE];
  if (!gitdev_sign(own_signer(L), secret, (int64_t)timestamp, body, body_len, header))
    return luaL_error(L, "OpenSSL failed to sign");
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

/* core.verify(body, header, {secrets}, now, tolerance | false) -> true | nil, reason */
static int core_verify(lua_State *L) {
  enum { SECRETS_MAX = 8 };
  gitdev_secret secrets[SECRETS_MAX];
  gitdev_signature_check check = {.secrets = secrets};
  check.body = luaL_checklstring(L, 1, &check.body_len);
  check.header = luaL_optlstring(L, 2, "", &check.header_len);
  luaL_checktype(L, 3, LUA_TTABLE);
  check.now = (int64_t)luaL_checknumber(L, 4);
  check.any_time = lua_isboolean(L, 5) && !lua_toboolean(L, 5);
  check.tolerance = check.any_time ? 0 : (int64_t)luaL_checknumber(L, 5);
  for (;; check.secret_count++) {
    lua_rawgeti(L, 3, (int)check.secret_count + 1);
    if (lua_isnil(L, -1))
      break;
    luaL_argcheck(L, check.secret_count < SECRETS_MAX, 3, "more than 8 secrets");
    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 3, "a secret is no string");
    gitdev_secret *secret = &secrets[check.secret_count];
    secret->text = lua_tolstring(L, -1, &secret->len);
  }
  gitdev_signature_status status = gitdev_verify(own_signer(L), &check);
  if (status != GITDEV_SIGNATURE_OK)
    return gitdev_lua_fail(L, gitdev_signature_reason(status));
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {
    {"digest", core_digest},
    {"random_id", core_random_id},
    {"random_token", core_random_token},
    {"sha1", core_sha1},
    {"sha256", core_sha256},
    {"uuid", core_uuid},
    {NULL, NULL},
};

static const luaL_Reg signer_methods[] = {{NULL, NULL}};
static const luaL_Reg digest_methods[] = {
    {"hex", digest_hex}, {"update", digest_update}, {NULL, NULL}};

void gitdev_lua_open_crypto(lua_State *L) {
  gitdev_lua_register(L, functions);
  gitdev_lua_class(L, DIGEST, digest_methods, digest_close);
  gitdev_lua_class(L, SIGNER, signer_methods, signer_close);
  gitdev_lua_new(L, SIGNER, sizeof(lua_signer));
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, core_sign, 1);
  lua_setfield(L, -3, "sign");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, core_mac, 1);
  lua_setfield(L, -3, "mac");
  lua_pushcclosure(L, core_verify, 1);
  lua_setfield(L, -2, "verify");
}
