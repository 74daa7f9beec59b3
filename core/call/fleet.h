/* A client whose rate limit is shared through a store: see gitdev.h. */
#ifndef GITDEV_CALL_FLEET_H
#define GITDEV_CALL_FLEET_H

#include "call/client.h"

int gitdev_fleet_check(const gitdev_client_options *options, gitdev_problem *problem);
/* Names the limit and the member, if the options say that the limit is shared. 0, or
 * GITDEV_ENOMEM when there is no randomness, or no memory. */
int gitdev_fleet_join(gitdev_client *client, const gitdev_client_options *options);

#endif
