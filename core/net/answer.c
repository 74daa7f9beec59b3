#include "net/answer.h"

static const char *reason(int status) {
  static const struct {
    int status;
    const char *text;
  } reasons[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].text;
  return "";
}

void gitdev_answer_write(gitdev_buffer *out, const gitdev_answer *answer) {
  bool bodiless = answer->status == 204 || answer->status == 304;
  gitdev_buffer_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, reason(answer->status));
  /* RFC 9110 8.6: not in a 204; a 304 would have to give the length of the 200. */
  if (!bodiless)
    gitdev_buffer_printf(out, "Content-Length: %zu\r\n", answer->body_len);
  if (answer->last)
    gitdev_buffer_puts(out, "Connection: close\r\n");
  else if (answer->to_old)
    gitdev_buffer_puts(out, "Connection: keep-alive\r\n");
  gitdev_buffer_append(out, answer->fields, answer->fields_len);
  gitdev_buffer_puts(out, "\r\n");
  if (!bodiless && !answer->to_head)
    gitdev_buffer_append(out, answer->body, answer->body_len);
}

void gitdev_answer_switch(gitdev_buffer *out, const char *accept, const char *protocol,
                          const char *fields, size_t fields_len) {
  gitdev_buffer_printf(out,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                       accept);
  if (protocol)
    gitdev_buffer_printf(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
  gitdev_buffer_append(out, fields, fields_len);
  gitdev_buffer_puts(out, "\r\n");
}
