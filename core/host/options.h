/* The host's command line: lua.c's options and conventions, and a few of our own. */
#ifndef GITDEV_HOST_OPTIONS_H
#define GITDEV_HOST_OPTIONS_H

#include <stdbool.h>

typedef struct gitdev_host_options {
  bool ignore_environment; /* -E */
  bool interactive;        /* -i */
  bool version;            /* -v, -i, --version */
  bool version_only;       /* --version */
  bool warnings;           /* -W */
  bool help;               /* -h, --help */
  bool emulator, quiet;    /* --emulator, --quiet */
  int script;              /* index of the script (or "-") in argv; argc when there is none */
  int wrong;               /* index of what is no option, or lacks its value; 0: nothing is wrong */
} gitdev_host_options;

/* Reads the options up to the script; what follows it is the script's own and is not looked at.
 * It ends at what is wrong. */
void gitdev_host_parse(gitdev_host_options *options, int argc, char **argv);

/* Calls `fn` for each -e and -l, in their order, with its letter and value; stops early when it
 * returns false. */
bool gitdev_host_each_chunk(int script, char **argv,
                            bool (*fn)(char kind, const char *text, void *payload), void *payload);

#endif
