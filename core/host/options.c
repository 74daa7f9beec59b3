#include "options.h"
#include <string.h>

static bool parse_long(gitdev_host_options *options, const char *text) {
  if (strcmp(text, "--emulator") == 0)
    options->emulator = true;
  else if (strcmp(text, "--quiet") == 0)
    options->quiet = true;
  else if (strcmp(text, "--help") == 0)
    options->help = true;
  else if (strcmp(text, "--version") == 0)
    options->version = options->version_only = true;
  else
    return false;
  return true;
}

static bool parse_letter(gitdev_host_options *options, const char *text) {
  if (text[2] != '\0')
    return false;
  switch (text[1]) {
  case 'E': options->ignore_environment = true; return true;
  case 'W': options->warnings = true; return true;
  case 'i': options->interactive = options->version = true; return true;
  case 'v': options->version = true; return true;
  case 'h': options->help = true; return true;
  default: return false;
  }
}

/* -e and -l take the rest of their argument, or the next one. */
static bool takes_value(const char *text) {
  return text[1] == 'e' || text[1] == 'l';
}

/* Returns 0, or the index of what is wrong. */
static int parse(gitdev_host_options *options, int argc, char **argv) {
  int i = 1;
  for (; i < argc; i++) {
    const char *text = argv[i];
    if (text[0] != '-' || text[1] == '\0')
      break;
    if (strcmp(text, "--") == 0) {
      i++;
      break;
    }
    if (takes_value(text)) {
      if (text[2] == '\0' && (++i >= argc || argv[i][0] == '-'))
        return i - 1;
    } else if (!(text[1] == '-' ? parse_long(options, text) : parse_letter(options, text))) {
      return i;
    }
  }
  options->script = i;
  return 0;
}

void gitdev_host_parse(gitdev_host_options *options, int argc, char **argv) {
  *options = (gitdev_host_options){.script = argc};
  options->wrong = parse(options, argc, argv);
}

bool gitdev_host_each_chunk(int script, char **argv,
                            bool (*fn)(char kind, const char *text, void *payload), void *payload) {
  for (int i = 1; i < script && strcmp(argv[i], "--") != 0; i++) {
    if (!takes_value(argv[i]))
      continue;
    char kind = argv[i][1];
    const char *text = argv[i][2] ? argv[i] + 2 : argv[++i];
    if (!fn(kind, text, payload))
      return false;
  }
  return true;
}
