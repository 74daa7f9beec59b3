#include "wire/http1.h"
#include "wire/http1_head.h"
#include "wire/memory.h"

#include <string.h>

enum {
  CHUNK_LINE_MAX = 256, /* a chunk size with its extensions */
  CHUNK_DIGITS_MAX = 15,
};

typedef enum reader_state {
  AT_START, /* before a start line */
  IN_FIELDS,
  IN_LENGTH,   /* in a body of `left` more bytes */
  IN_CLOSE,    /* in a body that ends with the connection */
  AT_CHUNK,    /* before a chunk size */
  IN_CHUNK,    /* in a chunk of `left` more bytes */
  AFTER_CHUNK, /* before the line end that follows a chunk */
  IN_TRAILERS,
  AT_END,    /* END is due */
  AFTER_END, /* END was told: the next pull forgets the message */
  SWITCHED,  /* after 101: the bytes are another protocol's */
  FAILED,
} reader_state;

struct gitdev_http1 {
  gitdev_http1_limits limits;
  reader_state state;
  bool is_request, no_body, eof;
  bool skipped_line; /* the one empty line that may precede a request */

  gitdev_buffer in; /* what was fed; it has been read up to `at` */
  size_t at;
  size_t scanned; /* so many bytes from `at` hold no line end: a slow sender costs no second look */

  gitdev_http1_head head;
  size_t head_len; /* bytes of head, later of trailers, on the wire */
  size_t trailers;
  size_t extensions; /* bytes of chunk extensions */

  uint64_t left;     /* of the body or the chunk */
  uint64_t received; /* bytes of body */
  const char *piece;
  size_t piece_len;
  gitdev_http1_fault fault;
};

typedef struct slice {
  const char *at;
  size_t len;
} slice;

gitdev_http1 *gitdev_http1_new(gitdev_http1_kind kind, const gitdev_http1_limits *limits) {
  gitdev_http1 *reader = gitdev_calloc(1, sizeof *reader);
  if (reader != NULL) {
    reader->limits = *limits;
    reader->is_request = kind == GITDEV_HTTP1_REQUEST;
    gitdev_buffer_init(&reader->in, GITDEV_HTTP1_UNREAD_MAX);
    gitdev_http1_head_init(&reader->head, kind, limits);
  }
  return reader;
}

void gitdev_http1_free(gitdev_http1 *reader) {
  if (reader != NULL) {
    gitdev_buffer_wipe(&reader->in); /* requests carry keys */
    gitdev_http1_head_free(&reader->head);
    gitdev_free(reader);
  }
}

static void set_fault(gitdev_http1 *reader, int status, const char *problem) {
  reader->state = FAILED;
  reader->fault = (gitdev_http1_fault){status, problem};
}

bool gitdev_http1_feed(gitdev_http1 *reader, const char *bytes, size_t len) {
  if (reader->state == FAILED || reader->eof)
    return false;
  /* Moved only when at least as much was read as is left to move: so no byte is moved often. */
  if (reader->at >= reader->in.len - reader->at) {
    gitdev_buffer_consume(&reader->in, reader->at);
    reader->at = 0;
  }
  if (!gitdev_buffer_append(&reader->in, bytes, len)) {
    set_fault(reader, 500, "memory is out, or far more was fed than was pulled");
    return false;
  }
  return true;
}

void gitdev_http1_eof(gitdev_http1 *reader) {
  reader->eof = true;
}

void gitdev_http1_no_body(gitdev_http1 *reader) {
  reader->no_body = true;
}

/* The steps of gitdev_http1_pull(): each does one thing. True when there is an event to report. */

static bool failed(gitdev_http1 *reader, gitdev_http1_event *event, int status,
                   const char *problem) {
  set_fault(reader, status, problem);
  *event = GITDEV_HTTP1_ERROR;
  return true;
}

static bool failed_by(gitdev_http1 *reader, gitdev_http1_event *event, gitdev_http1_fault fault) {
  return failed(reader, event, fault.status, fault.problem);
}

/* There is not enough to go on. */
static bool need(gitdev_http1 *reader, gitdev_http1_event *event) {
  bool is_between = reader->state == AT_START && reader->at == reader->in.len;
  if (reader->eof && !is_between)
    return failed(reader, event, 400, "the connection was closed in the middle of a message");
  *event = GITDEV_HTTP1_NEED;
  return true;
}

typedef enum line_status { LINE_TAKEN, LINE_UNFINISHED, LINE_TOO_LONG, LINE_BARE } line_status;

/* Takes a line of at most `max` bytes, CRLF included, which `line` leaves out. */
static line_status take_line(gitdev_http1 *reader, size_t max, slice *line) {
  const char *start = reader->in.data + reader->at;
  size_t have = reader->in.len - reader->at;
  const char *end = memchr(start + reader->scanned, '\n', have - reader->scanned);
  size_t len = end != NULL ? (size_t)(end - start) + 1 : have;
  if (len > max)
    return LINE_TOO_LONG;
  if (end == NULL) {
    reader->scanned = have;
    return LINE_UNFINISHED;
  }
  if (len < 2 || start[len - 2] != '\r')
    return LINE_BARE;
  *line = (slice){start, len - 2};
  reader->at += len;
  reader->scanned = 0;
  return LINE_TAKEN;
}

/* Takes a line of the head or the trailers. True, with an event, when there is none to work on. */
static bool no_head_line(gitdev_http1 *reader, slice *line, gitdev_http1_event *event) {
  switch (take_line(reader, reader->limits.head_max - reader->head_len, line)) {
  case LINE_TAKEN: return false;
  case LINE_UNFINISHED: return need(reader, event);
  case LINE_BARE: return failed(reader, event, 400, "a line does not end in CRLF");
  default: break;
  }
  bool is_target = reader->is_request && reader->state == AT_START;
  return is_target ? failed(reader, event, 414, "the request target is too long")
                   : failed(reader, event, 431, "the head is too long");
}

static bool read_start_line(gitdev_http1 *reader, gitdev_http1_event *event) {
  slice line;
  if (no_head_line(reader, &line, event))
    return true;
  if (line.len == 0 && reader->is_request && !reader->skipped_line) {
    reader->skipped_line = true;
    return false;
  }
  reader->head_len = line.len + 2;
  reader->state = IN_FIELDS;
  gitdev_http1_fault fault = gitdev_http1_head_start(&reader->head, line.at, line.len);
  return fault.status != 0 && failed_by(reader, event, fault);
}

static void begin_body(gitdev_http1 *reader) {
  const gitdev_message *message = &reader->head.message;
  switch (reader->head.framing) {
  case GITDEV_FRAMING_LENGTH:
    reader->left = (uint64_t)message->content_length;
    reader->state = reader->left > 0 ? IN_LENGTH : AT_END;
    break;
  case GITDEV_FRAMING_CHUNKED: reader->state = AT_CHUNK; break;
  case GITDEV_FRAMING_CLOSE: reader->state = IN_CLOSE; break;
  default: reader->state = AT_END; break;
  }
  /* After 100 or 103 the answer that has no body is yet to come. */
  reader->no_body = reader->no_body && message->status < 200 && !reader->is_request;
}

static bool read_field(gitdev_http1 *reader, gitdev_http1_event *event) {
  slice line;
  if (no_head_line(reader, &line, event))
    return true;
  reader->head_len += line.len + 2;
  if (line.len > 0) {
    gitdev_http1_fault fault = gitdev_http1_head_field(&reader->head, line.at, line.len);
    return fault.status != 0 && failed_by(reader, event, fault);
  }
  gitdev_http1_fault fault = gitdev_http1_head_finish(&reader->head, reader->no_body);
  if (fault.status != 0)
    return failed_by(reader, event, fault);
  begin_body(reader);
  *event = GITDEV_HTTP1_HEAD;
  return true;
}

/* Reports up to `max` bytes of body. False when there are none. */
static bool take_piece(gitdev_http1 *reader, uint64_t max, gitdev_http1_event *event) {
  size_t have = reader->in.len - reader->at;
  reader->piece = reader->in.data + reader->at;
  reader->piece_len = have < max ? have : (size_t)max;
  reader->at += reader->piece_len;
  reader->received += reader->piece_len;
  *event = GITDEV_HTTP1_DATA;
  return reader->piece_len > 0;
}

static bool read_counted(gitdev_http1 *reader, reader_state after, gitdev_http1_event *event) {
  if (!take_piece(reader, reader->left, event))
    return need(reader, event);
  reader->left -= reader->piece_len;
  if (reader->left == 0)
    reader->state = after;
  return true;
}

static bool read_until_close(gitdev_http1 *reader, gitdev_http1_event *event) {
  if (take_piece(reader, reader->limits.body_max - reader->received, event))
    return true;
  if (reader->at < reader->in.len)
    return failed(reader, event, 413, "the body is too large");
  if (reader->eof) {
    reader->state = AT_END;
    return false;
  }
  return need(reader, event);
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static size_t skip_blanks(slice line, size_t at) {
  while (at < line.len && (line.at[at] == ' ' || line.at[at] == '\t'))
    at++;
  return at;
}

/* size [blanks ";" extensions]: a receiver must bear with those blanks (RFC 9112 7.1.1, RFC 9110
 * 5.6.3). Returns the length of the size, 0 when it is none. */
static size_t parse_chunk_size(slice line, uint64_t *size) {
  size_t digits = 0;
  *size = 0;
  while (digits < line.len && digits < CHUNK_DIGITS_MAX && hex_value(line.at[digits]) >= 0)
    *size = *size * 16 + (uint64_t)hex_value(line.at[digits++]);
  size_t after = skip_blanks(line, digits);
  bool is_whole = digits == line.len || (after < line.len && line.at[after] == ';');
  return is_whole && gitdev_http1_is_value(line.at, line.len) ? digits : 0;
}

static bool read_chunk_size(gitdev_http1 *reader, gitdev_http1_event *event) {
  slice line;
  switch (take_line(reader, CHUNK_LINE_MAX, &line)) {
  case LINE_TAKEN: break;
  case LINE_UNFINISHED: return need(reader, event);
  default: return failed(reader, event, 400, "a chunk size is too long or does not end in CRLF");
  }
  size_t digits = parse_chunk_size(line, &reader->left);
  if (digits == 0)
    return failed(reader, event, 400, "a chunk size is not a hexadecimal number");
  reader->extensions += line.len - digits;
  if (reader->extensions > reader->limits.head_max)
    return failed(reader, event, 400, "too many chunk extensions");
  if (reader->left > reader->limits.body_max - reader->received)
    return failed(reader, event, 413, "the body is too large");
  reader->state = reader->left > 0 ? IN_CHUNK : IN_TRAILERS;
  reader->head_len = 0;
  return false;
}

static bool read_chunk_end(gitdev_http1 *reader, gitdev_http1_event *event) {
  slice line;
  switch (take_line(reader, 2, &line)) {
  case LINE_TAKEN: reader->state = AT_CHUNK; return false;
  case LINE_UNFINISHED: return need(reader, event);
  default: return failed(reader, event, 400, "a chunk is longer than its size");
  }
}

static bool read_trailer(gitdev_http1 *reader, gitdev_http1_event *event) {
  slice line;
  if (no_head_line(reader, &line, event))
    return true;
  if (line.len == 0) {
    reader->state = AT_END;
    return false;
  }
  reader->head_len += line.len + 2;
  if (reader->trailers++ == reader->limits.field_max)
    return failed(reader, event, 431, "too many trailers");
  gitdev_http1_fault fault = gitdev_http1_head_trailer(line.at, line.len);
  return fault.status != 0 && failed_by(reader, event, fault);
}

static bool end_message(gitdev_http1 *reader, gitdev_http1_event *event) {
  reader->state = reader->head.message.status == 101 ? SWITCHED : AFTER_END;
  *event = GITDEV_HTTP1_END;
  return true;
}

static bool forget_message(gitdev_http1 *reader) {
  gitdev_http1_head_reset(&reader->head);
  reader->head_len = reader->trailers = reader->extensions = 0;
  reader->left = reader->received = 0;
  reader->skipped_line = false;
  reader->state = AT_START;
  return false;
}

static bool step(gitdev_http1 *reader, gitdev_http1_event *event) {
  switch (reader->state) {
  case AT_START: return read_start_line(reader, event);
  case IN_FIELDS: return read_field(reader, event);
  case IN_LENGTH: return read_counted(reader, AT_END, event);
  case IN_CLOSE: return read_until_close(reader, event);
  case AT_CHUNK: return read_chunk_size(reader, event);
  case IN_CHUNK: return read_counted(reader, AFTER_CHUNK, event);
  case AFTER_CHUNK: return read_chunk_end(reader, event);
  case IN_TRAILERS: return read_trailer(reader, event);
  case AT_END: return end_message(reader, event);
  case AFTER_END: return forget_message(reader);
  case SWITCHED: *event = GITDEV_HTTP1_NEED; return true;
  default: *event = GITDEV_HTTP1_ERROR; return true;
  }
}

gitdev_http1_event gitdev_http1_pull(gitdev_http1 *reader) {
  gitdev_http1_event event = GITDEV_HTTP1_NEED;
  reader->piece = NULL;
  reader->piece_len = 0;
  while (!step(reader, &event)) {
  }
  return event;
}

const gitdev_message *gitdev_http1_message(const gitdev_http1 *reader) {
  return &reader->head.message;
}

const gitdev_field *gitdev_http1_field(const gitdev_http1 *reader, const char *lower_name) {
  const gitdev_message *message = &reader->head.message;
  size_t len = strlen(lower_name);
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    if (field->name_len == len && memcmp(field->name, lower_name, len) == 0)
      return field;
  }
  return NULL;
}

const char *gitdev_http1_piece(const gitdev_http1 *reader, size_t *len) {
  *len = reader->piece_len;
  return reader->piece != NULL ? reader->piece : "";
}

int gitdev_http1_error_status(const gitdev_http1 *reader) {
  return reader->fault.status;
}

const char *gitdev_http1_problem(const gitdev_http1 *reader) {
  return reader->fault.problem != NULL ? reader->fault.problem : "";
}

const char *gitdev_http1_rest(const gitdev_http1 *reader, size_t *len) {
  *len = reader->in.len - reader->at;
  return reader->in.data + reader->at;
}
