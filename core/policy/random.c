#include "policy/random.h"
#include <string.h>
#include <sys/random.h>

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t draw(gitdev_random *random) {
  uint64_t value = random->seed + ++random->drawn * 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/* The kernel's generator: a few bytes cost a quarter of what OpenSSL's does, and a fork cannot
 * repeat them. */
static bool fill(gitdev_random *random, unsigned char *bytes, size_t len) {
  if (!random || !random->seed)
    return getrandom(bytes, len, 0) == (ssize_t)len;
  for (size_t i = 0; i < len; i++)
    bytes[i] = (unsigned char)draw(random);
  return true;
}

/* Bytes past the last whole multiple of the alphabet's size would favour its first characters: they
 * are thrown away. */
bool gitdev_random_text(gitdev_random *random, char *out, size_t count, const char *alphabet) {
  size_t size = strlen(alphabet), made = 0;
  size_t fair = 256 - 256 % size;
  unsigned char bytes[64];
  while (made < count) {
    if (!fill(random, bytes, sizeof bytes))
      return false;
    for (size_t i = 0; i < sizeof bytes && made < count; i++)
      if (bytes[i] < fair)
        out[made++] = alphabet[bytes[i] % size];
  }
  out[made] = '\0';
  return true;
}

bool gitdev_random_uuid(gitdev_random *random, char out[GITDEV_UUID_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  if (!fill(random, bytes, sizeof bytes))
    return false;
  bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *out++ = '-';
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
  *out = '\0';
  return true;
}

double gitdev_random_unit(gitdev_random *random) {
  unsigned char bytes[4];
  if (!fill(random, bytes, sizeof bytes))
    return 0.5;
  double value = 0;
  for (size_t i = 0; i < sizeof bytes; i++)
    value = (value + bytes[i]) / 256;
  return value;
}
