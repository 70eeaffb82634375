/*
 * Two lists in outline of the kernel's: new folios enter the inactive one, a second touch moves
 * them to the active one, reclaim eats the inactive one's tail. Untouched runs are older than
 * anything on a list and have no place on one; reclaim takes them first, in file order.
 */
#include "internal.h"

#define REFILL_BATCH 32u /* SWAP_CLUSTER_MAX */

void pcl_lru_add(struct pcl_cache *c, uint32_t folio, enum pcl_lru list, bool oldest)
{
    struct pcl_cache_totals *t = c->t;
    struct pcl_folio *f = &c->folio[folio];
    uint32_t *end = oldest ? &t->lru_tail[list] : &t->lru_head[list];
    uint32_t *other = oldest ? &t->lru_head[list] : &t->lru_tail[list];

    f->list = (uint8_t)list;
    f->lru_next = oldest ? PCL_NONE : *end;
    f->lru_prev = oldest ? *end : PCL_NONE;
    if (*end == PCL_NONE)
        *other = folio;
    else if (oldest)
        c->folio[*end].lru_next = folio;
    else
        c->folio[*end].lru_prev = folio;
    *end = folio;
    t->lru_len[list]++;
}

void pcl_lru_del(struct pcl_cache *c, uint32_t folio)
{
    struct pcl_folio *f = &c->folio[folio];

    if (f->list == PCL_LRU_NONE)
        return;
    if (f->lru_prev == PCL_NONE)
        c->t->lru_head[f->list] = f->lru_next;
    else
        c->folio[f->lru_prev].lru_next = f->lru_next;
    if (f->lru_next == PCL_NONE)
        c->t->lru_tail[f->list] = f->lru_prev;
    else
        c->folio[f->lru_next].lru_prev = f->lru_prev;
    c->t->lru_len[f->list]--;
    f->lru_next = f->lru_prev = PCL_NONE;
    f->list = PCL_LRU_NONE;
}

void pcl_lru_touch(struct pcl_cache *c, uint32_t folio)
{
    uint8_t *flags = &c->flags[folio];

    if (c->conf.explore) /* who was used lately multiplies states, and no race needs it */
        return;
    if (!(*flags & PCL_FOLIO_REFERENCED)) {
        *flags |= PCL_FOLIO_REFERENCED;
    } else if (c->folio[folio].list == PCL_LRU_INACTIVE) {
        pcl_lru_del(c, folio);
        pcl_lru_add(c, folio, PCL_LRU_ACTIVE, false);
        *flags = (uint8_t)((*flags | PCL_FOLIO_ACTIVE) & ~PCL_FOLIO_REFERENCED);
    }
}

static void refill_inactive(struct pcl_cache *c)
{
    const struct pcl_cache_totals *t = c->t;

    for (unsigned i = 0; i < REFILL_BATCH; i++) {
        uint32_t folio = t->lru_tail[PCL_LRU_ACTIVE];

        if (folio == PCL_NONE || t->lru_len[PCL_LRU_INACTIVE] >= t->lru_len[PCL_LRU_ACTIVE])
            return;
        pcl_lru_del(c, folio);
        pcl_lru_add(c, folio, PCL_LRU_INACTIVE, false);
        c->flags[folio] &= (uint8_t) ~(PCL_FOLIO_ACTIVE | PCL_FOLIO_REFERENCED);
    }
}

/* The first page of the first run, now a folio at the oldest end. */
static uint32_t oldest_of_runs(struct pcl_cache *c)
{
    uint32_t *from = &c->t->run_inode, folio;

    while (c->inode[*from].nr_run == 0)
        ++*from;
    folio = pcl_walk_first(c, *from, 0, PCL_PAGE_LAST, PCL_MARK_BIT_RUN, NULL);
    pcl_lru_del(c, folio);
    pcl_lru_add(c, folio, PCL_LRU_INACTIVE, true);
    return folio;
}

uint32_t pcl_lru_oldest(struct pcl_cache *c)
{
    if (c->t->nr_run > 0)
        return oldest_of_runs(c);
    refill_inactive(c);
    return c->t->lru_tail[PCL_LRU_INACTIVE];
}

void pcl_lru_rotate(struct pcl_cache *c, uint32_t folio)
{
    enum pcl_lru list = (enum pcl_lru)c->folio[folio].list;

    if (list == PCL_LRU_NONE)
        return;
    pcl_lru_del(c, folio);
    pcl_lru_add(c, folio, list, false);
}
