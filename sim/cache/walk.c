/*
 * Walks over a range: from one used slot to the next by the nodes' bit maps, up where a node
 * has no more, down where the next one is a node. What is absent costs nothing. A mark's bit
 * map in place of the map of used slots makes it a tagged walk.
 */
#include "internal.h"

#define SHIFT PCL_FANOUT_SHIFT

struct walk {
    uint32_t inode;
    enum pcl_mark_bit mark;
    uint64_t pos; /* where to look next */
    uint64_t last;
    uint32_t node; /* covers pos; PCL_NONE: at an end or not begun */
    unsigned nodes;
};

static unsigned bit_scan(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

/* First page of slot off of the node that pos lies in. */
static uint64_t slot_base(uint64_t pos, unsigned level, unsigned off)
{
    return ((pos >> SHIFT * (level + 1)) << SHIFT | off) << SHIFT * level;
}

/* Moves up to the first slot behind w->node. False at the end of the tree or the range. */
static bool climb(struct pcl_cache *c, struct walk *w)
{
    const struct pcl_cnode *n = &c->node[w->node];
    unsigned up = SHIFT * (n->level + 1u);

    w->pos = ((w->pos >> up) + 1) << up;
    do {
        w->node = n->parent;
        if (w->node == PCL_NONE || w->pos > w->last)
            return false;
        n = &c->node[w->node];
    } while (pcl_slot_offset(w->pos, n->level) == 0); /* it lies behind this one too */
    return true;
}

/* The folio at a slot that is used (and marked); *at is its slot. A run becomes real. */
static uint32_t folio_at(struct pcl_cache *c, struct walk *w, struct pcl_place at)
{
    uint32_t v = *pcl_place_slot(c, at), id;
    const struct pcl_folio *f;

    id = pcl_slot_kind(v) == PCL_SLOT_FOLIO ? pcl_slot_id(v)
                                            : pcl_run_take(c, &at, w->pos, &w->nodes);
    f = &c->folio[id];
    w->node = at.node;
    w->pos = f->pgoff + (UINT64_C(1) << f->order);
    return id;
}

/* Finds the first folio at or behind w->pos inside w->node or behind it. */
static uint32_t scan(struct pcl_cache *c, struct walk *w)
{
    for (;;) {
        const struct pcl_cnode *n = &c->node[w->node];
        unsigned off = pcl_slot_offset(w->pos, n->level);
        uint64_t bits;

        if (pcl_slot_is_sibling(n->slot[off]))
            off = n->slot[off] & (PCL_FANOUT - 1);
        bits = n->bits[w->mark] >> off;
        if (bits == 0) {
            if (!climb(c, w))
                return PCL_NONE;
            continue;
        }
        if ((bits & 1u) == 0) {
            off += bit_scan(bits);
            w->pos = slot_base(w->pos, n->level, off);
            if (w->pos > w->last)
                return PCL_NONE;
        }
        if (pcl_slot_kind(n->slot[off]) != PCL_SLOT_NODE)
            return folio_at(c, w, (struct pcl_place){w->inode, w->node, off});
        w->node = pcl_slot_id(n->slot[off]);
        w->nodes++;
    }
}

static uint32_t walk_begin(struct pcl_cache *c, struct walk *w)
{
    const struct pcl_inode *ino = &c->inode[w->inode];

    w->node = PCL_NONE;
    if (w->pos > w->last || w->pos >> SHIFT * ino->height != 0 || !(ino->marks >> w->mark & 1u))
        return PCL_NONE;
    if (pcl_slot_kind(ino->head) != PCL_SLOT_NODE)
        return folio_at(c, w, (struct pcl_place){w->inode, PCL_NONE, 0});
    w->node = pcl_slot_id(ino->head);
    w->nodes++;
    return scan(c, w);
}

/* The folio behind the last one found, without going down from the head again. */
static uint32_t walk_more(struct pcl_cache *c, struct walk *w)
{
    if (w->node == PCL_NONE || w->pos > w->last)
        return PCL_NONE;
    if ((w->pos & ((UINT64_C(1) << SHIFT * (c->node[w->node].level + 1u)) - 1)) == 0) {
        w->pos--; /* pos has left the node: climb from its last page */
        if (!climb(c, w))
            return PCL_NONE;
    }
    return scan(c, w);
}

uint32_t pcl_walk_first(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        enum pcl_mark_bit mark, unsigned *nodes)
{
    struct walk w = {.inode = inode,
                     .mark = mark,
                     .pos = first,
                     .last = last < PCL_PAGE_LAST ? last : PCL_PAGE_LAST};
    uint32_t folio = walk_begin(c, &w);

    if (nodes != NULL)
        *nodes += w.nodes;
    return folio;
}

static enum pcl_mark_bit mark_of(unsigned flag)
{
    PCL_ASSERT(flag == 0 || flag == PCL_FOLIO_DIRTY || flag == PCL_FOLIO_WRITEBACK);
    if (flag == PCL_FOLIO_DIRTY)
        return PCL_MARK_BIT_DIRTY;
    return flag == PCL_FOLIO_WRITEBACK ? PCL_MARK_BIT_WRITEBACK : PCL_MARK_BIT_PRESENT;
}

uint32_t pcl_cache_next(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        unsigned *nodes)
{
    return pcl_walk_first(c, inode, first, last, PCL_MARK_BIT_PRESENT, nodes);
}

uint32_t pcl_cache_next_tagged(struct pcl_cache *c, uint32_t inode, uint64_t first,
                               uint64_t last, enum pcl_folio_flag flag, unsigned *nodes)
{
    return pcl_walk_first(c, inode, first, last, mark_of(flag), nodes);
}

unsigned pcl_cache_batch(struct pcl_cache *c, uint32_t inode, uint64_t *first, uint64_t last,
                         unsigned flag, uint32_t *folio, unsigned max, unsigned *nodes)
{
    struct walk w = {.inode = inode,
                     .mark = mark_of(flag),
                     .pos = *first,
                     .last = last < PCL_PAGE_LAST ? last : PCL_PAGE_LAST};
    unsigned n = 0;

    for (uint32_t id = PCL_NONE; n < max; n++) {
        id = n == 0 ? walk_begin(c, &w) : walk_more(c, &w);
        if (id == PCL_NONE)
            break;
        c->folio[id].refs++;
        folio[n] = id;
        *first = w.pos;
    }
    if (nodes != NULL)
        *nodes += w.nodes;
    return n;
}
