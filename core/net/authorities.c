#include "net/authorities.h"
#include "wire/memory.h"
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one certificate ---- */

typedef struct authority {
  X509_NAME *name;
  unsigned char *der; /* OpenSSL's memory */
  long len;
  X509 *certificate; /* once it was needed */
} authority;

static void authority_free(authority *self) {
  X509_NAME_free(self->name);
  X509_free(self->certificate);
  OPENSSL_free(self->der);
}

/* The content of the DER value at `at`, and its length; NULL when it is none, or not of that tag. */
static const unsigned char *enter(const unsigned char *at, const unsigned char *end, int wanted,
                                  long *len) {
  int tag, class;
  int form = ASN1_get_object(&at, len, &tag, &class, end - at);
  bool fits = !(form & 0x80) && !(form & 1) && *len <= end - at;
  return fits && (tag | class) == wanted ? at : NULL;
}

/* What is behind a value; NULL as above. */
static const unsigned char *pass(const unsigned char *at, const unsigned char *end, int wanted) {
  long len;
  const unsigned char *content = enter(at, end, wanted, &len);
  return content ? content + len : NULL;
}

/* The subject of a certificate, which is all that is looked at before it is needed (RFC 5280 4.1):
 * version, serialNumber, signature, issuer and validity are before it. */
static X509_NAME *read_subject(const unsigned char *der, long len) {
  static const int before[] = {V_ASN1_INTEGER, V_ASN1_SEQUENCE, V_ASN1_SEQUENCE, V_ASN1_SEQUENCE};
  const unsigned char *end = der + len, *at = enter(der, end, V_ASN1_SEQUENCE, &len);
  at = at ? enter(at, end, V_ASN1_SEQUENCE, &len) : NULL;
  if (!at)
    return NULL;
  end = at + len;
  const unsigned char *version = pass(at, end, V_ASN1_CONTEXT_SPECIFIC | 0);
  at = version ? version : at;
  for (size_t i = 0; at && i < sizeof before / sizeof *before; i++)
    at = pass(at, end, before[i]);
  return at ? d2i_X509_NAME(NULL, &at, end - at) : NULL;
}

/* ---- a file of them ---- */

/* Belongs to the lookup of the store that it is for, and goes with it. */
typedef struct catalog {
  X509_LOOKUP_METHOD *method;
  authority *list;
  size_t count, room;
} catalog;

static void catalog_free(catalog *self) {
  for (size_t i = 0; i < self->count; i++)
    authority_free(&self->list[i]);
  X509_LOOKUP_meth_free(self->method);
  gitdev_free(self->list);
  gitdev_free(self);
}

static bool catalog_add(catalog *self, unsigned char *der, long len) {
  if (self->count == self->room) {
    size_t room = self->room ? self->room * 2 : 16;
    authority *list = gitdev_realloc(self->list, room * sizeof *list);
    if (!list)
      return false;
    self->list = list;
    self->room = room;
  }
  X509_NAME *name = read_subject(der, len);
  if (name)
    self->list[self->count++] = (authority){.name = name, .der = der, .len = len};
  return name != NULL;
}

/* Adds what comes next in the file. Certificates that carry settings of OpenSSL's, lists of revoked ones
 * and whatever else may be in such a file are not for us. */
static bool add_next(catalog *self, BIO *file, bool *end) {
  char *kind = NULL, *header = NULL;
  unsigned char *der = NULL;
  long len = 0;
  *end = !PEM_read_bio(file, &kind, &header, &der, &len);
  if (*end)
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  bool added = strcmp(kind, PEM_STRING_X509) == 0 && !*header && catalog_add(self, der, len);
  if (!added)
    OPENSSL_free(der);
  OPENSSL_free(kind);
  OPENSSL_free(header);
  return added;
}

/* NULL when it is more than a list of certificates, or less. */
static catalog *catalog_read(const char *path) {
  catalog *self = gitdev_calloc(1, sizeof *self);
  BIO *file = self ? BIO_new_file(path, "re") : NULL;
  bool fine = file != NULL, end = false;
  while (fine && !end)
    fine = add_next(self, file, &end);
  BIO_free(file);
  if (fine && self->count > 0)
    return self;
  if (self)
    catalog_free(self);
  return NULL;
}

/* ---- a store over a catalog ---- */

static X509 *certificate_of(authority *one) {
  const unsigned char *at = one->der;
  if (!one->certificate)
    one->certificate = d2i_X509(NULL, &at, one->len);
  return one->certificate;
}

/* X509_LOOKUP_meth_set_get_by_subject(3): what is found goes into the store, and who asked counts one
 * reference more than is given to it. */
static int find(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                X509_OBJECT *out) {
  catalog *self = X509_LOOKUP_get_method_data(lookup);
  bool found = false;
  if (type != X509_LU_X509)
    return 0;
  ERR_set_mark();
  for (size_t i = 0; i < self->count; i++) {
    authority *one = &self->list[i];
    if (X509_NAME_cmp(one->name, name) != 0 || !certificate_of(one) ||
        !X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), one->certificate))
      continue;
    if (!found && X509_OBJECT_set1_X509(out, one->certificate)) {
      X509_free(one->certificate);
      found = true;
    }
  }
  ERR_pop_to_mark();
  return found;
}

static void forget(X509_LOOKUP *lookup) {
  catalog *self = X509_LOOKUP_get_method_data(lookup);
  if (self)
    catalog_free(self);
}

/* Takes the catalog over. */
static bool add_catalog(X509_STORE *store, catalog *self) {
  self->method = X509_LOOKUP_meth_new("gitdev's catalog of authorities");
  bool made = self->method && X509_LOOKUP_meth_set_get_by_subject(self->method, find) &&
              X509_LOOKUP_meth_set_free(self->method, forget);
  X509_LOOKUP *lookup = made ? X509_STORE_add_lookup(store, self->method) : NULL;
  if (lookup)
    X509_LOOKUP_set_method_data(lookup, self);
  else
    catalog_free(self);
  return lookup != NULL;
}

static bool fill(X509_STORE *store, catalog **listed, const char *file, const char *directory) {
  if (!file)
    return directory && X509_STORE_load_path(store, directory);
  *listed = catalog_read(file);
  return *listed ? add_catalog(store, *listed) : X509_STORE_load_file(store, file) == 1;
}

/* As libcurl sets its own up. Gives the catalog that is in it, if one is. */
static X509_STORE *store_new(catalog **listed, const char *file, const char *directory) {
  X509_STORE *store = X509_STORE_new();
  bool fine = store && fill(store, listed, file, directory) &&
              X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  if (fine)
    return store;
  X509_STORE_free(store);
  return NULL;
}

/* ---- all of an engine's ---- */

typedef struct gitdev_authority_file {
  char *ca_file; /* NULL: the system's */
  X509_STORE *store;
  catalog *listed;   /* the store's, or NULL */
  struct stat stamp; /* of the file when it was read */
  struct gitdev_authority_file *next;
} authority_file;

static bool is_readable(const char *path) {
  return path && access(path, R_OK) == 0;
}

void gitdev_authorities_of_system(const char **file, const char **directory) {
  const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
  bool by_directory = !is_readable(built->cainfo) && is_readable(built->capath);
  *file = by_directory ? NULL : built->cainfo;
  *directory = by_directory ? built->capath : NULL;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The time of writing can be set, as copying and unpacking do; that of the change cannot. */
static bool is_same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

static authority_file *find_file(const gitdev_authorities *self, const char *ca_file) {
  for (authority_file *one = self->files; one; one = one->next)
    if (one->ca_file && ca_file ? strcmp(one->ca_file, ca_file) == 0 : one->ca_file == ca_file)
      return one;
  return NULL;
}

static void file_free(authority_file *self) {
  gitdev_free(self->ca_file);
  X509_STORE_free(self->store);
  gitdev_free(self);
}

static void make_room(gitdev_authorities *self) {
  authority_file **link = &self->files;
  for (int i = 1; i < GITDEV_AUTHORITIES_MAX && *link; i++)
    link = &(*link)->next;
  while (*link) {
    authority_file *last = *link;
    *link = last->next;
    file_free(last);
  }
}

static authority_file *add_file(gitdev_authorities *self, const char *ca_file) {
  authority_file *made = gitdev_calloc(1, sizeof *made);
  if (made && ca_file && !(made->ca_file = gitdev_strdup(ca_file))) {
    gitdev_free(made);
    return NULL;
  }
  if (!made)
    return NULL;
  make_room(self);
  made->next = self->files;
  self->files = made;
  return made;
}

static authority_file *read_file(gitdev_authorities *self, const char *ca_file) {
  authority_file *known = find_file(self, ca_file);
  const char *file = ca_file, *directory = NULL;
  struct stat stamp = {0};
  if (!ca_file)
    gitdev_authorities_of_system(&file, &directory);
  bool there = !file || stat(file, &stamp) == 0;
  if (known && (!there || is_same(&known->stamp, &stamp)))
    return known;
  catalog *listed = NULL;
  X509_STORE *store = there ? store_new(&listed, file, directory) : NULL;
  if (!store || (!known && !(known = add_file(self, ca_file)))) {
    X509_STORE_free(store);
    return known;
  }
  X509_STORE_free(known->store);
  known->store = store;
  known->listed = listed;
  known->stamp = stamp;
  return known;
}

bool gitdev_authorities_read(gitdev_authorities *self, const char *ca_file) {
  return read_file(self, ca_file) != NULL;
}

/* The context's other store is libcurl's, which fills it, or puts one that it has kept in its place: some
 * versions do so when the handshake is under way. */
bool gitdev_authorities_use(gitdev_authorities *self, const char *ca_file, SSL_CTX *context) {
  const authority_file *file = read_file(self, ca_file);
  return file && SSL_CTX_set1_verify_cert_store(context, file->store);
}

void gitdev_authorities_foresee(void *authorities) {
  const gitdev_authorities *self = authorities;
  ERR_set_mark();
  for (const authority_file *one = self->files; one; one = one->next)
    if (one->listed && certificate_of(&one->listed->list[0]))
      X509_check_purpose(one->listed->list[0].certificate, -1, 0); /* reads its extensions */
  ERR_pop_to_mark();
}

void gitdev_authorities_free(gitdev_authorities *self) {
  while (self->files) {
    authority_file *first = self->files;
    self->files = first->next;
    file_free(first);
  }
}
