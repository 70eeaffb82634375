/*
 * Migration in batches (migrate_pages() since Linux 6.3): three passes over the range.
 *
 *   lock and unmap   3 4 . 6 7 ...   trylocks only; 5 is busy and left for later
 *   flush            one shootdown for all of them
 *   move             copy, map again, unlock: one after the other (here from the last to the
 *                    first), all others still locked
 *   later            5               one at a time, waiting as far as the mode allows
 *
 * What is locked stays so until its turn to move comes: a fault on one page of a batch may wait
 * for the copies of all others.
 */
#include "step.h"

enum { MAX_PAGES = 512 }; /* NR_MAX_BATCHED_MIGRATION */

/* Not under path.migrate-batch: to[0]. */
enum pcl_flow act_if_one_by_one(struct pcl_kernel *k, struct pcl_call *c,
                                const struct pcl_step *s)
{
    if (k->option[PCL_OPTION_MIGRATE_BATCH] != PCL_YES)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    return flow_next(c, FLOW_SKIP);
}

static uint64_t pages_in_batch(const struct pcl_kernel *k, const struct pcl_call *c)
{
    uint64_t pages = 0;

    for (uint32_t b = c->batch; b != PCL_NONE; b = k->batch[b].next)
        for (uint32_t i = 0; i < k->batch[b].n; i++)
            pages += pcl_folio_pages(k->cache, k->batch[b].folio[i]);
    return pages;
}

/* More of the range, and room for it in the batch: to[0]. */
enum pcl_flow act_if_migrate_room(struct pcl_kernel *k, struct pcl_call *c,
                                  const struct pcl_step *s)
{
    if (c->cur <= c->last && pages_in_batch(k, c) < MAX_PAGES)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    return flow_next(c, FLOW_SKIP);
}

/* The folio, whose reference the call keeps, is for the last pass. */
enum pcl_flow act_later_add(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t behind = pcl_folio_last(k->cache, c->folio) + 1;

    (void)s;
    pcl_batch_push(k, &c->later, c->folio);
    c->folio = PCL_NONE;
    if (behind > c->cur)
        c->cur = behind;
    return flow_next(c, FLOW_SKIP);
}

/* The next of them, as if the range were just this folio. None: to[0]. */
enum pcl_flow act_later_take(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (!pcl_batch_pop(k, &c->later, &c->folio))
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    c->tried = 0;
    c->cur = k->cache->folio[c->folio].pgoff;
    c->last = c->cur;
    return flow_next(c, FLOW_SKIP);
}
