#include "net/certificate.h"
#include "gitdev.h"
#include "wire/memory.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { DNS_NAME_MAX = 253, COMMON_NAME_MAX = 64, SERIAL_BITS = 127 };

static const long DAY = 24 * 60 * 60;
static const char AUTHORITY_NAME[] = "gitdev local authority";

static bool is_dns_name(const char *name) {
  size_t len = strlen(name);
  size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*");
  return len > 0 && len <= DNS_NAME_MAX && good == len;
}

/* An address or a DNS name as a subject alternative name; NULL when it is neither. */
static GENERAL_NAME *general_name(const char *text) {
  ASN1_STRING *value = a2i_IPADDRESS(text);
  int type = value ? GEN_IPADD : GEN_DNS;
  if (!value && is_dns_name(text)) {
    value = ASN1_IA5STRING_new();
    if (value && !ASN1_STRING_set(value, text, -1)) {
      ASN1_STRING_free(value);
      return NULL;
    }
  }
  GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;
  if (name)
    GENERAL_NAME_set0_value(name, type, value);
  else
    ASN1_STRING_free(value);
  return name;
}

static bool names_are_good(const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    ASN1_STRING *address = a2i_IPADDRESS(names[i]);
    bool good = address || is_dns_name(names[i]);
    ASN1_STRING_free(address);
    if (!good)
      return false;
  }
  return count > 0;
}

static bool add_names(X509 *certificate, const char *const *names, size_t count) {
  GENERAL_NAMES *all = GENERAL_NAMES_new();
  bool good = all;
  for (size_t i = 0; good && i < count; i++) {
    GENERAL_NAME *name = general_name(names[i]);
    good = name && sk_GENERAL_NAME_push(all, name) > 0;
    if (!good)
      GENERAL_NAME_free(name);
  }
  good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT);
  GENERAL_NAMES_free(all);
  return good;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  bool good = extension && X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return good;
}

static bool set_serial(X509 *certificate) {
  BIGNUM *number = BN_new();
  bool good = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return good;
}

/* A version 3 certificate without extensions and signature. */
static X509 *blank(const char *common_name, EVP_PKEY *key, int days) {
  X509 *certificate = X509_new();
  if (!certificate)
    return NULL;
  X509_NAME *subject = X509_get_subject_name(certificate);
  const unsigned char *text = (const unsigned char *)common_name;
  bool good = X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY) &&
              X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL) &&
              X509_set_pubkey(certificate, key) &&
              (strlen(common_name) > COMMON_NAME_MAX ||
               X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0));
  if (good)
    return certificate;
  X509_free(certificate);
  return NULL;
}

static bool make_authority(gitdev_certificate *out, EVP_PKEY *key, int days) {
  X509 *made = out->authority = blank(AUTHORITY_NAME, key, days);
  return made && X509_set_issuer_name(made, X509_get_subject_name(made)) &&
         add_extension(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(made, made, NID_key_usage, "critical,keyCertSign,cRLSign") &&
         add_extension(made, made, NID_subject_key_identifier, "hash") &&
         X509_sign(made, key, EVP_sha256());
}

static bool make_server(gitdev_certificate *out, EVP_PKEY *authority_key, const char *const *names,
                        size_t count, int days) {
  out->key = EVP_EC_gen("P-256");
  X509 *made = out->certificate = out->key ? blank(names[0], out->key, days) : NULL;
  return made && X509_set_issuer_name(made, X509_get_subject_name(out->authority)) &&
         add_extension(made, out->authority, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(made, out->authority, NID_key_usage, "critical,digitalSignature") &&
         add_extension(made, out->authority, NID_ext_key_usage, "serverAuth") &&
         add_extension(made, out->authority, NID_subject_key_identifier, "hash") &&
         add_extension(made, out->authority, NID_authority_key_identifier, "keyid:always") &&
         add_names(made, names, count) && X509_sign(made, authority_key, EVP_sha256());
}

int gitdev_certificate_make(gitdev_certificate *out, const char *const *names, size_t count,
                            int days) {
  *out = (gitdev_certificate){0};
  bool asked_well = days >= 1 && names_are_good(names, count);
  EVP_PKEY *authority_key = asked_well ? EVP_EC_gen("P-256") : NULL;
  bool good = authority_key && make_authority(out, authority_key, days) &&
              make_server(out, authority_key, names, count, days);
  EVP_PKEY_free(authority_key);
  /* What was asked of it here must not show up as somebody else's error. */
  ERR_clear_error();
  if (good)
    return 0;
  gitdev_certificate_free(out);
  return asked_well ? GITDEV_ETLS : GITDEV_EINVAL;
}

/* ---- from files ---- */

/* Nobody is there to type it. `payload`, a bool, is told that one was asked for. */
static int no_password(char *text, int size, int writing, void *payload) {
  (void)text, (void)size, (void)writing;
  *(bool *)payload = true;
  return -1;
}

static X509 *read_x509(BIO *file) {
  bool is_locked = false;
  return PEM_read_bio_X509(file, NULL, no_password, &is_locked);
}

/* All certificates of the file but the first. Where they end, OpenSSL says "no start line". */
static const char *read_chain(gitdev_certificate *out, BIO *file) {
  X509 *next;
  out->chain = sk_X509_new_null();
  ERR_clear_error();
  while (out->chain && (next = read_x509(file)) != NULL) {
    if (sk_X509_push(out->chain, next) > 0)
      continue;
    X509_free(next);
    return "memory is out";
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    return "a certificate after the first cannot be read";
  return NULL;
}

static const char *read_certificate(gitdev_certificate *out, BIO *file) {
  out->certificate = read_x509(file);
  if (!out->certificate)
    return "the certificate file holds none in PEM form";
  /* No sender would accept it, and nobody would say so. */
  if (X509_cmp_current_time(X509_get0_notAfter(out->certificate)) < 0)
    return "the certificate has expired";
  return read_chain(out, file);
}

static const char *read_key(gitdev_certificate *out, BIO *file) {
  bool is_locked = false;
  out->key = PEM_read_bio_PrivateKey(file, NULL, no_password, &is_locked);
  if (is_locked)
    return "the key file has a password: it must be kept without one";
  if (!out->key)
    return "the key file holds no private key in PEM form";
  if (X509_check_private_key(out->certificate, out->key) != 1)
    return "the key is not that of the certificate";
  return NULL;
}

static int load(gitdev_certificate *out, const char *path, const char *cannot_open,
                const char *(*read)(gitdev_certificate *out, BIO *file), const char **problem) {
  *problem = cannot_open;
  FILE *stream = fopen(path, "re");
  if (!stream)
    return GITDEV_ESYSTEM;
  BIO *file = BIO_new_fp(stream, BIO_CLOSE);
  if (!file) {
    (void)fclose(stream);
    *problem = "memory is out";
    return GITDEV_ENOMEM;
  }
  *problem = read(out, file);
  BIO_free(file);
  return *problem ? GITDEV_EINVAL : 0;
}

int gitdev_certificate_load(gitdev_certificate *out, const char *certificate_file,
                            const char *key_file, const char **problem) {
  *out = (gitdev_certificate){0};
  int rc = load(out, certificate_file, "the certificate file cannot be opened", read_certificate,
                problem);
  if (rc == 0)
    rc = load(out, key_file, "the key file cannot be opened", read_key, problem);
  int kept = errno;
  ERR_clear_error();
  if (rc != 0)
    gitdev_certificate_free(out);
  errno = kept;
  return rc;
}

/* ---- both ---- */

void gitdev_certificate_free(gitdev_certificate *certificate) {
  if (!certificate)
    return;
  X509_free(certificate->authority);
  X509_free(certificate->certificate);
  sk_X509_pop_free(certificate->chain, X509_free);
  EVP_PKEY_free(certificate->key);
  *certificate = (gitdev_certificate){0};
}

char *gitdev_certificate_authority_pem(const gitdev_certificate *certificate) {
  BIO *bio = certificate->authority ? BIO_new(BIO_s_mem()) : NULL;
  if (!bio)
    return NULL;
  char *bytes = NULL, *pem = NULL;
  if (PEM_write_bio_X509(bio, certificate->authority)) {
    long len = BIO_get_mem_data(bio, &bytes);
    pem = len > 0 ? gitdev_strndup(bytes, (size_t)len) : NULL;
  }
  BIO_free(bio);
  return pem;
}
