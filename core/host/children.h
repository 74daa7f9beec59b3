/* The processes below this one. */
#ifndef GITDEV_HOST_CHILDREN_H
#define GITDEV_HOST_CHILDREN_H

/* Sends a signal to all of them, as far as /proc tells. For a signal that was sent to this process
 * alone; async-signal-safe. */
void gitdev_children_signal(int number);

#endif
