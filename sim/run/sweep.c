/*
 * How long it takes to lock a wide range. Locks that go through it unit by unit may need years, and
 * the run ends before: then the rest is extrapolated, by what the units still to come would cost
 * with nobody to disturb them, times what those so far took over their own such cost.
 *
 *   lock_time     from asking for the widest range to having it; lock_rest: the part of it that is
 *                 extrapolated, 0 to 1; lock_seen: the part before it, ns
 *   sweep_bytes   index nodes of the lock when all of it is locked, memory without limit
 *   memory_end    time from asking at which they would exceed the machine's memory, and
 *                 memory_end_at, the byte; neither when they do not
 *   others_wait   the longest wait of others, with the rest of the sweep that they wait for
 */
#include "sim.h"

/* The widest request that is under way, wider than any that was granted; NULL: none. */
static const struct pcl_range_node *under_way(const struct pcl_sim *s,
                                              const struct pcl_range_locks *R)
{
    const struct pcl_range_node *best = NULL;
    int64_t widest = R->stats.widest;

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_range_node *n = sim_sweep_of(s, R, b);

        if (!n || n->last - n->start <= widest)
            continue;
        widest = n->last - n->start;
        best = n;
    }
    return best;
}

struct sweep {
    pcl_ns begin;
    double time, rest, bytes;      /* rest: share of time */
    double memory_end, memory_at; /* < 0: it does not */
};

static struct sweep finished(const struct pcl_range_locks *R)
{
    const struct pcl_lock_stats *st = &R->stats;
    bool ends = R->sweep.memory_end >= st->widest_begin;

    return (struct sweep){.begin = st->widest_begin,
                          .time = (double)st->widest_time,
                          .bytes = (double)R->sweep.nodes_max * PCL_KERNEL_NODE_BYTES,
                          .memory_end =
                              ends ? (double)(R->sweep.memory_end - st->widest_begin) : -1,
                          .memory_at = (double)R->sweep.memory_end_at};
}

/* Until when the run was simulated. */
static pcl_ns seen(const struct pcl_sim *s)
{
    return s->seen >= 0 ? s->seen : sim_end(s);
}

/* Requests that go through their files just now: they share the memory, and are about equally fast. */
static double sweeps(const struct pcl_sim *s, const struct pcl_range_locks *R)
{
    uint32_t n = 0;

    for (uint32_t b = 0; b < s->n_work; b++)
        n += sim_sweep_of(s, R, b) && s->m.model[b].run != PCL_RUN_ASLEEP;
    return n ? n : 1;
}

static struct sweep extrapolated(const struct pcl_sim *s, const struct pcl_range_locks *R,
                                 const struct pcl_range_node *n)
{
    pcl_ns begin = pcl_times_of(&s->k, n->owner)->lock_begin, end = seen(s);
    double elapsed = (double)(end - begin), slower, n_sweeps = sweeps(s, R);
    struct pcl_sweep_progress p;
    struct sweep out = {.begin = begin, .memory_end = -1};

    R->ops->progress(R, (uint32_t)(n - R->node), &p);
    slower = p.cost_done > 0 ? elapsed / p.cost_done : 1;
    out.time = elapsed + slower * (p.cost_all - p.cost_done);
    out.rest = out.time > 0 ? 1 - elapsed / out.time : 0;
    out.bytes = (double)p.nodes_all * PCL_KERNEL_NODE_BYTES;
    if (R->sweep.memory_end >= begin) {
        out.memory_end = (double)(R->sweep.memory_end - begin);
        out.memory_at = (double)R->sweep.memory_end_at;
    } else if (p.fit < p.total) {
        out.memory_end = slower * p.cost_fit / n_sweeps;
        out.memory_at = (double)n->start + (double)p.fit / n_sweeps * (double)R->ops->grain;
    }
    return out;
}

/* The longest wait for this lock: over, or with what is left of the sweep that it waits for. */
static double others_wait(const struct pcl_sim *s, const struct pcl_range_locks *R,
                          const struct pcl_range_node *sweep, double rest)
{
    double longest = 0;

    for (int mode = 0; mode < 2; mode++)
        if ((double)R->stats.mode[mode].longest_wait > longest)
            longest = (double)R->stats.mode[mode].longest_wait;
    for (uint32_t b = 0; b < s->n_work && R->n_nodes; b++) {
        const struct pcl_range_node *n = &R->node[R->op[b].node];
        double wait = (double)(seen(s) - pcl_times_of(&s->k, b)->lock_begin) + rest;

        if (n->used && !n->held && n->owner == b && n != sweep &&
            R->op[b].what == PCL_RANGE_ACQUIRE && R->op[b].contended && wait > longest)
            longest = wait;
    }
    return longest;
}

static void one_role(struct pcl_sim *s, const struct pcl_range_locks *R)
{
    const char *role = pcl_role_name(R->role);
    const struct pcl_range_node *n = R->ops->progress ? under_way(s, R) : NULL;
    struct sweep w = n ? extrapolated(s, R, n) : finished(R);
    struct pcl_result *r = s->out;

    if (!n && R->stats.mode[0].acquisitions + R->stats.mode[1].acquisitions == 0)
        return;
    pcl_result_add(r, "lock_time", role, "ns", PCL_BETTER_LOWER, w.time);
    if (!R->ops->progress)
        return;
    if (n)
        pcl_result_add(r, "lock_seen", role, "ns", PCL_BETTER_NONE, (1 - w.rest) * w.time);
    pcl_result_add(r, "lock_rest", role, "ratio", PCL_BETTER_NONE, w.rest);
    pcl_result_add(r, "sweep_bytes", role, "B", PCL_BETTER_LOWER, w.bytes);
    pcl_result_add(r, "others_wait", role, "ns", PCL_BETTER_LOWER,
                   others_wait(s, R, n, w.rest * w.time));
    if (w.memory_end < 0)
        return;
    pcl_result_add(r, "memory_end", role, "ns", PCL_BETTER_NONE, w.memory_end);
    pcl_result_add(r, "memory_end_at", role, "B", PCL_BETTER_NONE, w.memory_at);
}

int64_t sim_sweep_bytes(const struct pcl_sim *s, const struct pcl_range_locks *R)
{
    double nodes = 0;

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_range_node *n = sim_sweep_of(s, R, b);

        if (!n)
            continue;
        pcl_ns begin = pcl_times_of(&s->k, b)->lock_begin;
        struct pcl_sweep_progress p;

        R->ops->progress(R, (uint32_t)(n - R->node), &p);
        if (s->m.model[b].run != PCL_RUN_ASLEEP)
            p.cost_done *= (double)(sim_end(s) - begin) / (double)(seen(s) - begin);
        nodes += R->ops->nodes_at(R, (uint32_t)(n - R->node), p.cost_done);
    }
    return nodes < 1e16 ? (int64_t)nodes * PCL_KERNEL_NODE_BYTES : INT64_MAX;
}

void sim_collect_sweeps(struct pcl_sim *s)
{
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (s->k.range[r].ops)
            one_role(s, &s->k.range[r]);
}
