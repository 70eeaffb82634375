/*
 * Folios that change their place, their size or their struct page. Data stay in the cache all
 * the while, so nothing is lost and nobody reads them in again.
 *
 *   move by -2   index  . . . 3 4 . 6     ->  . 3 4 . 6 . .      the same folios elsewhere
 *   split        index  [   8   ]         ->  8 . . .            8 keeps its lock and waiters
 *   merge        index  8 9 10 11         ->  [   N   ]          N is new; the old ones have no
 *   replace      index  8                 ->  N                  mapping, whoever sleeps on one
 *                                                                wakes when it is unlocked
 */
#include "internal.h"

#include <pclsim/oracle.h>

#include <stdlib.h>

#define SHIFT PCL_FANOUT_SHIFT

/* Walks slot by slot like a kernel's cursor: the nodes from the root are visited only when the
 * next slot lies in another node. */
struct cursor {
    uint64_t span;
    unsigned level;
    bool there;
};

static unsigned cursor_go(const struct pcl_cache *c, struct cursor *at, uint32_t inode,
                          uint64_t pgoff, unsigned order)
{
    unsigned level = pcl_order_level(order), height = c->inode[inode].height;
    uint64_t span = pgoff >> SHIFT * (level + 1);

    if (at->there && at->span == span && at->level == level)
        return 0;
    *at = (struct cursor){.span = span, .level = level, .there = true};
    return height > level ? height - level : 0;
}

static void take_out(struct pcl_cache *c, uint32_t folio)
{
    pcl_index_clear(c, pcl_folio_place(c, folio), pcl_order_width(c->folio[folio].order));
}

/* Puts a folio, counted already, at a place that is free. */
static void put_in(struct pcl_cache *c, uint32_t folio, uint32_t inode, uint64_t pgoff)
{
    struct pcl_folio *f = &c->folio[folio];
    struct pcl_place p;
    unsigned made = 0;
    bool room;

    pcl_index_expand(c, inode, pgoff + (UINT64_C(1) << f->order) - 1);
    room = pcl_index_path(c, inode, pgoff, pcl_order_level(f->order), &p, &made);
    PCL_ASSERT(room);
    pcl_index_fill(c, p, pcl_slot_folio(folio), pcl_order_width(f->order));
    f->inode = inode;
    f->pgoff = pgoff;
    f->node = p.node;
    if (c->flags[folio] & PCL_FOLIO_DIRTY)
        pcl_mark_set_at(c, p, PCL_MARK_BIT_DIRTY);
    if (c->flags[folio] & PCL_FOLIO_WRITEBACK)
        pcl_mark_set_at(c, p, PCL_MARK_BIT_WRITEBACK);
}

/* --- move ----------------------------------------------------------------------------------
 */

/* Somebody else's folio in the part of the target that the move does not empty itself. */
static uint32_t in_the_way(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                           int64_t by)
{
    uint64_t from = first + (uint64_t)by, to = last + (uint64_t)by;

    if (by < 0 && to >= first)
        to = first - 1;
    if (by > 0 && from <= last)
        from = last + 1;
    return pcl_walk_first(c, inode, from, to, PCL_MARK_BIT_PRESENT, NULL);
}

static bool movable(const struct pcl_cache *c, uint32_t folio, uint64_t first, uint64_t last,
                    int64_t by)
{
    uint64_t begin = c->folio[folio].pgoff, end = pcl_folio_last(c, folio);
    uint8_t flags = c->flags[folio];
    bool read_in = (flags & PCL_FOLIO_LOCKED) && !(flags & PCL_FOLIO_UPTODATE);

    return begin >= first && end <= last && ((uint64_t)by & (end - begin)) == 0 && !read_in &&
           !(flags & PCL_FOLIO_WRITEBACK) && end + (uint64_t)by <= PCL_PAGE_LAST;
}

struct id_list {
    uint32_t *v;
    uint32_t n, cap;
};

/* Collects the folios of the range in rising order; returns one that cannot be moved. */
static uint32_t collect(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        int64_t by, struct id_list *l)
{
    uint64_t at = first;
    uint32_t folio;

    while (at <= last && (folio = pcl_walk_first(c, inode, at, last, PCL_MARK_BIT_PRESENT,
                                                 NULL)) != PCL_NONE) {
        if (!movable(c, folio, first, last, by))
            return folio;
        PCL_GROW(l->v, l->cap, l->n + 1);
        l->v[l->n++] = folio;
        at = pcl_folio_last(c, folio) + 1;
    }
    return PCL_NONE;
}

uint32_t pcl_cache_move(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        int64_t by, unsigned *nodes)
{
    struct id_list l = {.n = 0};
    struct cursor from = {.there = false}, to = {.there = false};
    unsigned visits = 0;
    uint32_t other;

    PCL_ASSERT(by != 0 && (by > 0 || first >= 0 - (uint64_t)by));
    last = last < PCL_PAGE_LAST ? last : PCL_PAGE_LAST;
    if (first > last)
        return PCL_NONE;
    other = in_the_way(c, inode, first, last, by);
    if (other == PCL_NONE)
        other = collect(c, inode, first, last, by, &l);
    if (other != PCL_NONE) {
        free(l.v);
        return other;
    }
    for (uint32_t i = 0; i < l.n; i++) {
        const struct pcl_folio *f = &c->folio[l.v[i]];

        visits += cursor_go(c, &from, inode, f->pgoff, f->order);
        take_out(c, l.v[i]);
        /* the next folio of the old place must not get this one's struct page */
        pcl_folio_age(c, inode, f->pgoff);
    }
    for (uint32_t i = 0; i < l.n; i++) {
        uint64_t pgoff = c->folio[l.v[i]].pgoff + (uint64_t)by;

        put_in(c, l.v[i], inode, pgoff);
        visits += cursor_go(c, &to, inode, pgoff, c->folio[l.v[i]].order);
    }
    free(l.v);
    if (nodes != NULL)
        *nodes += visits;
    return PCL_NONE;
}

/* --- split, merge, replace -----------------------------------------------------------------
 */

/* The index's reference and the caller's: with any other one, or a mapping, the freeze of the
 * reference count fails. */
static bool freezable(const struct pcl_cache *c, uint32_t folio)
{
    const struct pcl_folio *f = &c->folio[folio];

    PCL_ASSERT(c->flags[folio] & PCL_FOLIO_LOCKED);
    return f->inode != PCL_NONE && f->refs == 2 && f->mapcount == 0 &&
           !(c->flags[folio] & PCL_FOLIO_WRITEBACK);
}

/* What a folio hands on to one that stands for its pages. */
static uint8_t inherited(uint8_t flags)
{
    return flags & (PCL_FOLIO_UPTODATE | PCL_FOLIO_DIRTY | PCL_FOLIO_REFERENCED |
                    PCL_FOLIO_ACTIVE);
}

bool pcl_cache_split(struct pcl_cache *c, uint32_t folio, unsigned order, unsigned *nodes)
{
    uint64_t step = UINT64_C(1) << order, n = pcl_folio_pages(c, folio);
    uint64_t pgoff = c->folio[folio].pgoff;
    uint32_t inode = c->folio[folio].inode;
    struct cursor at = {.there = false};
    unsigned visits = 0;

    PCL_ASSERT(order < c->folio[folio].order);
    if (!freezable(c, folio))
        return false;
    visits += cursor_go(c, &at, inode, pgoff, c->folio[folio].order);
    take_out(c, folio);
    for (uint64_t i = step; i < n; i += step) {
        uint32_t tail = pcl_folio_alloc(c);

        c->folio[tail].order = (uint8_t)order;
        c->folio[tail].pfn = c->folio[folio].pfn + (uint32_t)i;
        c->folio[tail].generation = c->folio[folio].generation;
        c->folio[tail].refs = 1;
        c->flags[tail] = inherited(c->flags[folio]);
        if (c->oracle != NULL)
            pcl_oracle_folio_copy(c->oracle, folio, i, tail, 0, step);
        pcl_lru_add(c, tail, (enum pcl_lru)c->folio[folio].list, false);
        put_in(c, tail, inode, pgoff + i);
        visits += cursor_go(c, &at, inode, pgoff + i, order);
    }
    if (c->oracle != NULL)
        pcl_oracle_folio_cut(c->oracle, folio, order);
    c->folio[folio].order = (uint8_t)order;
    put_in(c, folio, inode, pgoff);
    c->t->nr_folios += n / step - 1;
    if (nodes != NULL)
        *nodes += visits;
    return true;
}

/* Takes a folio whose data live on elsewhere out of the index. */
static void retire(struct pcl_cache *c, uint32_t folio)
{
    struct pcl_folio *f = &c->folio[folio];

    pcl_index_count(c, folio, false);
    take_out(c, folio);
    pcl_folio_age(c, f->inode, f->pgoff);
    pcl_lru_del(c, folio);
    c->flags[folio] &= (uint8_t)~PCL_FOLIO_DIRTY;
    f->inode = PCL_NONE;
    f->node = PCL_NONE;
    pcl_folio_put(c, folio);
}

/* A new locked folio for pages that are free now; the index's reference and the caller's. */
static void settle_in(struct pcl_cache *c, uint32_t folio, uint32_t inode, uint64_t pgoff,
                      unsigned order, uint8_t flags)
{
    c->folio[folio].order = (uint8_t)order;
    c->folio[folio].refs = 2;
    c->flags[folio] = inherited(flags) | PCL_FOLIO_LOCKED;
    put_in(c, folio, inode, pgoff);
    pcl_folio_settle(c, folio, pcl_folio_place(c, folio), pgoff, order,
                     pcl_folio_generation(c, inode, pgoff));
    pcl_index_count(c, folio, true);
    pcl_lru_add(c, folio, flags & PCL_FOLIO_ACTIVE ? PCL_LRU_ACTIVE : PCL_LRU_INACTIVE, false);
}

uint32_t pcl_cache_replace(struct pcl_cache *c, uint32_t old, unsigned *nodes)
{
    uint32_t inode = c->folio[old].inode, folio;
    uint64_t pgoff = c->folio[old].pgoff;
    uint8_t flags = c->flags[old];
    unsigned order = c->folio[old].order;
    struct cursor at = {.there = false};

    if (!freezable(c, old))
        return PCL_NONE;
    if (nodes != NULL)
        *nodes += cursor_go(c, &at, inode, pgoff, order);
    folio = pcl_folio_alloc(c);
    c->folio[folio].order = (uint8_t)order;
    if (c->oracle != NULL)
        pcl_oracle_folio_copy(c->oracle, old, 0, folio, 0, UINT64_C(1) << order);
    retire(c, old);
    settle_in(c, folio, inode, pgoff, order, flags);
    return folio;
}

uint32_t pcl_cache_merge(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                         unsigned *nodes)
{
    uint64_t end = pgoff + (UINT64_C(1) << order), at = pgoff;
    struct cursor from = {.there = false};
    struct id_list l = {.n = 0};
    unsigned visits = 0;
    uint8_t flags = PCL_FOLIO_UPTODATE;
    uint32_t folio;

    PCL_ASSERT(order <= PCL_MAX_ORDER && (pgoff & (end - pgoff - 1)) == 0);
    while (at < end) {
        uint32_t small = pcl_cache_find(c, inode, at, NULL);

        if (small == PCL_NONE || !(c->flags[small] & PCL_FOLIO_LOCKED) ||
            c->folio[small].order >= order || !freezable(c, small) ||
            !(c->flags[small] & PCL_FOLIO_UPTODATE)) {
            free(l.v);
            return PCL_NONE;
        }
        visits += cursor_go(c, &from, inode, at, c->folio[small].order);
        flags |= c->flags[small];
        PCL_GROW(l.v, l.cap, l.n + 1);
        l.v[l.n++] = small;
        at = pcl_folio_last(c, small) + 1;
    }
    folio = pcl_folio_alloc(c);
    c->folio[folio].order = (uint8_t)order;
    for (uint32_t i = 0; i < l.n; i++) {
        if (c->oracle != NULL)
            pcl_oracle_folio_copy(c->oracle, l.v[i], 0, folio, c->folio[l.v[i]].pgoff - pgoff,
                                  pcl_folio_pages(c, l.v[i]));
        retire(c, l.v[i]);
    }
    free(l.v);
    settle_in(c, folio, inode, pgoff, order, flags);
    if (nodes != NULL)
        *nodes += visits;
    return folio;
}
