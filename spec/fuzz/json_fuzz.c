/* A text that was accepted can be walked: every value lies within it and is itself accepted, every
 * member is found by its name, every element by its index, every string decodes. One that was not
 * has an error within it. */
#include "fuzz.h"
#include "wire/json.h"

#include <string.h>

enum { NAME_MAX_LEN = 64, DEPTH = 12 };

static void require_value(const gitdev_json *value, const char *text, size_t size);

static void require_string(const gitdev_json *value) {
  char cut[8];
  ptrdiff_t len = gitdev_json_string(value, NULL, 0);
  REQUIRE(len >= 0 && (size_t)len <= value->len - 2);
  char *out = malloc((size_t)len + 1);
  REQUIRE(out != NULL);
  REQUIRE(gitdev_json_string(value, out, (size_t)len + 1) == len);
  REQUIRE(out[len] == '\0');
  REQUIRE(gitdev_json_string(value, cut, sizeof cut) == len);
  size_t kept = (size_t)len < sizeof cut ? (size_t)len : strnlen(cut, sizeof cut - 1);
  REQUIRE(memcmp(cut, out, kept) == 0);
  free(out);
}

static void require_member(const gitdev_json *object, const gitdev_json *name,
                           const gitdev_json *value) {
  char text[NAME_MAX_LEN];
  gitdev_json found;
  ptrdiff_t len = gitdev_json_string(name, text, sizeof text);
  REQUIRE(name->kind == GITDEV_JSON_STRING && len >= 0);
  if ((size_t)len < sizeof text) {
    REQUIRE(gitdev_json_member(object, text, (size_t)len, &found));
    REQUIRE(found.text == value->text && found.len == value->len);
  }
}

static void require_container(const gitdev_json *container, const char *text, size_t size) {
  gitdev_json_walk walk;
  gitdev_json name;
  gitdev_json value;
  gitdev_json found;
  size_t count = 0;
  gitdev_json_walk_begin(&walk, container);
  for (; gitdev_json_walk_next(&walk, &name, &value); count++) {
    REQUIRE(value.text > container->text &&
            value.text + value.len < container->text + container->len);
    require_value(&value, text, size);
    if (container->kind == GITDEV_JSON_OBJECT) {
      require_value(&name, text, size);
      require_member(container, &name, &value);
    } else if (count < 100) {
      REQUIRE(gitdev_json_element(container, count, &found) && found.text == value.text);
    }
  }
  REQUIRE(!gitdev_json_element(container, count, &found));
}

static void require_value(const gitdev_json *value, const char *text, size_t size) {
  gitdev_json again;
  double number;
  REQUIRE(value->text >= text && value->len > 0 && value->text + value->len <= text + size);
  REQUIRE(gitdev_json_check(&again, value->text, value->len, DEPTH, NULL));
  REQUIRE(again.kind == value->kind && again.text == value->text && again.len == value->len);
  REQUIRE((gitdev_json_string(value, NULL, 0) >= 0) == (value->kind == GITDEV_JSON_STRING));
  REQUIRE(!gitdev_json_number(value, &number) || value->kind == GITDEV_JSON_NUMBER);
  if (value->kind == GITDEV_JSON_STRING)
    require_string(value);
  require_container(value, text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  gitdev_json value;
  gitdev_json_error error = {SIZE_MAX, NULL};
  if (size > 4096)
    return 0;
  if (gitdev_json_check(&value, text, size, DEPTH, &error))
    require_value(&value, text, size);
  else
    REQUIRE(error.offset <= size && error.problem != NULL);
  return 0;
}
