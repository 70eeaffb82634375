/*
 * Laws that hold in every simulation, checked while it runs: one owner per page at a time (noted at
 * each grant), every lock's own invariants, no two conflicting ranges held, nobody asleep for ever,
 * waiters conserved, Little's law. A broken law ends the run and says when, who, and with which
 * seed.
 *
 * A look goes through everything there is, so with many tasks it costs more than what they did
 * since the one before. Simulating pays for looking: each micro-step is worth a few visits of a
 * request, a waiter or a task. A look waits until it is paid for, and the instances of a lock,
 * whose invariants cost instances times requests, take turns for what is left. The look at the
 * end of the run has credit of its own, half of what the whole run earned and something on top.
 *
 * Little's law in the exact form: the area under the number of operations under way equals the sum
 * of the times that they have been under way, whatever the arrivals.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "cycle.h"
#include "sim.h"
#include "wrong.h"

enum {
    VISITS_A_STEP = 2,    /* a micro-step takes the time of some 20 such visits */
    LAST_VISITS = 1 << 21 /* some milliseconds */
};

void laws_break(struct pcl_sim *s, const char *fmt, ...)
{
    char why[960];
    va_list ap;

    if (s->laws.broken)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    s->laws.broken = true;
    s->m.stop = true;
    (void)snprintf(s->laws.text, sizeof(s->laws.text),
                   "law broken at %lld ns, task %d, seed %llu, replication %u: %s",
                   (long long)s->m.eng.now, s->m.cur == PCL_NONE ? -1 : (int)s->m.cur,
                   (unsigned long long)s->job->seed, s->job->replication, why);
}

void laws_init(struct pcl_sim *s)
{
#ifdef PCLSIM_CHECKING
    s->laws.on = true;
#else
    s->laws.on = s->job->check;
#endif
}

/* --- Little's law ------------------------------------------------------------------------------- */

static void advance(struct pcl_laws *l, pcl_ns now)
{
    l->area += (pcl_u128)(uint64_t)l->under_way * (uint64_t)(now - l->area_at);
    l->area_at = now;
}

void laws_op_begin(struct pcl_sim *s)
{
    advance(&s->laws, s->m.eng.now);
    s->laws.under_way++;
}

void laws_op_end(struct pcl_sim *s)
{
    advance(&s->laws, s->m.eng.now);
    s->laws.under_way--;
    s->laws.times += (uint64_t)(s->m.eng.now - s->body[s->m.cur].called);
}

static void check_little(struct pcl_sim *s)
{
    pcl_u128 times = s->laws.times;

    advance(&s->laws, s->m.eng.now);
    for (uint32_t b = 0; b < s->n_work; b++)
        if (s->body[b].phase == BODY_CALL)
            times += (uint64_t)(s->m.eng.now - s->body[b].called);
    if (times != s->laws.area)
        laws_break(s, "Little's law: the operations' times do not add up to their number in time");
}

/* --- ranges and pages ----------------------------------------------------------------------------- */

static const enum pcl_role roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                      PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

/* Held ranges of an instance stand together, by their begin; node numbers keep the order one. */
static int by_begin(const void *a, const void *b)
{
    const struct pcl_range_node *x = *(const struct pcl_range_node *const *)a;
    const struct pcl_range_node *y = *(const struct pcl_range_node *const *)b;

    if (x->inst != y->inst)
        return x->inst < y->inst ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x > y) - (x < y);
}

/* Goes through the held ranges by their begin and remembers whose end is the furthest, of all and
 * of those held alone: who begins before it is in conflict. */
static void check_exclusion(struct pcl_sim *s, const struct pcl_range_locks *R)
{
    const struct pcl_range_node **held = pcl_xcalloc(R->n_nodes + 1, sizeof(*held));
    const struct pcl_range_node *far[2] = {NULL, NULL}; /* [1]: exclusive */
    size_t n = 0;

    for (uint32_t i = 0; i < R->n_nodes; i++)
        if (R->node[i].used && R->node[i].held)
            held[n++] = &R->node[i];
    qsort(held, n, sizeof(*held), by_begin);
    for (size_t i = 0; i < n; i++) {
        const struct pcl_range_node *x = held[i];
        bool alone = x->mode == PCL_EXCLUSIVE;

        if (i && held[i - 1]->inst != x->inst)
            far[0] = far[1] = NULL;
        const struct pcl_range_node *y = far[!alone];

        if (y && x->start <= y->last)
            laws_break(s, "%s %u: tasks %u and %u hold conflicting ranges",
                       pcl_role_name(R->role), x->inst, y->owner, x->owner);
        if (!far[0] || x->last > far[0]->last)
            far[0] = x;
        if (alone && (!far[1] || x->last > far[1]->last))
            far[1] = x;
    }
    free(held);
}

/* The causes of a wait do not overlap, and it is as long as all of them together. */
static void check_waits(struct pcl_sim *s, const char *name, const struct pcl_lock_stats *st)
{
    uint64_t contentions = 0;

    if (st->unbalanced)
        laws_break(s, "%s: %llu waits were shorter than what they were spent on", name,
                   (unsigned long long)st->unbalanced);
    for (uint32_t i = 0; i < st->blocked.cap; i++)
        contentions += st->blocked.v[i].count;
    if (contentions != st->mode[0].contentions + st->mode[1].contentions)
        laws_break(s, "%s: %llu waits have somebody in their way, %llu were counted", name,
                   (unsigned long long)contentions,
                   (unsigned long long)(st->mode[0].contentions + st->mode[1].contentions));
    for (int mode = 0; mode < 2; mode++) {
        pcl_ns sum = 0;

        for (int i = 0; i <= PCL_N_SPENT; i++)
            sum += st->mode[mode].spent[i];
        if (sum < INT64_C(1) << 53 && (double)sum != st->mode[mode].wait.sum)
            laws_break(s, "%s: %lld ns of waits were spent, %.0f ns waited", name, (long long)sum,
                       st->mode[mode].wait.sum);
    }
}

/* A lock's validator goes through all bodies and all requests of its role, that of an exact lock
 * through these again for each request. */
static int64_t cost_of(const struct pcl_range_locks *R)
{
    int64_t used = 1;

    for (uint32_t i = 0; i < R->n_nodes && (R->ops->props & PCL_PROP_EXACT); i++)
        used += R->node[i].used;
    return used * R->n_nodes + R->n_bodies;
}

/* Instances take turns, as far as there is credit. */
static void check_instances(struct pcl_sim *s, const struct pcl_range_locks *R)
{
    uint32_t *turn = &s->laws.turn[R->role];
    const char *why = "";
    int64_t cost = cost_of(R);

    for (uint32_t n = 0; n < R->n_inst && s->laws.credit > 0; n++) {
        uint32_t i = *turn < R->n_inst ? *turn : 0;

        *turn = i + 1;
        s->laws.credit -= cost;
        if (!R->ops->validate(R, i, &why))
            laws_break(s, "%s %u (%s): %s", pcl_role_name(R->role), i, R->ops->name, why);
    }
}

static void check_ranges(struct pcl_sim *s, const struct pcl_range_locks *R)
{
    check_waits(s, pcl_role_name(R->role), &R->stats);
    if (R->ops->props & PCL_PROP_NULL)
        return;
    if (!(R->ops->props & PCL_PROP_RESIDENT)) /* those hold pages: ranges may overlap */
        check_exclusion(s, R);
    if (R->ops->validate && R->n_nodes) /* else nobody has asked for any */
        check_instances(s, R);
}

/* No page had two owners at once, the lock's own state is sound, and no waiter is miscounted. */
static void check_pages(struct pcl_sim *s)
{
    const char *why = "";
    const struct pcl_page_locks *L = &s->k.page;
    uint64_t queued = 0;

    check_waits(s, "page", &L->stats);
    check_waits(s, "writeback", &s->k.writeback_stats);
    if (L->ops->validate && !L->ops->validate(L, &why))
        laws_break(s, "page (%s): %s", L->ops->name, why);
    if (L->stats.overlaps)
        laws_break(s, "page (%s): granted %llu times while another owner had the page",
                   L->ops->name, (unsigned long long)L->stats.overlaps);
    for (uint32_t w = 0; w < L->n_bodies; w++)
        queued += L->waiter[w].queued;
    if (queued != L->stats.waiters)
        laws_break(s, "page: %llu waiters are queued, %llu counted", (unsigned long long)queued,
                   (unsigned long long)L->stats.waiters);
}

static void look(struct pcl_sim *s)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        check_ranges(s, &s->k.range[roles[i]]);
    check_pages(s);
    check_little(s);
}

/* What a look visits whatever there is credit for: every request, waiter and task. */
static int64_t least_cost(const struct pcl_sim *s)
{
    int64_t cost = (int64_t)s->k.page.n_waiters * 2 + s->k.page.n_queues + s->k.n_bodies;

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        cost += s->k.range[roles[i]].n_nodes;
    return cost;
}

/* Micro-steps that were simulated one by one. */
static int64_t steps_taken(const struct pcl_sim *s)
{
    return (int64_t)(s->m.steps - s->m.leapt);
}

void laws_look_if_paid(struct pcl_sim *s)
{
    struct pcl_laws *l = &s->laws;

    l->credit += (steps_taken(s) - l->looked) * VISITS_A_STEP;
    l->looked = steps_taken(s);
    if (l->credit < least_cost(s))
        return;
    l->credit -= least_cost(s);
    look(s);
}

void laws_look(struct pcl_sim *s)
{
    s->laws.credit = LAST_VISITS + steps_taken(s);
    look(s);
}

/* --- nobody is lost --------------------------------------------------------------------------------- */

/* A lock that has been let go may stay free while others sleep on it: the one sleeper whom the
 * unlock woke, or somebody about to queue, has yet to look at it, and will wake them in his turn. */
static bool about_to_look(const struct pcl_sim *s, uint32_t b, const struct pcl_waiter *w)
{
    const struct pcl_page_op *op = &s->k.page.op[b];
    const struct pcl_call *c = pcl_call_of(&s->k, b);

    return op->what == PCL_PAGE_LOCK && op->bit == w->bit && op->pc != 0 && c->active &&
           c->folio == w->folio && c->phase == 1 && !s->k.page.waiter[b].queued;
}

/* Is anybody on the way to wake the waiters of this folio? */
static bool waker_under_way(const struct pcl_sim *s, const struct pcl_waiter *w)
{
    const struct pcl_page_locks *L = &s->k.page;

    for (uint32_t b = 0; b < L->n_bodies; b++)
        if ((L->op[b].what == PCL_PAGE_UNLOCK && L->op[b].folio == w->folio && L->op[b].pc != 0) ||
            about_to_look(s, b, w))
            return true;
    return false;
}

static void check_sleepers(struct pcl_sim *s)
{
    const struct pcl_page_locks *L = &s->k.page;

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_waiter *w = &L->waiter[b];

        if (s->m.model[b].run != PCL_RUN_ASLEEP || !w->queued)
            continue;
        if (!pcl_page_taken(L, w->folio, w->bit) && !waker_under_way(s, w) && !s->m.stop)
            laws_break(s, "lost wake-up: task %u sleeps on folio %u, whose lock is free", b,
                       w->folio);
    }
}

/* Waits for a CPU and for nothing else: it has no event of its own until it gets one. */
static bool in_queue(const struct pcl_sim *s, uint32_t b)
{
    return b < s->n_work && s->m.model[b].run != PCL_RUN_ASLEEP &&
           s->m.model[b].run != PCL_RUN_DEAD;
}

bool laws_stuck(const struct pcl_sim *s)
{
    if (s->n_alive == 0 || s->m.n_flight)
        return false;
    for (uint32_t b = 0; b < s->m.n_bodies; b++)
        if (b != s->k.flusher && (pcl_event_time(&s->m.eng, b) != PCL_NS_MAX || in_queue(s, b)))
            return false;
    return true;
}

/* A ring of sleepers: a violation, and a broken law unless the scenario is about such things. */
static void check_cycle(struct pcl_sim *s)
{
    char text[900];
    struct parties who;

    s->laws.deadlocked = sim_cycle(&s->k, s->n_work, &who, text, sizeof(text));
    if (!s->laws.deadlocked)
        return;
    struct pcl_violation *v = pcl_result_add_violation(s->out);

    if (v) {
        v->at = s->m.eng.now;
        (void)snprintf(v->kind, sizeof(v->kind), "deadlock");
        (void)snprintf(v->text, sizeof(v->text), "%s", text);
        v->steps = parties_steps(&s->k, &who, s->m.eng.now);
    }
    if (!s->job->scenario || !s->job->scenario->expect_violations)
        laws_break(s, "deadlock: %s", text);
}

/* Who waits for a lock of this kind since when, at the end. */
static void check_waiting(struct pcl_sim *s, uint32_t b, const struct pcl_lock_notes *notes,
                          bool exact, const char *lock, uint32_t inst, uint64_t page)
{
    pcl_ns wait = s->m.eng.now - pcl_times_of(&s->k, b)->lock_begin;

    if (pcl_lock_notes_waits(notes, b) && wait > s->k.starvation)
        sim_starved(s, &(struct pcl_starved){.task = b,
                                             .inode = inst,
                                             .page = page,
                                             .lock = lock,
                                             .wait = wait,
                                             .passed = pcl_lock_notes_passing(notes, b, exact),
                                             .waits = true});
}

/* Direct I/O goes on and on, and who waits until there is none waits for ever. */
static void check_draining(struct pcl_sim *s, uint32_t b, uint32_t inode)
{
    pcl_ns wait = s->m.eng.now - pcl_times_of(&s->k, b)->lock_begin;

    if (wait > s->k.starvation)
        sim_starved(s, &(struct pcl_starved){.task = b,
                                             .inode = inode,
                                             .page = PCL_NO_PAGE,
                                             .lock = "dio-drain",
                                             .wait = wait,
                                             .waits = true});
}

/* Waits that have had no end when the run has. */
static void check_starving(struct pcl_sim *s)
{
    pcl_ns at = s->m.at;

    s->m.at = s->m.eng.now;
    for (uint32_t b = 0; b < s->n_work && s->k.starvation; b++) {
        const struct pcl_call *c = pcl_call_of(&s->k, b);

        s->m.cur = b;
        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && c->active; i++)
            check_waiting(s, b, s->k.range[roles[i]].notes,
                          s->k.range[roles[i]].ops->props & (PCL_PROP_EXACT | PCL_PROP_COARSE),
                          pcl_role_name(roles[i]), roles[i] == PCL_ROLE_MMAP ? c->mm : c->inode,
                          PCL_NO_PAGE);
        if (c->active && c->drains)
            check_draining(s, b, c->inode);
        if (c->active && c->folio != PCL_NONE)
            check_waiting(s, b, s->k.page.notes, false, "page", c->inode,
                          s->k.cache->folio[c->folio].pgoff);
    }
    s->m.at = at;
}

/* With nothing pending, whoever has not ended waits for ever. */
void laws_end(struct pcl_sim *s)
{
    check_cycle(s);
    check_starving(s);
    if (s->laws.deadlocked && !s->laws.broken)
        return; /* told, and all else that is wrong follows from it */
    for (uint32_t b = 0; b < s->n_work && laws_stuck(s); b++)
        if (s->m.model[b].run != PCL_RUN_DEAD)
            laws_break(s, "deadlock or lost wake-up: %u tasks wait for ever, one of them %u (%s)",
                       s->n_alive, b, pcl_op_name((enum pcl_op)s->body[b].action.req.op));
    if (!s->laws.on)
        return;
    check_sleepers(s);
    laws_look(s);
}
