/*
 * Runs: folios that nothing tells apart are a number in a slot, not folios. A slot high in the
 * tree stands for a whole subtree of them:
 *
 *   slot of level 3: run of order 0   =   64^3 pages of one file, read once and left alone
 *
 * A look-up explodes the run level by level on its way down (each step one node of 64 smaller
 * runs) and ends with one folio that has an id. The kernel's nodes below a run are counted, so
 * exploding one changes no count.
 */
#include "internal.h"

#include <pclsim/oracle.h>

#define SHIFT PCL_FANOUT_SHIFT

uint64_t pcl_run_nodes(unsigned order, unsigned level)
{
    uint64_t sum = 0;

    for (unsigned l = pcl_order_level(order); l < level; l++)
        sum = sum * PCL_FANOUT + 1;
    return sum;
}

/* One bit for each first slot. */
static uint64_t heads(unsigned width)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < PCL_FANOUT; i += width)
        bits |= UINT64_C(1) << i;
    return bits;
}

void pcl_run_explode(struct pcl_cache *c, struct pcl_place p)
{
    uint32_t v = *pcl_place_slot(c, p), id = pcl_cnode_alloc(c);
    struct pcl_cnode *n = &c->node[id];
    unsigned level = pcl_place_level(c, p) - 1, width = 1;

    if (level == pcl_order_level(pcl_run_order(v)))
        width = pcl_order_width(pcl_run_order(v));
    n->parent = p.node;
    n->offset = (uint8_t)p.off;
    n->inode = p.inode;
    n->level = (uint8_t)level;
    n->bits[PCL_MARK_BIT_PRESENT] = ~UINT64_C(0);
    n->bits[PCL_MARK_BIT_RUN] = heads(width);
    for (unsigned i = 0; i < PCL_FANOUT; i++)
        n->slot[i] = i % width == 0 ? v : PCL_SLOT_SIBLING | (i - i % width);
    *pcl_place_slot(c, p) = pcl_slot_node(id);
}

static void count_run(struct pcl_cache *c, uint32_t inode, uint64_t pages, bool in)
{
    uint64_t d = in ? pages : 0 - pages;

    c->inode[inode].nr_run += d;
    c->t->nr_run += d;
    if (in && inode < c->t->run_inode)
        c->t->run_inode = inode;
}

uint32_t pcl_run_materialise(struct pcl_cache *c, struct pcl_place p, uint64_t pgoff)
{
    uint32_t v = *pcl_place_slot(c, p), id = pcl_folio_alloc(c);
    unsigned order = pcl_run_order(v);

    *pcl_place_slot(c, p) = pcl_slot_folio(id);
    pcl_mark_clear_at(c, p, PCL_MARK_BIT_RUN);
    pcl_folio_settle(c, id, p, pgoff >> order << order, order, pcl_run_generation(v));
    c->folio[id].refs = 1;
    c->flags[id] = PCL_FOLIO_UPTODATE;
    count_run(c, p.inode, UINT64_C(1) << order, false);
    pcl_lru_add(c, id, PCL_LRU_INACTIVE, false);
    if (c->oracle != NULL)
        pcl_oracle_read_in(c->oracle, id);
    return id;
}

uint32_t pcl_run_take(struct pcl_cache *c, struct pcl_place *p, uint64_t pgoff, unsigned *nodes)
{
    for (;;) {
        uint32_t v = *pcl_place_slot(c, *p);

        if (pcl_slot_is_sibling(v)) {
            p->off = v & (PCL_FANOUT - 1);
            continue;
        }
        if (!pcl_run_is_subtree(v, pcl_place_level(c, *p)))
            return pcl_run_materialise(c, *p, pgoff);
        pcl_run_explode(c, *p);
        p->node = pcl_slot_id(*pcl_place_slot(c, *p));
        p->off = pcl_slot_offset(pgoff, c->node[p->node].level);
        ++*nodes;
    }
}

/* Holds back what differs from the folios of a run in any way that a later look could see. LRU
 * flags do not count: without a memory limit nothing looks at them. */
void pcl_run_fold(struct pcl_cache *c, uint32_t folio)
{
    const unsigned lru = PCL_FOLIO_REFERENCED | PCL_FOLIO_ACTIVE;
    const struct pcl_folio *f = &c->folio[folio];
    struct pcl_place p;

    if ((c->flags[folio] & ~lru) != PCL_FOLIO_UPTODATE)
        return;
    if (c->oracle != NULL && !pcl_oracle_folio_is_disk(c->oracle, folio))
        return;
    if (f->pfn != pcl_folio_pfn(c, f->inode, f->pgoff, f->order, f->generation))
        return; /* it came here by a move or a split and has brought its struct page along */
    p = pcl_folio_place(c, folio);
    *pcl_place_slot(c, p) = pcl_slot_run(f->order, f->generation);
    pcl_mark_set_at(c, p, PCL_MARK_BIT_RUN);
    count_run(c, p.inode, UINT64_C(1) << f->order, true);
    pcl_lru_del(c, folio);
    pcl_folio_release(c, folio);
}

void pcl_run_break(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last)
{
    if (c->inode[inode].nr_run == 0)
        return;
    while (pcl_walk_first(c, inode, first, last, PCL_MARK_BIT_RUN, NULL) != PCL_NONE)
        ;
}

/* --- population ----------------------------------------------------------------------------
 */

struct fill {
    uint64_t first, last; /* whole folios */
    unsigned order;
};

static void fill_slot(struct pcl_cache *c, struct pcl_place p, unsigned order)
{
    unsigned level = pcl_place_level(c, p), width = 1;
    uint64_t pages = UINT64_C(1) << order;

    if (level == pcl_order_level(order))
        width = pcl_order_width(order);
    else
        pages = UINT64_C(1) << SHIFT * level;
    pcl_index_fill(c, p, pcl_slot_run(order, 0), width);
    pcl_mark_set_at(c, p, PCL_MARK_BIT_RUN);
    count_run(c, p.inode, pages, true);
    c->inode[p.inode].nr_pages += pages;
    c->t->nr_pages += pages;
    c->t->nr_folios += pages >> order;
    c->t->nr_nodes += pcl_run_nodes(order, level);
}

/* Fills the part of the range that lies below slot p, which spans pages from base on. */
static void fill_below(struct pcl_cache *c, struct pcl_place p, uint64_t base,
                       const struct fill *f)
{
    unsigned level = pcl_place_level(c, p), made = 0;
    uint64_t span = UINT64_C(1) << SHIFT * level, step, from, to;
    struct pcl_place child;

    if (level == pcl_order_level(f->order) ||
        (f->first <= base && base + span - 1 <= f->last)) {
        fill_slot(c, p, f->order);
        return;
    }
    from = f->first > base ? f->first : base;
    to = f->last < base + span - 1 ? f->last : base + span - 1;
    (void)pcl_index_path(c, p.inode, from, level - 1, &child, &made);
    step = UINT64_C(1) << SHIFT * (level - 1);
    if (step < UINT64_C(1) << f->order)
        step = UINT64_C(1) << f->order;
    for (uint64_t at = from & ~(step - 1); at <= to; at += step) {
        child.off = pcl_slot_offset(at, level - 1);
        fill_below(c, child, at, f);
    }
}

static void fill_runs(struct pcl_cache *c, uint32_t inode, const struct fill *f)
{
    struct pcl_place head = {inode, PCL_NONE, 0};

    pcl_index_expand(c, inode, f->last);
    fill_below(c, head, 0, f);
    if (c->t->nr_nodes > c->peak_nodes)
        c->peak_nodes = c->t->nr_nodes;
    if (c->t->nr_pages > c->peak_pages)
        c->peak_pages = c->t->nr_pages;
}

static void fill_folios(struct pcl_cache *c, uint32_t inode, const struct fill *f,
                        unsigned flags)
{
    uint64_t step = UINT64_C(1) << f->order;

    for (uint64_t at = f->first; at <= f->last; at += step) {
        uint32_t id =
            pcl_cache_insert(c, inode, at, f->order, flags | PCL_FOLIO_UPTODATE, NULL);

        if (id == PCL_NONE)
            continue;
        if (c->oracle != NULL)
            pcl_oracle_read_in(c->oracle, id);
        pcl_folio_put(c, id);
    }
}

/* The largest folio that starts at page at, ends before end and is no larger than order. */
static unsigned fitting_order(uint64_t at, uint64_t end, unsigned order)
{
    while (order > 0 &&
           ((at & ((UINT64_C(1) << order) - 1)) != 0 || end - at < UINT64_C(1) << order))
        order--;
    return order;
}

void pcl_cache_populate(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t n_pages,
                        unsigned order, unsigned flags)
{
    uint64_t end = first + n_pages;
    /* a run has one generation, and what was never removed has the same everywhere */
    bool runs = !c->conf.literal && flags == 0 && !c->inode[inode].aged;

    PCL_ASSERT(order <= PCL_MAX_ORDER);
    PCL_ASSERT(first <= PCL_PAGE_LAST && n_pages <= PCL_PAGE_LAST + 1 - first);
    if (n_pages == 0)
        return;
    if (pcl_walk_first(c, inode, first, end - 1, PCL_MARK_BIT_PRESENT, NULL) != PCL_NONE)
        runs = false; /* something is in the way: look at every place */
    while (first < end) {
        unsigned o = fitting_order(first, end, order);
        uint64_t len = o == order ? (end - first) >> o << o : UINT64_C(1) << o;
        struct fill f = {first, first + len - 1, o};

        if (runs)
            fill_runs(c, inode, &f);
        else
            fill_folios(c, inode, &f, flags);
        first += len;
    }
}
