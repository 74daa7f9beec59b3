/* A file of authorities that OpenSSL's reader takes is taken, and each of its certificates is trusted by
 * both or by none. One that OpenSSL refuses may be taken for what is good in it: then nothing is trusted
 * that is not in it. The input is a byte that says whether DER follows, to be wrapped as PEM, or a file. */
#include "fuzz.h"
#include "net/authorities.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LISTED_MAX = 8, PATH_SIZE = 32, SIZE_MAX_READ = 1 << 16 };

static int open_file(const uint8_t *data, size_t size, char path[PATH_SIZE]) {
  int fd = memfd_create("authorities", MFD_CLOEXEC);
  REQUIRE(fd >= 0);
  (void)snprintf(path, PATH_SIZE, "/proc/self/fd/%d", fd);
  FILE *file = fopen(path, "wb");
  REQUIRE(file != NULL);
  if (data[0] & 1)
    (void)PEM_write(file, PEM_STRING_X509, "", data + 1, (long)size - 1);
  else
    (void)fwrite(data + 1, 1, size - 1, file);
  REQUIRE(fclose(file) == 0);
  return fd;
}

/* The certificates that can be decoded. */
static STACK_OF(X509) * read_all(const char *path) {
  STACK_OF(X509) *all = sk_X509_new_null();
  BIO *file = BIO_new_file(path, "r");
  char *kind = NULL, *header = NULL;
  unsigned char *der = NULL;
  long len;
  while (PEM_read_bio(file, &kind, &header, &der, &len)) {
    const unsigned char *at = der;
    X509 *one = d2i_X509(NULL, &at, len);
    if (one)
      (void)sk_X509_push(all, one);
    OPENSSL_free(kind);
    OPENSSL_free(header);
    OPENSSL_free(der);
  }
  BIO_free(file);
  return all;
}

static bool trusts(X509_STORE *store, X509 *leaf) {
  X509_STORE_CTX *verifying = X509_STORE_CTX_new();
  REQUIRE(verifying && X509_STORE_CTX_init(verifying, store, leaf, NULL) == 1);
  bool good = X509_verify_cert(verifying) == 1;
  X509_STORE_CTX_free(verifying);
  return good;
}

static bool holds(STACK_OF(X509) * all, const X509 *one) {
  for (int i = 0; i < sk_X509_num(all); i++)
    if (X509_cmp(sk_X509_value(all, i), one) == 0)
      return true;
  return false;
}

static void compare(X509_STORE *theirs, X509_STORE *ours, STACK_OF(X509) * all) {
  for (int i = 0; i < sk_X509_num(all) && i < LISTED_MAX; i++) {
    bool trusted = trusts(ours, sk_X509_value(all, i));
    REQUIRE(!theirs || trusts(theirs, sk_X509_value(all, i)) == trusted);
  }
  STACK_OF(X509_OBJECT) *kept = X509_STORE_get0_objects(ours);
  for (int i = 0; i < sk_X509_OBJECT_num(kept); i++) {
    const X509 *one = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(kept, i));
    REQUIRE(!one || holds(all, one));
  }
}

static X509_STORE *read_theirs(const char *path) {
  X509_STORE *store = X509_STORE_new();
  REQUIRE(store != NULL);
  (void)X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  if (X509_STORE_load_file(store, path) == 1)
    return store;
  X509_STORE_free(store);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > SIZE_MAX_READ)
    return 0;
  char path[PATH_SIZE];
  int fd = open_file(data, size, path);
  gitdev_authorities authorities = {0};
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  X509_STORE *theirs = read_theirs(path), *ours = NULL;
  REQUIRE(context != NULL);
  if (gitdev_authorities_use(&authorities, path, context))
    REQUIRE(SSL_CTX_get0_verify_cert_store(context, &ours) == 1);
  gitdev_authorities_free(&authorities);
  REQUIRE(!theirs || ours);
  if (ours) {
    STACK_OF(X509) *all = read_all(path);
    compare(theirs, ours, all);
    sk_X509_pop_free(all, X509_free);
  }
  X509_STORE_free(theirs);
  SSL_CTX_free(context);
  close(fd);
  ERR_clear_error();
  return 0;
}
