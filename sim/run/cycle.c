/*
 * Who waits for whom: a sleeper wants a lock, and a task has it. When these arrows close a ring
 * nobody in it will ever run again.
 *
 *   task 0 --wants page 1--> task 1 --wants page 0--> task 0
 *
 * A page that a read or several readers have leads to no task, and no ring goes through it.
 */
#include <stdlib.h>
#include <string.h>

#include "cycle.h"

static const enum pcl_role roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                      PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

enum {
    MOST_NODES = 16384 /* looked through for each sleeper: of larger crowds only pages are told */
};

/* What a sleeper wants, and who has it. */
struct arrow {
    uint32_t to; /* PCL_NONE: no task */
    char what[80];
};

static bool excludes(const struct pcl_range_locks *R, const struct pcl_range_node *a,
                     const struct pcl_range_node *b)
{
    if (R->ops->props & PCL_PROP_EXACT)
        return pcl_range_conflict(a, b);
    return !(R->ops->props & PCL_PROP_SHARED) || a->mode == PCL_EXCLUSIVE ||
           b->mode == PCL_EXCLUSIVE;
}

/* Who holds what this request waits for: somebody in its way, or whoever is in the way of those
 * before it in the queue. */
static uint32_t holder(const struct pcl_range_locks *R, const struct pcl_range_node *w)
{
    uint32_t other = PCL_NONE;

    if (R->n_nodes > MOST_NODES)
        return PCL_NONE;
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *h = &R->node[i];

        if (!h->used || !h->held || h->inst != w->inst || h->owner == w->owner)
            continue;
        if (excludes(R, w, h))
            return h->owner;
        other = h->owner;
    }
    return other;
}

static bool wants_range(const struct pcl_kernel *k, uint32_t b, struct arrow *a)
{
    for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++) {
        const struct pcl_range_locks *R = &k->range[roles[r]];

        for (uint32_t i = 0; i < PCL_RANGE_SLOTS && R->n_nodes; i++) {
            const struct pcl_range_node *w = &R->node[b * PCL_RANGE_SLOTS + i];

            if (!w->used || w->held)
                continue;
            a->to = holder(R, w);
            (void)snprintf(a->what, sizeof(a->what), "the %s of %s %u", pcl_role_name(roles[r]),
                           roles[r] == PCL_ROLE_MMAP ? "address space" : "inode", w->inst);
            return true;
        }
    }
    return false;
}

static struct arrow arrow_of(const struct pcl_kernel *k, uint32_t b)
{
    const struct pcl_page_locks *L = &k->page;
    const struct pcl_waiter *w = &L->waiter[b];
    struct arrow a = {.to = PCL_NONE};

    if (k->m->model[b].run != PCL_RUN_ASLEEP || wants_range(k, b, &a) || !w->queued ||
        w->bit != PCL_PG_LOCKED)
        return a;
    const struct pcl_folio *f = &k->cache->folio[w->folio];

    a.to = pcl_page_owner(L, w->folio);
    (void)snprintf(a.what, sizeof(a.what), "page %llu of inode %u", (unsigned long long)f->pgoff,
                   f->inode);
    return a;
}

/* A task in a ring, PCL_NONE: there is none. seen: [n_tasks], the walk that came to a task
 * first. */
static uint32_t find(const struct pcl_kernel *k, uint32_t n_tasks, uint32_t *seen)
{
    for (uint32_t b = 0; b < n_tasks; b++) {
        uint32_t at = b;

        while (at < n_tasks && !seen[at]) {
            seen[at] = b + 1;
            at = arrow_of(k, at).to;
        }
        if (at < n_tasks && seen[at] == b + 1)
            return at;
    }
    return PCL_NONE;
}

uint32_t sim_cycle(const struct pcl_kernel *k, uint32_t n_tasks, char *text, size_t room)
{
    uint32_t *seen = pcl_xcalloc(n_tasks ? n_tasks : 1, sizeof(*seen));
    uint32_t first = find(k, n_tasks, seen), n = 0;
    size_t len = 0;

    free(seen);
    text[0] = '\0';
    for (uint32_t at = first; first != PCL_NONE && (n == 0 || at != first); n++) {
        struct arrow a = arrow_of(k, at);

        if (len < room)
            len += (size_t)snprintf(text + len, room - len,
                                    "%stask %u (%s) waits for %s, which task %u has",
                                    n ? "; " : "", at,
                                    pcl_op_name((enum pcl_op)k->call[at].op), a.what,
                                    a.to);
        at = a.to;
    }
    return n;
}
