#include "net/intake.h"

/* What a larger request leaves behind is given back, so that idle connections stay small. */
enum { KEPT_MAX = 4096 };

bool gitdev_intake_feed(gitdev_intake *self, const gitdev_http1_limits *limits, const char *bytes,
                        size_t len) {
  if (!self->reader)
    self->reader = gitdev_http1_new(GITDEV_HTTP1_REQUEST, limits);
  if (!self->reader || !gitdev_http1_feed(self->reader, bytes, len))
    return false;
  self->taken += len;
  if (self->whole)
    self->ahead += len;
  else
    self->begun = true;
  return true;
}

static bool begin(gitdev_intake *self, size_t body_max, const char *peer) {
  const gitdev_message *message = gitdev_http1_message(self->reader);
  self->continue_due = message->expect_continue && message->minor_version > 0;
  self->exchange = gitdev_exchange_new(message, peer, body_max);
  return self->exchange;
}

static bool add(gitdev_intake *self) {
  size_t len;
  const char *piece = gitdev_http1_piece(self->reader, &len);
  self->continue_due = false;
  return gitdev_buffer_append(&self->exchange->body, piece, len);
}

static gitdev_intake_event complete(gitdev_intake *self) {
  self->begun = self->continue_due = false;
  self->ahead = 0;
  self->whole = true;
  return GITDEV_INTAKE_WHOLE;
}

/* Only when the reader wants more is it sure that it does not refuse the head. */
static gitdev_intake_event rest(gitdev_intake *self) {
  bool due = self->continue_due;
  self->continue_due = false;
  return due ? GITDEV_INTAKE_CONTINUE : GITDEV_INTAKE_NEED;
}

gitdev_intake_event gitdev_intake_pull(gitdev_intake *self, const gitdev_http1_limits *limits,
                                       const char *peer) {
  for (;;) {
    bool good = true;
    switch (gitdev_http1_pull(self->reader)) {
    case GITDEV_HTTP1_NEED: return rest(self);
    case GITDEV_HTTP1_HEAD: good = begin(self, limits->body_max, peer); break;
    case GITDEV_HTTP1_DATA: good = add(self); break;
    case GITDEV_HTTP1_END: return complete(self);
    case GITDEV_HTTP1_ERROR: return GITDEV_INTAKE_MALFORMED;
    }
    if (!good)
      return GITDEV_INTAKE_FAILED;
  }
}

gitdev_exchange *gitdev_intake_hand_over(gitdev_intake *self) {
  gitdev_exchange *exchange = self->exchange;
  self->exchange = NULL;
  return exchange;
}

bool gitdev_intake_next(gitdev_intake *self) {
  size_t left;
  gitdev_http1_rest(self->reader, &left);
  self->whole = false;
  self->begun = left > 0;
  self->ahead = 0;
  if (!left && self->taken > KEPT_MAX) {
    gitdev_http1_free(self->reader);
    self->reader = NULL;
  }
  self->taken = left;
  return left > 0;
}

const char *gitdev_intake_rest(const gitdev_intake *self, size_t *len) {
  return gitdev_http1_rest(self->reader, len);
}

void gitdev_intake_free(gitdev_intake *self) {
  gitdev_http1_free(self->reader);
  gitdev_exchange_destroy(self->exchange);
  *self = (gitdev_intake){0};
}
