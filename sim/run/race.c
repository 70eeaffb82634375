/*
 * Explores a scenario. A task's step carries on its call, or begins its next one; that a call begins
 * and that it ends are seen by everybody, since the oracle goes by their order.
 */
#include "race.h"

#include "cycle.h"
#include "wrong.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TASKS = 16
};

/* --- what is wrong ----------------------------------------------------------------------------- */

static void report(void *arg, const struct pcl_wrong_info *w)
{
    struct race *s = arg;
    char who[48];

    if (s->wrong)
        return;
    s->wrong = true;
    wrong_who(&s->k, s->n_tasks, s->m.cur, who, sizeof who);
    (void)snprintf(s->kind, sizeof s->kind, "%s", pcl_wrong_name(w->what));
    wrong_text(w, who, s->text, sizeof s->text);
}

static bool check(void *arg, const char **why)
{
    struct race *s = arg;

    *why = s->text;
    return !s->wrong;
}

void race_stuck(const struct race *s, char *buf, size_t n)
{
    size_t at = 0;

    *buf = '\0';
    for (uint32_t b = 0; b < s->n_tasks; b++) {
        char where[80];

        if (s->m.model[b].run == PCL_RUN_DEAD)
            continue;
        at += (size_t)snprintf(buf + at, n - at, "%stask %" PRIu32 " (%s) %s at %s", at ? "; " : "",
                               b, pcl_op_name((enum pcl_op)pcl_call_of(&s->k, b)->op),
                               s->m.model[b].run == PCL_RUN_SPINNING ? "spins" : "sleeps",
                               pcl_call_stands(&s->k, b, where, sizeof where));
        if (at >= n)
            return;
    }
}

/* --- who is overtaken --------------------------------------------------------------------------- */

/* Has this task seen that it must wait for the lock? */
static bool waits(const struct race *s, uint32_t b)
{
    const struct race_body *x = &s->body[b];
    enum pcl_role role = (enum pcl_role)(x->want >> 32);

    if (x->want == 0)
        return false;
    return role == PCL_ROLE_PAGE ? s->k.page.op[b].contended : s->k.range[role].op[b].contended;
}

static void asks(struct race *s, uint32_t me, uint64_t lock)
{
    struct race_body *x = &s->body[me];

    x->before = 0;
    for (uint32_t b = 0; b < s->n_tasks; b++)
        if (b != me && s->body[b].want == lock && waits(s, b))
            x->before |= (uint16_t)(1u << b);
    x->want = lock;
    x->passed = 0;
}

/* Counts for those who had waited before me, and still do. */
static void passes(struct race *s, uint32_t me, uint64_t lock)
{
    uint16_t before = s->body[me].before;

    for (uint32_t b = 0; b < s->n_tasks && before; b++) {
        struct race_body *x = &s->body[b];

        if (!(before >> b & 1) || x->want != lock)
            continue;
        if (++x->passed <= s->conf->job->scenario->explore.overtaken || s->wrong)
            continue;
        s->wrong = true;
        (void)snprintf(s->kind, sizeof s->kind, "%s", pcl_wrong_name(PCL_WRONG_STARVED));
        (void)snprintf(s->text, sizeof s->text,
                       "task %" PRIu32 " (%s) waits for the %s, and %u later requests have been "
                       "granted", b, pcl_op_name((enum pcl_op)pcl_call_of(&s->k, b)->op),
                       pcl_role_name((enum pcl_role)(lock >> 32)), x->passed);
    }
}

static void lock_event(void *arg, enum pcl_lock_event what, enum pcl_role role, uint32_t object)
{
    struct race *s = arg;
    uint32_t me = s->m.cur;
    uint64_t lock = (uint64_t)role << 32 | (object + 1);

    if (me >= s->n_tasks)
        return;
    if (what == PCL_LOCK_ASKED) {
        asks(s, me, lock);
        return;
    }
    if (what == PCL_LOCK_GRANTED)
        passes(s, me, lock);
    s->body[me].want = 0;
    s->body[me].before = 0;
    s->body[me].passed = 0;
    for (uint32_t b = 0; b < s->n_tasks; b++)
        s->body[b].before &= (uint16_t)~(1u << me);
}

/* --- tasks --------------------------------------------------------------------------------------- */

bool race_action(const struct race *s, uint32_t task, uint32_t i, struct pcl_action *out)
{
    const struct pcl_scenario *sc = s->conf->job->scenario;
    const struct pcl_group *g = &sc->groups[s->src.group_of[task]];
    uint64_t ops = g->n_list ? g->n_list : g->ops_per_transaction;

    return i < ops * (uint64_t)s->conf->each && s->src.next(&s->src, task, i, out);
}

/* The oracle's clock: begins and ends of calls are in an order that everybody sees. */
static void seen_by_all(struct pcl_machine *m)
{
    pcl_touch(m, PCL_LINE(INODE, UINT64_C(1) << 41));
}

static void step(struct pcl_machine *m, uint32_t body)
{
    struct race *s = m->owner;

    if (body >= m->n_tasks) {
        s->k.told.step = NULL;
        pcl_kernel_irq_step(&s->k);
        return;
    }
    struct race_body *b = &s->body[body];
    struct pcl_action a;

    if (b->calls) {
        if (pcl_call_step(&s->k) == PCL_MORE)
            return;
        b->calls = 0;
        seen_by_all(m);
    } else if (!m->model[body].killed && race_action(s, body, b->i, &a)) {
        s->k.told.step = NULL;
        b->i++;
        b->calls = 1;
        seen_by_all(m);
        pcl_call_begin(&s->k, &a.req);
    } else {
        s->k.told.step = NULL;
        pcl_exit(m);
    }
}

/* --- states that differ in nothing ------------------------------------------------------------- */

static void forget_body(struct race *s, uint32_t b)
{
    struct pcl_call *c = pcl_call_of(&s->k, b);
    struct pcl_page_locks *L = &s->k.page;

    L->op[b].walked = 0; /* for statistics only; an endless walk would never come to a state again */
    if (!c->active && c->bio == PCL_NONE) /* an interrupt works without a call */
        pcl_call_forget(&s->k, b);
    if (c->phase != 0)
        return;
    memset(&L->op[b], 0, sizeof L->op[b]);
    if (!L->waiter[b].queued)
        memset(&L->waiter[b], 0, sizeof L->waiter[b]);
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (s->k.range[r].op)
            memset(&s->k.range[r].op[b], 0, sizeof s->k.range[r].op[b]);
}

/* Free slots of a pool are all alike, and in order: the lowest is taken next. */
static void order_bios(struct pcl_kernel *k)
{
    uint32_t *link = &k->free_bio;

    for (uint32_t b = 0; b < k->n_bios; b++)
        if (!k->bio[b].used) {
            k->bio[b] = (struct pcl_bio){.next = PCL_NONE};
            *link = b;
            link = &k->bio[b].next;
        }
    *link = PCL_NONE;
}

static void order_work(struct pcl_machine *m)
{
    uint32_t *link = &m->free_work;
    uint64_t busy = 0;

    for (uint32_t c = 0; c < m->n_cpus; c++)
        for (uint32_t w = m->cpu[c].irq_head; w != PCL_NONE; w = m->work[w].next)
            busy |= UINT64_C(1) << w;
    for (uint32_t w = 0; w < m->n_work; w++)
        if (!(busy >> w & 1)) {
            m->work[w] = (struct pcl_irq_work){.next = PCL_NONE};
            *link = w;
            link = &m->work[w].next;
        }
    *link = PCL_NONE;
}

static void normalise(void *arg)
{
    struct race *s = arg;

    for (uint32_t b = 0; b < s->m.n_bodies; b++)
        forget_body(s, b);
    for (int r = 0; r < PCL_N_ROLES; r++)
        for (uint32_t i = 0; i < s->k.range[r].n_nodes; i++)
            if (!s->k.range[r].node[i].used)
                memset(&s->k.range[r].node[i], 0, sizeof s->k.range[r].node[i]);
    order_bios(&s->k);
    if (s->m.n_work <= 64)
        order_work(&s->m);
    pcl_oracle_normalise(s->k.cache->oracle);
}

/* --- set-up ---------------------------------------------------------------------------------------- */

static int fits(const struct pcl_scenario *sc, struct pcl_err *err)
{
    uint64_t tasks = 0;

    for (size_t g = 0; g < sc->n_groups; g++)
        tasks += sc->groups[g].tasks;
    if (tasks <= MOST_TASKS)
        return PCL_OK;
    (void)pcl_fail(err, PCL_EINVAL,
                   "%s: want at most %d tasks to explore, found %" PRIu64, sc->name, MOST_TASKS,
                   tasks);
    return pcl_hint(err, "interleavings multiply with each task: 2 or 3 are usual; "
                         "--set GROUP.tasks=N changes them");
}

static void set_up_files(struct race *s)
{
    for (uint32_t i = 0; i < s->src.n_files; i++) {
        const struct pcl_source_file *f = &s->src.files[i];
        uint32_t inode = pcl_kernel_inode(&s->k, f->size, f->mapped);
        uint64_t first = (uint64_t)f->cached_at >> PCL_PAGE_SHIFT;
        uint64_t mask = (uint64_t)PCL_PAGE_SIZE - 1;
        uint64_t end = ((uint64_t)f->cached_at + (uint64_t)f->cached + mask) >> PCL_PAGE_SHIFT;

        if (f->cached > 0)
            pcl_cache_populate(s->k.cache, inode, first, end - first, (unsigned)f->order,
                               f->dirty ? PCL_FOLIO_DIRTY : 0);
    }
}

int race_init(struct race *s, const struct pcl_race_conf *conf, struct pcl_err *err)
{
    const struct pcl_job *job = conf->job;
    const struct pcl_scenario *sc = job->scenario;

    *s = (struct race){.conf = conf, .profile = pcl_xcalloc(1, sizeof *s->profile)};
    pcl_profile_ideal(s->profile);
    pcl_state_init(&s->state);
    int rc = fits(sc, err);

    if (rc == PCL_OK)
        rc = pcl_source_scenario(&s->src, sc, job->seed, job->replication, err);
    if (rc != PCL_OK)
        return rc;
    s->n_tasks = s->src.n_tasks;
    pcl_machine_init(&s->m,
                     &(struct pcl_machine_conf){.profile = s->profile,
                                                .n_tasks = s->n_tasks,
                                                .seed = job->seed,
                                                .explore = true,
                                                .step = step,
                                                .owner = s},
                     &s->state);
    rc = pcl_kernel_init(&s->k, &s->m,
                         &(struct pcl_kernel_conf){.fs = sc->fs,
                                                   .scheme = job->scheme,
                                                   .memory_limit = sc->memory_limit,
                                                   .oracle = true,
                                                   .violation = report,
                                                   .lock_event = sc->explore.overtaken ? lock_event
                                                                                       : NULL,
                                                   .arg = s},
                         err);
    if (rc != PCL_OK)
        return rc;
    if (conf->alter)
        conf->alter(&s->k);
    s->body = pcl_xcalloc(s->n_tasks + 1, sizeof *s->body);
    for (uint32_t i = 0; i < s->src.n_mms; i++)
        (void)pcl_kernel_mm(&s->k);
    set_up_files(s);
    pcl_kernel_register(&s->k);
    pcl_state_register(&s->state, (void **)&s->body, sizeof *s->body, &s->n_tasks);
    /* a wrong state is like no other: it is found even where the same steps have led elsewhere */
    pcl_state_register_value(&s->state, &s->wrong, sizeof s->wrong);
    for (uint32_t t = 0; t < s->n_tasks; t++) {
        s->m.task[t].mm = s->src.mm_of[t];
        pcl_task_start(&s->m, t, 0);
    }
    return PCL_OK;
}

void race_fini(struct race *s)
{
    pcl_kernel_fini(&s->k);
    if (s->m.model)
        pcl_machine_fini(&s->m);
    pcl_source_fini(&s->src);
    pcl_state_fini(&s->state);
    free(s->body);
    free(s->profile);
}

/* --- the search -------------------------------------------------------------------------------- */

static void tell(void *arg, const struct pcl_explore_progress *p)
{
    struct race *s = arg;

    if (s->conf->progress)
        s->conf->progress(s->conf->arg, p, s->bound);
}

/* Everything that the search depends on. */
static uint64_t key_of(const struct race *s)
{
    char text[65];
    uint64_t key = 0;

    pcl_job_key(s->conf->job, text);
    text[16] = '\0';
    key = strtoull(text, NULL, 16);
    return (key ^ (uint64_t)s->bound) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)s->conf->each;
}

/* Each bound leaves its place in a file of its own. */
static const char *place(const struct race *s, char *buf, size_t n)
{
    if (!s->conf->checkpoint)
        return NULL;
    if (s->bound < 0)
        (void)snprintf(buf, n, "%s", s->conf->checkpoint);
    else
        (void)snprintf(buf, n, "%s.%" PRId64, s->conf->checkpoint, s->bound);
    return buf;
}

static struct pcl_explore_conf explore_conf(struct race *s)
{
    return (struct pcl_explore_conf){.m = &s->m,
                                     .check = check,
                                     .normalise = normalise,
                                     .progress = tell,
                                     .arg = s,
                                     .cancel = s->conf->cancel,
                                     .max_states = (uint64_t)s->conf->states,
                                     .merge = true,
                                     .bounded = s->bound >= 0,
                                     .preemptions = s->bound < 0 ? 0 : (uint32_t)s->bound,
                                     .key = key_of(s)};
}

/* One bound (or all samples). True: there is nothing more to look for. */
static bool search(struct race *s, struct pcl_race_result *out, struct pcl_err *err)
{
    struct pcl_explore_conf conf = explore_conf(s);
    char path[4096];

    conf.checkpoint = place(s, path, sizeof path);
    pcl_explore_fini(&out->found);
    s->wrong = false;
    if (s->conf->sample)
        pcl_explore_sample(&conf, s->conf->sample, &out->found);
    else
        pcl_explore(&conf, &out->found);
    out->states += out->found.states;
    out->preemptions = s->bound;
    if (out->found.err.code != PCL_OK) {
        *err = out->found.err;
        return true;
    }
    if (out->found.exhausted && out->found.verdict == PCL_EXPLORE_OK)
        out->exhausted = s->bound;
    return out->found.verdict != PCL_EXPLORE_OK || out->found.interrupted;
}

/* Goes to the end of the schedule found, to see what is the matter there. */
static void look(struct race *s, struct pcl_race_result *out)
{
    static const char *const kinds[] = {[PCL_EXPLORE_OK] = "",
                                        [PCL_EXPLORE_VIOLATION] = "",
                                        [PCL_EXPLORE_DEADLOCK] = "deadlock",
                                        [PCL_EXPLORE_ENDLESS] = "endless",
                                        [PCL_EXPLORE_LIVELOCK] = "livelock"};

    struct parties who;

    if (out->found.verdict == PCL_EXPLORE_OK)
        return;
    s->wrong = false;
    s->k.page.notes = pcl_lock_notes_new(&s->m); /* who has a page: no state of the search */
    (void)pcl_explore_replay(&s->m, out->found.schedule, NULL, NULL, NULL);
    if (out->found.verdict == PCL_EXPLORE_VIOLATION) {
        (void)snprintf(out->kind, sizeof out->kind, "%s", s->kind);
        (void)snprintf(out->text, sizeof out->text, "%s", s->text);
        return;
    }
    (void)snprintf(out->kind, sizeof out->kind, "%s", kinds[out->found.verdict]);
    if (out->found.verdict != PCL_EXPLORE_DEADLOCK ||
        sim_cycle(&s->k, s->n_tasks, &who, out->text, sizeof out->text) == 0)
        race_stuck(s, out->text, sizeof out->text);
}

static int search_all(struct race *s, struct pcl_race_result *out, struct pcl_err *err)
{
    int64_t most = s->conf->preemptions, first = PCL_RACE_FIRST_BOUNDS;
    bool done = false;

    out->exhausted = -2;
    out->tasks = s->n_tasks;
    if (s->conf->sample || most < 0) {
        s->bound = -1;
        for (int64_t k = 0; !s->conf->sample && k <= first && !done; k++) {
            s->bound = k;
            done = search(s, out, err);
        }
        s->bound = -1;
    } else {
        for (int64_t k = 0; k < most && !done; k++) {
            s->bound = k;
            done = search(s, out, err);
        }
        s->bound = most;
    }
    if (!done)
        (void)search(s, out, err);
    if (out->found.err.code != PCL_OK)
        return err->code;
    look(s, out);
    return PCL_OK;
}

int pcl_race_search(const struct pcl_race_conf *conf, struct pcl_race_result *out,
                    struct pcl_err *err)
{
    struct race s;
    int rc = race_init(&s, conf, err);

    *out = (struct pcl_race_result){.preemptions = -2, .exhausted = -2};
    if (rc == PCL_OK)
        rc = search_all(&s, out, err);
    race_fini(&s);
    return rc;
}

void pcl_race_fini(struct pcl_race_result *r)
{
    pcl_explore_fini(&r->found);
}

/* --- as a result ---------------------------------------------------------------------------------- */

static void add(struct pcl_result *out, const char *name, const char *object, double value)
{
    pcl_result_add(out, name, object, "count", PCL_BETTER_NONE, value);
}

/* Every kind has its number, so that a claim can say that there is none. */
static void note_kind(const struct pcl_race_result *r, struct pcl_result *out, const char *kind)
{
    (void)pcl_result_add(out, "violations", kind, "count", PCL_BETTER_LOWER,
                         strcmp(r->kind, kind) == 0);
}

static void collect(const struct pcl_race_result *r, struct pcl_result *out)
{
    bool found = r->found.verdict != PCL_EXPLORE_OK;

    (void)pcl_result_add(out, "violations", "all", "count", PCL_BETTER_LOWER, found);
    add(out, "states", "all", (double)r->states);
    /* 1: all interleavings; 0: not even those without preemption */
    add(out, "exhausted", "all", r->exhausted == -1);
    add(out, "exhausted_preemptions", "all",
        r->exhausted == -2 ? -1.0 : r->exhausted == -1 ? 1e9 : (double)r->exhausted);
    for (int w = PCL_WRONG_STALE; w < PCL_N_WRONGS; w++)
        note_kind(r, out, pcl_wrong_name((enum pcl_wrong)w));
    note_kind(r, out, "endless");
    note_kind(r, out, "livelock");
    out->fingerprint = r->states * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)r->found.verdict;
    if (!found)
        return;
    struct pcl_violation *v = pcl_result_add_violation(out);

    (void)snprintf(v->kind, sizeof v->kind, "%s", r->kind);
    (void)snprintf(v->text, sizeof v->text, "%s", r->text);
    v->steps = pcl_xstrdup(r->found.schedule);
}

int pcl_race_run(const struct pcl_job *job, struct pcl_result *out, const volatile int *cancel,
                 struct pcl_err *err)
{
    const struct pcl_explore_spec *x = &job->scenario->explore;
    struct pcl_race_conf conf = {.job = job,
                                 .each = x->each,
                                 .preemptions = x->preemptions,
                                 .states = x->states,
                                 .cancel = cancel};
    struct pcl_race_result r;
    int rc = pcl_race_search(&conf, &r, err);

    if (rc == PCL_OK && r.found.interrupted)
        rc = pcl_fail(err, PCL_EINTR, "interrupted");
    if (rc == PCL_OK)
        collect(&r, out);
    pcl_race_fini(&r);
    return rc;
}
