/* Certificates out of files: what is accepted, and what is said of what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gitdev.h"
#include "net/certificate.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fixture {
  char directory[32];
  gitdev_certificate own, other;
} fixture;

static const char *const files[] = {"one.pem",   "chain.pem",  "torn.pem",  "key.pem",
                                    "other.pem", "locked.pem", "empty.pem", "expired.pem"};

static const char *path_of(const fixture *all, const char *name, char path[64]) {
  (void)snprintf(path, 64, "%s/%s", all->directory, name);
  return path;
}

static FILE *open_new(const fixture *all, const char *name) {
  char path[64];
  FILE *file = fopen(path_of(all, name, path), "we");
  assert_non_null(file);
  return file;
}

static void write_certificates(const fixture *all, const char *name, int count, const char *rest) {
  X509 *const both[] = {all->own.certificate, all->own.authority};
  FILE *file = open_new(all, name);
  for (int i = 0; i < count; i++)
    assert_int_equal(PEM_write_X509(file, both[i]), 1);
  assert_true(fputs(rest, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void write_expired(const fixture *all, const char *name) {
  X509 *old = X509_dup(all->own.certificate);
  FILE *file = open_new(all, name);
  assert_non_null(old);
  assert_non_null(X509_gmtime_adj(X509_getm_notAfter(old), -60));
  assert_true(X509_sign(old, all->own.key, EVP_sha256()) > 0);
  assert_int_equal(PEM_write_X509(file, old), 1);
  assert_int_equal(fclose(file), 0);
  X509_free(old);
}

static void write_key(const fixture *all, const char *name, EVP_PKEY *key, const char *password) {
  FILE *file = open_new(all, name);
  int len = password ? (int)strlen(password) : 0;
  assert_int_equal(PEM_write_PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL,
                                        (const unsigned char *)password, len, NULL, NULL),
                   1);
  assert_int_equal(fclose(file), 0);
}

static int setup(void **state) {
  static const char *const names[] = {"localhost"};
  fixture *all = calloc(1, sizeof *all);
  assert_non_null(all);
  strcpy(all->directory, "/tmp/gitdev-test-XXXXXX");
  assert_non_null(mkdtemp(all->directory));
  assert_int_equal(gitdev_certificate_make(&all->own, names, 1, 1), 0);
  assert_int_equal(gitdev_certificate_make(&all->other, names, 1, 1), 0);
  write_certificates(all, "one.pem", 1, "");
  write_certificates(all, "chain.pem", 2, "some words after it\n");
  write_certificates(all, "torn.pem", 1, "-----BEGIN CERTIFICATE-----\nMIIB\n");
  write_certificates(all, "empty.pem", 0, "");
  write_expired(all, "expired.pem");
  write_key(all, "key.pem", all->own.key, NULL);
  write_key(all, "other.pem", all->other.key, NULL);
  write_key(all, "locked.pem", all->own.key, "secret");
  *state = all;
  return 0;
}

static int teardown(void **state) {
  fixture *all = *state;
  char path[64];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    assert_int_equal(unlink(path_of(all, files[i], path)), 0);
  assert_int_equal(rmdir(all->directory), 0);
  gitdev_certificate_free(&all->own);
  gitdev_certificate_free(&all->other);
  free(all);
  return 0;
}

static int load(const fixture *all, gitdev_certificate *out, const char *certificate,
                const char *key, const char **problem) {
  char certificate_path[64], key_path[64];
  return gitdev_certificate_load(out, path_of(all, certificate, certificate_path),
                                 path_of(all, key, key_path), problem);
}

static void test_a_certificate_and_what_leads_to_its_authority(void **state) {
  static const struct {
    const char *name;
    int chain;
  } cases[] = {{"one.pem", 0}, {"chain.pem", 1}};
  const fixture *all = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_certificate read;
    const char *problem;
    assert_int_equal(load(all, &read, cases[i].name, "key.pem", &problem), 0);
    assert_int_equal(X509_cmp(read.certificate, all->own.certificate), 0);
    assert_int_equal(EVP_PKEY_eq(read.key, all->own.key), 1);
    assert_int_equal(sk_X509_num(read.chain), cases[i].chain);
    assert_null(gitdev_certificate_authority_pem(&read));
    assert_int_equal(ERR_peek_error(), 0);
    gitdev_certificate_free(&read);
    gitdev_certificate_free(&read);
  }
}

static void test_what_is_wrong_is_said(void **state) {
  static const struct {
    const char *certificate, *key;
    int rc;
    const char *problem;
  } cases[] = {
      {"none.pem", "key.pem", GITDEV_ESYSTEM, "the certificate file cannot be opened"},
      {"one.pem", "none.pem", GITDEV_ESYSTEM, "the key file cannot be opened"},
      {"empty.pem", "key.pem", GITDEV_EINVAL, "the certificate file holds none in PEM form"},
      {"key.pem", "key.pem", GITDEV_EINVAL, "the certificate file holds none in PEM form"},
      {"torn.pem", "key.pem", GITDEV_EINVAL, "a certificate after the first cannot be read"},
      {"expired.pem", "key.pem", GITDEV_EINVAL, "the certificate has expired"},
      {"one.pem", "empty.pem", GITDEV_EINVAL, "the key file holds no private key in PEM form"},
      {"one.pem", "locked.pem", GITDEV_EINVAL,
       "the key file has a password: it must be kept without one"},
      {"chain.pem", "other.pem", GITDEV_EINVAL, "the key is not that of the certificate"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_certificate read;
    const char *problem;
    assert_int_equal(load(*state, &read, cases[i].certificate, cases[i].key, &problem),
                     cases[i].rc);
    if (cases[i].rc == GITDEV_ESYSTEM)
      assert_int_equal(errno, ENOENT);
    assert_string_equal(problem, cases[i].problem);
    assert_null(read.certificate);
    assert_null(read.chain);
    assert_null(read.key);
    assert_int_equal(ERR_peek_error(), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_certificate_and_what_leads_to_its_authority, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(test_what_is_wrong_is_said, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
