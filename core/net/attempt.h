/* A try of a job that is being sent: from when libcurl gets it until it is known how that went, and
 * whether the machine is to hear of it or it simply goes out again. */
#ifndef GITDEV_NET_ATTEMPT_H
#define GITDEV_NET_ATTEMPT_H

#include "net/job.h"

/* Sends what the job's action says; the job is one that waits in its lane. NULL, and it is under way, or
 * may be over, and gone; or why it could not even begin, and it is first in line. */
const char *gitdev_attempt_start(gitdev_job *job);

/* The try's timer has fired: it is over, unless something has moved since that was set. */
void gitdev_attempt_look(gitdev_job *job);

/* Ends the try under way, which is over with `code`, and goes on with the lane. */
void gitdev_attempt_conclude(gitdev_job *job, CURLcode code);

/* Breaks it off. Nobody is told; the job is in none of its lane's lists then. */
void gitdev_attempt_stop(gitdev_job *job);

/* For the engine's multi and links: the payload is the engine. */
void gitdev_attempt_on_finished(void *payload, CURL *easy, CURLcode code);
void gitdev_attempt_on_link(void *payload);

#endif
