/* The tokens of JSON, as RFC 8259 has them. */
#include "wire/json_text.h"

bool gitdev_json_pass_escape(gitdev_json_cursor *in) {
  const char *at = in->at + 1;
  if (at < in->end && *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL) {
    in->at += 2;
    return true;
  }
  int unit = at < in->end && *at == 'u' ? gitdev_json_hex4(at + 1, in->end) : -1;
  if (unit < 0)
    return gitdev_json_fail(in, "an escape that JSON does not have");
  at += 5;
  if (is_high_surrogate(unit)) {
    bool is_pair = in->end - at >= 6 && at[0] == '\\' && at[1] == 'u';
    unit = is_pair && is_low_surrogate(gitdev_json_hex4(at + 2, in->end)) ? 0 : unit;
    at += 6;
  }
  if (is_high_surrogate(unit) || is_low_surrogate(unit))
    return gitdev_json_fail(in, "a lone surrogate");
  in->at = at;
  return true;
}

static bool pass_digits(gitdev_json_cursor *in) {
  if (in->at == in->end || !is_digit(*in->at))
    return gitdev_json_fail(in, "a number without a digit where one is due");
  while (in->at < in->end && is_digit(*in->at))
    in->at++;
  return true;
}

bool gitdev_json_pass_number(gitdev_json_cursor *in) {
  in->at += gitdev_json_next_is(in, '-');
  if (gitdev_json_next_is(in, '0')) {
    in->at++;
    if (in->at < in->end && is_digit(*in->at))
      return gitdev_json_fail(in, "a number that begins with 0");
  } else if (!pass_digits(in)) {
    return false;
  }
  if (gitdev_json_next_is(in, '.')) {
    in->at++;
    if (!pass_digits(in))
      return false;
  }
  if (gitdev_json_next_is(in, 'e') || gitdev_json_next_is(in, 'E')) {
    in->at++;
    in->at += gitdev_json_next_is(in, '+') || gitdev_json_next_is(in, '-');
    return pass_digits(in);
  }
  return true;
}

size_t gitdev_json_escape(unsigned char byte, char out[GITDEV_JSON_ESCAPE_MAX]) {
  static const char digits[] = "0123456789abcdef", names[] = "btnvfr";
  out[0] = '\\';
  if (byte == '"' || byte == '\\') {
    out[1] = (char)byte;
    return 2;
  }
  if (byte >= '\b' && byte <= '\r' && byte != '\v') {
    out[1] = names[byte - '\b'];
    return 2;
  }
  memcpy(out + 1, "u00", 3);
  out[4] = digits[byte >> 4];
  out[5] = digits[byte & 15];
  return 6;
}
