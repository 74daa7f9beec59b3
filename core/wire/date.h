/* HTTP dates (RFC 9110 5.6.7). */
#ifndef GITDEV_WIRE_DATE_H
#define GITDEV_WIRE_DATE_H

#include <stddef.h>
#include <stdint.h>

enum { GITDEV_DATE_SIZE = 30 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */

/* Reads IMF-fixdate, and the two obsolete forms that a recipient must accept (a two-digit year is
 * within the century that puts it at most 50 years after 2020). Unix seconds; -1 when it is none of
 * them, when no such day or time exists, or when it lies before 1970. The day of the week is not
 * held against the date; a leap second is the first second of the next minute. Independent of the
 * locale. */
int64_t gitdev_date_parse(const char *text, size_t len);

/* Writes IMF-fixdate for `time` (Unix seconds), which is clamped to 1970 and the end of 9999. */
void gitdev_date_format(int64_t time, char out[GITDEV_DATE_SIZE]);

#endif
