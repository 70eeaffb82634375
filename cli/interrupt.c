/*
 * Ctrl-C asks, it does not kill: the first signal sets a flag that the workers look at between
 * events, so that finished runs are stored and the store is closed. Who asks twice gets the
 * default action; the store survives that too, as SQLite rolls back what was under way.
 */
#include "cli.h"

#include <signal.h>

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
    caught = sig;
}

const volatile int *cli_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return &caught;
}

int cli_signal(void)
{
    return caught;
}
