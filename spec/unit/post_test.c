/* Requests beside the API's calls: what is sent, what comes of it, and where none goes. */
#include "net/post.h"
#include "origin.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG = 20000, HUGE = GITDEV_POST_BODY_MAX + 1 };

typedef struct fixture {
  gitdev_loop *loop;
  gitdev_poster *poster;
  int told;
} fixture;

static int setup(void **state) {
  fixture *all = calloc(1, sizeof *all);
  assert_non_null(all);
  assert_int_equal(gitdev_loop_new(&all->loop), GITDEV_OK);
  assert_int_equal(gitdev_poster_new(&all->poster, all->loop), GITDEV_OK);
  *state = all;
  return 0;
}

static int teardown(void **state) {
  fixture *all = *state;
  gitdev_poster_free(all->poster);
  gitdev_loop_free(all->loop);
  free(all);
  return 0;
}

static void on_posted(void *payload, gitdev_post *post) {
  fixture *all = payload;
  assert_non_null(gitdev_post_answer_of(post));
  all->told++;
}

static gitdev_post *start(fixture *all, const gitdev_post_options *options) {
  gitdev_problem problem = {{0}};
  gitdev_post *post;
  assert_int_equal(gitdev_post_start(&post, all->poster, options, on_posted, all, &problem),
                   GITDEV_OK);
  assert_null(gitdev_post_answer_of(post));
  return post;
}

static const gitdev_post_answer *wait_for(fixture *all, gitdev_post *post) {
  while (!gitdev_post_answer_of(post))
    assert_int_equal(gitdev_step(all->loop, -1), GITDEV_OK);
  return gitdev_post_answer_of(post);
}

/* Posts, and returns the word that it ended with; "": an answer. The caller frees the post. */
static const char *word_of(fixture *all, const gitdev_post_options *options, gitdev_post **post) {
  *post = start(all, options);
  const gitdev_post_answer *answer = wait_for(all, *post);
  assert_true(answer->error ? answer->problem[0] != '\0' : answer->problem[0] == '\0');
  return answer->error ? answer->error : "";
}

/* ---- a peer that reads a whole request and sends bytes ---- */

typedef struct peer {
  int listener;
  pid_t child;
  int seen; /* the reading end of a pipe: what it was sent */
  char url[64];
} peer;

static void serve_once(int listener, int seen, const char *answer, size_t len) {
  char request[8192];
  size_t got = 0;
  int fd = accept(listener, NULL, NULL);
  while (got < sizeof request - 1 && (got < 4 || !strstr(request, "{\"a\":1}"))) {
    ssize_t n = read(fd, request + got, sizeof request - 1 - got);
    if (n <= 0)
      break;
    got += (size_t)n;
    request[got] = '\0';
  }
  if (write(seen, request, got) < 0)
    _exit(1);
  for (size_t sent = 0; sent < len;) {
    ssize_t n = send(fd, answer + sent, len - sent, MSG_NOSIGNAL);
    if (n <= 0)
      break;
    sent += (size_t)n;
  }
  /* An answer that is open at its end. */
  if (len > 12 && memcmp(answer, "HTTP/1.1 101", 12) == 0)
    while (read(fd, request, sizeof request) > 0)
      ;
  close(fd);
  _exit(0);
}

static void peer_start(peer *self, const char *answer, size_t len) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int ends[2];
  self->listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(self->listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(self->listener, 4), 0);
  assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &size), 0);
  assert_int_equal(pipe(ends), 0);
  snprintf(self->url, sizeof self->url, "http://127.0.0.1:%d/a/../b?c=d", ntohs(address.sin_port));
  self->child = fork();
  assert_true(self->child >= 0);
  if (self->child == 0)
    serve_once(self->listener, ends[1], answer, len);
  close(ends[1]);
  self->seen = ends[0];
}

static void peer_stop(peer *self, char *seen, size_t room) {
  size_t got = 0;
  ssize_t n;
  while ((n = read(self->seen, seen + got, room - 1 - got)) > 0)
    got += (size_t)n;
  seen[got] = '\0';
  close(self->seen);
  close(self->listener);
  waitpid(self->child, NULL, 0);
}

static const gitdev_header HEADERS[] = {
    {"X-First", "1"}, {"content-type", "application/json; charset=utf-8"}, {"X-Empty", ""}};

static gitdev_post_options options_for(const char *url) {
  return (gitdev_post_options){.url = url,
                               .headers = HEADERS,
                               .header_count = 3,
                               .body = "{\"a\":1}",
                               .body_len = 7,
                               .timeout = 60,
                               .reach = GITDEV_ADDRESS_LOOPBACK};
}

static void sends_what_it_is_given(void **state) {
  static const char reply[] =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Fine\r\nA: 1\r\nb:  two \r\n"
      "A: 3\r\nContent-Length: 2\r\n\r\nok";
  fixture *all = *state;
  peer other;
  gitdev_post *post;
  char seen[8192];
  peer_start(&other, reply, sizeof reply - 1);
  gitdev_post_options options = options_for(other.url);
  assert_string_equal(word_of(all, &options, &post), "");
  const gitdev_post_answer *answer = gitdev_post_answer_of(post);
  assert_int_equal(answer->status, 202);
  assert_int_equal(answer->header_count, 4);
  assert_string_equal(answer->headers[1].name, "b");
  assert_string_equal(answer->headers[1].value, "two");
  assert_string_equal(answer->body, "ok");
  assert_int_equal(all->told, 1);
  peer_stop(&other, seen, sizeof seen);
  char wanted[512];
  snprintf(wanted, sizeof wanted,
           "POST /a/../b?c=d HTTP/1.1\r\nHost: %.*s\r\nX-First: 1\r\n"
           "content-type: application/json; charset=utf-8\r\nX-Empty:\r\n"
           "Content-Length: 7\r\n\r\n{\"a\":1}",
           (int)strcspn(other.url + 7, "/"), other.url + 7);
  assert_string_equal(seen, wanted);
  gitdev_post_free(post);
}

static void says_what_came_of_it(void **state) {
  static const struct {
    const char *answer, *word;
    int status;
  } cases[] = {
      {"HTTP/1.1 204 No\r\n\r\n", "", 204},
      {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "", 500},
      {"HTTP/1.1 301 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "redirect",
       301},
      {"", "reset", 0},
      {"nonsense\r\n\r\n", "reset", 0},
      {"HTTP/1.1 200 Fine\r\nContent-Length: 9\r\n\r\nshort", "reset", 0},
      {"HTTP/1.1 200 Fine\r\nContent-", "reset", 0},
      {"HTTP/1.1 101 Fine\r\nUpgrade: x\r\n\r\n", "reset", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    peer other;
    gitdev_post *post;
    char seen[8192];
    peer_start(&other, cases[i].answer, strlen(cases[i].answer));
    gitdev_post_options options = options_for(other.url);
    assert_string_equal(word_of(*state, &options, &post), cases[i].word);
    assert_int_equal(gitdev_post_answer_of(post)->status, cases[i].status);
    gitdev_post_free(post);
    peer_stop(&other, seen, sizeof seen);
  }
}

static void keeps_the_beginning_of_an_answer(void **state) {
  static const char head[] = "HTTP/1.1 200 Fine\r\n\r\n";
  for (int too_large = 0; too_large < 2; too_large++) {
    size_t len = sizeof head - 1 + (too_large ? HUGE : LONG);
    char *reply = malloc(len);
    assert_non_null(reply);
    memset(reply, 'x', len);
    memcpy(reply, head, sizeof head - 1);
    peer other;
    gitdev_post *post;
    char seen[8192];
    peer_start(&other, reply, len);
    gitdev_post_options options = options_for(other.url);
    assert_string_equal(word_of(*state, &options, &post), too_large ? "too_large" : "");
    assert_int_equal(gitdev_post_answer_of(post)->body_len, too_large ? 0 : GITDEV_POST_KEPT);
    gitdev_post_free(post);
    peer_stop(&other, seen, sizeof seen);
    free(reply);
  }
}

static void refuses_an_endless_head(void **state) {
  static const struct {
    const char *first, *line;
    size_t times;
  } heads[] = {{"HTTP/1.1 200 Fine\r\n", "X-A: abcdefghijklmnopqrstuvwxyz\r\n", 3000},
               {"", "HTTP/1.1 102 Processing\r\n\r\n", 20000}};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    size_t start = strlen(heads[i].first), len = strlen(heads[i].line);
    char *reply = malloc(start + heads[i].times * len);
    assert_non_null(reply);
    memcpy(reply, heads[i].first, start);
    for (size_t k = 0; k < heads[i].times; k++)
      memcpy(reply + start + k * len, heads[i].line, len);
    peer other;
    gitdev_post *post;
    char seen[8192];
    peer_start(&other, reply, start + heads[i].times * len);
    gitdev_post_options options = options_for(other.url);
    assert_string_equal(word_of(*state, &options, &post), "too_large");
    gitdev_post_free(post);
    peer_stop(&other, seen, sizeof seen);
    free(reply);
  }
}

/* ---- TLS, time, the end ---- */

static bool answer_or_hold(void *payload, gitdev_exchange *exchange, int number) {
  (void)payload, (void)number;
  if (origin_is(exchange, "/hold"))
    return false;
  origin_answer(exchange, 200, "", "{}");
  return true;
}

static void verifies_certificates(void **state) {
  origin *other = origin_start(answer_or_hold, NULL);
  gitdev_post *post;
  gitdev_post_options options = options_for(origin_url(other));
  assert_string_equal(word_of(*state, &options, &post), "tls");
  gitdev_post_free(post);
  assert_int_equal(origin_requests(other), 0);
  options.ca_file = origin_ca_file(other);
  assert_string_equal(word_of(*state, &options, &post), "");
  gitdev_post_free(post);
  origin_stop(other);
}

static void times_out_as_a_whole(void **state) {
  origin *other = origin_start(answer_or_hold, NULL);
  gitdev_post *post;
  char url[128];
  snprintf(url, sizeof url, "%s/hold", origin_url(other));
  gitdev_post_options options = options_for(url);
  options.ca_file = origin_ca_file(other);
  options.timeout = 0.2;
  assert_string_equal(word_of(*state, &options, &post), "timeout");
  gitdev_post_free(post);
  origin_stop(other);
}

static void ends_without_a_word(void **state) {
  fixture *all = *state;
  origin *other = origin_start(answer_or_hold, NULL);
  char url[128];
  snprintf(url, sizeof url, "%s/hold", origin_url(other));
  gitdev_post_options options = options_for(url);
  options.ca_file = origin_ca_file(other);
  gitdev_post *freed = start(all, &options), *left = start(all, &options);
  while (origin_requests(other) < 2)
    assert_int_equal(gitdev_step(all->loop, 0.01), GITDEV_OK);
  gitdev_post_free(freed);
  gitdev_poster_free(all->poster);
  all->poster = NULL;
  assert_null(gitdev_post_answer_of(left));
  gitdev_post_free(left);
  assert_int_equal(all->told, 0);
  origin_stop(other);
}

static void speaks_to_nobody_in_a_child(void **state) {
  fixture *all = *state;
  origin *other = origin_start(answer_or_hold, NULL);
  char url[128];
  snprintf(url, sizeof url, "%s/hold", origin_url(other));
  gitdev_post_options options = options_for(url);
  options.ca_file = origin_ca_file(other);
  gitdev_post *post = start(all, &options), *more;
  while (origin_requests(other) < 1)
    assert_int_equal(gitdev_step(all->loop, 0.01), GITDEV_OK);
  pid_t child = fork();
  if (child == 0) {
    int rc = gitdev_post_start(&more, all->poster, &options, on_posted, all, NULL);
    gitdev_post_free(post);
    gitdev_poster_free(all->poster);
    _exit(rc == GITDEV_ECLOSED ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  /* The parent's connection is as it was: nothing has come on it, and it has not ended. */
  assert_int_equal(gitdev_step(all->loop, 0.05), GITDEV_OK);
  assert_null(gitdev_post_answer_of(post));
  gitdev_post_free(post);
  origin_stop(other);
}

/* ---- where it does not go ---- */

static void goes_to_allowed_addresses_only(void **state) {
  static const struct {
    const char *url;
    int reach;
    const char *word, *says;
  } cases[] = {
      {"https://127.0.0.1:1/", GITDEV_ADDRESS_PUBLIC, "refused", "this machine"},
      {"https://localhost:1/", GITDEV_ADDRESS_PUBLIC, "refused", "this machine"},
      {"https://[::1]:1/", GITDEV_ADDRESS_PUBLIC, "refused", "this machine"},
      {"https://[::ffff:127.0.0.1]:1/", GITDEV_ADDRESS_PUBLIC, "refused", "this machine"},
      {"https://[::ffff:10.0.0.1]:1/", GITDEV_ADDRESS_LOOPBACK, "refused", "not public"},
      {"https://10.1.2.3:1/", GITDEV_ADDRESS_LOOPBACK, "refused", "not public"},
      {"https://0x7f.1:1/", GITDEV_ADDRESS_PUBLIC, "refused", "this machine"},
      {"https://169.254.169.254/", GITDEV_ADDRESS_LOOPBACK, "refused", "not public"},
      {"https://0.0.0.0:1/", GITDEV_ADDRESS_LOOPBACK, "refused", "not public"},
      {"http://192.0.2.1:1/", GITDEV_ADDRESS_PUBLIC, "refused", "plain http"},
      {"http://127.0.0.1:1/", GITDEV_ADDRESS_LOOPBACK, "refused", "onnect"},
      {"http://no-such-host.invalid/", GITDEV_ADDRESS_LOOPBACK, "dns", "resolve"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_post *post;
    gitdev_post_options options = options_for(cases[i].url);
    options.reach = cases[i].reach;
    assert_string_equal(word_of(*state, &options, &post), cases[i].word);
    assert_non_null(strstr(gitdev_post_answer_of(post)->problem, cases[i].says));
    gitdev_post_free(post);
  }
}

static void refuses_what_cannot_be_sent(void **state) {
  fixture *all = *state;
  static const char *const urls[] = {
      "",
      "example.com",
      "ftp://example.com/",
      "file:///etc/passwd",
      "https://a:b@example.com/",
      "https://",
      "/path",
      "https://user@example.com/",
      "https://exa mple.com/",
  };
  static const gitdev_header headers[] = {
      {"Bad Name", "x"},
      {"", "x"},
      {"A", "x\r\nB: y"},
      {"A", "x\ny"},
      {"Host", "other"},
      {"content-length", "1"},
      {"Transfer-Encoding", "chunked"},
  };
  gitdev_post *post;
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    gitdev_problem problem = {{0}};
    gitdev_post_options options = options_for(urls[i]);
    assert_int_equal(gitdev_post_start(&post, all->poster, &options, on_posted, all, &problem),
                     GITDEV_EINVAL);
    assert_null(post);
    assert_true(strlen(problem.text) > 0);
  }
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    gitdev_post_options options = options_for("http://127.0.0.1:1/");
    options.headers = &headers[i];
    options.header_count = 1;
    assert_int_equal(gitdev_post_start(&post, all->poster, &options, on_posted, all, NULL),
                     GITDEV_EINVAL);
  }
  assert_int_equal(all->told, 0);
}

static void knows_whose_an_address_is(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int kind;
  } cases[] = {
      {"8.8.8.8", GITDEV_ADDRESS_PUBLIC},
      {"9.255.255.255", GITDEV_ADDRESS_PUBLIC},
      {"10.0.0.0", GITDEV_ADDRESS_PRIVATE},
      {"11.0.0.0", GITDEV_ADDRESS_PUBLIC},
      {"100.63.255.255", GITDEV_ADDRESS_PUBLIC},
      {"100.64.0.1", GITDEV_ADDRESS_PRIVATE},
      {"127.255.255.254", GITDEV_ADDRESS_LOOPBACK},
      {"128.0.0.1", GITDEV_ADDRESS_PUBLIC},
      {"169.254.1.1", GITDEV_ADDRESS_PRIVATE},
      {"172.15.255.255", GITDEV_ADDRESS_PUBLIC},
      {"172.31.255.255", GITDEV_ADDRESS_PRIVATE},
      {"172.32.0.0", GITDEV_ADDRESS_PUBLIC},
      {"192.168.0.1", GITDEV_ADDRESS_PRIVATE},
      {"198.19.0.1", GITDEV_ADDRESS_PRIVATE},
      {"223.255.255.255", GITDEV_ADDRESS_PUBLIC},
      {"224.0.0.1", GITDEV_ADDRESS_PRIVATE},
      {"255.255.255.255", GITDEV_ADDRESS_PRIVATE},
      {"::", GITDEV_ADDRESS_PRIVATE},
      {"::1", GITDEV_ADDRESS_LOOPBACK},
      {"::7f00:1", GITDEV_ADDRESS_LOOPBACK},
      {"::ffff:8.8.8.8", GITDEV_ADDRESS_PUBLIC},
      {"::ffff:192.168.1.1", GITDEV_ADDRESS_PRIVATE},
      {"64:ff9b::7f00:1", GITDEV_ADDRESS_PRIVATE},
      {"fe80::1", GITDEV_ADDRESS_PRIVATE},
      {"fc00::1", GITDEV_ADDRESS_PRIVATE},
      {"ff02::1", GITDEV_ADDRESS_PRIVATE},
      {"2001:4860:4860::8888", GITDEV_ADDRESS_PUBLIC},
      {"2001::1", GITDEV_ADDRESS_PRIVATE},
      {"2001:db8::1", GITDEV_ADDRESS_PRIVATE},
      {"2002:7f00:1::", GITDEV_ADDRESS_PRIVATE},
      {"2a00:1450::1", GITDEV_ADDRESS_PUBLIC},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct sockaddr_storage address = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
    bool is_six = strchr(cases[i].text, ':') != NULL;
    address.ss_family = is_six ? AF_INET6 : AF_INET;
    void *to = is_six ? (void *)&six->sin6_addr : (void *)&four->sin_addr;
    assert_int_equal(inet_pton(address.ss_family, cases[i].text, to), 1);
    assert_int_equal(gitdev_address_kind((struct sockaddr *)&address), cases[i].kind);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sends_what_it_is_given, setup, teardown),
      cmocka_unit_test_setup_teardown(says_what_came_of_it, setup, teardown),
      cmocka_unit_test_setup_teardown(keeps_the_beginning_of_an_answer, setup, teardown),
      cmocka_unit_test_setup_teardown(refuses_an_endless_head, setup, teardown),
      cmocka_unit_test_setup_teardown(verifies_certificates, setup, teardown),
      cmocka_unit_test_setup_teardown(times_out_as_a_whole, setup, teardown),
      cmocka_unit_test_setup_teardown(ends_without_a_word, setup, teardown),
      cmocka_unit_test_setup_teardown(speaks_to_nobody_in_a_child, setup, teardown),
      cmocka_unit_test_setup_teardown(goes_to_allowed_addresses_only, setup, teardown),
      cmocka_unit_test_setup_teardown(refuses_what_cannot_be_sent, setup, teardown),
      cmocka_unit_test(knows_whose_an_address_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
