/*
 * Large folios: how large a new one is, and what happens to one that a removal meets with a part
 * only.
 *
 * A write asks for the largest power of two that what is left of it covers, read-ahead for two
 * orders more than the time before as long as it goes on where it stopped. Both are cut to what
 * alignment, the file's max_order and the range allow, and go down where a page of the range is
 * present already.
 */
#include "step.h"

static unsigned log2_of(uint64_t n)
{
    return 63u - (unsigned)__builtin_clzll(n);
}

/* The largest folio that may begin at a page, has no more pages than left, and is no larger than
 * order. */
static unsigned fitting(uint64_t page, uint64_t left, unsigned order)
{
    unsigned room = log2_of(left);

    order = order < room ? order : room;
    if (page != 0 && (unsigned)__builtin_ctzll(page) < order)
        order = (unsigned)__builtin_ctzll(page);
    return order;
}

/* A folio of that order, or of the next smaller one for which there is room. */
static uint32_t insert_fitting(struct pcl_kernel *k, struct pcl_call *c, uint64_t page,
                               unsigned order, bool by_io)
{
    uint32_t f = PCL_NONE;

    pcl_touch(k->m, mapping_line(c));
    for (int o = (int)order; o >= 0 && f == PCL_NONE; o--) {
        unsigned nodes = 0;

        f = pcl_cache_insert(k->cache, c->inode, page, (unsigned)o, PCL_FOLIO_LOCKED, &nodes);
        pcl_burn(k->m, k->m->p->folio_insert + k->m->p->node_visit * nodes);
    }
    note_site(k, c);
    if (f != PCL_NONE)
        pcl_page_fresh(&k->page, f, by_io);
    return f;
}

uint32_t pcl_insert_written(struct pcl_kernel *k, struct pcl_call *c)
{
    uint64_t end = (uint64_t)(c->off + c->len), from = c->cur << PCL_PAGE_SHIFT, left;

    if (k->inode[c->inode].max_order == 0)
        return insert_fitting(k, c, c->cur, 0, false);
    if (from < (uint64_t)c->off)
        from = (uint64_t)c->off;
    left = end > from ? (end - from) >> PCL_PAGE_SHIFT : 0;
    /* iomap_write_begin(): no larger than the extent, so that the write fills it as a whole */
    if (left > pcl_ext_same(&k->ext[c->inode], c->cur) - c->cur)
        left = pcl_ext_same(&k->ext[c->inode], c->cur) - c->cur + 1;
    return insert_fitting(k, c, c->cur,
                          fitting(c->cur, left ? left : 1,
                                  k->inode[c->inode].max_order),
                          false);
}

uint32_t pcl_insert_ahead(struct pcl_kernel *k, struct pcl_call *c, uint64_t page, uint64_t end,
                          unsigned order)
{
    uint64_t same = pcl_ext_same(&k->ext[c->inode], c->ahead);

    if (end > same)
        end = same + 1;
    if (end <= page) /* the extents have changed since the page was asked for */
        end = page + 1;
    return insert_fitting(k, c, page, fitting(page, end - page, order), true);
}

uint64_t pcl_chunk_last(const struct pcl_kernel *k, const struct pcl_call *c)
{
    uint64_t last = pcl_folio_last(k->cache, c->folio), same;

    if (last > c->last)
        last = c->last;
    if (c->op != PCL_OP_WRITE || !(k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE))
        return last; /* a new folio is filled before anybody may see it */
    same = pcl_ext_same(&k->ext[c->inode], c->cur);
    return last < same ? last : same;
}

/* --- edges of a range that is removed -------------------------------------------------------- */

bool pcl_folio_inside(const struct pcl_kernel *k, const struct pcl_call *c, uint32_t folio)
{
    return k->cache->folio[folio].pgoff >= c->first && pcl_folio_last(k->cache, folio) <= c->last;
}

/* The large folio that lies across the first page of the range, then the one across the last,
 * referenced. None: to[0]. */
enum pcl_flow act_next_edge(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_cache_totals *t = k->cache->t;
    unsigned nodes = 0;

    if (t->nr_folios == t->nr_pages || c->first > c->last) /* there is no large folio at all */
        c->skipped = 2;
    if (c->skipped == 2) {
        c->skipped = 0;
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    }
    c->cur = c->skipped++ == 0 ? c->first : c->last;
    pcl_load(k->m, mapping_line(c));
    c->folio = pcl_cache_get(k->cache, c->inode, c->cur, &nodes);
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->folio == PCL_NONE)
        return FLOW_STEP;
    pcl_rmw(k->m, folio_line(k, c->folio));
    if (!pcl_folio_inside(k, c, c->folio))
        return flow_next(c, FLOW_STEP);
    pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    return FLOW_STEP;
}

/* truncate_inode_partial_folio(): the pages of the range are zeroed where they are, lest the folio
 * cannot be split and, dirty, has to stay. Who has written the range back does not need it. */
enum pcl_flow act_zero_edge(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool written = c->op == PCL_OP_COLLAPSE || c->op == PCL_OP_INSERT ||
                   c->op == PCL_OP_EXCHANGE || (k->fs == PCL_FS_XFS && c->op != PCL_OP_TRUNCATE);
    uint64_t page = k->cache->folio[c->folio].pgoff, last = pcl_folio_last(k->cache, c->folio);
    pcl_ns n = 0;

    (void)s;
    if (written)
        return flow_next(c, FLOW_SKIP);
    page = page > c->first ? page : c->first;
    for (; page <= last && page <= c->last; page++, n++)
        pcl_oracle_zero(k->cache->oracle, c->folio, page);
    pcl_store(k->m, folio_line(k, c->folio));
    pcl_burn(k->m, k->m->p->zero_page * n);
    return flow_next(c, FLOW_STEP);
}

uint32_t pcl_next_inside(struct pcl_kernel *k, const struct pcl_call *c, unsigned *nodes)
{
    uint64_t at = c->cur;
    uint32_t f = PCL_NONE;

    while (at <= c->last) {
        f = pcl_cache_next(k->cache, c->inode, at, c->last, nodes);
        if (f == PCL_NONE || pcl_folio_inside(k, c, f))
            return f;
        at = pcl_folio_last(k->cache, f) + 1;
    }
    return PCL_NONE;
}

/* That folio, referenced; cur is its first page. None: to[0]. */
enum pcl_flow act_next_inside(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0;

    pcl_load(k->m, mapping_line(c));
    c->folio = pcl_next_inside(k, c, &nodes);
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    pcl_folio_get(k->cache, c->folio);
    pcl_rmw(k->m, folio_line(k, c->folio));
    c->cur = k->cache->folio[c->folio].pgoff;
    return flow_next(c, FLOW_STEP);
}
