#include "wire/date.h"

#include <stdbool.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400 };

static const char *const DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* What is left to read. Every reader below returns false, or -1, when the text goes another way. */
typedef struct cursor {
  const char *at, *end;
} cursor;

static bool read_text(cursor *in, const char *text, size_t len) {
  if ((size_t)(in->end - in->at) < len || memcmp(in->at, text, len) != 0)
    return false;
  in->at += len;
  return true;
}

static bool read_char(cursor *in, char c) {
  return read_text(in, &c, 1);
}

static int read_digits(cursor *in, int count) {
  int value = 0;
  for (int i = 0; i < count; i++, in->at++) {
    if (in->at == in->end || *in->at < '0' || *in->at > '9')
      return -1;
    value = value * 10 + (*in->at - '0');
  }
  return value;
}

/* The name is checked, but not whether it was that day of the week: nothing here is computed from
 * it. */
static bool read_day_name(cursor *in, bool whole) {
  for (size_t i = 0; i < sizeof DAYS / sizeof *DAYS; i++)
    if (read_text(in, DAYS[i], whole ? strlen(DAYS[i]) : 3))
      return true;
  return false;
}

static int read_month(cursor *in) {
  for (int month = 1; month <= 12; month++)
    if (read_text(in, MONTHS + (size_t)(month - 1) * 3, 3))
      return month;
  return -1;
}

/* hh:mm:ss as seconds of the day. A leap second reads as the first second of the next minute. */
static int read_time(cursor *in) {
  int hour = read_digits(in, 2);
  if (hour < 0 || hour > 23 || !read_char(in, ':'))
    return -1;
  int minute = read_digits(in, 2);
  if (minute < 0 || minute > 59 || !read_char(in, ':'))
    return -1;
  int second = read_digits(in, 2);
  if (second < 0 || second > 60)
    return -1;
  return (hour * 60 + minute) * 60 + second;
}

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : lengths[month - 1];
}

/* Days from 1970-01-01, counted in years that begin in March, so that the leap day comes last. */
static int64_t days_from_civil(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* The last second that a date's four digits can say. */
static int64_t last_time(void) {
  return days_from_civil(10000, 1, 1) * SECONDS_PER_DAY - 1;
}

static int64_t assemble(int year, int month, int day, int time) {
  if (year < 1970 || month < 1 || day < 1 || time < 0 || day > days_in_month(year, month))
    return -1;
  int64_t at = days_from_civil(year, month, day) * SECONDS_PER_DAY + time;
  return at <= last_time() ? at : -1; /* a leap second may have brought it beyond */
}

/* After "Sun": ", 06 Nov 1994 08:49:37 GMT" */
static int64_t read_fixdate(cursor *in) {
  if (!read_text(in, ", ", 2))
    return -1;
  int day = read_digits(in, 2);
  int month = read_char(in, ' ') ? read_month(in) : -1;
  int year = read_char(in, ' ') ? read_digits(in, 4) : -1;
  int time = read_char(in, ' ') ? read_time(in) : -1;
  return read_text(in, " GMT", 4) ? assemble(year, month, day, time) : -1;
}

/* After "Sunday": ", 06-Nov-94 08:49:37 GMT" */
static int64_t read_rfc850(cursor *in) {
  if (!read_text(in, ", ", 2))
    return -1;
  int day = read_digits(in, 2);
  int month = read_char(in, '-') ? read_month(in) : -1;
  int year = read_char(in, '-') ? read_digits(in, 2) : -1;
  int time = read_char(in, ' ') ? read_time(in) : -1;
  if (year < 0 || !read_text(in, " GMT", 4))
    return -1;
  return assemble(year <= 70 ? 2000 + year : 1900 + year, month, day, time);
}

/* After "Sun": " Nov  6 08:49:37 1994" */
static int64_t read_asctime(cursor *in) {
  int month = read_char(in, ' ') ? read_month(in) : -1;
  if (month < 0 || !read_char(in, ' '))
    return -1;
  int day = read_char(in, ' ') ? read_digits(in, 1) : read_digits(in, 2);
  int time = read_char(in, ' ') ? read_time(in) : -1;
  int year = read_char(in, ' ') ? read_digits(in, 4) : -1;
  return assemble(year, month, day, time);
}

int64_t gitdev_date_parse(const char *text, size_t len) {
  static const struct {
    bool whole_day_name;
    int64_t (*read)(cursor *in);
  } forms[] = {{false, read_fixdate}, {true, read_rfc850}, {false, read_asctime}};
  for (size_t i = 0; len > 0 && i < sizeof forms / sizeof *forms; i++) {
    cursor in = {text, text + len};
    if (read_day_name(&in, forms[i].whole_day_name)) {
      int64_t time = forms[i].read(&in);
      if (time >= 0 && in.at == in.end)
        return time;
    }
  }
  return -1;
}

static int year_of(int64_t days) {
  /* By the mean length of a year (146097 days in 400 years), which is at most one year off. */
  int year = 1970 + (int)(days * 400 / 146097);
  if (days < days_from_civil(year, 1, 1))
    return year - 1;
  return days < days_from_civil(year + 1, 1, 1) ? year : year + 1;
}

static void write_digits(char *out, int count, int value) {
  for (; count > 0; count--, value /= 10)
    out[count - 1] = (char)('0' + value % 10);
}

void gitdev_date_format(int64_t time, char out[GITDEV_DATE_SIZE]) {
  const int64_t last = last_time();
  time = time < 0 ? 0 : time > last ? last : time;
  int64_t days = time / SECONDS_PER_DAY;
  int second = (int)(time % SECONDS_PER_DAY);
  int year = year_of(days);
  int month = 1;
  int day = (int)(days - days_from_civil(year, 1, 1)) + 1;
  for (; day > days_in_month(year, month); month++)
    day -= days_in_month(year, month);
  memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", GITDEV_DATE_SIZE);
  memcpy(out, DAYS[(days + 4) % 7], 3); /* 1970-01-01 was a Thursday */
  write_digits(out + 5, 2, day);
  memcpy(out + 8, MONTHS + (size_t)(month - 1) * 3, 3);
  write_digits(out + 12, 4, year);
  write_digits(out + 17, 2, second / 3600);
  write_digits(out + 20, 2, second / 60 % 60);
  write_digits(out + 23, 2, second % 60);
}
