/*
 * What the scheduler does: switches, wake-ups of sleepers on this CPU and on another that has
 * been idle for a known time, timer ticks, turns of two threads on one CPU, RCU grace periods.
 */
#include "probe.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static long switches(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw + u.ru_nivcsw;
}

/* --- two threads that yield
 * ------------------------------------------------------------------- */

#define YIELDS 4000

struct yielder {
    const struct host *h;
    _Atomic int *ready;
    long switched;
};

static void yield_all(struct yielder *y)
{
    long before;

    atomic_fetch_add(y->ready, 1);
    while (atomic_load(y->ready) < 2)
        (void)sched_yield();
    before = switches();
    for (int i = 0; i < YIELDS; i++)
        (void)sched_yield();
    y->switched = switches() - before;
    atomic_fetch_add(y->ready, 1);
    while (atomic_load(y->ready) < 4)
        (void)sched_yield();
}

static void *yielding(void *arg)
{
    struct yielder *y = arg;

    host_pin(y->h, 0);
    yield_all(y);
    return NULL;
}

static double yield_alone(struct host *h)
{
    uint64_t t0 = host_now();
    double each;

    for (int i = 0; i < YIELDS; i++)
        (void)sched_yield();
    each = (double)(host_now() - t0) / YIELDS;
    host_add(h, HOST_R_yield_alone, each);
    return each;
}

static void yield_pair(struct host *h)
{
    double alone = yield_alone(h);
    _Atomic int ready = 0;
    struct yielder mine = {h, &ready, 0}, its = {h, &ready, 0};
    pthread_t t;
    uint64_t t0;
    double span;
    long n;

    if (pthread_create(&t, NULL, yielding, &its) != 0)
        return;
    t0 = host_now();
    yield_all(&mine);
    span = (double)(host_now() - t0);
    (void)pthread_join(t, NULL);
    n = mine.switched + its.switched;
    if (n > YIELDS / 2 && span > 2.0 * YIELDS * alone)
        host_add(h, HOST_R_switch_pair, (span - 2.0 * YIELDS * alone) / (double)n);
}

/* --- ticks and turns
 * -------------------------------------------------------------------------- */

/* Gaps in the clock of a thread that does nothing but look at it: what recurs at one phase of
 * the tick's period is the tick. */
static void ticks(struct host *h)
{
    enum { MAX = 4096, PHASES = 32 };
    static struct {
        uint64_t at, gap;
    } gap[MAX];
    unsigned n = 0, by_phase[PHASES] = {0}, best = 0;
    struct timespec res;
    uint64_t period, t0 = host_now(), last = t0, t;

    (void)clock_getres(CLOCK_MONOTONIC_COARSE, &res);
    period = (uint64_t)res.tv_nsec;
    while ((t = host_now()) - t0 < 60 * period && n < MAX) {
        if (t - last > 300) {
            gap[n].at = last;
            gap[n++].gap = t - last;
        }
        last = t;
    }
    for (unsigned i = 0; i < n; i++)
        by_phase[gap[i].at % period * PHASES / period]++;
    for (unsigned k = 1; k < PHASES; k++)
        if (by_phase[k] > by_phase[best])
            best = k;
    if (by_phase[best] < 20)
        return; /* no tick, or no pattern */
    for (unsigned i = 0; i < n; i++)
        if (gap[i].at % period * PHASES / period == best)
            host_add(h, HOST_R_tick_gap, (double)gap[i].gap);
}

struct spinner {
    const struct host *h;
    _Atomic bool stop;
};

static void *spin(void *arg)
{
    struct spinner *s = arg;

    host_pin(s->h, 0);
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed))
        ;
    return NULL;
}

/* How long a thread runs before the other one on its CPU gets its turn. */
static void turns(struct host *h)
{
    struct spinner s = {.h = h};
    pthread_t t;
    uint64_t t0 = host_now(), last = t0, on = 0, now;

    if (pthread_create(&t, NULL, spin, &s) != 0)
        return;
    while ((now = host_now()) - t0 < UINT64_C(200000000)) {
        if (now - last > 400000) { /* longer than any interrupt: somebody else ran */
            if (on)
                host_add(h, HOST_R_stretch, (double)(last - on));
            on = now;
        }
        last = now;
    }
    atomic_store(&s.stop, true);
    (void)pthread_join(t, NULL);
}

static void grace_periods(struct host *h)
{
    for (int i = 0; i < 3; i++) {
        uint64_t t0 = host_now();

        if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
            return;
        host_add(h, HOST_R_rcu, (double)(host_now() - t0));
    }
}

void host_probe_sched(struct host *h)
{
    _Atomic uint32_t nobody = 0;

    host_pin(h, 0);
    for (int i = 0; i < 100; i++) {
        uint64_t t0 = host_now();

        for (int j = 0; j < 50; j++)
            (void)futex(&nobody, FUTEX_WAKE, 1);
        host_add(h, HOST_R_futex_none, (double)(host_now() - t0) / 50.0);
    }
    yield_pair(h);
    ticks(h);
    turns(h);
    grace_periods(h);
}

/* --- wake-ups
 * ---------------------------------------------------------------------------------- */

struct sleeper {
    const struct host *h;
    int cpu;
    _Atomic uint32_t word;
    _Atomic uint64_t slept; /* when it went to sleep, 0: it has not */
    _Atomic uint64_t woke;  /* when it ran again, 0: not yet */
    _Atomic bool stop;
};

static void *sleeping(void *arg)
{
    struct sleeper *s = arg;
    uint32_t seen = 0;

    host_pin(s->h, s->cpu);
    while (!atomic_load(&s->stop)) {
        atomic_store(&s->slept, host_now());
        while (atomic_load(&s->word) == seen && !atomic_load(&s->stop))
            (void)futex(&s->word, FUTEX_WAIT, seen);
        atomic_store(&s->woke, host_now());
        seen = atomic_load(&s->word);
    }
    return NULL;
}

static void end_sleeper(struct sleeper *s, pthread_t t)
{
    atomic_store(&s->stop, true);
    atomic_fetch_add(&s->word, 1);
    (void)futex(&s->word, FUTEX_WAKE, 1);
    (void)pthread_join(t, NULL);
}

/* A thread of another CPU that has slept for idle_ns is woken; true when it took part. */
static bool wake_far(struct host *h, struct sleeper *s, uint64_t idle_ns, enum host_reading r)
{
    uint64_t slept, t0, give_up = host_now() + UINT64_C(1000000000);

    while (!(slept = atomic_load(&s->slept)))
        if (host_now() > give_up)
            return false;
    while (host_now() < slept + idle_ns)
        ;
    atomic_store(&s->slept, 0);
    atomic_store(&s->woke, 0);
    t0 = host_now();
    atomic_fetch_add(&s->word, 1);
    (void)futex(&s->word, FUTEX_WAKE, 1);
    while (!atomic_load(&s->woke))
        if (host_now() > t0 + UINT64_C(1000000000))
            return false;
    host_add(h, r, (double)(atomic_load(&s->woke) - t0));
    return true;
}

static void far_wakes(struct host *h, int cpu)
{
    static const struct {
        enum host_reading r;
        uint64_t idle_ns;
        int n;
    } row[] = {{HOST_R_wake_run_10us, 10000, 400},   {HOST_R_wake_run_30us, 30000, 400},
               {HOST_R_wake_run_100us, 100000, 300}, {HOST_R_wake_run_300us, 300000, 200},
               {HOST_R_wake_run_1ms, 1000000, 100},  {HOST_R_wake_run_3ms, 3000000, 50}};
    struct sleeper s = {.h = h, .cpu = cpu};
    pthread_t t;
    bool well = pthread_create(&t, NULL, sleeping, &s) == 0;

    if (!well)
        return;
    for (size_t k = 0; k < sizeof(row) / sizeof(row[0]); k++)
        for (int i = 0; i < row[k].n && well && !host_stop(h); i++)
            well = wake_far(h, &s, row[k].idle_ns, row[k].r);
    end_sleeper(&s, t);
}

/* The waker's side: a sleeper of this CPU, which runs only after the call. */
static void near_wakes(struct host *h)
{
    struct sleeper s = {.h = h, .cpu = 0};
    pthread_t t;

    if (pthread_create(&t, NULL, sleeping, &s) != 0)
        return;
    for (int i = 0; i < 400; i++) {
        uint64_t t0, t1;

        while (!atomic_load(&s.slept))
            (void)sched_yield();
        (void)sched_yield(); /* into its wait */
        atomic_store(&s.slept, 0);
        atomic_store(&s.woke, 0);
        t0 = host_now();
        atomic_fetch_add(&s.word, 1);
        (void)futex(&s.word, FUTEX_WAKE, 1);
        t1 = host_now();
        if (!atomic_load(&s.woke)) /* else it preempted this thread */
            host_add(h, HOST_R_futex_wake, (double)(t1 - t0));
        while (!atomic_load(&s.woke))
            (void)sched_yield();
    }
    end_sleeper(&s, t);
}

void host_probe_wakes(struct host *h)
{
    host_pin(h, 0);
    near_wakes(h);
    if (h->n_cpus > 1)
        far_wakes(h, 1);
}
