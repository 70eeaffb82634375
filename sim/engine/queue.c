/*
 * The event queue's set-up; its operations are inline in pclsim/engine.h. The rank permutation
 * is a Fisher-Yates shuffle drawn once per replication.
 */
#include <stdlib.h>

#include <pclsim/engine.h>

void pcl_engine_init(struct pcl_engine *e, uint32_t n, struct pcl_stream ranks)
{
    uint32_t leaves = 2;

    *e = (struct pcl_engine){.n = n, .run_ahead = true};
    while (leaves < n)
        leaves *= 2;
    e->leaves = leaves;
    e->t = pcl_xcalloc((size_t)leaves * 2, sizeof(*e->t));
    e->leaf_of = pcl_xcalloc(n, sizeof(*e->leaf_of));
    e->entity_of = pcl_xcalloc(leaves, sizeof(*e->entity_of));
    for (uint32_t i = 0; i < leaves * 2; i++)
        e->t[i] = PCL_NS_MAX;
    for (uint32_t i = 0; i < leaves; i++)
        e->entity_of[i] = i < n ? i : PCL_NONE;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)pcl_below(ranks, i, 0, i), swap = e->entity_of[i - 1];

        e->entity_of[i - 1] = e->entity_of[j];
        e->entity_of[j] = swap;
    }
    for (uint32_t i = 0; i < n; i++)
        e->leaf_of[e->entity_of[i]] = i;
}

void pcl_engine_fini(struct pcl_engine *e)
{
    free(e->t);
    free(e->leaf_of);
    free(e->entity_of);
    *e = (struct pcl_engine){0};
}
