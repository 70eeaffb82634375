/*
 * Breadth-first search over the states of a machine, level by level: all states that are reached
 * by n moves before any that needs n + 1. A move is one micro-step, or one and those behind it that
 * access nothing which is shared.
 *
 * Under a bound, a state is told apart by who moved last as well, since going on with somebody else
 * may cost a preemption; one that is reached again with fewer is continued again.
 */
#include <pclsim/explore.h>

#include <stdlib.h>
#include <string.h>

#include "explore_store.h"

static const uint64_t default_max_states = 4000000;

enum {
    MOST_TOGETHER = 10000, /* micro-steps of one move: a body that accesses nothing and never ends */
    TELL_EVERY = 1024
};

struct search {
    const struct pcl_explore_conf *conf;
    struct pcl_machine *m;
    struct pcl_explore_result *r;
    struct store store;
    uint64_t max_states;
    bool *can; /* [n_bodies] who can step from the state that is being continued */
    bool stop;
};

/* --- findings ------------------------------------------------------------------------------- */

static void report(struct search *s, enum pcl_explore_verdict verdict, uint32_t number,
                   const char *why)
{
    s->r->verdict = verdict;
    snprintf(s->r->why, sizeof s->r->why, "%s", why);
    free(s->r->schedule);
    s->r->schedule = store_schedule(&s->store, number);
    s->stop = true;
}

static bool all_ended(const struct pcl_machine *m)
{
    for (uint32_t b = 0; b < m->n_tasks; b++)
        if (m->model[b].run != PCL_RUN_DEAD)
            return false;
    return true;
}

/* A state that was not known: is it in order, is it an end, is it to be continued? */
static void look_at(struct search *s, uint32_t number, const char *why)
{
    if (why) {
        report(s, PCL_EXPLORE_VIOLATION, number, why);
        return;
    }
    if (all_ended(s->m))
        store_end(&s->store, number);
    store_keep(&s->store, number);
}

/* --- moves ---------------------------------------------------------------------------------- */

/* NULL when the present state is in order. */
static const char *broken(struct search *s)
{
    const char *why = "the check failed";

    return !s->conf->check || s->conf->check(s->conf->arg, &why) ? NULL : why;
}

/* One micro-step, and those that may be taken together with it. */
static struct move take(struct search *s, uint32_t body, bool yes, const char **why)
{
    struct move by = {.body = (uint16_t)body, .yes = yes};

    s->store.known = false;
    s->m->model[body].choice = yes;
    do {
        pcl_machine_step(s->m, body);
        if (by.steps++ == 0)
            by.asked = s->m->asked;
        s->r->steps++;
        *why = broken(s);
    } while (s->conf->merge && !*why && pcl_machine_can_step(s->m, body) && s->m->n_access == 0 &&
             !s->m->asked && by.steps < MOST_TOGETHER);
    return by;
}

/* The task that moved last, and the body: another one while an interrupt is on top of it. */
static uint64_t key_of(struct search *s, uint32_t task, uint32_t body)
{
    if (s->conf->normalise)
        s->conf->normalise(s->conf->arg);
    uint64_t hash = store_look(&s->store), who = (uint64_t)(task + 1) << 32 | (body + 1);

    return s->conf->bounded ? (hash ^ who) * UINT64_C(0x9e3779b97f4a7c15) : hash;
}

/* One move of a body from the i-th state of the level; true when it asked for the answer. */
static bool move_body(struct search *s, uint32_t i, uint32_t body, bool yes, uint32_t preemptions)
{
    uint32_t from = s->store.level.number[i];
    const char *why;
    bool fresh;

    store_restore(&s->store, i);
    struct move by = take(s, body, yes, &why);

    if (yes && !by.asked)
        return false;
    uint32_t task = body < s->m->n_tasks ? body : s->store.found[from].task;
    uint32_t to = store_number(&s->store, key_of(s, task, body), &fresh);
    struct origin *o = &s->store.found[to];

    if (!s->conf->bounded) /* only questions about for ever need the moves */
        store_edge(&s->store, from, to, &by);
    if (fresh || preemptions < o->preemptions) {
        *o = (struct origin){
            .from = from, .preemptions = preemptions, .task = task, .by = by};
        if (fresh)
            look_at(s, to, why);
        else
            store_keep(&s->store, to);
    }
    return by.asked;
}

/* What going on with this body costs, when those in can are all who can. An interrupt comes for
 * nothing, and goes back to whom it has interrupted: it is no free way to somebody else. */
static uint32_t cost(const struct search *s, uint32_t number, uint32_t body, const bool *can)
{
    const struct origin *o = &s->store.found[number];
    bool interrupts = body >= s->m->n_tasks;

    if (!s->conf->bounded || number == 0 || body == o->by.body || interrupts)
        return 0;
    if (o->by.body != o->task && can[o->by.body])
        return 1;
    return body == o->task ? 0 : can[o->task];
}

static void expand(struct search *s, uint32_t i)
{
    uint32_t number = s->store.level.number[i], moves = 0, n = s->m->n_bodies;
    uint32_t so_far = s->store.found[number].preemptions;

    store_restore(&s->store, i);
    for (uint32_t b = 0; b < n; b++) {
        s->can[b] = pcl_machine_can_step(s->m, b);
        moves += s->can[b];
    }
    if (!moves && !all_ended(s->m)) {
        report(s, PCL_EXPLORE_DEADLOCK, number, "tasks are left and nobody can go on");
        return;
    }
    for (uint32_t b = 0; b < n && !s->stop; b++) {
        uint32_t then = so_far + cost(s, number, b, s->can);

        if (!s->can[b] || (s->conf->bounded && then > s->conf->preemptions))
            continue;
        if (move_body(s, i, b, false, then) && !s->stop)
            move_body(s, i, b, true, then);
    }
}

/* --- the search ----------------------------------------------------------------------------- */

static void tell(const struct search *s, uint64_t left)
{
    if (s->conf->progress)
        s->conf->progress(s->conf->arg,
                          &(struct pcl_explore_progress){.states = s->store.n_found,
                                                         .steps = s->r->steps,
                                                         .depth = s->r->depth,
                                                         .level = left});
}

/* With every state and move at hand: can anything go on for ever? Under a bound moves are missing,
 * and nothing can be said. */
static void look_at_all(struct search *s)
{
    if (s->conf->bounded)
        return;
    uint32_t bad = store_find_endless(&s->store);

    if (bad != PCL_NONE) {
        report(s, PCL_EXPLORE_ENDLESS, bad, "from here on not all tasks can end");
        return;
    }
    bad = store_find_livelock(&s->store, s->m->n_bodies);
    if (bad != PCL_NONE)
        report(s, PCL_EXPLORE_LIVELOCK, bad,
               "from here on all tasks can take turns for ever and none gets done");
}

static bool cancelled(const struct search *s)
{
    return s->conf->cancel && *s->conf->cancel;
}

/* False: the search is over. */
static bool go_through_level(struct search *s)
{
    for (uint32_t i = 0; i < s->store.level.n && !s->stop; i++) {
        if (i % TELL_EVERY == 0)
            tell(s, s->store.level.n - i);
        if (cancelled(s)) {
            s->r->interrupted = true;
            store_join(&s->store, i); /* the rest of this level, then what it led to so far */
            return false;
        }
        expand(s, i);
        if (s->store.n_found > s->max_states) {
            store_join(&s->store, i + 1);
            return false;
        }
    }
    return !s->stop;
}

static void search(struct search *s)
{
    while (s->store.level.n) {
        if (s->conf->max_steps && s->r->depth >= s->conf->max_steps)
            return;
        if (!go_through_level(s))
            return;
        s->r->depth += s->store.next.n > 0;
        store_descend(&s->store);
    }
    s->r->exhausted = true;
    look_at_all(s);
}

/* Begins at the root, or where an earlier search left its place. */
static void begin(struct search *s)
{
    bool fresh;
    int rc = PCL_ENOENT;

    if (s->conf->checkpoint)
        rc = store_load(&s->store, s->conf->checkpoint, s->conf->key, s->r, &s->r->err);
    if (rc == PCL_ENOENT) {
        look_at(s, store_number(&s->store, key_of(s, 0, 0), &fresh), broken(s));
        store_descend(&s->store);
    } else if (rc != PCL_OK) {
        s->stop = true;
    }
}

/* A place is left only when there is something to go on with. */
static void leave_place(struct search *s)
{
    bool more = !s->r->exhausted && !s->stop && s->store.level.n;

    if (!s->conf->checkpoint)
        return;
    if (more)
        (void)store_save(&s->store, s->conf->checkpoint, s->conf->key, s->r, &s->r->err);
    else if (s->r->err.code == PCL_OK)
        (void)remove(s->conf->checkpoint);
}

void pcl_explore(const struct pcl_explore_conf *conf, struct pcl_explore_result *result)
{
    struct search s = {.conf = conf,
                       .m = conf->m,
                       .r = result,
                       .can = pcl_xcalloc(conf->m->n_bodies, sizeof *s.can),
                       .max_states = conf->max_states ? conf->max_states : default_max_states};

    PCL_ASSERT(conf->m->explore && s.max_states < UINT32_MAX / 2 &&
               conf->m->n_bodies < UINT16_MAX);
    *result = (struct pcl_explore_result){.schedule = pcl_xstrdup("")};
    store_begin(&s.store, s.m->state);
    begin(&s);
    if (!s.stop)
        search(&s);
    leave_place(&s);
    result->states = s.store.n_found;
    result->ends = s.store.n_ends;
    store_fini(&s.store);
    free(s.can);
}

void pcl_explore_fini(struct pcl_explore_result *result)
{
    free(result->schedule);
    result->schedule = NULL;
}
