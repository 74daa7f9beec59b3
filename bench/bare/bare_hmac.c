/* bare_hmac: the least that Lua could do to verify a webhook: OpenSSL's HMAC with a context that is
 * made once.
 *
 *   bare_hmac.open(secret)         -> signer
 *   signer:verify(header, body)    -> the time that was signed, or nil when the signature is wrong
 *
 * The header is t=<digits>,v1=<64 hex>, and nothing else. */
#include <lauxlib.h>
#include <lua.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char SIGNER[] = "bench.signer", SEPARATOR[] = ",v1=";

enum { MAC_SIZE = 32 };

typedef struct signer {
  EVP_MAC_CTX *mac;
} signer;

static bool set_up(signer *self, const char *secret, size_t len) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                             OSSL_PARAM_construct_end()};
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  self->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
  EVP_MAC_free(hmac);
  return self->mac && EVP_MAC_init(self->mac, (const unsigned char *)secret, len, parameters) == 1;
}

static int bare_hmac_open(lua_State *L) {
  size_t len = 0;
  const char *secret = luaL_checklstring(L, 1, &len);
  signer *self = lua_newuserdatauv(L, sizeof *self, 0);
  bool ok = set_up(self, secret, len);
  luaL_setmetatable(L, SIGNER);
  return ok ? 1 : luaL_error(L, "OpenSSL could not be set up");
}

static bool from_hex(unsigned char mac[MAC_SIZE], const char *hex) {
  size_t len = 0;
  return strlen(hex) == MAC_SIZE * 2 &&
         OPENSSL_hexstr2buf_ex(mac, MAC_SIZE, &len, hex, '\0') == 1 && len == MAC_SIZE;
}

static bool is_signed(signer *self, const char *time, size_t time_len, const char *body,
                      size_t body_len, const char *hex) {
  unsigned char due[MAC_SIZE], got[MAC_SIZE];
  size_t len = 0;
  return EVP_MAC_init(self->mac, NULL, 0, NULL) == 1 &&
         EVP_MAC_update(self->mac, (const unsigned char *)time, time_len) == 1 &&
         EVP_MAC_update(self->mac, (const unsigned char *)".", 1) == 1 &&
         EVP_MAC_update(self->mac, (const unsigned char *)body, body_len) == 1 &&
         EVP_MAC_final(self->mac, due, &len, sizeof due) == 1 && from_hex(got, hex) &&
         CRYPTO_memcmp(due, got, MAC_SIZE) == 0;
}

static int signer_verify(lua_State *L) {
  signer *self = luaL_checkudata(L, 1, SIGNER);
  size_t len = 0;
  const char *header = luaL_checkstring(L, 2), *body = luaL_checklstring(L, 3, &len);
  const char *comma = strstr(header, SEPARATOR);
  if (!comma || strncmp(header, "t=", 2) != 0 ||
      !is_signed(self, header + 2, (size_t)(comma - header - 2), body, len,
                 comma + sizeof SEPARATOR - 1))
    return 0;
  lua_pushinteger(L, strtoll(header + 2, NULL, 10));
  return 1;
}

static int signer_gc(lua_State *L) {
  signer *self = luaL_checkudata(L, 1, SIGNER);
  EVP_MAC_CTX_free(self->mac);
  self->mac = NULL;
  return 0;
}

int luaopen_bare_hmac(lua_State *L);
int luaopen_bare_hmac(lua_State *L) {
  static const luaL_Reg methods[] = {{"verify", signer_verify}, {"__gc", signer_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", bare_hmac_open}, {NULL, NULL}};
  luaL_newmetatable(L, SIGNER);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
