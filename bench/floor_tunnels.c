/* floor_tunnels: plain libcurl holding many TLS connections open.
 *
 *   floor_tunnels CA_FILE URL CONNECTIONS
 *
 * Makes them with one multi handle, all at once, and prints one line of JSON: what the process holds
 * when all are open. */
#include "tunnel.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>

enum { CA_FILE = 1, URL, CONNECTIONS, ARGUMENTS };
enum { CONNECTIONS_MAX = 10000, POLL_MS = 1000 };

/* Counts those that are connected now; -1 when one failed. */
static long connected(CURLM *multi) {
  CURLMsg *message;
  long count = 0;
  int queued;
  while ((message = curl_multi_info_read(multi, &queued)) != NULL) {
    if (message->msg != CURLMSG_DONE || message->data.result != CURLE_OK)
      return -1;
    count++;
  }
  return count;
}

static bool connect_all(CURLM *multi, long count) {
  int running;
  while (count > 0) {
    if (curl_multi_perform(multi, &running) != CURLM_OK)
      return false;
    long more = connected(multi);
    if (more < 0)
      return false;
    count -= more;
    if (count > 0 && curl_multi_poll(multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
      return false;
  }
  return true;
}

static bool open_all(tunnel *all, CURLM *multi, char **argv, long count) {
  for (long i = 0; i < count; i++)
    if (!tunnel_open(&all[i], argv[CA_FILE], argv[URL]) ||
        curl_multi_add_handle(multi, all[i].easy) != CURLM_OK)
      return false;
  return connect_all(multi, count);
}

static void close_all(tunnel *all, CURLM *multi, long count) {
  for (long i = 0; all && i < count; i++) {
    if (all[i].easy)
      curl_multi_remove_handle(multi, all[i].easy);
    tunnel_close(&all[i]);
  }
  curl_multi_cleanup(multi);
  free(all);
}

int main(int argc, char **argv) {
  long count = argc < ARGUMENTS ? 0 : strtol(argv[CONNECTIONS], NULL, 10);
  if (count < 1 || count > CONNECTIONS_MAX) {
    fputs("usage: floor_tunnels CA_FILE URL CONNECTIONS\n", stderr);
    return 2;
  }
  tunnel *all = calloc((size_t)count, sizeof *all);
  CURLM *multi = curl_multi_init();
  bool ok = all && multi && open_all(all, multi, argv, count);
  if (ok)
    printf("{\"connections\":%ld,\"peak_kb\":%ld}\n", count, usage_peak_kb());
  else
    fputs("floor_tunnels: a connection could not be made\n", stderr);
  close_all(all, multi, count);
  return ok ? 0 : 1;
}
