/*
 * The index: per inode a radix tree of 64-slot nodes, as high as its last page needs, shaped
 * node for node like the kernel's XArray. A single entry at page 0 needs no node at all; a lone
 * page at the top of an 8 EiB file needs nine. A folio of order o takes 2^(o mod 6) slots at
 * level o / 6.
 *
 *   head (spans 64^height pages) -> node, level height - 1 -> ... -> node, level 0 -> folio
 */
#include "internal.h"

#define SHIFT PCL_FANOUT_SHIFT

static inline void visited(unsigned *nodes, unsigned n)
{
    if (nodes != NULL)
        *nodes += n;
}

struct pcl_place pcl_folio_place(const struct pcl_cache *c, uint32_t folio)
{
    const struct pcl_folio *f = &c->folio[folio];
    struct pcl_place p = {f->inode, f->node, 0};

    if (f->node != PCL_NONE)
        p.off = pcl_slot_offset(f->pgoff, c->node[f->node].level);
    return p;
}

/* --- marks ---------------------------------------------------------------------------------
 */

void pcl_mark_set_at(struct pcl_cache *c, struct pcl_place p, enum pcl_mark_bit mark)
{
    while (p.node != PCL_NONE) {
        struct pcl_cnode *n = &c->node[p.node];
        uint64_t bit = UINT64_C(1) << p.off;

        if (n->bits[mark] & bit)
            return; /* then it is set all the way up */
        n->bits[mark] |= bit;
        p.off = n->offset;
        p.node = n->parent;
    }
    c->inode[p.inode].marks |= (uint8_t)(1u << mark);
}

void pcl_mark_clear_at(struct pcl_cache *c, struct pcl_place p, enum pcl_mark_bit mark)
{
    while (p.node != PCL_NONE) {
        struct pcl_cnode *n = &c->node[p.node];

        n->bits[mark] &= ~(UINT64_C(1) << p.off);
        if (n->bits[mark] != 0)
            return;
        p.off = n->offset;
        p.node = n->parent;
    }
    c->inode[p.inode].marks &= (uint8_t) ~(1u << mark);
}

/* --- look-up -------------------------------------------------------------------------------
 */

uint32_t pcl_cache_find(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned *nodes)
{
    const struct pcl_inode *ino = &c->inode[inode];
    struct pcl_place p = {inode, PCL_NONE, 0};
    uint32_t v = ino->head, id = PCL_NONE;
    unsigned n = 0;

    if (v == PCL_SLOT_EMPTY || pgoff >> SHIFT * ino->height != 0)
        return PCL_NONE;
    while (pcl_slot_kind(v) == PCL_SLOT_NODE) {
        const struct pcl_cnode *x;

        p.node = pcl_slot_id(v);
        x = &c->node[p.node];
        p.off = pcl_slot_offset(pgoff, x->level);
        v = x->slot[p.off];
        n++;
    }
    if (pcl_slot_is_sibling(v)) {
        p.off = v & (PCL_FANOUT - 1);
        v = c->node[p.node].slot[p.off];
    }
    if (pcl_slot_kind(v) == PCL_SLOT_FOLIO)
        id = pcl_slot_id(v);
    else if (v != PCL_SLOT_EMPTY)
        id = pcl_run_take(c, &p, pgoff, &n);
    visited(nodes, n);
    return id;
}

uint32_t pcl_cache_get(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned *nodes)
{
    uint32_t folio = pcl_cache_find(c, inode, pgoff, nodes);

    if (folio != PCL_NONE)
        c->folio[folio].refs++;
    return folio;
}

/* --- growth --------------------------------------------------------------------------------
 */

/* What a value that moved to another slot must know of it. */
static void reparent(struct pcl_cache *c, uint32_t v, uint32_t node)
{
    if (pcl_slot_kind(v) == PCL_SLOT_NODE) {
        c->node[pcl_slot_id(v)].parent = node;
        c->node[pcl_slot_id(v)].offset = 0;
    } else if (pcl_slot_kind(v) == PCL_SLOT_FOLIO) {
        c->folio[pcl_slot_id(v)].node = node;
    }
}

static uint32_t node_new(struct pcl_cache *c, uint32_t inode, unsigned level)
{
    uint32_t id = pcl_cnode_alloc(c);

    c->node[id].parent = PCL_NONE;
    c->node[id].inode = inode;
    c->node[id].level = (uint8_t)level;
    c->t->nr_nodes++;
    if (c->t->nr_nodes > c->peak_nodes)
        c->peak_nodes = c->t->nr_nodes;
    return id;
}

void pcl_index_expand(struct pcl_cache *c, uint32_t inode, uint64_t last)
{
    while (last >> SHIFT * c->inode[inode].height != 0) {
        struct pcl_inode *ino = &c->inode[inode];

        if (ino->head != PCL_SLOT_EMPTY) {
            uint32_t id = node_new(c, inode, ino->height);
            struct pcl_cnode *n = &c->node[id];

            n->slot[0] = ino->head;
            for (unsigned m = 0; m < PCL_N_MARK_BITS; m++)
                n->bits[m] = (unsigned)ino->marks >> m & 1u;
            reparent(c, ino->head, id);
            ino->head = pcl_slot_node(id);
        }
        ino->height++;
    }
}

bool pcl_index_path(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned level,
                    struct pcl_place *at, unsigned *made)
{
    struct pcl_place p = {inode, PCL_NONE, 0};

    while (pcl_place_level(c, p) > level) {
        uint32_t v = *pcl_place_slot(c, p), id;

        if (v == PCL_SLOT_EMPTY) {
            id = node_new(c, inode, pcl_place_level(c, p) - 1);
            c->node[id].parent = p.node;
            c->node[id].offset = (uint8_t)p.off;
            *pcl_place_slot(c, p) = pcl_slot_node(id);
            pcl_mark_set_at(c, p, PCL_MARK_BIT_PRESENT);
        } else if (pcl_slot_kind(v) == PCL_SLOT_NODE) {
            id = pcl_slot_id(v);
        } else {
            return false;
        }
        p.node = id;
        p.off = pcl_slot_offset(pgoff, c->node[id].level);
        ++*made;
    }
    *at = p;
    return true;
}

void pcl_index_fill(struct pcl_cache *c, struct pcl_place p, uint32_t value, unsigned width)
{
    *pcl_place_slot(c, p) = value;
    pcl_mark_set_at(c, p, PCL_MARK_BIT_PRESENT);
    for (unsigned i = 1; i < width; i++) {
        c->node[p.node].slot[p.off + i] = PCL_SLOT_SIBLING | p.off;
        c->node[p.node].bits[PCL_MARK_BIT_PRESENT] |= UINT64_C(1) << (p.off + i);
    }
}

/* --- insertion -----------------------------------------------------------------------------
 */

static uint64_t width_mask(unsigned off, unsigned width)
{
    return (width == PCL_FANOUT ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1) << off;
}

/* The slots for a new folio, or false when a page of its range is present. Nothing has been
 * changed then: new nodes are made below an empty slot only, where nothing can be in the way.
 */
static bool insert_place(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                         struct pcl_place *at, unsigned *n)
{
    uint64_t last = pgoff + (UINT64_C(1) << order) - 1;
    const struct pcl_inode *ino = &c->inode[inode];

    /* aligned, and only partly below the head's span: it covers all that is there */
    if (pgoff == 0 && last >> SHIFT * ino->height != 0 && ino->head != PCL_SLOT_EMPTY)
        return false;
    pcl_index_expand(c, inode, last);
    if (!pcl_index_path(c, inode, pgoff, pcl_order_level(order), at, n))
        return false;
    if (at->node == PCL_NONE)
        return c->inode[inode].head == PCL_SLOT_EMPTY;
    return (c->node[at->node].bits[PCL_MARK_BIT_PRESENT] &
            width_mask(at->off, pcl_order_width(order))) == 0;
}

void pcl_index_count(struct pcl_cache *c, uint32_t folio, bool in)
{
    const struct pcl_folio *f = &c->folio[folio];
    struct pcl_inode *ino = &c->inode[f->inode];
    uint64_t pages = UINT64_C(1) << f->order, d = in ? pages : 0 - pages;

    ino->nr_pages += d;
    c->t->nr_pages += d;
    c->t->nr_folios += in ? 1 : UINT64_MAX;
    if (c->t->nr_pages > c->peak_pages)
        c->peak_pages = c->t->nr_pages;
    if (c->flags[folio] & PCL_FOLIO_DIRTY) {
        ino->nr_dirty += d;
        c->t->nr_dirty += d;
    }
    if (c->flags[folio] & PCL_FOLIO_WRITEBACK) {
        ino->nr_writeback += d;
        c->t->nr_writeback += d;
    }
}

uint32_t pcl_cache_insert(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                          unsigned flags, unsigned *nodes)
{
    struct pcl_place p = {inode, PCL_NONE, 0};
    uint32_t id;
    unsigned n = 0;
    bool room;

    PCL_ASSERT(order <= PCL_MAX_ORDER);
    PCL_ASSERT(pgoff + ((UINT64_C(1) << order) - 1) <= PCL_PAGE_LAST);
    PCL_ASSERT((pgoff & ((UINT64_C(1) << order) - 1)) == 0);
    room = insert_place(c, inode, pgoff, order, &p, &n);
    visited(nodes, n);
    if (!room)
        return PCL_NONE;
    id = pcl_folio_alloc(c);
    pcl_index_fill(c, p, pcl_slot_folio(id), pcl_order_width(order));
    pcl_folio_settle(c, id, p, pgoff, order, pcl_folio_generation(c, inode, pgoff));
    c->folio[id].refs = 2;
    c->flags[id] = (uint8_t)flags;
    pcl_index_count(c, id, true);
    if (flags & PCL_FOLIO_DIRTY)
        pcl_mark_set_at(c, p, PCL_MARK_BIT_DIRTY);
    if (flags & PCL_FOLIO_WRITEBACK)
        pcl_mark_set_at(c, p, PCL_MARK_BIT_WRITEBACK);
    pcl_lru_add(c, id, PCL_LRU_INACTIVE, false);
    return id;
}

/* --- removal -------------------------------------------------------------------------------
 */

static void node_drop(struct pcl_cache *c, uint32_t id)
{
    pcl_cnode_release(c, id);
    c->t->nr_nodes--;
}

/* A root with nothing but slot 0 goes when that is a node, or an entry for page 0 alone. */
static void shrink(struct pcl_cache *c, uint32_t inode)
{
    for (;;) {
        struct pcl_inode *ino = &c->inode[inode];
        uint32_t id = pcl_slot_id(ino->head), v;
        const struct pcl_cnode *n = &c->node[id];

        if (n->bits[PCL_MARK_BIT_PRESENT] != 1)
            return;
        v = n->slot[0];
        if (n->level > 0 && pcl_slot_kind(v) != PCL_SLOT_NODE &&
            !pcl_run_is_subtree(v, n->level))
            return;
        ino->head = v;
        ino->height = n->level;
        ino->marks = 0;
        for (unsigned m = 0; m < PCL_N_MARK_BITS; m++)
            ino->marks |= (uint8_t)((n->bits[m] & 1u) << m);
        node_drop(c, id);
        reparent(c, v, PCL_NONE);
        if (pcl_slot_kind(v) != PCL_SLOT_NODE)
            return;
    }
}

void pcl_index_clear(struct pcl_cache *c, struct pcl_place p, unsigned width)
{
    uint64_t mask = width_mask(p.off, width);

    for (unsigned m = PCL_MARK_BIT_DIRTY; m <= PCL_MARK_BIT_RUN; m++)
        pcl_mark_clear_at(c, p, (enum pcl_mark_bit)m);
    for (unsigned i = 1; i < width; i++)
        c->node[p.node].slot[p.off + i] = PCL_SLOT_EMPTY;
    for (;;) {
        struct pcl_cnode *n;
        uint32_t parent;
        unsigned off;

        *pcl_place_slot(c, p) = PCL_SLOT_EMPTY;
        if (p.node == PCL_NONE) {
            c->inode[p.inode].marks = 0;
            c->inode[p.inode].height = 0;
            return;
        }
        n = &c->node[p.node];
        n->bits[PCL_MARK_BIT_PRESENT] &= ~mask;
        if (n->bits[PCL_MARK_BIT_PRESENT] != 0)
            break;
        parent = n->parent;
        off = n->offset;
        node_drop(c, p.node);
        p.node = parent;
        p.off = off;
        mask = width_mask(off, 1);
    }
    if (c->node[p.node].parent == PCL_NONE)
        shrink(c, p.inode);
}

void pcl_cache_remove(struct pcl_cache *c, uint32_t folio, unsigned *nodes)
{
    struct pcl_place p = pcl_folio_place(c, folio);
    struct pcl_folio *f = &c->folio[folio];

    PCL_ASSERT(f->inode != PCL_NONE);
    visited(nodes, c->inode[p.inode].height - pcl_place_level(c, p));
    if (c->oracle != NULL)
        pcl_oracle_folio_removed(c->oracle, folio);
    pcl_index_count(c, folio, false);
    pcl_index_clear(c, p, pcl_order_width(f->order));
    pcl_folio_age(c, p.inode, f->pgoff);
    pcl_lru_del(c, folio);
    c->flags[folio] &= (uint8_t)~PCL_FOLIO_DIRTY;
    f->inode = PCL_NONE;
    f->node = PCL_NONE;
    pcl_folio_put(c, folio);
}
