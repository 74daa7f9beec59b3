/* Whom a file says to trust is whom OpenSSL's own reader of such files trusts, with the same words where
 * it does not: every file here is read by both, and every certificate verified by both. */
#include "net/authorities.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY = 86400, KEYS = 5, CERTIFICATES_MAX = 24, TARGETS_MAX = 24, PATH_SIZE = 64 };

/* ---- certificates ---- */

/* What one is to be; `by` is the one before that signs it, -1: itself. */
typedef struct recipe {
  const char *name;
  int encoding; /* of the name, V_ASN1_...; 0: UTF-8 */
  int key, by;
  int from, until; /* days from now; both 0: the usual */
  bool leaf, no_ids, no_ca, no_sign;
} recipe;

enum {
  ROOT,
  MIDDLE,
  LEAF,
  ROOT_OF_OTHER_KEY,
  LEAF_OF_OTHER_KEY,
  ROOT_EXPIRED,
  ROOT_EARLY,
  SECOND_ROOT,
  MIDDLE_CROSSED,
  SHOUTED_ROOT,
  PLAIN_ROOT,
  PLAIN_LEAF,
  PLAIN_TWIN,
  NO_AUTHORITY,
  LEAF_OF_NONE,
  NO_SIGNER,
  LEAF_OF_NO_SIGNER,
  NAMELESS,
  LEAF_OF_NAMELESS,
  LONER,
  EXPIRED_LEAF,
  COUNT
};

static const recipe recipes[COUNT] = {
    [ROOT] = {.name = "The Root", .key = 0, .by = -1},
    [MIDDLE] = {.name = "The Middle", .key = 1, .by = ROOT},
    [LEAF] = {.name = "leaf", .key = 2, .by = MIDDLE, .leaf = true},
    [ROOT_OF_OTHER_KEY] = {.name = "The Root", .key = 3, .by = -1},
    [LEAF_OF_OTHER_KEY] = {.name = "leaf", .key = 2, .by = ROOT_OF_OTHER_KEY, .leaf = true},
    [ROOT_EXPIRED] = {.name = "The Root", .key = 0, .by = -1, .from = -9, .until = -3},
    [ROOT_EARLY] = {.name = "The Root", .key = 0, .by = -1, .from = 3, .until = 9},
    [SECOND_ROOT] = {.name = "Second Root", .key = 4, .by = -1},
    [MIDDLE_CROSSED] = {.name = "The Middle", .key = 1, .by = SECOND_ROOT},
    [SHOUTED_ROOT] = {.name = " THE   rOOT ",
                      .encoding = V_ASN1_PRINTABLESTRING,
                      .key = 0,
                      .by = -1},
    [PLAIN_ROOT] = {.name = "Plain", .key = 0, .by = -1, .no_ids = true},
    [PLAIN_LEAF] = {.name = "leaf", .key = 2, .by = PLAIN_ROOT, .leaf = true, .no_ids = true},
    [PLAIN_TWIN] = {.name = "Plain", .key = 3, .by = -1, .no_ids = true},
    [NO_AUTHORITY] = {.name = "No CA", .key = 0, .by = -1, .no_ca = true},
    [LEAF_OF_NONE] = {.name = "leaf", .key = 2, .by = NO_AUTHORITY, .leaf = true},
    [NO_SIGNER] = {.name = "No Signer", .key = 0, .by = -1, .no_sign = true},
    [LEAF_OF_NO_SIGNER] = {.name = "leaf", .key = 2, .by = NO_SIGNER, .leaf = true},
    [NAMELESS] = {.name = "", .key = 0, .by = -1},
    [LEAF_OF_NAMELESS] = {.name = "leaf", .key = 2, .by = NAMELESS, .leaf = true},
    [LONER] = {.name = "loner", .key = 2, .by = -1, .leaf = true},
    [EXPIRED_LEAF] =
        {.name = "leaf", .key = 2, .by = MIDDLE, .leaf = true, .from = -9, .until = -3},
};

/* What is verified: a certificate, and what the server sends beside it. */
typedef struct target {
  int certificate, beside[2]; /* ROOT (0): nothing; nobody sends that */
} target;

static const target targets[] = {
    {LEAF, {MIDDLE}},
    {LEAF, {0}},
    {LEAF, {MIDDLE_CROSSED}},
    {LEAF, {MIDDLE, MIDDLE_CROSSED}},
    {LEAF, {MIDDLE_CROSSED, MIDDLE}},
    {LEAF_OF_OTHER_KEY, {0}},
    {LEAF_OF_OTHER_KEY, {ROOT_OF_OTHER_KEY}},
    {PLAIN_LEAF, {0}},
    {LEAF_OF_NONE, {0}},
    {LEAF_OF_NO_SIGNER, {0}},
    {LEAF_OF_NAMELESS, {0}},
    {LONER, {0}},
    {EXPIRED_LEAF, {MIDDLE}},
    {ROOT, {0}},
    {MIDDLE, {SECOND_ROOT}},
};

enum { TARGETS = sizeof targets / sizeof *targets };

typedef struct world {
  EVP_PKEY *keys[KEYS];
  X509 *made[COUNT];
  X509_CRL *revoked; /* ROOT's, of nothing */
  char path[PATH_SIZE];
} world;

static void add_extension(X509 *to, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(to, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *made, X509 *issuer, const recipe *of) {
  if (!of->leaf && !of->no_ca)
    add_extension(made, issuer, NID_basic_constraints, "critical,CA:TRUE");
  if (of->no_sign)
    add_extension(made, issuer, NID_key_usage, "critical,digitalSignature");
  if (of->no_ids)
    return;
  add_extension(made, issuer, NID_subject_key_identifier, "hash");
  if (issuer != made)
    add_extension(made, issuer, NID_authority_key_identifier, "keyid:always");
}

static void make(world *w, int which) {
  const recipe *of = &recipes[which];
  X509 *made = w->made[which] = X509_new(), *issuer = of->by < 0 ? made : w->made[of->by];
  bool usual = of->from == 0 && of->until == 0;
  assert_non_null(made);
  assert_int_equal(X509_set_version(made, 2), 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made), which + 1);
  X509_gmtime_adj(X509_getm_notBefore(made), (usual ? -1L : of->from) * DAY);
  X509_gmtime_adj(X509_getm_notAfter(made), (usual ? 1L : of->until) * DAY);
  if (*of->name)
    assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName,
                                                of->encoding ? of->encoding : V_ASN1_UTF8STRING,
                                                (const unsigned char *)of->name, -1, -1, 0),
                     1);
  X509_set_issuer_name(made, X509_get_subject_name(issuer));
  X509_set_pubkey(made, w->keys[of->key]);
  add_extensions(made, issuer, of);
  int signer = of->by < 0 ? of->key : recipes[of->by].key;
  assert_true(X509_sign(made, w->keys[signer], EVP_sha256()) > 0);
}

static void revoke_nothing(world *w) {
  ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *later = X509_gmtime_adj(NULL, DAY);
  w->revoked = X509_CRL_new();
  assert_non_null(w->revoked);
  X509_CRL_set_version(w->revoked, 1);
  X509_CRL_set_issuer_name(w->revoked, X509_get_subject_name(w->made[ROOT]));
  X509_CRL_set1_lastUpdate(w->revoked, now);
  X509_CRL_set1_nextUpdate(w->revoked, later);
  assert_true(X509_CRL_sign(w->revoked, w->keys[recipes[ROOT].key], EVP_sha256()) > 0);
  ASN1_TIME_free(now);
  ASN1_TIME_free(later);
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  for (int i = 0; i < KEYS; i++)
    assert_non_null(w->keys[i] = EVP_EC_gen("P-256"));
  for (int i = 0; i < COUNT; i++)
    make(w, i);
  revoke_nothing(w);
  strcpy(w->path, "/tmp/gitdev-authorities-XXXXXX");
  int fd = mkstemp(w->path);
  assert_true(fd >= 0);
  close(fd);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  for (int i = 0; i < COUNT; i++)
    X509_free(w->made[i]);
  for (int i = 0; i < KEYS; i++)
    EVP_PKEY_free(w->keys[i]);
  X509_CRL_free(w->revoked);
  unlink(w->path);
  free(w);
  return 0;
}

/* ---- both readers ---- */

/* libcurl's store, as it fills it itself; NULL: the file is refused. */
static X509_STORE *openssls(const char *path) {
  X509_STORE *store = X509_STORE_new();
  assert_non_null(store);
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  bool read = X509_STORE_load_file(store, path) == 1;
  ERR_clear_error();
  if (read)
    return store;
  X509_STORE_free(store);
  return NULL;
}

/* Ours, which the context holds. */
static X509_STORE *ours(SSL_CTX *context, const char *path, bool foreseen) {
  gitdev_authorities authorities = {0};
  X509_STORE *store = NULL;
  if (gitdev_authorities_use(&authorities, path, context))
    assert_int_equal(SSL_CTX_get0_verify_cert_store(context, &store), 1);
  if (foreseen)
    gitdev_authorities_foresee(&authorities);
  assert_int_equal(ERR_peek_error(), 0);
  gitdev_authorities_free(&authorities);
  return store;
}

static int verdict(world *w, X509_STORE *store, const target *on) {
  STACK_OF(X509) *beside = sk_X509_new_null();
  X509_STORE_CTX *verifying = X509_STORE_CTX_new();
  for (size_t i = 0; i < 2 && on->beside[i]; i++)
    sk_X509_push(beside, w->made[on->beside[i]]);
  assert_int_equal(X509_STORE_CTX_init(verifying, store, w->made[on->certificate], beside), 1);
  X509_STORE_CTX_set_default(verifying, "ssl_server");
  bool good = X509_verify_cert(verifying) == 1;
  int error = X509_STORE_CTX_get_error(verifying);
  assert_int_equal(good, error == X509_V_OK);
  X509_STORE_CTX_free(verifying);
  sk_X509_free(beside);
  ERR_clear_error();
  return error;
}

/* Verified in both directions, since what was looked up before is found in the store. */
static int compare_verdicts(world *w, X509_STORE *theirs, X509_STORE *own, const char *what) {
  int good = 0;
  for (int i = 0; i < 2 * TARGETS; i++) {
    int which = i < TARGETS ? i : 2 * TARGETS - 1 - i;
    int expected = verdict(w, theirs, &targets[which]), got = verdict(w, own, &targets[which]);
    if (expected != got)
      fail_msg("%s, target %d: OpenSSL says %s, we say %s", what, which,
               X509_verify_cert_error_string(expected), X509_verify_cert_error_string(got));
    good += got == X509_V_OK;
  }
  return good;
}

static int compare_once(world *w, const char *what, bool foreseen) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  assert_non_null(context);
  X509_STORE *theirs = openssls(w->path), *own = ours(context, w->path, foreseen);
  int good = -1;
  if (!theirs != !own)
    fail_msg("%s: OpenSSL %s it, we do not", what, theirs ? "takes" : "refuses");
  if (theirs)
    good = compare_verdicts(w, theirs, own, what);
  X509_STORE_free(theirs);
  SSL_CTX_free(context);
  return good;
}

/* How many verdicts were good; -1: both refuse the file as it is at w->path. */
static int compare(world *w, const char *what) {
  int good = compare_once(w, what, false);
  assert_int_equal(compare_once(w, what, true), good);
  return good;
}

static FILE *rewrite(world *w) {
  FILE *file = fopen(w->path, "wb");
  assert_non_null(file);
  return file;
}

/* ---- which are in the file, and in which order ---- */

static void lists_are_trusted_as_openssl_trusts_them(void **state) {
  static const struct {
    const char *what;
    bool none; /* nothing of all is trusted */
    int list[8], count;
  } cases[] = {
      {"a root", false, {ROOT}, 1},
      {"another root", false, {SECOND_ROOT}, 1},
      {"a partial chain", false, {MIDDLE}, 1},
      {"the leaf itself", false, {LEAF}, 1},
      {"one that nobody has signed", false, {LONER}, 1},
      {"one of the same name and another key", false, {ROOT_OF_OTHER_KEY}, 1},
      {"two of a name", false, {ROOT, ROOT_OF_OTHER_KEY}, 2},
      {"two of a name, the other way round", false, {ROOT_OF_OTHER_KEY, ROOT}, 2},
      {"two of a name without identifiers", false, {PLAIN_ROOT, PLAIN_TWIN}, 2},
      {"the same, the other way round: the first is tried", true, {PLAIN_TWIN, PLAIN_ROOT}, 2},
      {"the wrong one of a name", true, {PLAIN_TWIN}, 1},
      {"an expired one", true, {ROOT_EXPIRED}, 1},
      {"one that is not yet valid", true, {ROOT_EARLY}, 1},
      {"an expired one, then a fresh one", false, {ROOT_EXPIRED, ROOT_EARLY, ROOT}, 3},
      {"a fresh one, then an expired one", false, {ROOT, ROOT_EXPIRED}, 2},
      {"all of a name",
       false,
       {ROOT_EXPIRED, ROOT_OF_OTHER_KEY, ROOT_EARLY, SHOUTED_ROOT, ROOT},
       5},
      {"one twice", false, {ROOT, ROOT}, 2},
      {"a name in another encoding", false, {SHOUTED_ROOT}, 1},
      {"both encodings", false, {SHOUTED_ROOT, ROOT}, 2},
      {"a crossed one", false, {MIDDLE_CROSSED}, 1},
      {"both that have signed", false, {SECOND_ROOT, ROOT}, 2},
      {"both that are signed", false, {MIDDLE_CROSSED, MIDDLE}, 2},
      {"one that is no authority", true, {NO_AUTHORITY}, 1},
      {"one that may not sign", true, {NO_SIGNER}, 1},
      {"one without a name", false, {NAMELESS}, 1},
  };
  world *w = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    FILE *file = rewrite(w);
    for (int k = 0; k < cases[i].count; k++)
      assert_int_equal(PEM_write_X509(file, w->made[cases[i].list[k]]), 1);
    assert_int_equal(fclose(file), 0);
    int good = compare(w, cases[i].what);
    if (cases[i].none ? good != 0 : good <= 0)
      fail_msg("%s: %d are trusted", cases[i].what, good);
  }
}

/* ---- what else is in the file ---- */

static char *text_of(world *w, int which, bool with_settings) {
  BIO *memory = BIO_new(BIO_s_mem());
  char *bytes;
  assert_int_equal(with_settings ? PEM_write_bio_X509_AUX(memory, w->made[which])
                                 : PEM_write_bio_X509(memory, w->made[which]),
                   1);
  long len = BIO_get_mem_data(memory, &bytes);
  char *text = strndup(bytes, (size_t)len);
  BIO_free(memory);
  assert_non_null(text);
  return text;
}

/* Writes a root that differs from what PEM_write_X509() would write. */
typedef void (*writer)(world *w, FILE *to, char *root);

static void with_crlf(world *w, FILE *to, char *root) {
  (void)w;
  for (char *line = strtok(root, "\n"); line; line = strtok(NULL, "\n"))
    fprintf(to, "%s \r\n", line);
}

static void with_words(world *w, FILE *to, char *root) {
  (void)w;
  fprintf(to, "# The Root\n=====\n%sand more\n-----BEGIN\n", root);
}

/* Which end it, for OpenSSL. */
static void with_zeros(world *w, FILE *to, char *root) {
  PEM_write_X509(to, w->made[SECOND_ROOT]);
  fwrite("a\0b\n\0\n", 1, 6, to);
  fputs(root, to);
}

static void with_zero_inside(world *w, FILE *to, char *root) {
  (void)w;
  fwrite(root, 1, 100, to);
  fwrite("\0", 1, 1, to);
  fputs(root + 100, to);
}

static void without_end(world *w, FILE *to, char *root) {
  (void)w;
  fwrite(root, 1, strlen(root) - 1, to); /* the last line's */
}

static void cut_off(world *w, FILE *to, char *root) {
  (void)w;
  fputs(root, to);
  fwrite(root, 1, strlen(root) / 2, to);
}

static void with_another_label(world *w, FILE *to, char *root) {
  (void)w;
  root[strlen(root) - strlen("-----END CERTIFICATE-----\n")] = '\0';
  fprintf(to, "-----BEGIN X509 CERTIFICATE-----%s-----END X509 CERTIFICATE-----\n",
          strchr(root, '\n'));
}

static void with_label_changed(world *w, FILE *to, char *root) {
  (void)w;
  root[strlen(root) - strlen("-----END CERTIFICATE-----\n")] = '\0';
  fprintf(to, "%s-----END TRUSTED CERTIFICATE-----\n", root);
}

static void with_header(world *w, FILE *to, char *root) {
  (void)w;
  fprintf(to,
          "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
          "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n%s",
          strchr(root, '\n') + 1);
}

static void with_other_header(world *w, FILE *to, char *root) {
  (void)w;
  fprintf(to, "-----BEGIN CERTIFICATE-----\nX-Comment: a root\n\n%s", strchr(root, '\n') + 1);
}

static void with_key(world *w, FILE *to, char *root) {
  fputs(root, to);
  PEM_write_PrivateKey(to, w->keys[0], NULL, NULL, 0, NULL, NULL);
  PEM_write_X509(to, w->made[SECOND_ROOT]);
}

static void with_unknown_block(world *w, FILE *to, char *root) {
  (void)w;
  fprintf(to, "-----BEGIN A THING-----\nAAAA\n-----END A THING-----\n%s", root);
}

static void with_list_of_revoked(world *w, FILE *to, char *root) {
  fputs(root, to);
  PEM_write_X509_CRL(to, w->revoked);
}

static void with_list_of_revoked_alone(world *w, FILE *to, char *root) {
  (void)root;
  PEM_write_X509_CRL(to, w->revoked);
}

/* What OpenSSL's own settings say, beside a plain one of the same name. */
static void with_settings(world *w, FILE *to, char *root, int purpose, bool trusts) {
  X509 *set = X509_dup(w->made[ROOT]);
  ASN1_OBJECT *object = OBJ_nid2obj(purpose);
  assert_int_equal(
      trusts ? X509_add1_trust_object(set, object) : X509_add1_reject_object(set, object), 1);
  PEM_write_X509(to, w->made[SECOND_ROOT]);
  PEM_write_X509_AUX(to, set);
  fputs(root, to);
  X509_free(set);
}

static void with_server_rejected(world *w, FILE *to, char *root) {
  with_settings(w, to, root, NID_server_auth, false);
}

static void with_server_trusted(world *w, FILE *to, char *root) {
  with_settings(w, to, root, NID_server_auth, true);
}

static void with_mail_trusted(world *w, FILE *to, char *root) {
  *root = '\0';
  with_settings(w, to, root, NID_email_protect, true);
}

static void behind_a_megabyte(world *w, FILE *to, char *root) {
  (void)w;
  for (int i = 0; i < 3000; i++)
    fprintf(to, "%0500d\n", i);
  fputs(root, to);
}

static void behind_others(world *w, FILE *to, char *root) {
  char *other = text_of(w, SECOND_ROOT, false);
  for (int i = 0; i < 2000; i++)
    fputs(other, to);
  fputs(root, to);
  free(other);
}

static void with_bad_base64(world *w, FILE *to, char *root) {
  (void)w;
  fputs(root, to);
  root[40] = '!';
  fputs(root, to);
}

static void with_nothing(world *w, FILE *to, char *root) {
  (void)w, (void)to, (void)root;
}

static void files_are_read_as_openssl_reads_them(void **state) {
  static const struct {
    const char *what;
    writer write;
    bool refused;
  } cases[] = {
      {"CRLF and blanks", with_crlf, false},
      {"words around it", with_words, false},
      {"zeros before it", with_zeros, false},
      {"a zero inside", with_zero_inside, true},
      {"no newline at the end", without_end, false},
      {"cut off", cut_off, true},
      {"X509 CERTIFICATE", with_another_label, false},
      {"two labels", with_label_changed, true},
      {"encrypted", with_header, true},
      {"a header", with_other_header, true},
      {"a private key", with_key, false},
      {"an unknown block", with_unknown_block, false},
      {"a list of revoked ones", with_list_of_revoked, false},
      {"that alone", with_list_of_revoked_alone, false},
      {"rejected for servers", with_server_rejected, false},
      {"trusted for servers", with_server_trusted, false},
      {"trusted for mail", with_mail_trusted, false},
      {"behind a megabyte of words", behind_a_megabyte, false},
      {"behind a megabyte of others", behind_others, false},
      {"bad base64", with_bad_base64, true},
      {"nothing", with_nothing, true},
  };
  world *w = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *root = text_of(w, ROOT, false);
    FILE *file = rewrite(w);
    cases[i].write(w, file, root);
    assert_int_equal(fclose(file), 0);
    free(root);
    if ((compare(w, cases[i].what) < 0) != cases[i].refused)
      fail_msg("%s: %s", cases[i].what, cases[i].refused ? "taken" : "refused");
  }
}

/* Writes one whose signature is of the wrong type, all before it being right. */
static void write_broken(FILE *to, const X509 *of) {
  const ASN1_BIT_STRING *signature;
  unsigned char *der = NULL;
  int len = i2d_X509(of, &der);
  X509_get0_signature(&signature, NULL, of);
  int at = len - ASN1_STRING_length(signature) - 3;
  assert_true(at > 0 && der[at] == V_ASN1_BIT_STRING);
  der[at] = V_ASN1_OCTET_STRING;
  PEM_write(to, PEM_STRING_X509, "", der, len);
  OPENSSL_free(der);
}

/* The one difference: OpenSSL refuses a file for it. */
static void a_broken_one_is_passed_over(void **state) {
  static const target wants_it = {LEAF, {MIDDLE}}, does_not = {LEAF, {MIDDLE_CROSSED}};
  world *w = *state;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  FILE *file = rewrite(w);
  assert_non_null(context);
  write_broken(file, w->made[ROOT]);
  PEM_write_X509(file, w->made[SECOND_ROOT]);
  assert_int_equal(fclose(file), 0);
  assert_null(openssls(w->path));
  X509_STORE *store = ours(context, w->path, true);
  assert_non_null(store);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(verdict(w, store, &wants_it), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_int_equal(verdict(w, store, &does_not), X509_V_OK);
  }
  SSL_CTX_free(context);
}

/* ---- a file that changes ---- */

/* One certificate, and blanks up to a size that is the same for all. */
static void rewrite_padded(world *w, int which) {
  char *text = text_of(w, which, false);
  FILE *file = rewrite(w);
  fprintf(file, "%s%*s\n", text, (int)(4096 - strlen(text)), "");
  assert_int_equal(fclose(file), 0);
  free(text);
}

/* As unpacking an archive does, which sets the time of writing. */
static void rewrite_in_place(world *w, int which) {
  struct stat before, after;
  assert_int_equal(stat(w->path, &before), 0);
  do { /* until the clock of the file system has gone on */
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    rewrite_padded(w, which);
    assert_int_equal(utimensat(AT_FDCWD, w->path, times, 0), 0);
    assert_int_equal(stat(w->path, &after), 0);
  } while (memcmp(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim) == 0);
  assert_int_equal(before.st_size, after.st_size);
}

static int verdict_now(world *w, gitdev_authorities *authorities, const target *on) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  X509_STORE *store;
  assert_non_null(context);
  assert_true(gitdev_authorities_use(authorities, w->path, context));
  assert_int_equal(SSL_CTX_get0_verify_cert_store(context, &store), 1);
  int error = verdict(w, store, on);
  SSL_CTX_free(context);
  return error;
}

static void a_file_is_read_again_whatever_its_time(void **state) {
  static const target leaf = {LEAF, {MIDDLE}};
  world *w = *state;
  gitdev_authorities authorities = {0};
  rewrite_padded(w, ROOT);
  assert_int_equal(verdict_now(w, &authorities, &leaf), X509_V_OK);
  rewrite_in_place(w, SECOND_ROOT);
  assert_int_not_equal(verdict_now(w, &authorities, &leaf), X509_V_OK);
  gitdev_authorities_free(&authorities);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lists_are_trusted_as_openssl_trusts_them, set_up, tear_down),
      cmocka_unit_test_setup_teardown(files_are_read_as_openssl_reads_them, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_broken_one_is_passed_over, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_is_read_again_whatever_its_time, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
