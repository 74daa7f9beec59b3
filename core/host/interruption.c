#include "interruption.h"
#include "children.h"
#include "gitdev.h"
#include <lauxlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a script has to clean up after it caught the error: some 10 ms. */
enum { GRACE_INSTRUCTIONS = 1000000 };

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};

/* Some senders, timeout(1) among them, send a signal to a process and then to its group. */
static const double SAME_SIGNAL_SECONDS = 0.5;

static struct {
  gitdev_activation main, *volatile innermost;
  gitdev_loop *volatile loop;
  volatile sig_atomic_t signal;  /* the first that came, 0 for none */
  volatile sig_atomic_t depth;   /* of calls of interruptible() */
  volatile sig_atomic_t lent;    /* a program has the terminal */
  volatile sig_atomic_t put_off; /* a Ctrl-C came meanwhile */
  volatile sig_atomic_t holding; /* a first signal interrupts nothing yet */
  volatile sig_atomic_t held;    /* that came, 0 for none */
  volatile sig_atomic_t passing; /* it is still to be passed on to the children */
  double at;                     /* when the first came; the handler's */
  char doomed[512];              /* a file to be removed; "" for none */
} state;

/* ---- stopping what runs ---- */

static void hook(lua_State *L, lua_Hook function, int count) {
  const int all = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  lua_sethook(L, function, count == 1 ? all : LUA_MASKCOUNT, count);
}

static bool is_over(lua_State *L) {
  if (state.signal && state.depth > 0)
    return false;
  lua_sethook(L, NULL, 0, 0); /* of an interruption that was dealt with */
  return true;
}

/* The same value that the loop raises, without a place in it: who catches errors can tell it from
 * others. */
static void raise_interrupted(lua_State *L) {
  lua_pushliteral(L, "interrupted");
  lua_error(L);
}

static void stop_for_good(lua_State *L, lua_Debug *activation) {
  (void)activation;
  if (is_over(L))
    return;
  hook(L, stop_for_good, 1);
  raise_interrupted(L);
}

static void stop(lua_State *L, lua_Debug *activation) {
  (void)activation;
  if (is_over(L))
    return;
  hook(L, stop_for_good, GRACE_INSTRUCTIONS);
  raise_interrupted(L);
}

static void interrupt(int number) {
  state.at = gitdev_now();
  state.signal = number;
  if (state.depth > 0)
    for (gitdev_activation *one = state.innermost; one; one = one->outer)
      hook(one->L, stop, 1);
  if (state.loop)
    gitdev_wake(state.loop);
}

void gitdev_interruption_enter(gitdev_activation *own, lua_State *coroutine) {
  own->L = coroutine;
  own->outer = state.innermost;
  atomic_signal_fence(memory_order_release);
  state.innermost = own;
  lua_Hook present = lua_gethook(coroutine);
  if (state.signal && state.depth > 0 && present != stop && present != stop_for_good)
    hook(coroutine, stop, 1);
}

void gitdev_interruption_leave(const gitdev_activation *own) {
  state.innermost = own->outer;
}

/* ---- signals ---- */

/* Whoever asked for it is told by held(), after the wait that this ends. */
static void hold(int number, bool typed) {
  state.at = gitdev_now();
  state.held = number;
  state.passing = !typed;
  if (state.loop)
    gitdev_wake(state.loop);
}

/* What a terminal sends (the kernel does it) reaches the whole foreground group, children too; what
 * a process sends is passed on to them. */
static void on_signal(int number, siginfo_t *about, void *context) {
  (void)context;
  bool typed = about->si_code == SI_KERNEL;
  if ((state.signal || state.held) && gitdev_now() - state.at < SAME_SIGNAL_SECONDS)
    return;
  if (state.holding && !state.held && !state.signal) {
    hold(number, typed);
    return;
  }
  if (!typed)
    gitdev_children_signal(number);
  if (state.signal) {
    if (state.doomed[0])
      unlink(state.doomed);
    signal(number, SIG_DFL);
    raise(number);
  } else if (typed && number == SIGINT && state.lent) {
    state.put_off = 1;
  } else {
    interrupt(number);
  }
}

/* Waits are to end: no SA_RESTART. */
static void catch_signals(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, before;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
    sigaddset(&action.sa_mask, SIGNALS[i]);
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
    if (sigaction(SIGNALS[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(SIGNALS[i], &action, NULL);
}

int gitdev_interruption_signal(void) {
  return state.signal;
}

void gitdev_interruption_hand_over(void) {
  state.put_off = 0;
  state.lent = 1;
}

void gitdev_interruption_take_back(int status) {
  bool died = (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) ||
              (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGINT);
  state.lent = 0;
  if (state.put_off && died && !state.signal)
    interrupt(SIGINT);
}

/* ---- for Lua ---- */

static int host_interruptible(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_replace(L, 1);
  lua_replace(L, 2); /* the handler, then the function and its arguments */
  sig_atomic_t before = state.depth;
  if (before == 0)
    catch_signals();
  state.depth = before + 1;
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  state.depth = before;
  lua_sethook(L, NULL, 0, 0);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 1);
  return lua_gettop(L);
}

void gitdev_interruption_end(void) {
  state.depth = 0;
  state.loop = NULL;
  lua_sethook(state.main.L, NULL, 0, 0);
}

static int host_hold(lua_State *L) {
  state.holding = lua_toboolean(L, 1);
  int held = state.held; /* after it: one that comes in between must not be lost */
  if (state.holding || !held)
    return 0;
  state.held = 0;
  if (state.signal)
    return 0;
  if (state.passing)
    gitdev_children_signal(held);
  interrupt(held);
  return 0;
}

static int host_held(lua_State *L) {
  if (!state.held)
    return 0;
  lua_pushinteger(L, state.held);
  return 1;
}

static int host_calm(lua_State *L) {
  (void)L;
  gitdev_interruption_end();
  return 0;
}

static int host_signal(lua_State *L) {
  if (!state.signal)
    return 0;
  lua_pushinteger(L, state.signal);
  return 1;
}

static int host_rearm(lua_State *L) {
  (void)L;
  state.signal = 0;
  lua_sethook(state.main.L, NULL, 0, 0);
  return 0;
}

static int host_doom(lua_State *L) {
  size_t len;
  const char *path = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len < sizeof state.doomed, 1, "the path is too long");
  memcpy(state.doomed, path, len + 1);
  return 0;
}

static int host_watch_loop(lua_State *L) {
  state.loop = lua_touserdata(L, 1);
  return 0;
}

void gitdev_interruption_functions(lua_State *L) {
  static const luaL_Reg functions[] = {{"calm", host_calm},
                                       {"doom", host_doom},
                                       {"held", host_held},
                                       {"hold", host_hold},
                                       {"interruptible", host_interruptible},
                                       {"rearm", host_rearm},
                                       {"signal", host_signal},
                                       {"watch_loop", host_watch_loop},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}

void gitdev_interruption_open(lua_State *L) {
  state.main.L = L;
  state.innermost = &state.main;
}
