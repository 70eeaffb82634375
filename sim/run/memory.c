/*
 * Kernel bytes of a run's locks and of its page-cache index, by the sizes that the structures have
 * without lockdep and with it: what one of each costs, what lay there unused, and the peak.
 */
#include <pclsim/account.h>

#include "sim.h"

enum {
    FOLIO_POINTER = 8 /* of a folio that is held through a range */
};

static void add(struct pcl_sim *s, const char *name, const char *suffix, const char *object,
                int64_t bytes)
{
    char full[40];

    (void)snprintf(full, sizeof(full), "%s%s", name, suffix);
    pcl_result_add(s->out, full, object, "B", PCL_BETTER_LOWER, (double)bytes);
}

static void take_accounts(const struct pcl_kernel *k, struct pcl_scheme_memory *out)
{
    *out = (struct pcl_scheme_memory){0};
    k->page.ops->memory(&k->page, &out->of[PCL_ROLE_PAGE]);
    out->used[PCL_ROLE_PAGE] = true;
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (k->range[r].ops) {
            k->range[r].ops->memory(&k->range[r], &out->of[r]);
            out->used[r] = true;
        }
}

/* The sizes of one kind of kernel. */
static struct pcl_lock_memory sizes(const struct pcl_lock_memory *m, bool lockdep)
{
    if (!lockdep)
        return *m;
    return (struct pcl_lock_memory){.fixed = m->fixed_dbg,
                                    .per_page = m->per_page_dbg,
                                    .per_inode = m->per_inode_dbg,
                                    .per_held = m->per_held_dbg,
                                    .per_waiter = m->per_waiter_dbg};
}

/* The index of a lock that goes unit by unit, at its largest before the end of the run. */
static int64_t index_peak(const struct pcl_sim *s, const struct pcl_range_locks *R)
{
    int64_t most = (int64_t)R->sweep.nodes_max * PCL_KERNEL_NODE_BYTES;
    int64_t then = s->seen >= 0 ? sim_sweep_bytes(s, R) : 0;

    return most > then ? most : then;
}

static void one_kernel(struct pcl_sim *s, const struct pcl_scheme_memory *m, bool lockdep)
{
    const char *suffix = lockdep ? "_lockdep" : "";
    const struct pcl_lock_stats *st = &s->k.page.stats;
    struct pcl_lock_memory one = sizes(&m->of[PCL_ROLE_PAGE], lockdep);
    struct pcl_memory_rates rates;
    int64_t idle = one.fixed, peak = one.fixed + one.per_page * (int64_t)s->k.cache->peak_pages +
                                     one.per_held * st->held_max +
                                     one.per_waiter * (int64_t)st->waiters_max;

    for (int r = 0; r < PCL_N_ROLES; r++) {
        const struct pcl_range_locks *R = &s->k.range[r];

        if (!R->ops)
            continue;
        one = sizes(&m->of[r], lockdep);
        idle += one.fixed + one.per_inode * R->n_inst;
        peak += one.fixed + one.per_inode * R->n_inst + one.per_held * R->stats.held_max +
                one.per_waiter * (int64_t)R->stats.waiters_max +
                index_peak(s, R);
    }
    peak += (int64_t)s->k.pages.stats.folios_max * FOLIO_POINTER;
    add(s, "bytes_static", suffix, "locks", idle);
    add(s, "bytes_peak", suffix, "locks", peak);
    pcl_memory_rates(m, lockdep, &rates);
    add(s, "bytes_per_page", suffix, "locks", rates.page);
    add(s, "bytes_per_inode", suffix, "locks", rates.inode);
    add(s, "bytes_per_page_waiter", suffix, "locks", rates.waiter);
    add(s, "bytes_per_held_range", suffix, "locks", rates.range);
    add(s, "bytes_per_range_waiter", suffix, "locks", rates.range_waiter);
}

/* What ranges hold locked cannot be reclaimed or migrated. */
static void held_pages(struct pcl_sim *s)
{
    const struct pcl_pages *P = &s->k.pages;

    if (!P->n_holds)
        return;
    pcl_result_add(s->out, "held_folios_max", "locks", "count", PCL_BETTER_LOWER,
                   (double)P->stats.folios_max);
    add(s, "held_bytes_max", "", "locks", (int64_t)P->stats.pages_max << PCL_PAGE_SHIFT);
    pcl_result_add(s->out, "backouts", "locks", "count", PCL_BETTER_LOWER,
                   (double)P->stats.backouts);
}

void sim_collect_memory(struct pcl_sim *s)
{
    struct pcl_scheme_memory m;
    struct pcl_cache_memory cache;

    take_accounts(&s->k, &m);
    one_kernel(s, &m, false);
    one_kernel(s, &m, true);
    held_pages(s);
    pcl_cache_memory(s->k.cache, &cache);
    add(s, "bytes_peak", "", "index", (int64_t)cache.peak_node_bytes);
}
