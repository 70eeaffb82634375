/*
 * When nothing is left to be seen. A sweep over a giant range goes on for years, and the others come to
 * a stop: each sleeps for it, or has ended. From then on there is nothing but timer ticks, until the
 * sweep is through:
 *
 *   others   run run sleep  sleep  sleep ...
 *   sweep    ----------------------------------------------> through     x end of the run
 *                           ^ nobody can meet it any more: the run may stop here
 *
 * If it will not be through before the end of the run, the rest of the run is known: nobody does
 * anything. What the sweep will have done by then is extrapolated, and marked so (sweep.c).
 */
#include "sim.h"

static const pcl_ns worth_stopping = INT64_C(60000000000); /* a minute of ticks is soon simulated */

const struct pcl_range_node *sim_sweep_of(const struct pcl_sim *s, const struct pcl_range_locks *R,
                                          uint32_t b)
{
    if (!R->ops || !R->ops->progress || !R->n_nodes || !pcl_call_of(&s->k, b)->active)
        return NULL;
    const struct pcl_range_node *n = &R->node[R->op[b].node];

    return n->used && !n->held && n->owner == b && R->op[b].what == PCL_RANGE_ACQUIRE ? n : NULL;
}

/* It locks units, awake, and has more to do than there is time, even if nobody disturbs it. */
static bool sweeps_on(const struct pcl_sim *s, uint32_t b, pcl_ns left)
{
    for (int r = 0; r < PCL_N_ROLES; r++) {
        const struct pcl_range_locks *R = &s->k.range[r];
        const struct pcl_range_node *n = sim_sweep_of(s, R, b);
        struct pcl_sweep_progress p;

        if (!n)
            continue;
        R->ops->progress(R, (uint32_t)(n - R->node), &p);
        return p.cost_all - p.cost_done > (double)left;
    }
    return false;
}

/* Nothing will happen to it unless somebody else does something. */
static bool rests(const struct pcl_sim *s, uint32_t b)
{
    uint8_t run = s->m.model[b].run;

    if (run == PCL_RUN_DEAD)
        return true;
    if (b == s->k.flusher && run == PCL_RUN_ASLEEP)
        return s->k.cache->t->nr_dirty == 0 && s->k.cache->t->nr_writeback == 0;
    return run == PCL_RUN_ASLEEP && pcl_event_time(&s->m.eng, b) == PCL_NS_MAX;
}

bool sim_foresees(const struct pcl_sim *s, pcl_ns end)
{
    pcl_ns left = end - s->m.eng.now;
    uint32_t sweeps = 0;

    if (left < worth_stopping || s->m.n_flight || s->m.explore)
        return false;
    for (uint32_t b = 0; b < s->m.n_tasks; b++) {
        if (rests(s, b))
            continue;
        if (!sweeps_on(s, b, left))
            return false;
        sweeps++;
    }
    for (uint32_t b = s->m.n_tasks; b < s->m.n_bodies; b++)
        if (s->m.model[b].run != PCL_RUN_ASLEEP)
            return false;
    return sweeps > 0;
}
