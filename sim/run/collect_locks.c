/*
 * The lock classes of a finished simulation: their rows and metrics, what their waits were spent on,
 * and which paths were in whose way. A class is a role, or the waits for the end of write-back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PCL_NAN ((double)NAN) /* no sample */

struct class
{
    const char *name;
    const struct pcl_lock_stats *st;
    const struct pcl_lock_notes *notes;
    int kind;    /* of its spinlocks, -1: those of another class */
    uint8_t bit; /* of a folio: whom its waiters wait for */
    pcl_ns longest; /* wait, those that were not over at the end included */
};

static void add(struct pcl_sim *s, const char *name, const struct class *c, const char *unit,
                enum pcl_better better, double value)
{
    pcl_result_add(s->out, name, c->name, unit, better, value);
}

/* --- rows ------------------------------------------------------------------------------------- */

static pcl_ns irqs_off(const struct pcl_sim *s, const struct class *c, bool in_irq)
{
    const pcl_ns *by = c->kind < 0 ? NULL : s->m.irqs_off_by[c->kind];

    if (!by)
        return 0;
    return in_irq || by[1] > by[0] ? by[1] : by[0];
}

/* What is counted for a class as a whole. */
static void class_counts(const struct pcl_sim *s, struct pcl_lock_row *r, const struct class *c)
{
    const struct pcl_lock_stats *st = c->st;

    r->steals = st->steals;
    r->handoffs = st->handoffs;
    r->lost_retries = st->lost_retries;
    r->trylock_failures = st->trylock_failures;
    r->walk_visits = st->walk_visits;
    r->walk_foreign = st->walk_foreign;
    r->walks = st->walks;
    r->walk_max = st->walk_max;
    r->walk_foreign_max = st->foreign_max;
    r->wasted_wakes = st->wasted_wakes;
    r->sleeps = st->sleeps;
    r->line_transfers = st->line_transfers;
    r->bypass_max = st->bypass_max;
    r->irqs_off_max = irqs_off(s, c, false);
    r->irqs_off_in_irq = irqs_off(s, c, true);
}

static struct pcl_wait_split split_of(const pcl_ns *spent)
{
    return (struct pcl_wait_split){.line = spent[PCL_SPENT_LINE],
                                   .spinlock = spent[PCL_SPENT_SPIN],
                                   .optimistic = spent[PCL_SPENT_WATCH],
                                   .conflict = spent[PCL_SPENT_SLEEP],
                                   .wakeup = spent[PCL_SPENT_QUEUE],
                                   .cpu = spent[PCL_N_SPENT]};
}

static void lock_row(struct pcl_sim *s, const struct class *c, int mode)
{
    const struct pcl_lock_stats *st = c->st;
    const struct pcl_hist *w = &st->mode[mode].wait, *h = &st->mode[mode].hold;

    if (st->mode[mode].acquisitions == 0)
        return;
    struct pcl_lock_row *r = pcl_result_add_lock(s->out, c->name, mode == PCL_SHARED ? 'S' : 'X');

    r->acquisitions = st->mode[mode].acquisitions;
    r->contentions = st->mode[mode].contentions;
    r->con_bounces = st->mode[mode].con_bounces;
    r->acq_bounces = st->mode[mode].acq_bounces;
    r->wait_min = w->count ? w->min : 0;
    r->wait_max = w->count ? w->max : 0;
    r->wait_total = (pcl_ns)w->sum;
    r->split = split_of(st->mode[mode].spent);
    r->hold_min = h->count ? h->min : 0;
    r->hold_max = h->count ? h->max : 0;
    r->hold_total = (pcl_ns)h->sum;
    if (mode == PCL_EXCLUSIVE || st->mode[PCL_EXCLUSIVE].acquisitions == 0)
        class_counts(s, r, c);
}

/* --- who was in whose way ------------------------------------------------------------------------ */

static const char *op_name(uint32_t site)
{
    uint32_t op = site >> PCL_SITE_STEP_BITS;

    return op < PCL_N_OPS ? pcl_op_name((enum pcl_op)op) : "flusher";
}

/* The operation and the mode of somebody. */
static void name_who(uint32_t who, char *op, size_t n, char *mode)
{
    if (who == PCL_NONE)
        return;
    (void)snprintf(op, n, "%s%s", op_name(who >> PCL_WHO_SITE),
                   who & PCL_WHO_DEVICE ? " i/o" : "");
    *mode = who & PCL_WHO_EXCLUSIVE ? 'X' : 'S';
}

/* Alike but for the steps of the paths. */
static bool same_pair(const struct pcl_blocked_row *a, const struct pcl_blocked_row *b)
{
    return strcmp(a->waiter, b->waiter) == 0 && strcmp(a->holder, b->holder) == 0 &&
           strcmp(a->behind, b->behind) == 0 && a->waiter_mode == b->waiter_mode &&
           a->holder_mode == b->holder_mode && a->behind_mode == b->behind_mode;
}

static void add_blocked(struct pcl_result *out, size_t first, const char *lock,
                        const struct pcl_blocked *b)
{
    struct pcl_blocked_row row = {
        .waiter_mode = '-', .holder_mode = '-', .behind_mode = '-'},
                           *to = NULL;

    (void)snprintf(row.lock, sizeof(row.lock), "%s", lock);
    name_who(b->waiter, row.waiter, sizeof(row.waiter), &row.waiter_mode);
    name_who(b->holder, row.holder, sizeof(row.holder), &row.holder_mode);
    name_who(b->behind, row.behind, sizeof(row.behind), &row.behind_mode);
    for (size_t i = first; i < out->n_blocked && !to; i++)
        if (same_pair(&out->blocked[i], &row))
            to = &out->blocked[i];
    if (!to) {
        to = pcl_result_add_blocked(out);
        *to = row;
    }
    to->count += b->count;
    to->total += b->total;
    if (b->longest > to->longest)
        to->longest = b->longest;
}

static int by_total(const void *a, const void *b)
{
    const struct pcl_blocked_row *x = a, *y = b;
    int c;

    if (x->total != y->total)
        return x->total < y->total ? 1 : -1;
    if ((c = strcmp(x->waiter, y->waiter)) != 0 || (c = x->waiter_mode - y->waiter_mode) != 0 ||
        (c = strcmp(x->holder, y->holder)) != 0 || (c = x->holder_mode - y->holder_mode) != 0 ||
        (c = strcmp(x->behind, y->behind)) != 0)
        return c;
    return x->behind_mode - y->behind_mode;
}

static void blocked_rows(struct pcl_sim *s, const struct class *c)
{
    struct pcl_result *out = s->out;
    size_t first = out->n_blocked;

    for (uint32_t i = 0; i < c->st->blocked.cap; i++)
        if (c->st->blocked.v[i].count)
            add_blocked(out, first, c->name, &c->st->blocked.v[i]);
    if (out->n_blocked > first)
        qsort(out->blocked + first, out->n_blocked - first, sizeof(*out->blocked), by_total);
}

static void add_point(struct pcl_sim *s, size_t first, const struct class *c, uint32_t who,
                      bool holds, uint64_t count)
{
    struct pcl_result *out = s->out;
    uint32_t site = who >> PCL_WHO_SITE;
    uint16_t step = site & UINT16_MAX;
    struct pcl_lock_point *p;
    char at[sizeof(p->at)];

    if (who == PCL_NONE)
        return;
    (void)snprintf(at, sizeof(at), "%.16s.%u", op_name(site), step);
    for (size_t i = first; i < out->n_points; i++)
        if (out->points[i].holds == holds && strcmp(out->points[i].at, at) == 0) {
            out->points[i].count += count;
            return;
        }
    p = pcl_result_add_point(out);
    (void)snprintf(p->lock, sizeof(p->lock), "%s", c->name);
    memcpy(p->at, at, sizeof(at));
    (void)snprintf(p->what, sizeof(p->what), "%s: %s", op_name(site),
                   pcl_site_step(&s->k, site));
    p->holds = holds;
    p->count = count;
}

static int by_count(const void *a, const void *b)
{
    const struct pcl_lock_point *x = a, *y = b;

    if (x->holds != y->holds)
        return x->holds - y->holds;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->at, y->at);
}

static void points(struct pcl_sim *s, const struct class *c)
{
    struct pcl_result *out = s->out;
    size_t first = out->n_points;

    for (uint32_t i = 0; i < c->st->blocked.cap; i++) {
        const struct pcl_blocked *b = &c->st->blocked.v[i];

        if (b->count == 0)
            continue;
        add_point(s, first, c, b->waiter, false, b->count);
        add_point(s, first, c, b->holder, true, b->count);
    }
    if (out->n_points > first)
        qsort(out->points + first, out->n_points - first, sizeof(*out->points), by_count);
}

/* --- metrics ----------------------------------------------------------------------------------- */

static void wait_metrics(struct pcl_sim *s, const struct class *c)
{
    struct pcl_hist *h = pcl_result_add_hist(s->out, "wait", c->name);
    pcl_ns spent[PCL_N_SPENT + 1], behind = 0;
    bool any;

    pcl_hist_merge(h, &c->st->mode[0].wait);
    pcl_hist_merge(h, &c->st->mode[1].wait);
    any = h->count > 0;
    add(s, "wait_min", c, "ns", PCL_BETTER_LOWER, any ? (double)h->min : PCL_NAN);
    add(s, "wait_mean", c, "ns", PCL_BETTER_LOWER, any ? pcl_hist_mean(h) : PCL_NAN);
    add(s, "wait_p50", c, "ns", PCL_BETTER_LOWER,
        any ? (double)pcl_hist_quantile(h, 0.5) : PCL_NAN);
    add(s, "wait_p99", c, "ns", PCL_BETTER_LOWER,
        any ? (double)pcl_hist_quantile(h, 0.99) : PCL_NAN);
    add(s, "wait_max", c, "ns", PCL_BETTER_LOWER, any ? (double)h->max : PCL_NAN);
    add(s, "longest_wait", c, "ns", PCL_BETTER_LOWER, (double)c->longest);
    add(s, "wait_total", c, "ns", PCL_BETTER_LOWER, h->sum);
    for (int i = 0; i <= PCL_N_SPENT; i++)
        spent[i] = c->st->mode[0].spent[i] + c->st->mode[1].spent[i];
    struct pcl_wait_split split = split_of(spent);

    add(s, "wait_line", c, "ns", PCL_BETTER_LOWER, (double)split.line);
    add(s, "wait_spinlock", c, "ns", PCL_BETTER_LOWER, (double)split.spinlock);
    add(s, "wait_optimistic", c, "ns", PCL_BETTER_LOWER, (double)split.optimistic);
    add(s, "wait_conflict", c, "ns", PCL_BETTER_LOWER, (double)split.conflict);
    add(s, "wait_wakeup", c, "ns", PCL_BETTER_LOWER, (double)split.wakeup);
    add(s, "wait_cpu", c, "ns", PCL_BETTER_LOWER, (double)split.cpu);
    for (uint32_t i = 0; i < c->st->blocked.cap; i++)
        if (c->st->blocked.v[i].count && c->st->blocked.v[i].behind != PCL_NONE)
            behind += c->st->blocked.v[i].total;
    add(s, "wait_behind", c, "ns", PCL_BETTER_LOWER, (double)behind);
}

static void hold_metrics(struct pcl_sim *s, const struct class *c)
{
    struct pcl_hist *h = pcl_result_add_hist(s->out, "hold", c->name);
    bool any;

    pcl_hist_merge(h, &c->st->mode[0].hold);
    pcl_hist_merge(h, &c->st->mode[1].hold);
    any = h->count > 0;
    add(s, "hold_min", c, "ns", PCL_BETTER_NONE, any ? (double)h->min : PCL_NAN);
    add(s, "hold_mean", c, "ns", PCL_BETTER_NONE, any ? pcl_hist_mean(h) : PCL_NAN);
    add(s, "hold_max", c, "ns", PCL_BETTER_NONE, any ? (double)h->max : PCL_NAN);
}

/* How the waiters of a class fared, and what the class cost. */
static void class_metrics(struct pcl_sim *s, const struct class *c)
{
    const struct pcl_lock_stats *st = c->st;

    add(s, "bypass_max", c, "count", PCL_BETTER_LOWER, (double)st->bypass_max);
    add(s, "fairness", c, "ratio", PCL_BETTER_HIGHER,
        c->notes && c->bit != PCL_PG_WRITEBACK ? pcl_lock_notes_fairness(c->notes, s->n_work)
                                               : PCL_NAN);
    add(s, "wasted_wakes", c, "count", PCL_BETTER_LOWER, (double)st->wasted_wakes);
    add(s, "steals", c, "count", PCL_BETTER_NONE, (double)st->steals);
    add(s, "handoffs", c, "count", PCL_BETTER_NONE, (double)st->handoffs);
    add(s, "lost_retries", c, "count", PCL_BETTER_LOWER, (double)st->lost_retries);
    add(s, "false_conflicts", c, "count", PCL_BETTER_LOWER, (double)st->false_conflicts);
    add(s, "trylock_failures", c, "count", PCL_BETTER_NONE, (double)st->trylock_failures);
    add(s, "sleeps", c, "count", PCL_BETTER_LOWER, (double)st->sleeps);
    add(s, "line_transfers", c, "count", PCL_BETTER_LOWER, (double)st->line_transfers);
    if (c->kind < 0)
        return;
    add(s, "irqs_off_max", c, "ns", PCL_BETTER_LOWER, (double)irqs_off(s, c, false));
    add(s, "irqs_off_in_irq", c, "ns", PCL_BETTER_LOWER, (double)irqs_off(s, c, true));
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : PCL_NAN;
}

static void page_metrics(struct pcl_sim *s, const struct class *c)
{
    const struct pcl_lock_stats *st = c->st;

    add(s, "waiters_max", c, "count", PCL_BETTER_LOWER, (double)st->waiters_max);
    add(s, "walk_max", c, "count", PCL_BETTER_LOWER, (double)st->walk_max);
    add(s, "walks", c, "count", PCL_BETTER_NONE, (double)st->walks);
    add(s, "walk_visits", c, "count", PCL_BETTER_LOWER, (double)st->walk_visits);
    add(s, "walk_foreign", c, "count", PCL_BETTER_LOWER, (double)st->walk_foreign);
    add(s, "walk_mean", c, "count", PCL_BETTER_LOWER, ratio(st->walk_visits, st->walks));
    add(s, "walk_own_mean", c, "count", PCL_BETTER_LOWER,
        ratio(st->walk_visits - st->walk_foreign, st->walks));
    add(s, "walk_foreign_max", c, "count", PCL_BETTER_LOWER, (double)st->foreign_max);
    add(s, "walk_foreign_mean", c, "count", PCL_BETTER_LOWER, ratio(st->walk_foreign, st->walks));
}

/* --- classes ----------------------------------------------------------------------------------- */

static pcl_ns end_time(const struct pcl_sim *s)
{
    return sim_end(s) > s->m.eng.now ? sim_end(s) : s->m.eng.now;
}

/* The longest wait counts those that were not over at the end. */
static void find_longest(const struct pcl_sim *s, struct class *c)
{
    for (int mode = 0; mode < 2; mode++)
        if (c->st->mode[mode].longest_wait > c->longest)
            c->longest = c->st->mode[mode].longest_wait;
    for (uint32_t b = 0; b < s->n_work; b++)
        if (pcl_lock_notes_waits(c->notes, b) && (!c->bit || s->k.page.op[b].bit == c->bit) &&
            end_time(s) - pcl_times_of(&s->k, b)->lock_begin > c->longest)
            c->longest = end_time(s) - pcl_times_of(&s->k, b)->lock_begin;
}

/* Whoever sleeps in the middle of an operation, and for no transfer of its own. */
static pcl_ns unfinished_wait(const struct pcl_sim *s)
{
    pcl_ns longest = 0;

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_call *c = pcl_call_of(&s->k, b);
        bool waits = s->m.model[b].run == PCL_RUN_ASLEEP && c->active && c->phase;

        if (waits && (s->k.page.waiter[b].queued || c->bio == PCL_NONE) &&
            end_time(s) - pcl_times_of(&s->k, b)->lock_begin > longest)
            longest = end_time(s) - pcl_times_of(&s->k, b)->lock_begin;
    }
    return longest;
}

/* A waiter that is still passed by counts as those that were served. */
static void note_bypass(struct pcl_lock_stats *st, const struct pcl_lock_notes *notes,
                        unsigned props)
{
    uint64_t by =
        pcl_lock_notes_longest_bypass(notes, props & (PCL_PROP_EXACT | PCL_PROP_COARSE));

    if (by > st->bypass_max)
        st->bypass_max = by;
}

/* Who waits or holds at the end does so in the course too. Of page locks only the waits: nobody
 * lists the pages that are held. */
static void end_course(const struct pcl_sim *s, const struct class *c, int role,
                       struct pcl_course *t)
{
    pcl_ns end = end_time(s);

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_call_times *times = pcl_times_of(&s->k, b);
        uint32_t held = role < 0 ? 0 : pcl_call_of(&s->k, b)->held[role];

        if (pcl_lock_notes_waits(c->notes, b) && (!c->bit || s->k.page.op[b].bit == c->bit))
            pcl_course_wait(t, times->lock_begin, end, false);
        else if (held && s->k.range[role].node[held - 1].held)
            pcl_course_hold(t, (int)s->k.range[role].node[held - 1].mode,
                            times->held_since[role], end);
    }
}

enum { COURSE_KEPT = 64 }; /* steps in a result: what a figure can show */

static void add_course(struct pcl_sim *s, const struct class *c, int role)
{
    struct pcl_course *t = pcl_result_add_course(s->out, c->name);

    t->from = c->st->line.from;
    pcl_course_add(t, &c->st->line);
    end_course(s, c, role, t);
    t->from = 0;
    pcl_course_limit(t, COURSE_KEPT);
}

static void one_class(struct pcl_sim *s, struct class *c, pcl_ns *longest)
{
    const struct pcl_lock_stats *st = c->st;
    uint64_t acquisitions = st->mode[0].acquisitions + st->mode[1].acquisitions;

    find_longest(s, c);
    if (acquisitions == 0)
        return;
    lock_row(s, c, PCL_SHARED);
    lock_row(s, c, PCL_EXCLUSIVE);
    add(s, "acquisitions", c, "count", PCL_BETTER_NONE, (double)acquisitions);
    add(s, "contentions", c, "count", PCL_BETTER_LOWER,
        (double)(st->mode[0].contentions + st->mode[1].contentions));
    wait_metrics(s, c);
    hold_metrics(s, c);
    class_metrics(s, c);
    if (c->st->by_flusher)
        add(s, "wait_flusher", c, "ns", PCL_BETTER_LOWER, (double)c->st->by_flusher);
    blocked_rows(s, c);
    points(s, c);
    add_course(s, c, c->notes && c->notes != s->k.page.notes ? c->kind : -1);
    for (int mode = 0; mode < 2; mode++)
        if (st->mode[mode].longest_wait > *longest)
            *longest = st->mode[mode].longest_wait;
}

void sim_collect_locks(struct pcl_sim *s)
{
    pcl_ns longest = unfinished_wait(s);
    struct class page = {.name = "page",
                         .st = &s->k.page.stats,
                         .notes = s->k.page.notes,
                         .kind = PCL_ROLE_PAGE,
                         .bit = PCL_PG_LOCKED};
    struct class writeback = {.name = "writeback",
                              .st = &s->k.writeback_stats,
                              .notes = s->k.page.notes,
                              .kind = -1,
                              .bit = PCL_PG_WRITEBACK};
    struct class entry = {.name = "dax-entry", .st = &s->k.entry_stats, .kind = -1};
    struct class drain = {.name = "dio-drain", .st = &s->k.drain_stats, .kind = -1};
    struct class tree = {.name = pcl_role_name(PCL_ROLE_MAPPING_TREE),
                         .kind = PCL_ROLE_MAPPING_TREE};

    note_bypass(&s->k.page.stats, s->k.page.notes, 0);
    one_class(s, &page, &longest);
    one_class(s, &writeback, &longest);
    one_class(s, &drain, &longest);
    one_class(s, &entry, &longest);
    for (int r = 0; r < PCL_N_ROLES; r++) {
        struct pcl_range_locks *R = &s->k.range[r];
        struct class c = {.name = pcl_role_name((enum pcl_role)r),
                          .st = &R->stats,
                          .notes = R->notes,
                          .kind = r};

        if (!R->ops)
            continue;
        note_bypass(&R->stats, R->notes, R->ops->props);
        one_class(s, &c, &longest);
    }
    pcl_result_add(s->out, "longest_wait", "all", "ns", PCL_BETTER_LOWER, (double)longest);
    page_metrics(s, &page);
    add(s, "irqs_off_max", &tree, "ns", PCL_BETTER_LOWER, (double)irqs_off(s, &tree, false));
}
