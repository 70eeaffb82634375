/*
 * Lock statistics of several runs as if they had been one: counts and totals add up, the extremes are
 * those of all.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/lockform.h>

static struct pcl_lock_row *row_of(struct pcl_result *into, const struct pcl_lock_row *l)
{
    for (size_t i = 0; i < into->n_locks; i++)
        if (into->locks[i].mode == l->mode && strcmp(into->locks[i].name, l->name) == 0)
            return &into->locks[i];
    return NULL;
}

static void larger(uint64_t *into, uint64_t v)
{
    if (v > *into)
        *into = v;
}

static void longer(pcl_ns *into, pcl_ns v)
{
    if (v > *into)
        *into = v;
}

/* The least of two intervals' least, where n counts what was measured. */
static void shorter(pcl_ns *into, uint64_t n_into, pcl_ns v, uint64_t n)
{
    if (n && (n_into == 0 || v < *into))
        *into = v;
}

static void add_row(struct pcl_lock_row *a, const struct pcl_lock_row *b)
{
    shorter(&a->wait_min, a->contentions, b->wait_min, b->contentions);
    shorter(&a->hold_min, a->acquisitions, b->hold_min, b->acquisitions);
    longer(&a->wait_max, b->wait_max);
    longer(&a->hold_max, b->hold_max);
    longer(&a->irqs_off_max, b->irqs_off_max);
    longer(&a->irqs_off_in_irq, b->irqs_off_in_irq);
    larger(&a->walk_max, b->walk_max);
    larger(&a->walk_foreign_max, b->walk_foreign_max);
    larger(&a->bypass_max, b->bypass_max);
    a->acquisitions += b->acquisitions;
    a->contentions += b->contentions;
    a->con_bounces += b->con_bounces;
    a->acq_bounces += b->acq_bounces;
    a->wait_total += b->wait_total;
    a->hold_total += b->hold_total;
    a->split.line += b->split.line;
    a->split.spinlock += b->split.spinlock;
    a->split.optimistic += b->split.optimistic;
    a->split.conflict += b->split.conflict;
    a->split.wakeup += b->split.wakeup;
    a->split.cpu += b->split.cpu;
    a->steals += b->steals;
    a->handoffs += b->handoffs;
    a->lost_retries += b->lost_retries;
    a->trylock_failures += b->trylock_failures;
    a->walk_visits += b->walk_visits;
    a->walk_foreign += b->walk_foreign;
    a->walks += b->walks;
    a->wasted_wakes += b->wasted_wakes;
    a->sleeps += b->sleeps;
    a->line_transfers += b->line_transfers;
}

static bool same_pair(const struct pcl_blocked_row *a, const struct pcl_blocked_row *b)
{
    return strcmp(a->lock, b->lock) == 0 && strcmp(a->waiter, b->waiter) == 0 &&
           strcmp(a->holder, b->holder) == 0 && strcmp(a->behind, b->behind) == 0 &&
           a->waiter_mode == b->waiter_mode && a->holder_mode == b->holder_mode &&
           a->behind_mode == b->behind_mode;
}

static void add_blocked(struct pcl_result *into, const struct pcl_blocked_row *b)
{
    for (size_t i = 0; i < into->n_blocked; i++) {
        struct pcl_blocked_row *a = &into->blocked[i];

        if (!same_pair(a, b))
            continue;
        a->count += b->count;
        a->total += b->total;
        longer(&a->longest, b->longest);
        return;
    }
    *pcl_result_add_blocked(into) = *b;
}

static void add_point(struct pcl_result *into, const struct pcl_lock_point *p)
{
    for (size_t i = 0; i < into->n_points; i++) {
        struct pcl_lock_point *a = &into->points[i];

        if (a->holds == p->holds && strcmp(a->lock, p->lock) == 0 && strcmp(a->at, p->at) == 0) {
            a->count += p->count;
            return;
        }
    }
    *pcl_result_add_point(into) = *p;
}

static int by_total(const void *a, const void *b)
{
    const struct pcl_blocked_row *x = a, *y = b;

    return x->total == y->total ? 0 : x->total < y->total ? 1 : -1;
}

static int by_count(const void *a, const void *b)
{
    const struct pcl_lock_point *x = a, *y = b;

    return x->count == y->count ? strcmp(x->at, y->at) : x->count < y->count ? 1 : -1;
}

void pcl_lock_sum(struct pcl_result *into, const struct pcl_result *r)
{
    (void)snprintf(into->scheme, sizeof(into->scheme), "%s", r->scheme);
    for (size_t i = 0; i < r->n_locks; i++) {
        struct pcl_lock_row *row = row_of(into, &r->locks[i]);

        if (row)
            add_row(row, &r->locks[i]);
        else
            *pcl_result_add_lock(into, r->locks[i].name, r->locks[i].mode) = r->locks[i];
    }
    for (size_t i = 0; i < r->n_blocked; i++)
        add_blocked(into, &r->blocked[i]);
    for (size_t i = 0; i < r->n_points; i++)
        add_point(into, &r->points[i]);
    if (into->n_blocked)
        qsort(into->blocked, into->n_blocked, sizeof(*into->blocked), by_total);
    if (into->n_points)
        qsort(into->points, into->n_points, sizeof(*into->points), by_count);
}
