#include "wire/http1_head.h"
#include "wire/memory.h"

#include <string.h>
#include <strings.h>

enum { METHOD_MAX = 16, FIELDS_FIRST = 32 };

static const gitdev_http1_fault FINE = {0, NULL};
static const gitdev_http1_fault NO_MEMORY = {500, "memory is out"};

typedef struct slice {
  const char *at;
  size_t len;
} slice;

void gitdev_http1_head_init(gitdev_http1_head *head, gitdev_http1_kind kind,
                            const gitdev_http1_limits *limits) {
  *head = (gitdev_http1_head){.kind = kind, .limits = *limits};
  gitdev_buffer_init(&head->text, limits->head_max);
  gitdev_http1_head_reset(head);
}

void gitdev_http1_head_free(gitdev_http1_head *head) {
  gitdev_buffer_wipe(&head->text); /* requests carry keys */
  gitdev_free(head->fields);
  head->fields = NULL;
  head->field_size = 0;
}

void gitdev_http1_head_reset(gitdev_http1_head *head) {
  gitdev_buffer_reset(&head->text);
  head->method_len = 0;
  head->target_len = 0;
  head->field_count = 0;
  head->message = (gitdev_message){.content_length = -1};
  head->framing = GITDEV_FRAMING_NONE;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
  char lower = (char)(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'z');
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool is_one_of(char c, const char *set) {
  return c != '\0' && strchr(set, c) != NULL;
}

static bool is_token(slice text) {
  for (size_t i = 0; i < text.len; i++)
    if (!is_alnum(text.at[i]) && !is_one_of(text.at[i], "!#$%&'*+-.^_`|~"))
      return false;
  return text.len > 0;
}

static bool is_visible(slice text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.at[i] <= ' ' || text.at[i] > '~')
      return false;
  return text.len > 0;
}

bool gitdev_http1_is_value(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if ((c < ' ' && c != '\t') || c == 0x7F)
      return false;
  }
  return true;
}

static bool equals(slice text, const char *other) {
  return text.len == strlen(other) && strncasecmp(text.at, other, text.len) == 0;
}

static slice trim(slice text) {
  while (text.len > 0 && is_blank(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

/* Takes what stands before the first `stop`, and the stop. All of it when there is none. */
static slice take_until(slice *rest, char stop) {
  const char *found = rest->len > 0 ? memchr(rest->at, stop, rest->len) : NULL;
  slice taken = {rest->at, found != NULL ? (size_t)(found - rest->at) : rest->len};
  size_t used = taken.len + (found != NULL ? 1 : 0);
  rest->at += used;
  rest->len -= used;
  return taken;
}

/* "HTTP/1.x" */
static gitdev_http1_fault read_version(gitdev_http1_head *head, slice version) {
  bool is_http = version.len == 8 && memcmp(version.at, "HTTP/", 5) == 0 &&
                 is_digit(version.at[5]) && version.at[6] == '.' && is_digit(version.at[7]);
  if (!is_http)
    return (gitdev_http1_fault){400, "the start line names no HTTP version"};
  if (version.at[5] != '1')
    return (gitdev_http1_fault){505, "the HTTP version is not 1.0 or 1.1"};
  head->message.minor_version = version.at[7] - '0';
  return FINE;
}

/* method SP target SP version */
static gitdev_http1_fault read_request_line(gitdev_http1_head *head, slice line) {
  slice method = take_until(&line, ' ');
  slice target = take_until(&line, ' ');
  if (!is_token(method))
    return (gitdev_http1_fault){400, "the request line does not begin with a method"};
  if (method.len > METHOD_MAX)
    return (gitdev_http1_fault){501, "the method is longer than any known one"};
  if (!is_visible(target))
    return (gitdev_http1_fault){400, "the request target is empty or not visible ASCII"};
  if (!gitdev_buffer_append(&head->text, method.at, method.len) ||
      !gitdev_buffer_append(&head->text, target.at, target.len))
    return NO_MEMORY;
  head->method_len = method.len;
  head->target_len = target.len;
  return read_version(head, line);
}

/* version SP 3 digits [SP reason]: the last blank is due, but many leave it out with the reason. */
static gitdev_http1_fault read_status_line(gitdev_http1_head *head, slice line) {
  gitdev_http1_fault fault = read_version(head, take_until(&line, ' '));
  if (fault.status != 0)
    return fault;
  slice code = take_until(&line, ' ');
  if (code.len != 3 || !is_digit(code.at[0]) || !is_digit(code.at[1]) || !is_digit(code.at[2]) ||
      code.at[0] < '1' || code.at[0] > '5')
    return (gitdev_http1_fault){400, "the status is not a number from 100 to 599"};
  if (!gitdev_http1_is_value(line.at, line.len))
    return (gitdev_http1_fault){400, "the reason phrase holds a control byte"};
  head->message.status = (code.at[0] - '0') * 100 + (code.at[1] - '0') * 10 + (code.at[2] - '0');
  return FINE;
}

gitdev_http1_fault gitdev_http1_head_start(gitdev_http1_head *head, const char *line, size_t len) {
  slice text = {line, len};
  return head->kind == GITDEV_HTTP1_REQUEST ? read_request_line(head, text)
                                            : read_status_line(head, text);
}

static gitdev_http1_fault split_field(slice line, slice *name, slice *value) {
  if (is_blank(line.at[0]))
    return (gitdev_http1_fault){400, "a field line is folded"};
  bool has_colon = memchr(line.at, ':', line.len) != NULL;
  *name = take_until(&line, ':');
  *value = trim(line);
  if (!has_colon || !is_token(*name))
    return (gitdev_http1_fault){400, "a field line is not a name, a colon and a value"};
  if (!gitdev_http1_is_value(value->at, value->len))
    return (gitdev_http1_fault){400, "a field value holds a control byte"};
  return FINE;
}

gitdev_http1_fault gitdev_http1_head_trailer(const char *line, size_t len) {
  slice name;
  slice value;
  return split_field((slice){line, len}, &name, &value);
}

static bool grow_fields(gitdev_http1_head *head) {
  size_t size = head->field_size > 0 ? head->field_size * 2 : FIELDS_FIRST;
  gitdev_field *fields = gitdev_realloc(head->fields, size * sizeof *fields);
  if (fields == NULL)
    return false;
  head->fields = fields;
  head->field_size = size;
  return true;
}

gitdev_http1_fault gitdev_http1_head_field(gitdev_http1_head *head, const char *line, size_t len) {
  slice name;
  slice value;
  gitdev_http1_fault fault = split_field((slice){line, len}, &name, &value);
  if (fault.status != 0)
    return fault;
  size_t count = head->field_count;
  if (count == head->limits.field_max)
    return (gitdev_http1_fault){431, "too many fields"};
  size_t start = head->text.len;
  if ((count == head->field_size && !grow_fields(head)) ||
      !gitdev_buffer_append(&head->text, name.at, name.len) ||
      !gitdev_buffer_append(&head->text, value.at, value.len))
    return NO_MEMORY;
  for (char *c = head->text.data + start; name.len > 0 && c < head->text.data + start + name.len;
       c++)
    *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
  /* The text may still move: the pointers are set at the end. */
  head->fields[count] = (gitdev_field){.name_len = name.len, .value_len = value.len};
  head->field_count = count + 1;
  return FINE;
}

static void set_pointers(gitdev_http1_head *head) {
  gitdev_message *message = &head->message;
  const char *at = head->text.data;
  message->method = at;
  message->method_len = head->method_len;
  message->target = at + head->method_len;
  message->target_len = head->target_len;
  at = message->target + head->target_len;
  for (size_t i = 0; i < head->field_count; i++) {
    gitdev_field *field = &head->fields[i];
    field->name = at;
    field->value = at + field->name_len;
    at = field->value + field->value_len;
  }
  message->fields = head->fields;
  message->field_count = head->field_count;
}

/* What the fields say about connection and body. */
typedef struct facts {
  int hosts;
  int codings;  /* Transfer-Encoding fields */
  bool chunked; /* the last of them was "chunked" */
  bool close, keep_alive, upgrade_option, upgrade, expect_continue;
} facts;

static gitdev_http1_fault note_host(gitdev_http1_head *head, facts *f, slice value) {
  (void)head;
  for (size_t i = 0; i < value.len; i++)
    if (!is_alnum(value.at[i]) && !is_one_of(value.at[i], "-._~!$&'()*+;=:[]%"))
      return (gitdev_http1_fault){400, "the Host holds bytes that no host has"};
  f->hosts++;
  return FINE;
}

static gitdev_http1_fault note_length(gitdev_http1_head *head, facts *f, slice value) {
  (void)f;
  int64_t length = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (!is_digit(value.at[i]))
      return (gitdev_http1_fault){400, "the Content-Length is not a number"};
    if (length > (INT64_MAX - 9) / 10)
      return (gitdev_http1_fault){413, "the Content-Length is too large"};
    length = length * 10 + (value.at[i] - '0');
  }
  int64_t before = head->message.content_length;
  if (value.len == 0 || (before >= 0 && before != length))
    return (gitdev_http1_fault){400, "the Content-Length is empty, or differs from another one"};
  head->message.content_length = length;
  return FINE;
}

static gitdev_http1_fault note_coding(gitdev_http1_head *head, facts *f, slice value) {
  (void)head;
  f->codings++;
  f->chunked = equals(value, "chunked");
  return FINE;
}

static gitdev_http1_fault note_connection(gitdev_http1_head *head, facts *f, slice value) {
  (void)head;
  while (value.len > 0) {
    slice option = trim(take_until(&value, ','));
    f->close = f->close || equals(option, "close");
    f->keep_alive = f->keep_alive || equals(option, "keep-alive");
    f->upgrade_option = f->upgrade_option || equals(option, "upgrade");
  }
  return FINE;
}

static gitdev_http1_fault note_upgrade(gitdev_http1_head *head, facts *f, slice value) {
  (void)head;
  f->upgrade = f->upgrade || value.len > 0;
  return FINE;
}

static gitdev_http1_fault note_expect(gitdev_http1_head *head, facts *f, slice value) {
  (void)head;
  f->expect_continue = f->expect_continue || equals(value, "100-continue");
  return FINE;
}

static gitdev_http1_fault note_fields(gitdev_http1_head *head, facts *f) {
  static const struct {
    const char *name;
    gitdev_http1_fault (*note)(gitdev_http1_head *head, facts *f, slice value);
  } notes[] = {
      {"host", note_host},
      {"content-length", note_length},
      {"transfer-encoding", note_coding},
      {"upgrade", note_upgrade},
      {"connection", note_connection},
      {"expect", note_expect},
  };
  gitdev_http1_fault fault = FINE;
  for (size_t i = 0; i < head->field_count; i++) {
    const gitdev_field *field = &head->fields[i];
    for (size_t n = 0; n < sizeof notes / sizeof *notes && fault.status == 0; n++)
      if (equals((slice){field->name, field->name_len}, notes[n].name))
        fault = notes[n].note(head, f, (slice){field->value, field->value_len});
  }
  return fault;
}

static bool has_no_body(const gitdev_message *message, bool no_body) {
  return no_body || message->status < 200 || message->status == 204 || message->status == 304;
}

static gitdev_http1_fault choose_framing(gitdev_http1_head *head, const facts *f, bool no_body) {
  gitdev_message *message = &head->message;
  bool is_response = head->kind == GITDEV_HTTP1_RESPONSE;
  if (is_response && has_no_body(message, no_body)) {
    message->content_length = -1;
    return FINE;
  }
  if (f->codings == 0) {
    head->framing = message->content_length >= 0 ? GITDEV_FRAMING_LENGTH
                    : is_response                ? GITDEV_FRAMING_CLOSE
                                                 : GITDEV_FRAMING_NONE;
    if (message->content_length >= 0 && (uint64_t)message->content_length > head->limits.body_max)
      return (gitdev_http1_fault){413, "the body is too large"};
    return FINE;
  }
  if (message->content_length >= 0)
    return (gitdev_http1_fault){400, "a Content-Length stands beside a Transfer-Encoding"};
  if (message->minor_version == 0)
    return (gitdev_http1_fault){400, "HTTP/1.0 has no Transfer-Encoding"};
  if (f->codings > 1 || !f->chunked)
    return (gitdev_http1_fault){501, "the Transfer-Encoding is not a single chunked"};
  head->framing = GITDEV_FRAMING_CHUNKED;
  return FINE;
}

static void set_connection(gitdev_http1_head *head, const facts *f) {
  gitdev_message *message = &head->message;
  bool is_http11 = message->minor_version > 0;
  bool has_body = head->framing != GITDEV_FRAMING_NONE && message->content_length != 0;
  bool is_request = head->kind == GITDEV_HTTP1_REQUEST;
  message->keep_alive =
      !f->close && (is_http11 || f->keep_alive) && head->framing != GITDEV_FRAMING_CLOSE;
  message->upgrade =
      is_http11 && f->upgrade_option && f->upgrade && (is_request || message->status == 101);
  message->expect_continue = is_http11 && is_request && f->expect_continue && has_body;
}

gitdev_http1_fault gitdev_http1_head_finish(gitdev_http1_head *head, bool no_body) {
  facts f = {0};
  set_pointers(head);
  gitdev_http1_fault fault = note_fields(head, &f);
  if (fault.status != 0)
    return fault;
  if (head->kind == GITDEV_HTTP1_REQUEST &&
      (f.hosts > 1 || (f.hosts == 0 && head->message.minor_version > 0)))
    return (gitdev_http1_fault){400, "the request does not have exactly one Host"};
  fault = choose_framing(head, &f, no_body);
  if (fault.status == 0)
    set_connection(head, &f);
  return fault;
}
