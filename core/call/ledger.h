/* The ledger of a call: what became of each try. */
#ifndef GITDEV_CALL_LEDGER_H
#define GITDEV_CALL_LEDGER_H

#include "call/response.h"
#include "gitdev.h"

/* The latest are kept: a download that was cut off more often than this forgets its first ones. */
enum { GITDEV_LEDGER_MAX = 64 };

/* Its memory must stay where it is. */
typedef struct gitdev_ledger {
  gitdev_attempt first;     /* most calls have one try: it costs no allocation */
  gitdev_attempt *attempts; /* `first`, or a block of its own */
  size_t count, room;
  int tries; /* in all, the forgotten ones too */
} gitdev_ledger;

void gitdev_ledger_init(gitdev_ledger *ledger);
void gitdev_ledger_free(gitdev_ledger *ledger);

/* Makes room for one more try, so that a promised retry cannot fail for want of it. False when
 * memory is out. */
bool gitdev_ledger_reserve(gitdev_ledger *ledger);

/* A try begins, after a wait of so many seconds. */
void gitdev_ledger_begin(gitdev_ledger *ledger, double wait);
/* It has ended. `verdict` and `reason` are static. Returns its row. */
const gitdev_attempt *gitdev_ledger_end(gitdev_ledger *ledger, const gitdev_response *response,
                                        const gitdev_outcome *outcome, const char *verdict,
                                        const char *reason);

#endif
