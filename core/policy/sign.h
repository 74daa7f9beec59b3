/* Webhook signatures (contract 4.4 and 8): signing and verifying, in every scheme that
 * policy/signature.h tells of. */
#ifndef GITDEV_POLICY_SIGN_H
#define GITDEV_POLICY_SIGN_H

#include "policy/signature.h"

/* The bare HMAC-SHA256 of `bytes`. `key.text` is any bytes. False when the key is empty or OpenSSL
 * failed. */
bool gitdev_mac(gitdev_signer *signer, gitdev_secret key, const char *bytes, size_t len,
                unsigned char mac[GITDEV_MAC_SIZE]);

#endif
