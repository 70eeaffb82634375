/*
 * The last steps of every task: a ring for each, written while the oracle looks on, read when
 * it objects. A step is noted once, however many micro-steps it takes; one that is skipped is
 * not.
 */
#include <stdlib.h>

#include "step.h"

enum {
    MOST = 24,      /* steps of a task */
    ROOM = 64 << 20 /* bytes for all of them */
};

void pcl_last_init(struct pcl_kernel *k)
{
    size_t room = ROOM / sizeof(struct pcl_last_step) / (k->n_bodies ? k->n_bodies : 1);

    k->last.n = room < 4 ? 4 : room > MOST ? MOST : (uint32_t)room;
    k->last.step = pcl_xcalloc((size_t)k->n_bodies * k->last.n, sizeof(*k->last.step));
    k->last.begin = pcl_xcalloc(k->n_bodies, sizeof(*k->last.begin));
    k->last.count = pcl_xcalloc(k->n_bodies, sizeof(*k->last.count));
}

void pcl_last_fini(struct pcl_kernel *k)
{
    free(k->last.step);
    free(k->last.begin);
    free(k->last.count);
}

bool pcl_last_note(struct pcl_kernel *k, uint32_t body, const struct pcl_last_step *at)
{
    struct pcl_last *l = &k->last;
    struct pcl_last_step *ring = &l->step[(size_t)body * l->n];
    uint64_t n = l->count[body];

    if (n && at->pc != 0) {
        const struct pcl_last_step *before = &ring[(n - 1) % l->n];

        if (before->pc == at->pc && before->op == at->op && before->page == at->page &&
            before->inode == at->inode)
            return false;
    }
    ring[n % l->n] = *at;
    ring[n % l->n].seq = ++l->seq;
    ring[n % l->n].at = k->m->at;
    if (at->pc == 0)
        l->begin[body] = ring[n % l->n];
    l->count[body] = n + 1;
    return true;
}

void pcl_last_undo(struct pcl_kernel *k, uint32_t body)
{
    k->last.count[body]--;
}

/* All but the oldest, whose place may have been taken by a step that was undone; before them
 * the beginning of the call, if that is longer ago. */
uint32_t pcl_last_of(const struct pcl_kernel *k, uint32_t body,
                     const struct pcl_last_step **out)
{
    const struct pcl_last *l = &k->last;
    const struct pcl_last_step *ring = &l->step[(size_t)body * l->n];
    uint64_t n = l->count[body], from = n > l->n - 1 ? n - (l->n - 1) : 0;
    uint32_t found = 0;

    if (n > 0 && l->begin[body].seq < ring[from % l->n].seq)
        out[found++] = &l->begin[body];
    for (uint64_t i = from; i < n; i++)
        out[found++] = &ring[i % l->n];
    return found;
}
