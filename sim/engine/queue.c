/*
 * The event queue's set-up and its slow ways; the rest is inline in pclsim/engine.h. The rank
 * permutation is a Fisher-Yates shuffle drawn once per replication.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/engine.h>

enum {
    BATCH = PCL_NEAR / 2 /* events that move to the tree at a time */
};

void pcl_engine_init(struct pcl_engine *e, uint32_t n, struct pcl_stream ranks)
{
    uint32_t leaves = n < 2 ? 2 : n;

    *e = (struct pcl_engine){.n = leaves, .first_leaf = 2, .run_ahead = true};
    while (e->first_leaf < leaves)
        e->first_leaf *= 2;
    e->t = pcl_xcalloc((size_t)leaves * 2, sizeof(*e->t));
    e->rank_of = pcl_xcalloc(leaves, sizeof(*e->rank_of));
    e->entity_of = pcl_xcalloc(leaves, sizeof(*e->entity_of));
    for (size_t i = 0; i < (size_t)leaves * 2; i++)
        e->t[i] = PCL_NS_MAX;
    for (uint32_t i = 0; i < leaves; i++)
        e->entity_of[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)pcl_below(ranks, i, 0, i), swap = e->entity_of[i - 1];

        e->entity_of[i - 1] = e->entity_of[j];
        e->entity_of[j] = swap;
    }
    for (uint32_t i = 0; i < leaves; i++)
        e->rank_of[e->entity_of[i]] = i;
}

void pcl_engine_fini(struct pcl_engine *e)
{
    free(e->t);
    free(e->rank_of);
    free(e->entity_of);
    *e = (struct pcl_engine){0};
}

size_t pcl_engine_bytes(const struct pcl_engine *e)
{
    return e->n * (2 * sizeof(*e->t) + sizeof(*e->rank_of) + sizeof(*e->entity_of));
}

void pcl_event_forget(struct pcl_engine *e, uint32_t rank)
{
    uint32_t i = 0;

    while (e->near[i].rank != rank)
        i++;
    e->rank_of[e->near[i].entity] = rank;
    e->n_near--;
    memmove(&e->near[i], &e->near[i + 1], (e->n_near - i) * sizeof(*e->near));
}

static size_t first_leaf(const struct pcl_engine *e)
{
    size_t i = 1;

    while (i < e->n) {
        i *= 2;
        i += e->t[i] > e->t[i + 1];
    }
    return i;
}

static uint32_t rank_at(const struct pcl_engine *e, size_t leaf)
{
    return (uint32_t)(leaf >= e->first_leaf ? leaf - e->first_leaf : leaf + e->n - e->first_leaf);
}

/* All that the tree has, few enough to be near; nothing else is. */
void pcl_event_refill(struct pcl_engine *e)
{
    pcl_ns rival, now = e->now;
    uint32_t n = e->n_far;

    for (uint32_t i = n; i-- > 0;) {
        uint32_t entity = pcl_event_take_far(e, &rival);

        e->near[i] = (struct pcl_due){e->t[e->held], e->rank_of[entity], entity};
        e->rank_of[entity] |= PCL_IS_NEAR;
        pcl_event_let_go(e);
    }
    e->now = now;
    e->n_near = n;
    e->edge = e->near[0].t;
    e->edge_rank = e->near[0].rank;
}

void pcl_event_spill(struct pcl_engine *e)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        e->rank_of[e->near[i].entity] = e->near[i].rank;
        pcl_event_place(e, pcl_leaf(e, e->near[i].rank), e->near[i].t);
    }
    e->n_far += BATCH;
    e->n_near -= BATCH;
    memmove(e->near, &e->near[BATCH], e->n_near * sizeof(*e->near));
    e->edge = e->near[0].t;
    e->edge_rank = e->near[0].rank;
}

bool pcl_event_before_tie(struct pcl_engine *e, uint32_t entity)
{
    if (!e->run_ahead || pcl_event_next(e) != e->rival || e->n_near)
        return false;
    e->rival_rank = rank_at(e, first_leaf(e));
    return e->rank_of[entity] < e->rival_rank;
}
