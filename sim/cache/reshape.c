/*
 * Folios that change their place. The index forgets a folio and learns it anew; everything else
 * about it (id, struct page, lock bit and waiters, references, content) stays.
 *
 *   move by -2      index:  . . . 3 4 . 6      before
 *                           . 3 4 . 6 . .      after: folio 3 is page 1 now
 */
#include "internal.h"

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
