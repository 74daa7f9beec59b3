#include "call/client.h"
#include "call/fleet.h"
#include "call/problem.h"
#include "wire/memory.h"
#include <errno.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char DEFAULT_URL[] = "https://api.git.dev/v2";
static const double DEFAULT_TIMEOUT = 120, DEFAULT_TRY_TIMEOUT = 30, DEFAULT_CONNECT_TIMEOUT = 10;
enum { DEFAULT_MAX_RETRIES = 2, DEFAULT_BODY_MAX = 64 << 20 };

static int check_key(gitdev_client *client, const char *text, gitdev_problem *problem) {
  gitdev_key_status status =
      gitdev_key_parse(&client->key, text ? text : "", text ? strlen(text) : 0);
  if (status != GITDEV_KEY_OK)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "api_key: %s", gitdev_key_problem(status));
  gitdev_key_redact(&client->key, client->key_hint);
  return GITDEV_OK;
}

static int check_url(gitdev_client *client, const char *text, gitdev_problem *problem) {
  if (!text)
    text = DEFAULT_URL;
  gitdev_url_status status = gitdev_url_parse(&client->base, text, strlen(text));
  if (status != GITDEV_URL_OK)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "base_url: %s", gitdev_url_problem(status));
  return GITDEV_OK;
}

/* A duration option: its default for 0, refused when it is none. */
static int check_seconds(double *out, const char *name, double value, double otherwise,
                         gitdev_problem *problem) {
  if (!isfinite(value) || value < 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "%s: must be a positive number of seconds",
                              name);
  *out = value > 0 ? value : otherwise;
  return GITDEV_OK;
}

static int check_limits(gitdev_client *client, const gitdev_client_options *options,
                        gitdev_problem *problem) {
  int rc = check_seconds(&client->timeout, "timeout", options->timeout, DEFAULT_TIMEOUT, problem);
  if (rc == GITDEV_OK)
    rc = check_seconds(&client->try_timeout, "try_timeout", options->try_timeout,
                       DEFAULT_TRY_TIMEOUT, problem);
  if (rc == GITDEV_OK)
    rc = check_seconds(&client->connect_timeout, "connect_timeout", options->connect_timeout,
                       DEFAULT_CONNECT_TIMEOUT, problem);
  if (rc != GITDEV_OK)
    return rc;
  if (options->max_retries < GITDEV_NO_RETRIES || options->max_retries > GITDEV_MAX_RETRIES_MAX)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "max_retries: must be 0 to %d",
                              GITDEV_MAX_RETRIES_MAX);
  client->max_retries = options->max_retries ? options->max_retries : DEFAULT_MAX_RETRIES;
  if (client->max_retries == GITDEV_NO_RETRIES)
    client->max_retries = 0;
  client->random.seed = options->seed;
  if (options->log)
    client->log = (gitdev_log){
        .level = options->log_level, .fn = options->log, .payload = options->log_payload};
  client->body_max = options->body_max ? options->body_max : DEFAULT_BODY_MAX;
  return GITDEV_OK;
}

static int check_text(const char *name, const char *value, gitdev_problem *problem) {
  for (const char *p = value; p && *p; p++)
    if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
      return gitdev_problem_set(problem, GITDEV_EINVAL,
                                "%s: holds a control or non-ASCII byte at position %zu", name,
                                (size_t)(p - value) + 1);
  return GITDEV_OK;
}

static int check_file(const char *name, const char *path, gitdev_problem *problem) {
  if (path && access(path, R_OK) != 0)
    return gitdev_problem_set(problem, GITDEV_EINVAL, "%s: \"%s\" cannot be read: %s", name, path,
                              strerror(errno));
  return GITDEV_OK;
}

static char *format_origin(const gitdev_url *base) {
  char port[8] = "";
  if (base->port != 443)
    snprintf(port, sizeof port, ":%d", base->port);
  size_t size = sizeof "https://" + strlen(base->host) + strlen(port);
  char *origin = gitdev_malloc(size);
  if (origin)
    snprintf(origin, size, "https://%s%s", base->host, port);
  return origin;
}

static char *format_authorization(const gitdev_key *key) {
  size_t size = sizeof "Bearer " + key->len;
  char *authorization = gitdev_malloc(size);
  if (authorization)
    snprintf(authorization, size, "Bearer %s", key->text);
  return authorization;
}

static gitdev_shared_budget *new_budget(void) {
  gitdev_shared_budget *budget = gitdev_calloc(1, sizeof *budget);
  if (!budget)
    return NULL;
  budget->owners = 1;
  gitdev_budget_init(&budget->budget, 0);
  return budget;
}

static gitdev_shared_pace *new_pace(void) {
  gitdev_shared_pace *pace = gitdev_calloc(1, sizeof *pace);
  if (!pace)
    return NULL;
  pace->owners = 1;
  gitdev_pace_init(&pace->pace, 0);
  return pace;
}

/* The strings and shared state that a checked client needs. */
static int fill(gitdev_client *client, const gitdev_client_options *options) {
  client->authorization = format_authorization(&client->key);
  client->user_agent =
      gitdev_strdup(options->user_agent ? options->user_agent : "gitdev-c/" GITDEV_VERSION);
  client->ca_file = options->ca_file ? gitdev_strdup(options->ca_file) : NULL;
  client->origin = format_origin(&client->base);
  client->budget = new_budget();
  client->pace = new_pace();
  if (!client->authorization || !client->user_agent || (options->ca_file && !client->ca_file) ||
      !client->origin || !client->budget || !client->pace)
    return GITDEV_ENOMEM;
  client->fixed[0] = (gitdev_header){"Authorization", client->authorization};
  client->fixed[1] = (gitdev_header){"User-Agent", client->user_agent};
  client->fixed[GITDEV_ACCEPT] = (gitdev_header){"Accept", "application/json"};
  return gitdev_fleet_join(client, options);
}

int gitdev_client_new(gitdev_client **out, const gitdev_client_options *options,
                      gitdev_problem *problem) {
  *out = NULL;
  gitdev_client *client = gitdev_calloc(1, sizeof *client);
  if (!client)
    return gitdev_problem_set(problem, GITDEV_ENOMEM, "memory is out");
  client->owners = 1;
  int rc = check_key(client, options->api_key, problem);
  if (rc == GITDEV_OK)
    rc = check_url(client, options->base_url, problem);
  if (rc == GITDEV_OK)
    rc = check_limits(client, options, problem);
  if (rc == GITDEV_OK)
    rc = check_text("user_agent", options->user_agent, problem);
  if (rc == GITDEV_OK)
    rc = check_file("ca_file", options->ca_file, problem);
  if (rc == GITDEV_OK)
    rc = gitdev_fleet_check(options, problem);
  if (rc == GITDEV_OK && (rc = fill(client, options)) != GITDEV_OK)
    gitdev_problem_set(problem, rc, "memory is out");
  if (rc != GITDEV_OK) {
    gitdev_client_free(client);
    return rc;
  }
  gitdev_log_client(client);
  *out = client;
  return GITDEV_OK;
}

void gitdev_client_retain(gitdev_client *client) {
  client->owners++;
}

static void release_budget(gitdev_shared_budget *budget) {
  if (budget && --budget->owners == 0)
    gitdev_free(budget);
}

void gitdev_shared_pace_release(gitdev_shared_pace *pace) {
  if (pace && --pace->owners == 0)
    gitdev_free(pace);
}

void gitdev_client_free(gitdev_client *client) {
  if (!client || --client->owners > 0)
    return;
  gitdev_key_wipe(&client->key);
  if (client->authorization)
    OPENSSL_cleanse(client->authorization, strlen(client->authorization));
  gitdev_free(client->authorization);
  gitdev_free(client->user_agent);
  gitdev_free(client->ca_file);
  gitdev_free(client->origin);
  release_budget(client->budget);
  gitdev_shared_pace_release(client->pace);
  gitdev_free(client);
}

void gitdev_client_share_budget(gitdev_client *client, const gitdev_client *other) {
  if (strcmp(client->origin, other->origin) != 0 || client->budget == other->budget)
    return;
  release_budget(client->budget);
  client->budget = other->budget;
  client->budget->owners++;
}

void gitdev_client_share(gitdev_client *client, const gitdev_client *other) {
  if (client == other || strcmp(client->origin, other->origin) != 0)
    return;
  gitdev_client_share_budget(client, other);
  bool same_key = client->key.len == other->key.len &&
                  CRYPTO_memcmp(client->key.text, other->key.text, client->key.len) == 0;
  bool same_limit = same_key && strcmp(client->pace->limit_name, other->pace->limit_name) == 0;
  if (same_limit && client->pace != other->pace) {
    gitdev_shared_pace_release(client->pace);
    client->pace = other->pace;
    client->pace->owners++;
  }
}

void gitdev_client_rate_limit(const gitdev_client *client, double now, gitdev_rate_limit *out) {
  const gitdev_pace *pace = &client->pace->pace;
  bool known = pace->limits == GITDEV_LIMITS_KNOWN;
  out->per_minute = known ? pace->rate * 60 : -1;
  out->burst = known ? pace->capacity : -1;
  out->remaining = gitdev_pace_tokens(pace, now);
  out->paused_for = pace->paused_until > now ? pace->paused_until - now : 0;
  out->retry_budget = gitdev_budget_left(&client->budget->budget, now);
  static const gitdev_sharing SHARING[] = {[GITDEV_STORE_NONE] = GITDEV_LIMIT_OWN,
                                           [GITDEV_STORE_THERE] = GITDEV_LIMIT_SHARED,
                                           [GITDEV_STORE_AWAY] = GITDEV_LIMIT_AWAY};
  out->sharing = SHARING[pace->allowance.store];
}

const char *gitdev_client_key_hint(const gitdev_client *client) {
  return client->key_hint;
}
