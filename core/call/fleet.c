#include "call/fleet.h"
#include "call/problem.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_GIVEN = 64, MEMBER_CHARS = 16, DIGEST = 32 };

static bool is_name(const char *text) {
  static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  size_t len = strlen(text);
  return len <= NAME_MAX_GIVEN && strspn(text, ALLOWED) == len;
}

int gitdev_fleet_check(const gitdev_client_options *options, gitdev_problem *problem) {
  if (!options->limit_name || is_name(options->limit_name))
    return GITDEV_OK;
  return gitdev_problem_set(problem, GITDEV_EINVAL,
                            "limit_name: must be up to %d letters, digits, dots, underscores and "
                            "hyphens",
                            NAME_MAX_GIVEN);
}

static void write_hex(char *out, const unsigned char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* By its key: whoever has the store learns nothing of it. */
static bool name_by_key(gitdev_client *client) {
  unsigned char digest[DIGEST];
  unsigned len = 0;
  const unsigned char *origin = (const unsigned char *)client->origin;
  if (!HMAC(EVP_sha256(), client->key.text, (int)client->key.len, origin, strlen(client->origin),
            digest, &len))
    return false;
  write_hex(client->pace->limit_name, digest, DIGEST / 2);
  return true;
}

/* As the user says, for several keys of an organization. Its test and live data have limits of
 * their own, and so has each origin. */
static bool name_as_given(gitdev_client *client, const char *name) {
  unsigned char digest[DIGEST];
  char origin[9];
  unsigned len = 0;
  if (!EVP_Digest(client->origin, strlen(client->origin), digest, &len, EVP_sha256(), NULL))
    return false;
  write_hex(origin, digest, 4);
  snprintf(client->pace->limit_name, sizeof client->pace->limit_name, "%s:%s:%s", name,
           client->key.is_test ? "test" : "live", origin);
  return true;
}

int gitdev_fleet_join(gitdev_client *client, const gitdev_client_options *options) {
  if (!options->limit_name)
    return GITDEV_OK;
  bool given = options->limit_name[0] != '\0';
  if (!(given ? name_as_given(client, options->limit_name) : name_by_key(client)) ||
      !gitdev_random_text(&client->random, client->pace->member, MEMBER_CHARS, GITDEV_ID_ALPHABET))
    return GITDEV_ENOMEM;
  client->pace->pid = getpid();
  gitdev_pace_share(&client->pace->pace, options->limit_closed);
  return GITDEV_OK;
}

/* Clients that were made before a fork are used by several processes, each a member of its own: what
 * the parent was granted, and a visit that it has out, are none of the child's. */
void gitdev_shared_pace_notice_fork(gitdev_shared_pace *pace) {
  if (pace->pid == 0 || pace->pid == getpid())
    return;
  pace->pid = getpid();
  gitdev_pace_share(&pace->pace, pace->pace.allowance.closed);
}

bool gitdev_shared_pace_report(gitdev_shared_pace *pace, double now, gitdev_report *out,
                               double *again) {
  gitdev_shared_pace_notice_fork(pace);
  if (!gitdev_pace_report(&pace->pace, now, out, again))
    return false;
  snprintf(out->member, sizeof out->member, "%.24s.%ld", pace->member, pace->pid);
  return true;
}

bool gitdev_client_report(gitdev_client *client, double now, gitdev_report *out, double *again) {
  return gitdev_shared_pace_report(client->pace, now, out, again);
}

void gitdev_client_grant(gitdev_client *client, double now, const gitdev_grant *grant) {
  if (client->pace->limit_name[0])
    gitdev_pace_grant(&client->pace->pace, now, grant);
}

void gitdev_client_store_away(gitdev_client *client, double again) {
  if (client->pace->limit_name[0])
    gitdev_pace_away(&client->pace->pace, again);
}

const char *gitdev_client_limit_name(const gitdev_client *client) {
  return client->pace->limit_name[0] ? client->pace->limit_name : NULL;
}
