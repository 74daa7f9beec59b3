#include "call/error.h"
#include "policy/key.h"
#include "wire/json.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool gitdev_is_success(int status) {
  return (status >= 200 && status <= 299) || status == 304;
}

const char *gitdev_error_set(gitdev_error_text *text, const char *type, const char *code,
                             const char *format, ...) {
  if (!text)
    return type;
  snprintf(text->code, sizeof text->code, "%s", code);
  text->param[0] = '\0';
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text->message, sizeof text->message, format, arguments);
  va_end(arguments);
  text->message[gitdev_redact(text->message, strlen(text->message))] = '\0';
  return type;
}

/* The contract's types, so that an answer's own word can be pointed to for as long as a static
 * string lives. */
static const char *const TYPES[] = {
    "invalid_request_error", "authentication_error", "permission_error", "conflict_error",
    "idempotency_error",     "rate_limit_error",     "api_error",
};

/* What the status alone says, for answers of proxies and for types that this version does not know.
 */
static const char *type_of_status(int status) {
  switch (status) {
  case 401: return "authentication_error";
  case 403: return "permission_error";
  case 409: return "conflict_error";
  case 429: return "rate_limit_error";
  default: break;
  }
  if (status >= 400 && status <= 499)
    return "invalid_request_error";
  return status >= 500 && status <= 599 ? "api_error" : "response_error";
}

static bool read_member(const gitdev_json *object, const char *name, char *out, size_t cap) {
  gitdev_json value;
  out[0] = '\0';
  return gitdev_json_member(object, name, strlen(name), &value) &&
         gitdev_json_string(&value, out, cap) >= 0;
}

/* A message becomes one line of a log or a terminal: control bytes in it would be somebody else's
 * commands. */
static void tidy(char *message) {
  for (char *p = message; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f)
      *p = ' ';
  message[gitdev_redact(message, strlen(message))] = '\0';
}

static const char *type_of_body(const gitdev_json *error, int status) {
  char name[64];
  if (read_member(error, "type", name, sizeof name))
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
      if (strcmp(name, TYPES[i]) == 0)
        return TYPES[i];
  return type_of_status(status);
}

const char *gitdev_error_from_response(gitdev_error_text *text, const gitdev_response *response) {
  const gitdev_buffer *body = &response->body;
  const char *type = type_of_status(response->status);
  gitdev_json root, error;
  bool judged = text && strcmp(type, "response_error") != 0 &&
                gitdev_json_check(&root, body->data, body->len, GITDEV_JSON_DEPTH_MAX, NULL) &&
                gitdev_json_member(&root, "error", 5, &error) && error.kind == GITDEV_JSON_OBJECT;
  if (judged && read_member(&error, "message", text->message, sizeof text->message)) {
    read_member(&error, "code", text->code, sizeof text->code);
    read_member(&error, "param", text->param, sizeof text->param);
    tidy(text->message);
    tidy(text->code);
    tidy(text->param);
    return type_of_body(&error, response->status);
  }
  if (strcmp(type, "response_error") == 0)
    return gitdev_error_set(text, type, "unexpected_status",
                            "the server answered with status %d, which the API never uses%s",
                            response->status,
                            response->status / 100 == 3 ? "; redirects are not followed" : "");
  return gitdev_error_set(text, type, "",
                          "the server answered with status %d and no error of the API; a proxy "
                          "in between may have made this answer",
                          response->status);
}

const char *gitdev_error_from_outcome(gitdev_error_text *text, const gitdev_outcome *outcome,
                                      const char *origin) {
  const char *words = outcome->message ? outcome->message : "";
  switch (outcome->kind) {
  case GITDEV_FAILED_UNSENT:
    return gitdev_error_set(text, "connection_error", "not_connected", "%s cannot be reached: %s",
                            origin, words);
  case GITDEV_FAILED_SENT:
    return gitdev_error_set(text, "connection_error", "connection_lost",
                            "the connection to %s ended before a whole answer came: %s", origin,
                            words);
  case GITDEV_FAILED_TRUST:
    return gitdev_error_set(text, "connection_error", "certificate_not_trusted",
                            "the certificate of %s is not trusted: %s", origin, words);
  case GITDEV_FAILED_PROXY_TRUST:
    return gitdev_error_set(text, "connection_error", "certificate_not_trusted",
                            "the certificate of the proxy on the way to %s is not trusted: %s",
                            origin, words);
  case GITDEV_FAILED_ANSWER:
    return gitdev_error_set(text, "response_error", "malformed_response",
                            "the answer of %s is malformed or too large: %s", origin, words);
  case GITDEV_TIMED_OUT:
    return gitdev_error_set(text, "timeout_error", "try_timeout", "%s did not answer in time: %s",
                            origin, words);
  case GITDEV_FAILED_LOCAL:
  case GITDEV_COMPLETE: break;
  }
  return gitdev_error_set(text, "config_error", "transport", "the request could not be made: %s",
                          words);
}
