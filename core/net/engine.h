/* What the bindings need of an engine besides gitdev.h. */
#ifndef GITDEV_NET_ENGINE_H
#define GITDEV_NET_ENGINE_H

#include "call/client.h"

/* What gitdev_poke() does, for those who know the limit alone. */
void gitdev_engine_poke(gitdev_engine *engine, const gitdev_shared_pace *pace);

#endif
