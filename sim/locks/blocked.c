/*
 * Waits summed by who waited for whom. Kinds of waits are few, however many waits there are: a
 * small hash table with open addressing, outside the model state.
 */
#include <stdlib.h>

#include <pclsim/locks.h>

static struct pcl_blocked *slot(const struct pcl_blocked_table *t, uint32_t waiter,
                                uint32_t holder, uint32_t behind)
{
    uint64_t key = ((uint64_t)waiter * 31 + holder) * 31 + behind;
    uint32_t i = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (t->cap - 1);
    struct pcl_blocked *b = &t->v[i];

    while (b->count && (b->waiter != waiter || b->holder != holder || b->behind != behind)) {
        i = (i + 1) & (t->cap - 1);
        b = &t->v[i];
    }
    return b;
}

static void grow(struct pcl_blocked_table *t)
{
    struct pcl_blocked_table old = *t;

    t->cap = old.cap ? 2 * old.cap : 16;
    t->v = pcl_xcalloc(t->cap, sizeof(*t->v));
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.v[i].count)
            *slot(t, old.v[i].waiter, old.v[i].holder, old.v[i].behind) = old.v[i];
    free(old.v);
}

void pcl_blocked_add(struct pcl_blocked_table *t, uint32_t waiter, uint32_t holder,
                     uint32_t behind, pcl_ns wait)
{
    struct pcl_blocked *b = t->cap ? &t->v[t->last] : NULL;

    if (!b || b->waiter != waiter || b->holder != holder || b->behind != behind) {
        if (4 * t->n >= 3 * t->cap)
            grow(t);
        b = slot(t, waiter, holder, behind);
        t->last = (uint32_t)(b - t->v);
    }
    if (b->count == 0) {
        *b = (struct pcl_blocked){.waiter = waiter, .holder = holder, .behind = behind};
        t->n++;
    }
    b->count++;
    b->total += wait;
    if (wait > b->longest)
        b->longest = wait;
}

void pcl_blocked_fini(struct pcl_blocked_table *t)
{
    free(t->v);
    *t = (struct pcl_blocked_table){0};
}
