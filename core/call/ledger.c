#include "call/ledger.h"
#include "wire/memory.h"
#include <string.h>

void gitdev_ledger_init(gitdev_ledger *ledger) {
  ledger->attempts = &ledger->first;
  ledger->room = 1;
}

void gitdev_ledger_free(gitdev_ledger *ledger) {
  if (ledger->attempts != &ledger->first)
    gitdev_free(ledger->attempts);
  gitdev_ledger_init(ledger);
}

bool gitdev_ledger_reserve(gitdev_ledger *ledger) {
  if (ledger->count < ledger->room || ledger->room == GITDEV_LEDGER_MAX)
    return true;
  size_t room = ledger->room == 1 ? 4 : ledger->room * 2;
  bool grown = ledger->attempts != &ledger->first;
  gitdev_attempt *attempts =
      gitdev_realloc(grown ? ledger->attempts : NULL, room * sizeof *attempts);
  if (!attempts)
    return false;
  if (!grown)
    attempts[0] = ledger->first;
  ledger->attempts = attempts;
  ledger->room = room;
  return true;
}

void gitdev_ledger_begin(gitdev_ledger *ledger, double wait) {
  if (ledger->count == ledger->room)
    memmove(ledger->attempts, ledger->attempts + 1, --ledger->count * sizeof *ledger->attempts);
  ledger->tries++;
  ledger->attempts[ledger->count++] = (gitdev_attempt){.verdict = "error",
                                                       .reason = "under way",
                                                       .wait = wait,
                                                       .dns = -1,
                                                       .connect = -1,
                                                       .tls = -1,
                                                       .first_byte = -1,
                                                       .total = -1};
}

const gitdev_attempt *gitdev_ledger_end(gitdev_ledger *ledger, const gitdev_response *response,
                                        const gitdev_outcome *outcome, const char *verdict,
                                        const char *reason) {
  gitdev_attempt *attempt = &ledger->attempts[ledger->count - 1];
  attempt->verdict = verdict;
  attempt->reason = reason;
  attempt->status = response->status;
  memcpy(attempt->request_id, response->request_id, sizeof attempt->request_id);
  attempt->dns = outcome->dns;
  attempt->connect = outcome->connect;
  attempt->tls = outcome->tls;
  attempt->first_byte = outcome->first_byte;
  attempt->total = outcome->total;
  return attempt;
}
