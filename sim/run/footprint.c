/*
 * Host memory that a run takes per task: the arrays whose length is the number of tasks (or of
 * bodies, which are tasks and interrupt contexts), by their allocated sizes. Left out is what
 * does not grow with the tasks: files, folios, locks, histograms, the directory of cache lines.
 */
#include "sim.h"

static size_t machine_bytes(const struct pcl_machine *m)
{
    return pcl_engine_bytes(&m->eng) +
           (size_t)m->n_bodies * (sizeof(*m->model) + sizeof(*m->task));
}

static size_t lock_bytes(const struct pcl_kernel *k)
{
    size_t bytes = k->page.n_bodies * sizeof(*k->page.op) +
                   k->page.n_waiters * sizeof(*k->page.waiter) +
                   pcl_lock_notes_task_bytes(k->page.notes);

    for (int r = 0; r < PCL_N_ROLES; r++) {
        const struct pcl_range_locks *R = &k->range[r];

        if (R->n_nodes)
            bytes += R->n_nodes * sizeof(*R->node) + R->n_bodies * sizeof(*R->op) +
                     pcl_lock_notes_task_bytes(R->notes);
    }
    return bytes;
}

/* Of calls under way: as many as there have been at a time. */
static size_t frame_bytes(const struct pcl_kernel *k)
{
    return k->cap_frames *
           (sizeof(*k->calls) + sizeof(*k->call_times) + sizeof(*k->free_frame));
}

static size_t source_bytes(const struct pcl_source *src)
{
    size_t one = sizeof(*src->mm_of) + sizeof(*src->start);

    if (src->group_of)
        one += sizeof(*src->group_of) + sizeof(*src->index_in) + sizeof(*src->inode_of);
    return src->n_tasks * one;
}

size_t sim_task_bytes(const struct pcl_sim *s)
{
    return machine_bytes(&s->m) + lock_bytes(&s->k) +
           s->k.n_bodies * sizeof(*s->k.frame) + frame_bytes(&s->k) +
           s->k.n_ra * sizeof(*s->k.ra) + source_bytes(&s->src) +
           s->n_work * sizeof(*s->body);
}
