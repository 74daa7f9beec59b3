/* A client: an origin, a key, the limits of its calls, and the state that they share. See gitdev.h.
 */
#ifndef GITDEV_CALL_CLIENT_H
#define GITDEV_CALL_CLIENT_H

#include "call/log.h"
#include "gitdev.h"
#include "policy/budget.h"
#include "policy/key.h"
#include "policy/pace.h"
#include "policy/random.h"
#include "wire/url.h"

/* State that clients of one origin, or of one origin and key, have in common; the last one frees
 * it. */
typedef struct gitdev_shared_budget {
  int owners;
  gitdev_budget budget;
} gitdev_shared_budget;

typedef struct gitdev_shared_pace {
  int owners;
  gitdev_pace pace;
  /* Of a limit that is shared through a store: what it is called there, and who this is among the
   * members. Empty otherwise. */
  char limit_name[GITDEV_LIMIT_NAME_SIZE];
  char member[GITDEV_MEMBER_SIZE];
  long pid; /* of whom the allowance is */
} gitdev_shared_pace;

/* Of a pace, see gitdev_client_report(); for those who hold on to it alone. */
void gitdev_shared_pace_release(gitdev_shared_pace *pace);
bool gitdev_shared_pace_report(gitdev_shared_pace *pace, double now, gitdev_report *out,
                               double *again);
/* Before a turn is taken: what a parent was granted is not a fork's child's to use. */
void gitdev_shared_pace_notice_fork(gitdev_shared_pace *pace);

/* Authorization, User-Agent, Accept. */
enum { GITDEV_ACCEPT = 2, GITDEV_FIXED_HEADERS = 3 };

struct gitdev_client {
  int owners; /* its user, and each of its calls */
  gitdev_key key;
  char key_hint[GITDEV_KEY_REDACTED_MAX];
  gitdev_url base;
  char *authorization; /* "Bearer <key>": the one copy of the key that leaves; wiped with it */
  char *user_agent, *ca_file, *origin;       /* origin: "https://host[:port]" */
  gitdev_header fixed[GITDEV_FIXED_HEADERS]; /* what every request of the client begins with */
  double timeout, try_timeout, connect_timeout;
  int max_retries;
  size_t body_max;
  gitdev_random random;
  gitdev_log log;
  gitdev_shared_budget *budget;
  gitdev_shared_pace *pace;
};

/* gitdev_client_share() for clients whose keys, or limits, are not to be taken for one. */
void gitdev_client_share_budget(gitdev_client *client, const gitdev_client *other);

/* One more owner; undone by gitdev_client_free(). */
void gitdev_client_retain(gitdev_client *client);

#endif
