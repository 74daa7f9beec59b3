/* core's randomness and digests, over libcrypto. */
#include "lua/call.h"
#include "policy/random.h"
#include <openssl/evp.h>

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

static const luaL_Reg functions[] = {
    {"digest", core_digest},
    {"random_id", core_random_id},
    {"random_token", core_random_token},
    {"sha1", core_sha1},
    {"sha256", core_sha256},
    {"uuid", core_uuid},
    {NULL, NULL},
};

static const luaL_Reg digest_methods[] = {
    {"hex", digest_hex}, {"update", digest_update}, {NULL, NULL}};

void gitdev_lua_open_crypto(lua_State *L) {
  gitdev_lua_register(L, functions);
  gitdev_lua_class(L, DIGEST, digest_methods, digest_close);
}
