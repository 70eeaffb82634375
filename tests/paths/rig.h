/*
 * A kernel, a few tasks, and lists of requests: each task makes its requests one after the
 * other and the rig notes when each began and ended, how many micro-steps it took, and which
 * locks it took.
 */
#ifndef PCLSIM_TEST_PATHS_RIG_H
#define PCLSIM_TEST_PATHS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/paths.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

enum { RIG_TASKS = 4, RIG_REQS = 512 };

struct rig {
    struct pcl_machine m;
    struct pcl_kernel k;
    struct pcl_profile p;
    struct pcl_scheme scheme;
    struct pcl_request req[RIG_TASKS][RIG_REQS];
    pcl_ns begin[RIG_TASKS][RIG_REQS], end[RIG_TASKS][RIG_REQS];
    pcl_ns start[RIG_TASKS];
    uint64_t steps[RIG_TASKS][RIG_REQS];
    uint32_t n[RIG_TASKS], at[RIG_TASKS];
    bool busy[RIG_TASKS];
    pcl_ns pause; /* between requests, asleep */
    bool paused[RIG_TASKS];
    bool flusher;
    uint64_t wrong;
    struct pcl_wrong_info first_wrong;
    char trail[4096]; /* of task 0: what it took and gave back */
};

/* "io" and so on: the short names of a trail. */
static const char *const rig_short[PCL_N_ROLES] = {[PCL_ROLE_MMAP] = "mm",
                                                   [PCL_ROLE_IOLOCK] = "io",
                                                   [PCL_ROLE_INVALIDATE] = "inv",
                                                   [PCL_ROLE_ILOCK] = "il",
                                                   [PCL_ROLE_IMAP] = "imap"};

static inline void rig_say(struct rig *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline void rig_say(struct rig *r, const char *fmt, ...)
{
    size_t n = strlen(r->trail);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->trail + n, sizeof(r->trail) - n, fmt, ap);
    va_end(ap);
}

/* What changed in a micro-step of task 0. "+io:S" is an acquisition begun, "-io" a release. */
static inline void rig_watch(struct rig *r, const uint32_t *held, uint8_t locked)
{
    const struct pcl_call *c = pcl_call_of(&r->k, 0);

    for (int i = 0; i < PCL_N_ROLES; i++) {
        if (!held[i] && c->held[i])
            rig_say(r, "+%s:%c ", rig_short[i],
                    r->k.range[i].node[c->held[i] - 1].mode == PCL_SHARED ? 'S' : 'X');
        if (held[i] && !c->held[i])
            rig_say(r, "-%s ", rig_short[i]);
    }
    if (r->k.page.stats.held > locked)
        rig_say(r, "+p ");
    if (r->k.page.stats.held < locked)
        rig_say(r, "-p ");
}

static inline void rig_step(struct pcl_machine *m, uint32_t t)
{
    struct rig *r = m->owner;

    if (t >= m->n_tasks) {
        pcl_kernel_irq_step(&r->k);
        return;
    }
    if (t == r->k.flusher) {
        pcl_flusher_step(&r->k);
        return;
    }
    uint32_t i = r->at[t], held[PCL_N_ROLES];
    uint8_t locked = (uint8_t)r->k.page.stats.held;

    if (!r->busy[t]) {
        if (i == r->n[t]) {
            m->stop = r->flusher; /* alone it would go on for ever */
            pcl_exit(m);
            return;
        }
        if (r->pause && !r->paused[t]) {
            r->paused[t] = true;
            pcl_sleep_until(m, pcl_now(m) + r->pause);
            return;
        }
        r->begin[t][i] = pcl_now(m);
        r->busy[t] = true;
        pcl_call_begin(&r->k, &r->req[t][i]);
    }
    r->steps[t][i]++;
    memcpy(held, pcl_call_of(&r->k, 0)->held, sizeof(held));
    enum pcl_more more = pcl_call_step(&r->k);

    if (t == 0)
        rig_watch(r, held, locked);
    if (more == PCL_MORE)
        return;
    r->end[t][i] = m->at;
    r->busy[t] = r->paused[t] = false;
    r->at[t]++;
}

static inline void rig_wrong(void *arg, const struct pcl_wrong_info *info)
{
    struct rig *r = arg;

    if (r->wrong++ == 0)
        r->first_wrong = *info;
}

/* machine NULL: ideal. tasks without the flusher. scheme NULL: what Linux has. */
static inline struct rig *rig_new_with(enum pcl_fs fs, const char *machine, uint32_t tasks,
                                       bool flusher, const struct pcl_scheme *scheme)
{
    struct rig *r = pcl_xcalloc(1, sizeof(*r));
    struct pcl_err err;

    if (pcl_profile_load(machine ? machine : "ideal", &r->p, &err) != PCL_OK) {
        pcl_err_print(stderr, &err);
        fail();
    }
    r->flusher = flusher;
    if (scheme)
        r->scheme = *scheme;
    struct pcl_machine_conf mc = {.profile = &r->p,
                                  .n_tasks = tasks + flusher,
                                  .seed = 1,
                                  .run_ahead = false, /* every micro-step is seen */
                                  .step = rig_step,
                                  .owner = r};
    struct pcl_kernel_conf kc = {
        .fs = fs, .scheme = &r->scheme, .oracle = true, .violation = rig_wrong, .arg = r};

    pcl_machine_init(&r->m, &mc, NULL);
    assert_int_equal(pcl_kernel_init(&r->k, &r->m, &kc, &err), PCL_OK);
    (void)pcl_kernel_mm(&r->k);
    if (flusher)
        r->k.flusher = tasks;
    return r;
}

static inline struct rig *rig_new(enum pcl_fs fs, const char *machine, uint32_t tasks,
                                  bool flusher)
{
    return rig_new_with(fs, machine, tasks, flusher, NULL);
}

static inline struct pcl_request *rig_ask(struct rig *r, uint32_t task, enum pcl_op op,
                                          int64_t off, int64_t len)
{
    struct pcl_request *q = &r->req[task][r->n[task]++];

    assert_true(r->n[task] <= RIG_REQS);
    *q = (struct pcl_request){.op = (uint8_t)op, .off = off, .len = len};
    return q;
}

/* How many have not done all their requests; who, and where he stands, to out, if not NULL. */
static inline uint32_t rig_stuck(const struct rig *r, FILE *out)
{
    uint32_t n = 0;
    char what[80], where[80];

    for (uint32_t t = 0; t < RIG_TASKS; t++) {
        if (r->at[t] == r->n[t])
            continue;
        n++;
        if (out)
            (void)fprintf(out, "task %u is stuck in request %u: %s, at: %s\n", t, r->at[t],
                          pcl_request_tell(&r->req[t][r->at[t]], what, sizeof what),
                          pcl_call_stands(&r->k, t, where, sizeof where));
    }
    return n;
}

static inline void rig_go(struct rig *r)
{
    for (uint32_t t = 0; t < RIG_TASKS; t++)
        if (r->n[t])
            pcl_task_start(&r->m, t, r->start[t]);
    for (uint32_t t = 0; t < r->m.n_tasks; t++)
        r->m.task[t].mm = t == r->k.flusher ? PCL_NONE : 0;
    if (r->flusher)
        pcl_task_start(&r->m, r->k.flusher, r->p.writeback_interval);
    assert_int_equal(pcl_machine_run(&r->m, PCL_NS_MAX - 1, NULL), PCL_OK);
}

static inline void rig_run(struct rig *r)
{
    rig_go(r);
    assert_int_equal(rig_stuck(r, stderr), 0);
}

static inline pcl_ns rig_took(const struct rig *r, uint32_t task, uint32_t i)
{
    return r->end[task][i] - r->begin[task][i];
}

/* Nothing is left behind: no lock held, nobody queued, no reference but the cache's own. */
static inline void assert_nothing_left(const struct rig *r)
{
    const char *why = "";

    assert_int_equal(r->k.page.stats.held, 0);
    assert_int_equal(r->k.page.stats.waiters, 0);
    for (int i = 0; i < PCL_N_ROLES; i++)
        assert_int_equal(r->k.range[i].stats.held, 0);
    for (uint32_t b = 0; b < r->k.n_bios; b++)
        assert_false(r->k.bio[b].used);
    if (!pcl_cache_validate(r->k.cache, &why))
        fail_msg("%s", why);
    for (uint32_t f = 0; f < r->k.cache->t->n_folios; f++) {
        const struct pcl_folio *x = &r->k.cache->folio[f];

        if (x->inode != PCL_NONE && x->refs)
            assert_int_equal(x->refs, 1 + x->mapcount);
    }
    for (uint32_t i = 0; i < r->k.n_inodes; i++)
        assert_int_equal(r->k.inode[i].dio, 0);
}

/* However it stands. */
static inline void rig_drop(struct rig *r)
{
    pcl_kernel_fini(&r->k);
    pcl_machine_fini(&r->m);
    free(r);
}

static inline void rig_free(struct rig *r)
{
    assert_nothing_left(r);
    rig_drop(r);
}

#endif
