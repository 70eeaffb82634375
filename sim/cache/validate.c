/*
 * Recounts everything that the cache keeps counts of, and looks at every link from both ends.
 * Slow and for tests: the first contradiction is the answer.
 */
#include "internal.h"

struct recount {
    const struct pcl_cache *c;
    const char *why;
    uint32_t inode;
    uint64_t pages, folios, run, nodes, dirty, writeback; /* of all inodes so far */
};

static bool fail(struct recount *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    return false;
}

static bool check_folio(struct recount *r, uint32_t id, struct pcl_place p, uint64_t base)
{
    const struct pcl_cache *c = r->c;
    const struct pcl_folio *f = &c->folio[id];
    uint64_t pages = UINT64_C(1) << f->order;

    if (id >= c->t->n_folios)
        return fail(r, "slot names no folio");
    if (f->inode != p.inode || f->node != p.node || f->pgoff != base)
        return fail(r, "folio does not know its place");
    if (f->refs < 1 + f->mapcount)
        return fail(r, "folio has too few references");
    if ((f->mapcount > 0) != ((c->flags[id] & PCL_FOLIO_MAPPED) != 0))
        return fail(r, "MAPPED differs from mapcount");
    r->pages += pages;
    r->folios++;
    r->dirty += c->flags[id] & PCL_FOLIO_DIRTY ? pages : 0;
    r->writeback += c->flags[id] & PCL_FOLIO_WRITEBACK ? pages : 0;
    return true;
}

/* Marks that a slot's value calls for. */
static unsigned leaf_marks(const struct pcl_cache *c, uint32_t v)
{
    unsigned marks = 1u << PCL_MARK_BIT_PRESENT;

    if (pcl_slot_kind(v) == PCL_SLOT_FOLIO) {
        uint8_t flags = c->flags[pcl_slot_id(v)];

        marks |= flags & PCL_FOLIO_DIRTY ? 1u << PCL_MARK_BIT_DIRTY : 0;
        marks |= flags & PCL_FOLIO_WRITEBACK ? 1u << PCL_MARK_BIT_WRITEBACK : 0;
    } else if (pcl_slot_is_run(v)) {
        marks |= 1u << PCL_MARK_BIT_RUN;
    }
    return marks;
}

static void count_run(struct recount *r, uint32_t v, unsigned level)
{
    unsigned order = pcl_run_order(v);
    uint64_t pages = UINT64_C(1) << order;

    if (pcl_run_is_subtree(v, level)) {
        pages = UINT64_C(1) << PCL_FANOUT_SHIFT * level;
        r->nodes += pcl_run_nodes(order, level);
    }
    r->pages += pages;
    r->run += pages;
    r->folios += pages >> order;
}

static unsigned entry_order(const struct pcl_cache *c, uint32_t v)
{
    return pcl_slot_kind(v) == PCL_SLOT_FOLIO ? c->folio[pcl_slot_id(v)].order
                                              : pcl_run_order(v);
}

static bool check_width(struct recount *r, struct pcl_place p, uint32_t v, unsigned level)
{
    unsigned order = entry_order(r->c, v), width = 1;

    if (pcl_run_is_subtree(v, level))
        return true;
    if (pcl_order_level(order) != level)
        return fail(r, "folio at a wrong level");
    width = pcl_order_width(order);
    if (p.off % width != 0 || (p.node == PCL_NONE && width != 1))
        return fail(r, "folio at an unaligned slot");
    for (unsigned i = 1; i < width; i++)
        if (r->c->node[p.node].slot[p.off + i] != (PCL_SLOT_SIBLING | p.off))
            return fail(r, "sibling missing");
    return true;
}

/* Returns the marks below a slot. */
static unsigned check_slot(struct recount *r, struct pcl_place p, uint64_t base, unsigned level)
{
    const struct pcl_cache *c = r->c;
    uint32_t v = p.node == PCL_NONE ? c->inode[p.inode].head : c->node[p.node].slot[p.off];
    const struct pcl_cnode *n;
    unsigned all = 0;

    if (v == PCL_SLOT_EMPTY || r->why != NULL)
        return 0;
    if (pcl_slot_is_sibling(v)) {
        if (p.node == PCL_NONE || pcl_slot_is_sibling(c->node[p.node].slot[v & 63u]))
            (void)fail(r, "sibling of nothing");
        return 1u << PCL_MARK_BIT_PRESENT;
    }
    if (pcl_slot_kind(v) != PCL_SLOT_NODE) {
        if (!check_width(r, p, v, level))
            return 0;
        if (pcl_slot_kind(v) == PCL_SLOT_FOLIO)
            (void)check_folio(r, pcl_slot_id(v), p, base);
        else
            count_run(r, v, level);
        return leaf_marks(c, v);
    }
    n = &c->node[pcl_slot_id(v)];
    r->nodes++;
    if (n->level + 1u != level || n->parent != p.node || n->inode != p.inode ||
        (p.node != PCL_NONE && n->offset != p.off))
        (void)fail(r, "node does not know its place");
    for (unsigned i = 0; i < PCL_FANOUT; i++) {
        struct pcl_place q = {p.inode, pcl_slot_id(v), i};
        uint64_t at = base + ((uint64_t)i << PCL_FANOUT_SHIFT * n->level);
        unsigned marks = check_slot(r, q, at, n->level);

        for (unsigned m = 0; m < PCL_N_MARK_BITS; m++)
            if ((n->bits[m] >> i & 1u) != (marks >> m & 1u))
                (void)fail(r, "mark differs from what lies below");
        all |= marks;
    }
    if (n->bits[PCL_MARK_BIT_PRESENT] == 0)
        (void)fail(r, "empty node");
    return all;
}

/* The kernel keeps no node over a single entry at page 0. */
static bool check_root(struct recount *r, const struct pcl_inode *ino)
{
    const struct pcl_cnode *n;

    if (ino->head == PCL_SLOT_EMPTY)
        return ino->height == 0 || fail(r, "empty tree has a height");
    if (pcl_slot_kind(ino->head) != PCL_SLOT_NODE)
        return true;
    n = &r->c->node[pcl_slot_id(ino->head)];
    if (n->bits[PCL_MARK_BIT_PRESENT] == 1 &&
        (n->level == 0 || pcl_slot_kind(n->slot[0]) == PCL_SLOT_NODE ||
         pcl_run_is_subtree(n->slot[0], n->level)))
        return fail(r, "tree is higher than it needs to be");
    return true;
}

static bool check_inode(struct recount *r, uint32_t inode)
{
    const struct pcl_inode *ino = &r->c->inode[inode];
    struct recount before = *r;
    struct pcl_place head = {inode, PCL_NONE, 0};
    unsigned marks;

    marks = check_slot(r, head, 0, ino->height);
    if (r->why != NULL || !check_root(r, ino))
        return false;
    if (marks != ino->marks)
        return fail(r, "marks of the head differ");
    if (r->pages - before.pages != ino->nr_pages || r->run - before.run != ino->nr_run ||
        r->dirty - before.dirty != ino->nr_dirty ||
        r->writeback - before.writeback != ino->nr_writeback)
        return fail(r, "counts of an inode differ");
    return true;
}

static bool check_lru(struct recount *r)
{
    const struct pcl_cache *c = r->c;

    for (unsigned l = PCL_LRU_INACTIVE; l < PCL_N_LRU; l++) {
        uint32_t n = 0, prev = PCL_NONE;

        for (uint32_t id = c->t->lru_head[l]; id != PCL_NONE; id = c->folio[id].lru_next) {
            const struct pcl_folio *f = &c->folio[id];

            if (f->list != l || f->lru_prev != prev || f->inode == PCL_NONE)
                return fail(r, "LRU list is broken");
            if ((l == PCL_LRU_ACTIVE) != ((c->flags[id] & PCL_FOLIO_ACTIVE) != 0))
                return fail(r, "ACTIVE differs from the list");
            prev = id;
            n++;
        }
        if (n != c->t->lru_len[l] || c->t->lru_tail[l] != prev)
            return fail(r, "LRU list has a wrong length");
    }
    return true;
}

static bool check_totals(struct recount *r)
{
    const struct pcl_cache_totals *t = r->c->t;

    if (r->pages != t->nr_pages || r->folios != t->nr_folios || r->run != t->nr_run)
        return fail(r, "page counts differ");
    if (r->nodes != t->nr_nodes)
        return fail(r, "node count differs");
    if (r->dirty != t->nr_dirty || r->writeback != t->nr_writeback)
        return fail(r, "dirty or writeback count differs");
    return true;
}

bool pcl_cache_validate(const struct pcl_cache *c, const char **why)
{
    struct recount r = {.c = c};
    bool good = true;

    for (uint32_t i = 0; i < c->t->n_inodes && good; i++)
        good = check_inode(&r, i);
    good = good && check_totals(&r) && check_lru(&r);
    if (why != NULL)
        *why = r.why;
    return good;
}
