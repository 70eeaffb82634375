/*
 * Folios that one call holds locked together: each has a reference of the call. Chunks of as many
 * as a folio_batch has, chained; a call that holds none has no chunk.
 *
 *   call -> chunk (newest, 1 to 31 folios) -> chunk (31) -> ...
 */
#include "step.h"

static uint32_t chunk_new(struct pcl_kernel *k, uint32_t next)
{
    uint32_t b = 0;

    while (b < k->n_batches && k->batch[b].n != 0)
        b++;
    if (b == k->n_batches) {
        if (k->n_batches == k->cap_batches) {
            k->cap_batches = k->cap_batches ? k->cap_batches * 2 : 4;
            k->batch = pcl_xrealloc(k->batch, k->cap_batches, sizeof(*k->batch));
        }
        k->n_batches++;
    }
    k->batch[b] = (struct pcl_batch){.next = next};
    return b;
}

void pcl_batch_add(struct pcl_kernel *k, struct pcl_call *c, uint32_t folio)
{
    struct pcl_batch *b;

    if (c->batch == PCL_NONE || k->batch[c->batch].n == PCL_BATCH)
        c->batch = chunk_new(k, c->batch);
    b = &k->batch[c->batch];
    b->folio[b->n++] = folio;
}

uint32_t pcl_batch_take(struct pcl_kernel *k, struct pcl_call *c)
{
    struct pcl_batch *b;
    uint32_t folio;

    if (c->batch == PCL_NONE)
        return PCL_NONE;
    b = &k->batch[c->batch];
    folio = b->folio[--b->n];
    b->folio[b->n] = 0; /* equal states are equal bytes */
    if (b->n == 0) {
        c->batch = b->next;
        b->next = 0;
    }
    return folio;
}
