/*
 * Folios that one call holds locked together: each has a reference of the call. Chunks of as many
 * as a folio_batch has, chained; a call that holds none has no chunk.
 *
 *   call -> chunk (newest, 1 to 31 folios) -> chunk (31) -> ...
 *
 * khugepaged holds many chunks. A removal holds one: it fills it by trylocks along one walk of the
 * index, unmaps all, takes all out under one hold of the i_pages lock, unlocks all.
 *
 *   walk      7 8 9 . 11 ...   trylock each; 10 is busy and left to the second pass
 *   unmap     7 8 9   11
 *   i_pages  [7 8 9   11]      one acquisition
 *   unlock    7 8 9   11
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

void pcl_batch_push(struct pcl_kernel *k, uint32_t *list, uint32_t folio)
{
    struct pcl_batch *b;

    if (*list == PCL_NONE || k->batch[*list].n == PCL_BATCH)
        *list = chunk_new(k, *list);
    b = &k->batch[*list];
    b->folio[b->n++] = folio;
}

bool pcl_batch_pop(struct pcl_kernel *k, uint32_t *list, uint32_t *folio)
{
    struct pcl_batch *b;

    if (*list == PCL_NONE)
        return false;
    b = &k->batch[*list];
    *folio = b->folio[--b->n];
    b->folio[b->n] = 0; /* equal states are equal bytes */
    if (b->n == 0) {
        *list = b->next;
        b->next = 0;
    }
    return true;
}

/* The locked folio joins those that the call holds. */
enum pcl_flow act_batch_add(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_batch_push(k, &c->batch, c->folio);
    c->cur = pcl_folio_last(k->cache, c->folio) + 1;
    c->folio = PCL_NONE;
    return flow_next(c, FLOW_SKIP);
}

/* Takes one of them out again, to be unlocked. None left: to[0]. */
enum pcl_flow act_batch_take(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return pcl_batch_pop(k, &c->batch, &c->folio) ? flow_next(c, FLOW_SKIP)
                                                  : flow_to(k, c, s->to[0], FLOW_SKIP);
}

/* --- a batch that is removed ----------------------------------------------------------------- */

/* Index nodes that a walk enters on its way from one page to another. */
static unsigned nodes_between(uint64_t a, uint64_t b)
{
    unsigned n = 0;

    for (; a >> PCL_FANOUT_SHIFT != b >> PCL_FANOUT_SHIFT; n++)
        a >>= PCL_FANOUT_SHIFT, b >>= PCL_FANOUT_SHIFT;
    return n;
}

/* The next present folio inside the range, referenced; cur is its first page. A new batch walks
 * from the root, the rest of it from where the walk is. None: to[0]. */
enum pcl_flow act_next_in_walk(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0, way;

    c->folio = pcl_next_inside(k, c, &nodes);
    way = nodes;
    if (c->folio != PCL_NONE && c->batch != PCL_NONE)
        way = nodes_between(c->cur - 1, k->cache->folio[c->folio].pgoff);
    if (c->batch == PCL_NONE || way > 0)
        pcl_load(k->m, mapping_line(c));
    pcl_burn(k->m, k->m->p->node_visit * (way < nodes ? way : nodes));
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    pcl_folio_get(k->cache, c->folio);
    pcl_rmw(k->m, folio_line(k, c->folio));
    c->cur = k->cache->folio[c->folio].pgoff;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_if_batch_room(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return k->batch[c->batch].n < PCL_BATCH ? flow_to(k, c, s->to[0], FLOW_SKIP)
                                            : flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_if_batch_empty(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    (void)k;
    return c->batch == PCL_NONE ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

/* One after the other, in the order of their pages; after the last: to[0]. */
enum pcl_flow act_batch_each(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_batch *b = &k->batch[c->batch];

    if (c->n == b->n) {
        c->n = 0;
        c->folio = PCL_NONE;
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    }
    c->folio = b->folio[c->n++];
    return flow_next(c, FLOW_SKIP);
}

/* All of them out of the index. Lockless look-ups see them go one by one. */
enum pcl_flow act_remove_batch(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_batch *b = &k->batch[c->batch];
    const struct pcl_folio *folio = k->cache->folio;
    uint32_t spin = k->inode[c->inode].tree_spin;
    unsigned nodes = 0, way;

    (void)s;
    if (c->phase == 0) {
        c->phase = 1;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    }
    if (c->n == b->n) {
        c->n = 0;
        pcl_spin_unlock(k->m, spin, mapping_line(c), true);
        return flow_next(c, FLOW_STEP);
    }
    pcl_touch(k->m, mapping_line(c));
    pcl_cache_remove(k->cache, b->folio[c->n], &nodes);
    way = nodes;
    if (c->n > 0)
        way = nodes_between(folio[b->folio[c->n - 1]].pgoff, folio[b->folio[c->n]].pgoff);
    pcl_burn(k->m, k->m->p->folio_remove + k->m->p->node_visit * (way < nodes ? way : nodes));
    c->n++;
    return FLOW_STEP;
}

enum pcl_flow act_batch_empty(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    k->batch[c->batch] = (struct pcl_batch){.n = 0};
    c->batch = PCL_NONE;
    return flow_next(c, FLOW_SKIP);
}
