/* Which addresses are whose (RFC 6890): what may be sent to an address that a name led to. */
#ifndef GITDEV_NET_ADDRESS_H
#define GITDEV_NET_ADDRESS_H

#include <sys/socket.h>

/* Bits, so that several kinds can be allowed at once. */
enum {
  GITDEV_ADDRESS_PUBLIC = 1,
  GITDEV_ADDRESS_LOOPBACK =
      2, /* this machine, in either family, or as an IPv4 address within IPv6 */
  GITDEV_ADDRESS_PRIVATE = 4, /* all the rest: networks of one's own, link-local ones, multicast,
                                  "any", ranges that are reserved or stand for other addresses */
};

/* The kind of an IPv4 or IPv6 address. Of another family: private. */
int gitdev_address_kind(const struct sockaddr *address);

#endif
