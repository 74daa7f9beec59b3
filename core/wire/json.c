#include "wire/json_text.h"
#include "wire/memory.h"
#include "wire/utf8.h"

enum {
  KEYS_INLINE = 64, /* keys of all open objects, before the heap is needed */
  KEYS_PAIRWISE = 16,
};

#define TEXT_MAX    ((size_t)INT32_MAX)
#define KEY_ESCAPED 0x80000000U

/* A key of an object that is still open. Escaped ones are compared in their decoded form, which
 * lies at the same offset of `checker.decoded`. */
typedef struct key {
  uint64_t mark; /* different for most keys that differ */
  uint32_t at;   /* offset in the text */
  uint32_t len;  /* of the decoded key; KEY_ESCAPED set when it had escapes */
} key;

typedef struct level {
  bool is_object;
  size_t first_key;
} level;

typedef struct checker {
  const char *text;
  gitdev_json_cursor in;
  int depth, depth_max;
  char *decoded; /* as long as the text; made for the first key with an escape */
  key *keys;     /* inline_keys, or on the heap */
  size_t key_count, key_size;
  key inline_keys[KEYS_INLINE];
  level levels[GITDEV_JSON_DEPTH_MAX];
} checker;

static bool fail(checker *c, const char *problem) {
  return gitdev_json_fail(&c->in, problem);
}

static bool next_is(const checker *c, char expected) {
  return gitdev_json_next_is(&c->in, expected);
}

/* From the opening quote past the closing one. */
static bool check_string(checker *c, bool *escaped) {
  *escaped = false;
  c->in.at++;
  for (;;) {
    c->in.at = skip_plain(c->in.at, c->in.end);
    if (c->in.at == c->in.end)
      return fail(c, "a string that does not end");
    if (*c->in.at == '"') {
      c->in.at++;
      return true;
    }
    if (*c->in.at == '\\') {
      *escaped = true;
      if (!gitdev_json_pass_escape(&c->in))
        return false;
    } else if ((unsigned char)*c->in.at < 0x80) {
      return fail(c, "a control character in a string");
    } else {
      size_t len = gitdev_utf8_character(c->in.at, (size_t)(c->in.end - c->in.at));
      if (len == 0)
        return fail(c, "bytes that are not UTF-8");
      c->in.at += len;
    }
  }
}

/* Decodes the inside of a checked string; `out` has room for as many bytes, which always do. */
static size_t decode_all(const char *at, const char *end, char *out) {
  size_t len = 0;
  while (at < end) {
    if (*at == '\\') {
      char character[4];
      size_t size = gitdev_json_decode_escape(&at, end, character);
      memcpy(out + len, character, size);
      len += size;
    } else {
      out[len++] = *at++;
    }
  }
  return len;
}

static const char *key_bytes(const checker *c, const key *k) {
  return ((k->len & KEY_ESCAPED) != 0 ? c->decoded : c->text) + k->at;
}

static size_t key_len(const key *k) {
  return k->len & ~KEY_ESCAPED;
}

/* Orders keys: any order does, so the cheapest comparison comes first. */
static int compare(const checker *c, const key *a, const key *b) {
  if (a->mark != b->mark)
    return a->mark < b->mark ? -1 : 1;
  if (key_len(a) != key_len(b))
    return key_len(a) < key_len(b) ? -1 : 1;
  return memcmp(key_bytes(c, a), key_bytes(c, b), key_len(a));
}

/* Both ends of the key and its length, mixed; so keys that share a beginning or an end differ as
 * well. */
static uint64_t mark_of(const char *bytes, size_t len) {
  uint64_t first = 0;
  uint64_t last = 0;
  size_t part = len < sizeof first ? len : sizeof first;
  memcpy(&first, bytes, part);
  memcpy(&last, bytes + len - part, part);
  return (first * 0x9E3779B97F4A7C15U) ^ (last * 0xC2B2AE3D27D4EB4FU) ^ len;
}

static bool grow_keys(checker *c) {
  size_t size = c->key_size * 2;
  bool is_inline = c->keys == c->inline_keys;
  key *keys = gitdev_realloc(is_inline ? NULL : c->keys, size * sizeof *keys);
  if (keys == NULL)
    return fail(c, "memory is out");
  if (is_inline)
    memcpy(keys, c->inline_keys, sizeof c->inline_keys);
  c->keys = keys;
  c->key_size = size;
  return true;
}

static bool decode_key(checker *c, key *k) {
  if (c->decoded == NULL) {
    c->decoded = gitdev_malloc((size_t)(c->in.end - c->text));
    if (c->decoded == NULL)
      return fail(c, "memory is out");
  }
  const char *raw = c->text + k->at;
  k->len = (uint32_t)decode_all(raw, raw + k->len, c->decoded + k->at) | KEY_ESCAPED;
  return true;
}

static const char TWICE[] = "a key that the object already has";

/* Adds a key to the open object. The first few are compared with each other at once; with more of
 * them, all wait for check_unique(). */
static bool add_key(checker *c, key k, bool escaped) {
  size_t first = c->levels[c->depth - 1].first_key;
  if (c->key_count == c->key_size && !grow_keys(c))
    return false;
  if (escaped && !decode_key(c, &k))
    return false;
  k.mark = mark_of(key_bytes(c, &k), key_len(&k));
  if (c->key_count - first < KEYS_PAIRWISE) {
    for (size_t i = first; i < c->key_count; i++) {
      if (c->keys[i].mark == k.mark && compare(c, &c->keys[i], &k) == 0) {
        c->in.at = c->text + k.at;
        return fail(c, TWICE);
      }
    }
  }
  c->keys[c->key_count++] = k;
  return true;
}

static void sift_down(const checker *c, key *keys, size_t root, size_t count) {
  key moved = keys[root];
  for (;;) {
    size_t child = 2 * root + 1;
    if (child >= count)
      break;
    if (child + 1 < count && compare(c, &keys[child], &keys[child + 1]) < 0)
      child++;
    if (compare(c, &moved, &keys[child]) >= 0)
      break;
    keys[root] = keys[child];
    root = child;
  }
  keys[root] = moved;
}

/* Sorts the keys of a large object and looks for equal neighbours. A hash table would be quadratic
 * for whoever knows the hash, and quicksort for whoever knows the pivot; a heap has no bad case,
 * and needs no more memory. */
static bool check_unique(checker *c, key *keys, size_t count) {
  if (count <= KEYS_PAIRWISE)
    return true;
  for (size_t root = count / 2; root-- > 0;)
    sift_down(c, keys, root, count);
  for (size_t left = count - 1; left > 0; left--) {
    key greatest = keys[0];
    keys[0] = keys[left];
    keys[left] = greatest;
    sift_down(c, keys, 0, left);
    if (compare(c, &keys[0], &greatest) == 0) {
      c->in.at = c->text + (keys[0].at > greatest.at ? keys[0].at : greatest.at);
      return fail(c, TWICE);
    }
  }
  return true;
}

/* "key": */
static bool check_key(checker *c) {
  bool escaped;
  c->in.at = skip_blanks(c->in.at, c->in.end);
  if (!next_is(c, '"'))
    return fail(c, "something else where a key is due");
  const char *start = c->in.at + 1;
  if (!check_string(c, &escaped))
    return false;
  const char *after = c->in.at;
  key k = {.at = (uint32_t)(start - c->text), .len = (uint32_t)(after - 1 - start)};
  if (!add_key(c, k, escaped))
    return false;
  c->in.at = skip_blanks(after, c->in.end);
  if (!next_is(c, ':'))
    return fail(c, "something else where a colon is due");
  c->in.at++;
  return true;
}

/* At the bracket that ends the innermost array or object. */
static bool close_level(checker *c) {
  const level *top = &c->levels[c->depth - 1];
  if (top->is_object && !check_unique(c, c->keys + top->first_key, c->key_count - top->first_key))
    return false;
  c->key_count = top->first_key;
  c->depth--;
  c->in.at++;
  return true;
}

/* At an opening bracket. Leaves `*ended` false when a value of the array or object is due next. */
static bool open_level(checker *c, bool *ended) {
  if (c->depth == c->depth_max)
    return fail(c, "arrays and objects nested too deep");
  bool is_object = *c->in.at == '{';
  c->levels[c->depth++] = (level){is_object, c->key_count};
  c->in.at = skip_blanks(c->in.at + 1, c->in.end);
  *ended = next_is(c, is_object ? '}' : ']');
  if (*ended)
    return close_level(c);
  return is_object ? check_key(c) : true;
}

/* The beginning of a value, and all of it unless it is an array or object with something in it. */
static bool check_value(checker *c, bool *ended) {
  bool escaped;
  *ended = true;
  c->in.at = skip_blanks(c->in.at, c->in.end);
  if (c->in.at == c->in.end)
    return fail(c, "the text ends where a value is due");
  switch (*c->in.at) {
  case '{':
  case '[': return open_level(c, ended);
  case '"': return check_string(c, &escaped);
  case 't': return gitdev_json_pass_word(&c->in, "true");
  case 'f': return gitdev_json_pass_word(&c->in, "false");
  case 'n': return gitdev_json_pass_word(&c->in, "null");
  default:
    if (*c->in.at == '-' || is_digit(*c->in.at))
      return gitdev_json_pass_number(&c->in);
    return fail(c, "something that begins no value");
  }
}

/* What follows a value: a comma and the way to the next value, or the ends of what it was in. */
static bool check_after(checker *c) {
  while (c->depth > 0) {
    bool is_object = c->levels[c->depth - 1].is_object;
    c->in.at = skip_blanks(c->in.at, c->in.end);
    if (next_is(c, ',')) {
      c->in.at++;
      return is_object ? check_key(c) : true;
    }
    if (!next_is(c, is_object ? '}' : ']')) {
      return fail(c, is_object ? "something else where a comma or } is due"
                               : "something else where a comma or ] is due");
    }
    if (!close_level(c))
      return false;
  }
  return true;
}

static bool check_text(checker *c) {
  if (c->in.end - c->in.at >= 3 && memcmp(c->in.at, "\xEF\xBB\xBF", 3) == 0)
    return fail(c, "a byte order mark");
  if ((size_t)(c->in.end - c->in.at) > TEXT_MAX)
    return fail(c, "a text of 2 GiB or more");
  do {
    bool ended;
    if (!check_value(c, &ended) || (ended && !check_after(c)))
      return false;
  } while (c->depth > 0);
  const char *end = skip_blanks(c->in.at, c->in.end);
  if (end < c->in.end) {
    c->in.at = end;
    return fail(c, "something after the end of the value");
  }
  return true;
}

bool gitdev_json_check(gitdev_json *out, const char *text, size_t len, int depth,
                       gitdev_json_error *error) {
  checker c; /* not cleared as a whole: its arrays are large, and written before they are read */
  c.text = len > 0 ? text : "";
  c.in = (gitdev_json_cursor){c.text, c.text + len, NULL};
  c.depth = 0;
  c.depth_max = depth < 0 ? 0 : depth < GITDEV_JSON_DEPTH_MAX ? depth : GITDEV_JSON_DEPTH_MAX;
  c.decoded = NULL;
  c.keys = c.inline_keys;
  c.key_count = 0;
  c.key_size = KEYS_INLINE;
  bool is_valid = check_text(&c);
  if (c.keys != c.inline_keys)
    gitdev_free(c.keys);
  gitdev_free(c.decoded);
  if (is_valid) {
    const char *start = skip_blanks(c.text, c.in.end);
    *out = gitdev_json_at(start, (size_t)(c.in.at - start));
  } else if (error != NULL) {
    *error = (gitdev_json_error){(size_t)(c.in.at - c.text), c.in.problem};
  }
  return is_valid;
}
