#include "net/address.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct network4 {
  uint32_t address;
  int bits;
} network4;

typedef struct network6 {
  unsigned char start[4];
  int bits;
} network6;

static bool is_in(uint32_t address, uint32_t start, int bits) {
  return (address ^ start) >> (32 - bits) == 0;
}

static int kind_of_four(uint32_t address) {
  static const network4 others[] = {
      {0x00000000, 8},  /* 0.0.0.0: this network, which leads to this machine */
      {0x0a000000, 8},  /* 10.0.0.0 */
      {0x64400000, 10}, /* 100.64.0.0: a provider's own */
      {0xa9fe0000, 16}, /* 169.254.0.0: link-local, a cloud's metadata */
      {0xac100000, 12}, /* 172.16.0.0 */
      {0xc0000000, 24}, /* 192.0.0.0 */
      {0xc0a80000, 16}, /* 192.168.0.0 */
      {0xc6120000, 15}, /* 198.18.0.0: measurements */
      {0xe0000000, 3},  /* 224.0.0.0: multicast, reserved, broadcast */
  };
  if (is_in(address, 0x7f000000, 8))
    return GITDEV_ADDRESS_LOOPBACK;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_in(address, others[i].address, others[i].bits))
      return GITDEV_ADDRESS_PRIVATE;
  return GITDEV_ADDRESS_PUBLIC;
}

static uint32_t read_four(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* An IPv4 address in the last 32 bits: ::ffff:a.b.c.d, or the old ::a.b.c.d, which "::" is too. */
static bool holds_four(const unsigned char *bytes) {
  static const unsigned char zeros[10];
  bool mapped = bytes[10] == 0xff && bytes[11] == 0xff;
  return memcmp(bytes, zeros, sizeof zeros) == 0 && (mapped || (!bytes[10] && !bytes[11]));
}

/* Of 2000::/3, where all public ones are. Those that stand for an IPv4 address (6to4, Teredo) lead
 * wherever that does. */
static int kind_of_six(const unsigned char *bytes) {
  static const network6 others[] = {
      {{0x20, 0x01, 0x00, 0x00}, 23}, /* 2001::, for protocols; Teredo */
      {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::, for documents */
      {{0x20, 0x02, 0x00, 0x00}, 16}, /* 2002::, 6to4 */
      {{0x3f, 0xff, 0x00, 0x00}, 20}, /* 3fff::, for documents */
  };
  uint32_t start = read_four(bytes);
  if (!is_in(start, 0x20000000, 3))
    return GITDEV_ADDRESS_PRIVATE;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_in(start, read_four(others[i].start), others[i].bits))
      return GITDEV_ADDRESS_PRIVATE;
  return GITDEV_ADDRESS_PUBLIC;
}

int gitdev_address_kind(const struct sockaddr *address) {
  struct sockaddr_in four;
  struct sockaddr_in6 six;
  if (address->sa_family == AF_INET) {
    memcpy(&four, address, sizeof four);
    return kind_of_four(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6)
    return GITDEV_ADDRESS_PRIVATE;
  memcpy(&six, address, sizeof six);
  if (IN6_IS_ADDR_LOOPBACK(&six.sin6_addr))
    return GITDEV_ADDRESS_LOOPBACK;
  const unsigned char *bytes = six.sin6_addr.s6_addr;
  return holds_four(bytes) ? kind_of_four(read_four(bytes + 12)) : kind_of_six(bytes);
}
