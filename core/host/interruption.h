/* What a signal does to the script that runs. A signal handler can reach static things alone, so
 * there is one interruption in a process, as there is one script.
 *
 * SIGINT, SIGTERM and SIGHUP raise the error "interrupted" in whatever runs: in the main state and
 * in every coroutine that is being resumed, at the next instruction of each. A wait ends first (the
 * loop asks host.signal() after each). A script that catches the error may clean up, but not go on:
 * it is stopped again after some time, and then for good. What goes on is a long C function: there
 * a second signal ends the process, as it would without us. */
#ifndef GITDEV_HOST_INTERRUPTION_H
#define GITDEV_HOST_INTERRUPTION_H

#include <lua.h>

/* Says which state is the main one. */
void gitdev_interruption_open(lua_State *L);

/* Adds to the table on the top of the stack:
 *   interruptible(fn, handler, ...) -> as xpcall(fn, handler, ...): a signal interrupts what runs
 *     inside of it, and nothing outside. Calls may be nested
 *   calm(): nothing is interrupted any more, for what must be done before os.exit
 *   doom(path): a file that is to go even if a second signal ends the process
 *   hold(on): while on, a first signal interrupts nothing: it is held, and the loop woken, so that
 *     who serves others can end in good order. A second one interrupts at once, as does, where one is
 *     held, hold(false)
 *   held() -> the number of the signal that is held, or nil
 *   signal() -> the number of the signal that came, or nil
 *   rearm(): an interruption has been dealt with; the next signal is a first one again
 *   watch_loop(handle | nil): the loop that is to be woken */
void gitdev_interruption_functions(lua_State *L);

/* Nothing is interrupted any more: before lua_close(). */
void gitdev_interruption_end(void);

/* The number of the signal that came, or 0. */
int gitdev_interruption_signal(void);

/* A coroutine that is being resumed, and the one that resumes it. On the stack of whoever does. */
typedef struct gitdev_activation {
  lua_State *L;
  struct gitdev_activation *outer;
} gitdev_activation;

void gitdev_interruption_enter(gitdev_activation *own, lua_State *coroutine);
void gitdev_interruption_leave(const gitdev_activation *own);

/* Around a wait for a program that has the terminal meanwhile: a Ctrl-C there is for that program to
 * take, as under system(3), and interrupts the script only if the program died of it, which
 * `status`, of waitpid(2), says. */
void gitdev_interruption_hand_over(void);
void gitdev_interruption_take_back(int status);

#endif
