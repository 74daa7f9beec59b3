#include "wire/buffer.h"
#include "wire/json.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s) s, sizeof(s) - 1

/* Checks a copy of just these bytes, so that the sanitizer sees a read past them; then the copy
 * goes on to live in *copy, which the caller frees. */
static bool check(gitdev_json *out, char **copy, const char *text, size_t len, int depth,
                  gitdev_json_error *error) {
  *copy = malloc(len > 0 ? len : 1);
  assert_non_null(*copy);
  memcpy(*copy, text, len);
  return gitdev_json_check(out, *copy, len, depth, error);
}

static const struct {
  const char *text;
  size_t len;
  gitdev_json_kind kind;
} VALID[] = {
    {TEXT("null"), GITDEV_JSON_NULL},
    {TEXT("true"), GITDEV_JSON_TRUE},
    {TEXT("false"), GITDEV_JSON_FALSE},
    {TEXT(" \t\r\n0 \n"), GITDEV_JSON_NUMBER},
    {TEXT("-0"), GITDEV_JSON_NUMBER},
    {TEXT("-0.0e-0"), GITDEV_JSON_NUMBER},
    {TEXT("120.5E+3"), GITDEV_JSON_NUMBER},
    {TEXT("1e999"), GITDEV_JSON_NUMBER},
    {TEXT("\"\""), GITDEV_JSON_STRING},
    {TEXT("\"\x7f\""), GITDEV_JSON_STRING},
    {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\udd1e\""), GITDEV_JSON_STRING},
    {TEXT("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4"
          "\x8f\xbf\xbf\""),
     GITDEV_JSON_STRING},
    {TEXT("[]"), GITDEV_JSON_ARRAY},
    {TEXT("[ ]"), GITDEV_JSON_ARRAY},
    {TEXT("[[],[[]],{}]"), GITDEV_JSON_ARRAY},
    {TEXT("[1, \"a\" ,null,true,false,[],{}]"), GITDEV_JSON_ARRAY},
    {TEXT("{}"), GITDEV_JSON_OBJECT},
    {TEXT("{ }"), GITDEV_JSON_OBJECT},
    {TEXT("{\"a\":1,\"A\":2,\"\":3,\" \":4}"), GITDEV_JSON_OBJECT},
    {TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}"), GITDEV_JSON_OBJECT},
    {TEXT("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"), GITDEV_JSON_OBJECT},
    {TEXT("{\"\\u0061\":1,\"\\u0062\":2,\"c\":3}"), GITDEV_JSON_OBJECT},
    {TEXT("{\"aaaaaaaa\":1,\"aaaaaaab\":2,\"aaaaaaaaaaaaaaaaaaaa1aaaaaaaaaaaaaaaaaaaa\":3,"
          "\"aaaaaaaaaaaaaaaaaaaa2aaaaaaaaaaaaaaaaaaaa\":4}"),
     GITDEV_JSON_OBJECT},
};

static void accepts_what_is_json(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof VALID / sizeof *VALID; i++) {
    gitdev_json value;
    gitdev_json_error error;
    char *copy;
    if (!check(&value, &copy, VALID[i].text, VALID[i].len, 64, &error))
      fail_msg("%s: %s at %zu", VALID[i].text, error.problem, error.offset);
    assert_int_equal(value.kind, VALID[i].kind);
    free(copy);
  }
}

static const struct {
  const char *text;
  size_t len, offset;
  const char *problem;
} INVALID[] = {
    {TEXT(""), 0, "ends where a value"},
    {TEXT("  "), 2, "ends where a value"},
    {TEXT("\xef\xbb\xbf{}"), 0, "byte order mark"},
    {TEXT("nul"), 0, "not true, false or null"},
    {TEXT("nulL"), 0, "not true, false or null"},
    {TEXT("truetrue"), 4, "after the end"},
    {TEXT("{} {}"), 3, "after the end"},
    {TEXT("[]]"), 2, "after the end"},
    {TEXT("1\0"), 1, "after the end"},
    {TEXT("\0"), 0, "begins no value"},
    {TEXT("NaN"), 0, "begins no value"},
    {TEXT("Infinity"), 0, "begins no value"},
    {TEXT("'a'"), 0, "begins no value"},
    {TEXT("+1"), 0, "begins no value"},
    {TEXT(".5"), 0, "begins no value"},
    {TEXT("/**/1"), 0, "begins no value"},
    {TEXT("01"), 1, "begins with 0"},
    {TEXT("-01"), 2, "begins with 0"},
    {TEXT("-"), 1, "without a digit"},
    {TEXT("-a"), 1, "without a digit"},
    {TEXT("1."), 2, "without a digit"},
    {TEXT("1.e5"), 2, "without a digit"},
    {TEXT("1e"), 2, "without a digit"},
    {TEXT("1e+"), 3, "without a digit"},
    {TEXT("0x1F"), 1, "after the end"},
    {TEXT("1_000"), 1, "after the end"},
    {TEXT("\""), 1, "does not end"},
    {TEXT("\"abcdefghijk"), 12, "does not end"},
    {TEXT("\"\\\""), 3, "does not end"},
    {TEXT("\"\\"), 1, "escape"},
    {TEXT("\"\\x41\""), 1, "escape"},
    {TEXT("\"\\'\""), 1, "escape"},
    {TEXT("\"\\\0\""), 1, "escape"},
    {TEXT("\"\\U0041\""), 1, "escape"},
    {TEXT("\"\\u004"), 1, "escape"},
    {TEXT("\"\\u004g\""), 1, "escape"},
    {TEXT("\"\\ud800\""), 1, "lone surrogate"},
    {TEXT("\"a\\udc00\""), 2, "lone surrogate"},
    {TEXT("\"\\ud800\\ud800\""), 1, "lone surrogate"},
    {TEXT("\"\\ud800\\n\""), 1, "lone surrogate"},
    {TEXT("\"\\ud800\\u00"), 1, "lone surrogate"},
    {TEXT("\"\\ud800x\\udc00\""), 1, "lone surrogate"},
    {TEXT("\"\\ud800"), 1, "lone surrogate"},
    {TEXT("\"a\nb\""), 2, "control character"},
    {TEXT("\"a\tb\""), 2, "control character"},
    {TEXT("\"\0\""), 1, "control character"},
    {TEXT("\"01234567890123456789\x1f\""), 21, "control character"},
    {TEXT("\"\x80\""), 1, "not UTF-8"},
    {TEXT("\"\xc3\""), 1, "not UTF-8"},
    {TEXT("\"\xc3"), 1, "not UTF-8"},
    {TEXT("\"\xc0\x80\""), 1, "not UTF-8"},         /* overlong */
    {TEXT("\"\xc1\xbf\""), 1, "not UTF-8"},         /* overlong */
    {TEXT("\"\xe0\x9f\xbf\""), 1, "not UTF-8"},     /* overlong */
    {TEXT("\"\xf0\x8f\xbf\xbf\""), 1, "not UTF-8"}, /* overlong */
    {TEXT("\"\xed\xa0\x80\""), 1, "not UTF-8"},     /* a surrogate */
    {TEXT("\"\xed\xbf\xbf\""), 1, "not UTF-8"},     /* a surrogate */
    {TEXT("\"\xf4\x90\x80\x80\""), 1, "not UTF-8"}, /* above U+10FFFF */
    {TEXT("\"\xf5\x80\x80\x80\""), 1, "not UTF-8"},
    {TEXT("\"\xff\""), 1, "not UTF-8"},
    {TEXT("\"\xe2\x82\""), 1, "not UTF-8"},
    {TEXT("\"\xf0\x9f\x98"), 1, "not UTF-8"},
    {TEXT("\"\xf0\x9f\x98\x41\""), 1, "not UTF-8"},
    {TEXT("\xc2\xa0"), 0, "begins no value"},
    {TEXT("["), 1, "ends where a value"},
    {TEXT("[1"), 2, "comma or ]"},
    {TEXT("[1,"), 3, "ends where a value"},
    {TEXT("[1,]"), 3, "begins no value"},
    {TEXT("[,1]"), 1, "begins no value"},
    {TEXT("[1 2]"), 3, "comma or ]"},
    {TEXT("[1}"), 2, "comma or ]"},
    {TEXT("[1,\v2]"), 3, "begins no value"},
    {TEXT("{"), 1, "where a key"},
    {TEXT("{1:2}"), 1, "where a key"},
    {TEXT("{a:1}"), 1, "where a key"},
    {TEXT("{\"a\"}"), 4, "where a colon"},
    {TEXT("{\"a\" 1}"), 5, "where a colon"},
    {TEXT("{\"a\":}"), 5, "begins no value"},
    {TEXT("{\"a\":1"), 6, "comma or }"},
    {TEXT("{\"a\":1]"), 6, "comma or }"},
    {TEXT("{\"a\":1,}"), 7, "where a key"},
    {TEXT("{\"a\":1 \"b\":2}"), 7, "comma or }"},
    {TEXT("{,}"), 1, "where a key"},
    {TEXT("{\"a\":1,\"a\":2}"), 8, "already has"},
    {TEXT("{\"a\":1,\"\\u0061\":2}"), 8, "already has"},
    {TEXT("{\"\\u00E4\":1,\"b\":0,\"\xc3\xa4\":2}"), 19, "already has"},
    {TEXT("{\"\\/\":1,\"/\":2}"), 9, "already has"},
    {TEXT("{\"\":1,\"\":2}"), 7, "already has"},
    {TEXT("{\"x\":[{\"k\":{},\"k\":1}]}"), 15, "already has"},
    {TEXT("{\"a\":{\"b\":1},\"b\":2,\"a\":3}"), 20, "already has"},
};

static void refuses_what_is_not(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof INVALID / sizeof *INVALID; i++) {
    gitdev_json value;
    gitdev_json_error error = {SIZE_MAX, ""};
    char *copy;
    if (check(&value, &copy, INVALID[i].text, INVALID[i].len, 64, &error))
      fail_msg("accepted: %s", INVALID[i].text);
    if (error.offset != INVALID[i].offset || strstr(error.problem, INVALID[i].problem) == NULL)
      fail_msg("%s: %s at %zu", INVALID[i].text, error.problem, error.offset);
    assert_false(gitdev_json_check(&value, copy, INVALID[i].len, 64, NULL));
    free(copy);
  }
}

/* Every shorter text of a value in brackets is refused. */
static void refuses_every_beginning(void **state) {
  (void)state;
  static const char text[] =
      "{\"a\":[1,-2.5e+3,\"x\\u00e4\\ud83d\\ude00\xf0\x9f\x98\x80\",true,null],\"b\":{\"c\":{}}}";
  gitdev_json value;
  char *copy;
  assert_true(check(&value, &copy, text, sizeof text - 1, 64, NULL));
  free(copy);
  for (size_t len = 0; len < sizeof text - 1; len++) {
    assert_false(check(&value, &copy, text, len, 64, NULL));
    free(copy);
  }
}

static void keeps_to_the_depth(void **state) {
  (void)state;
  static const struct {
    int levels, depth;
    bool is_valid;
  } cases[] = {{0, 0, true},    {1, 0, false},     {1, 1, true},  {2, 1, false}, {64, 64, true},
               {65, 64, false}, {65, 1000, false}, {0, -1, true}, {1, -1, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int bracket = 0; bracket < 2; bracket++) {
      gitdev_buffer text;
      gitdev_buffer_init(&text, 1000);
      for (int n = 0; n < cases[i].levels; n++)
        (void)gitdev_buffer_puts(&text, bracket == 0 ? "[" : "{\"k\":");
      (void)gitdev_buffer_puts(&text, "1");
      for (int n = 0; n < cases[i].levels; n++)
        (void)gitdev_buffer_puts(&text, bracket == 0 ? "]" : "}");
      gitdev_json value;
      assert_int_equal(gitdev_json_check(&value, text.data, text.len, cases[i].depth, NULL),
                       cases[i].is_valid);
      gitdev_buffer_free(&text);
    }
  }
}

/* An object of `count` keys k0…, in which key number `again` is written as key number 0, with or
 * without an escape. */
static char *object_of(int count, int again, bool escaped) {
  size_t size = (size_t)count * 24 + 8;
  char *text = malloc(size);
  assert_non_null(text);
  size_t len = 0;
  for (int i = 0; i < count; i++) {
    const char *k = i == again && escaped ? "\\u006b" : "k";
    len += (size_t)snprintf(text + len, size - len, "%c\"%s%d\":1", i == 0 ? '{' : ',', k,
                            i == again ? 0 : i);
  }
  (void)snprintf(text + len, size - len, "}");
  return text;
}

static void finds_a_key_twice_among_many(void **state) {
  (void)state;
  static const int counts[] = {2, 15, 16, 17, 18, 63, 64, 65, 100, 1000, 20000};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    gitdev_json value;
    gitdev_json_error error;
    char *text = object_of(counts[i], 0, false);
    assert_true(gitdev_json_check(&value, text, strlen(text), 64, NULL));
    free(text);
    for (int escaped = 0; escaped < 2; escaped++) {
      for (int again = 1; again < counts[i]; again += counts[i] < 100 ? 1 : counts[i] / 3) {
        text = object_of(counts[i], again, escaped == 1);
        assert_false(gitdev_json_check(&value, text, strlen(text), 64, &error));
        assert_non_null(strstr(error.problem, "already has"));
        assert_memory_equal(text + error.offset, escaped == 1 ? "\\u006b0\"" : "k0\"", 3);
        assert_true(error.offset > 2); /* of the two the later one */
        free(text);
      }
    }
  }
}

/* The keys of inner objects do not count for the outer one, before, between and after. */
static void keeps_the_keys_of_objects_apart(void **state) {
  (void)state;
  char *inner = object_of(70, 0, false);
  size_t size = strlen(inner) * 4 + 100;
  char *text = malloc(size);
  assert_non_null(text);
  (void)snprintf(text, size, "{\"k1\":%s,\"k2\":[%s,%s],\"k3\":%s,\"k4\":0}", inner, inner, inner,
                 inner);
  gitdev_json value;
  assert_true(gitdev_json_check(&value, text, strlen(text), 64, NULL));
  (void)snprintf(text, size, "{\"k1\":%s,\"k2\":[%s,%s],\"k3\":%s,\"k1\":0}", inner, inner, inner,
                 inner);
  assert_false(gitdev_json_check(&value, text, strlen(text), 64, NULL));
  free(text);
  free(inner);
}

static gitdev_json parsed(const char *text) {
  gitdev_json value;
  gitdev_json_error error;
  if (!gitdev_json_check(&value, text, strlen(text), 64, &error))
    fail_msg("%s: %s at %zu", text, error.problem, error.offset);
  return value;
}

static void is_slice(const gitdev_json *value, const char *text) {
  assert_int_equal(value->len, strlen(text));
  assert_memory_equal(value->text, text, value->len);
}

static const struct {
  const char *object, *name, *member; /* NULL: none */
} MEMBERS[] = {
    {"{}", "a", NULL},
    {"{\"a\":1}", "a", "1"},
    {"{\"a\":1}", "A", NULL},
    {"{\"a\":1}", "", NULL},
    {"{\"\":1}", "", "1"},
    {" { \"a\" : 1 , \"b\" : [ 2 , {\"c\":3} ] , \"c\" : \"x\" } ", "b", "[ 2 , {\"c\":3} ]"},
    {"{\"a\":{\"c\":1},\"b\":[{\"c\":2}],\"c\":3}", "c", "3"},
    {"{\"a\":\"\\\"}]\",\"b\":\"\\\\\",\"c\":true}", "c", "true"},
    {"{\"\\u0061\\n\":1}", "a\n", "1"},
    {"{\"\\ud83d\\ude00\":1}", "\xf0\x9f\x98\x80", "1"},
    {"{\"\xc3\xa4\":1}", "\xc3\xa4", "1"},
    {"{\"aa\":1,\"a\":2}", "a", "2"},
    {"{\"error\":{\"type\":\"api_error\",\"code\":\"x\"}}", "error",
     "{\"type\":\"api_error\",\"code\":\"x\"}"},
    {"[\"a\",1]", "a", NULL},
    {"\"a\"", "a", NULL},
    {"null", "a", NULL},
};

static void finds_members(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
    gitdev_json object = parsed(MEMBERS[i].object);
    gitdev_json member;
    bool found = gitdev_json_member(&object, MEMBERS[i].name, strlen(MEMBERS[i].name), &member);
    assert_int_equal(found, MEMBERS[i].member != NULL);
    if (MEMBERS[i].member != NULL)
      is_slice(&member, MEMBERS[i].member);
  }
  gitdev_json object = parsed("{\"a\\u0000b\":1}");
  gitdev_json member;
  assert_true(gitdev_json_member(&object, "a\0b", 3, &member));
  assert_false(gitdev_json_member(&object, "a", 1, &member));
}

static void finds_elements(void **state) {
  (void)state;
  static const char *const elements[] = {"1",           "\"]\\\"\"", "[2,[3]]",
                                         "{\"a\":[4]}", "null",      "-5e3"};
  gitdev_json array = parsed(" [ 1 ,\"]\\\"\",[2,[3]],{\"a\":[4]} , null,-5e3 ]");
  gitdev_json element;
  size_t count = sizeof elements / sizeof *elements;
  for (size_t i = 0; i < count; i++) {
    assert_true(gitdev_json_element(&array, i, &element));
    is_slice(&element, elements[i]);
  }
  assert_false(gitdev_json_element(&array, count, &element));
  static const char *const others[] = {"[]", "{}", "{\"a\":1}", "1", "\"[1]\"", "null"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    gitdev_json other = parsed(others[i]);
    assert_false(gitdev_json_element(&other, 0, &element));
  }
}

static void walks(void **state) {
  (void)state;
  static const struct {
    const char *text, *walked;
  } cases[] = {
      {"{}", ""},
      {"[ ]", ""},
      {"[1,[2],\"\"]", "1;[2];\"\";"},
      {"{ \"a\" : 1, \"\\u0062\":{\"c\":[]} }", "\"a\"=1;\"\\u0062\"={\"c\":[]};"},
      {"7", ""},
      {"\"abc\"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_json value = parsed(cases[i].text);
    gitdev_json_walk walk;
    gitdev_json name;
    gitdev_json item;
    char walked[100] = "";
    size_t len = 0;
    gitdev_json_walk_begin(&walk, &value);
    while (gitdev_json_walk_next(&walk, &name, &item)) {
      if (value.kind == GITDEV_JSON_OBJECT) {
        assert_int_equal(name.kind, GITDEV_JSON_STRING);
        len +=
            (size_t)snprintf(walked + len, sizeof walked - len, "%.*s=", (int)name.len, name.text);
      }
      len += (size_t)snprintf(walked + len, sizeof walked - len, "%.*s;", (int)item.len, item.text);
    }
    assert_string_equal(walked, cases[i].walked);
  }
}

/* The vectors of contract 1.10, and each escape. */
static const struct {
  const char *text, *bytes;
  size_t len;
} STRINGS[] = {
    {"\"production\"", TEXT("production")},
    {"\"a=b=c==\"", TEXT("a=b=c==")},
    {"\"-----BEGIN\\nAB\\n\"", TEXT("-----BEGIN\nAB\n")},
    {"\"a\\\\nb\"", TEXT("a\\nb")},
    {"\"a\\r\\nb\"", TEXT("a\r\nb")},
    {"\"F\xc3\xa4ncy\"", TEXT("F\xc3\xa4ncy")},
    {"\"\xf0\x9f\x98\x80\"", TEXT("\xf0\x9f\x98\x80")},
    {"\"\\ud83d\\ude00\"", TEXT("\xf0\x9f\x98\x80")},
    {"\"e\\u0301\"", TEXT("e\xcc\x81")},
    {"\"a%20b+c&d\"", TEXT("a%20b+c&d")},
    {"\"  x \"", TEXT("  x ")},
    {"\"\"", TEXT("")},
    {"\"\\u2028\"", TEXT("\xe2\x80\xa8")},
    {"\"a\\u0000b\"", TEXT("a\0b")},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t")},
    {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\udbff\\udfff\"",
     TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf")},
};

static void decodes_strings(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
    gitdev_json value = parsed(STRINGS[i].text);
    char out[64];
    ptrdiff_t len = gitdev_json_string(&value, out, sizeof out);
    assert_int_equal(len, STRINGS[i].len);
    assert_memory_equal(out, STRINGS[i].bytes, STRINGS[i].len + 1);
    assert_int_equal(gitdev_json_string(&value, NULL, 0), len);
  }
  static const char *const others[] = {"1", "null", "[\"a\"]", "{\"a\":\"b\"}"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    gitdev_json value = parsed(others[i]);
    char out[8] = "x";
    assert_int_equal(gitdev_json_string(&value, out, sizeof out), -1);
  }
}

static void cuts_strings_between_characters(void **state) {
  (void)state;
  static const char *const texts[] = {"\"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\"",
                                      "\"\\u0061\\u00e4\\u20ac\\ud83d\\ude00\\u007a\""};
  static const char whole[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  static const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
  for (size_t t = 0; t < 2; t++) {
    gitdev_json value = parsed(texts[t]);
    for (size_t room = 0; room < sizeof whole; room++) {
      char *out = malloc(room + 1);
      assert_non_null(out);
      assert_int_equal(gitdev_json_string(&value, out, room + 1), sizeof whole - 1);
      assert_int_equal(strlen(out), ends[room]);
      assert_memory_equal(out, whole, ends[room]);
      free(out);
    }
  }
}

static void reads_numbers(void **state) {
  (void)state;
  static const char *const texts[] = {
      "0",
      "-0",
      "1",
      "-1",
      "1718942301",
      "9007199254740993",
      "0.1",
      "0.30000000000000004",
      "123456789.987654321e-5",
      "1e23",
      "8.41e21",
      "1.7976931348623157e308",
      "4.9406564584124654e-324",
      "2.2250738585072011e-308",
      "1e-400",
      "0e999999999999999999999",
      "0.0000000000000000000000001e25",
      "100000000000000000000000000e-25",
      "9007199254740992.99999999999999999999999999999999999999999999999999999999999999999999999",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    gitdev_json value = parsed(texts[i]);
    double number;
    assert_true(gitdev_json_number(&value, &number));
    double expected = strtod(texts[i], NULL);
    assert_memory_equal(&number, &expected, sizeof number);
  }
  static const char *const others[] = {"1e309", "-1e309", "1e99999999999999999999",
                                       "\"1\"", "null",   "[1]"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    gitdev_json value = parsed(others[i]);
    double number;
    assert_false(gitdev_json_number(&value, &number));
  }
}

/* Halfway between two doubles but for a digit far behind: and a number with more digits than any
 * buffer. */
static void reads_very_long_numbers(void **state) {
  (void)state;
  static const struct {
    const char *start, *end;
    size_t zeros;
    double expected;
  } cases[] = {
      {"9007199254740993.", "0", 5000, 9007199254740992.0},
      {"9007199254740993.", "1", 5000, 9007199254740994.0},
      {"1", "e-5000", 5000, 1},
      {"0.", "1e5001", 5000, 1},
      {"0.", "1", 5000, 0},
      {"12345", "1e-5001", 5000, 12345},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[6000];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", cases[i].start);
    memset(text + len, '0', cases[i].zeros);
    len += cases[i].zeros;
    (void)snprintf(text + len, sizeof text - len, "%s", cases[i].end);
    gitdev_json value = parsed(text);
    double number;
    assert_true(gitdev_json_number(&value, &number));
    assert_memory_equal(&number, &cases[i].expected, sizeof number);
  }
}

/* Where a locale with a decimal comma is installed, numbers read as ever. */
static void does_not_ask_the_locale(void **state) {
  (void)state;
  static const char *const names[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    (void)setlocale(LC_ALL, names[i]);
    gitdev_json value = parsed("1.5");
    double number;
    assert_true(gitdev_json_number(&value, &number));
    assert_float_equal(number, 1.5, 1e-15);
  }
  (void)setlocale(LC_ALL, "C");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_what_is_json),
      cmocka_unit_test(refuses_what_is_not),
      cmocka_unit_test(refuses_every_beginning),
      cmocka_unit_test(keeps_to_the_depth),
      cmocka_unit_test(finds_a_key_twice_among_many),
      cmocka_unit_test(keeps_the_keys_of_objects_apart),
      cmocka_unit_test(finds_members),
      cmocka_unit_test(finds_elements),
      cmocka_unit_test(walks),
      cmocka_unit_test(decodes_strings),
      cmocka_unit_test(cuts_strings_between_characters),
      cmocka_unit_test(reads_numbers),
      cmocka_unit_test(reads_very_long_numbers),
      cmocka_unit_test(does_not_ask_the_locale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
