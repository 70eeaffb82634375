/*
 * A worker: thinks, acts, and reads the clock once an operation. What is drawn for a task
 * depends on its number and the operation's alone, as in the simulator.
 */
#include "clock.h"
#include "real.h"

#include <errno.h>
#include <time.h>

static bool over(const struct real_worker *w, uint64_t t)
{
    return t >= atomic_load_explicit(&w->board->end, memory_order_relaxed) ||
           atomic_load_explicit(&w->board->stop, memory_order_relaxed);
}

/* Until then: computing, or asleep. Returns the time. */
static uint64_t pass_until(const struct real_worker *w, uint64_t until, bool on_cpu)
{
    uint64_t t = host_now();
    struct timespec ts = {.tv_sec = (time_t)(until / 1000000000),
                          .tv_nsec = (long)(until % 1000000000)};

    if (t >= until)
        return t;
    if (!on_cpu)
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR &&
               !over(w, t))
            ;
    while ((t = host_now()) < until && !over(w, t))
        ;
    return t;
}

static void note(struct real_worker *w, const struct pcl_action *a, int error)
{
    if (!error)
        return;
    w->failed++;
    if (!w->error) {
        w->error = error;
        w->error_op = (enum pcl_op)a->req.op;
    }
}

void real_work(struct real_worker *w)
{
    uint64_t from, t, arrival, begun = 0;
    struct pcl_action a;

    atomic_fetch_add(&w->board->ready, 1);
    while (!atomic_load(&w->board->go)) {
        struct timespec wait = {0, 100000};

        (void)nanosleep(&wait, NULL);
    }
    from = atomic_load(&w->board->measure_from);
    t = arrival = pass_until(w, host_now() + (uint64_t)w->source->start[w->task], false);
    for (uint64_t i = 0; !over(w, t); i++) {
        uint64_t t0 = t;
        int error;

        if (!w->source->next(w->source, w->task, i, &a))
            return;
        if (a.think > 0) {
            arrival = (a.open ? arrival : t) + (uint64_t)a.think;
            t0 = pass_until(w, arrival, a.on_cpu && !a.open);
        }
        begun = a.first ? t0 : begun;
        error = real_do(w, &a.req);
        t = host_now();
        note(w, &a, error);
        if (t0 < from || t > atomic_load_explicit(&w->board->end, memory_order_relaxed))
            continue;
        pcl_hist_add(&w->latency[a.req.op], (int64_t)(t - t0));
        if (a.last && begun >= from) {
            pcl_hist_add(&w->all, (int64_t)(t - begun));
            w->transactions++;
        }
    }
}
