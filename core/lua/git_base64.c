/* How bytes that are no text travel in JSON: base64 (RFC 4648, section 4), with padding. */
#include "lua/git.h"
#include <stddef.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* git.base64(bytes) -> text */
static int git_base64(lua_State *L) {
  size_t len;
  const unsigned char *bytes = (const unsigned char *)luaL_checklstring(L, 1, &len);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (size_t i = 0; i < len; i += 3) {
    size_t left = len - i;
    unsigned bits = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0U) |
                    (left > 2 ? bytes[i + 2] : 0U);
    luaL_addchar(&out, ALPHABET[bits >> 18]);
    luaL_addchar(&out, ALPHABET[bits >> 12 & 63]);
    luaL_addchar(&out, left > 1 ? ALPHABET[bits >> 6 & 63] : '=');
    luaL_addchar(&out, left > 2 ? ALPHABET[bits & 63] : '=');
  }
  luaL_pushresult(&out);
  return 1;
}

/* The value of a digit, or -1. */
static int value_of(char digit) {
  if (digit >= 'A' && digit <= 'Z')
    return digit - 'A';
  if (digit >= 'a' && digit <= 'z')
    return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9')
    return digit - '0' + 52;
  return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Reads four digits, of which the last may be padding at the end of the text. Returns how many bytes
 * they stand for; 0 when they are none, or say more than they stand for. */
static int read_group(const char *text, bool last, unsigned char bytes[3]) {
  unsigned bits = 0;
  int padding = last ? (text[3] == '=') + (text[3] == '=' && text[2] == '=') : 0;
  for (int i = 0; i < 4; i++) {
    int value = i >= 4 - padding ? 0 : value_of(text[i]);
    if (value < 0)
      return 0;
    bits = bits << 6 | (unsigned)value;
  }
  bytes[0] = (unsigned char)(bits >> 16);
  bytes[1] = (unsigned char)(bits >> 8);
  bytes[2] = (unsigned char)bits;
  bool stray = (padding > 0 && bytes[2]) || (padding > 1 && bytes[1]);
  return stray ? 0 : 3 - padding;
}

/* git.unbase64(text) -> bytes | nil: when it is no base64, with its padding and nothing else. */
static int git_unbase64(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  if (len % 4 != 0)
    return 0;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (size_t i = 0; i < len; i += 4) {
    unsigned char bytes[3];
    int count = read_group(text + i, i + 4 == len, bytes);
    if (count == 0)
      return 0;
    luaL_addlstring(&out, (const char *)bytes, (size_t)count);
  }
  luaL_pushresult(&out);
  return 1;
}

static const luaL_Reg functions[] = {
    {"base64", git_base64}, {"unbase64", git_unbase64}, {NULL, NULL}};

void gitdev_git_base64_functions(lua_State *L) {
  gitdev_lua_register(L, functions);
}
