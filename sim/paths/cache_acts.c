/*
 * Actions on the page cache: look up, insert, copy, dirty, remove, reclaim. The index is changed
 * under the i_pages spinlock; look-ups are lockless and take a reference in the same micro-step.
 */
#include "step.h"

enum {
    RECLAIM_TRIES = 32 /* SWAP_CLUSTER_MAX */
};

/* Finds the present page and takes a reference: reads the tree's root and nodes, writes the
 * folio's reference count. */
enum pcl_flow act_lookup(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_profile *p = k->m->p;
    unsigned nodes = 0;

    pcl_load(k->m, mapping_line(c));
    c->folio = pcl_cache_get(k->cache, c->inode, c->cur, &nodes);
    pcl_burn(k->m, p->folio_lookup + p->node_visit * nodes);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[1], FLOW_STEP);
    pcl_rmw(k->m, folio_line(k, c->folio));
    pcl_lru_touch(k->cache, c->folio);
    if (!(k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* After every sleep on a folio's lock: is it still this page of this file? Faults and writes
 * ask what the scheme says. */
enum pcl_flow act_recheck(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_folio *f = &k->cache->folio[c->folio];
    unsigned ask = k->option[PCL_OPTION_RECHECK] & (PCL_RECHECK_MAPPING | PCL_RECHECK_INDEX);

    if (!ask)
        return flow_next(c, FLOW_SKIP);
    pcl_load(k->m, folio_line(k, c->folio));
    if (((ask & PCL_RECHECK_MAPPING) && f->inode != c->inode) ||
        ((ask & PCL_RECHECK_INDEX) && c->cur >> f->order != f->pgoff >> f->order))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_recheck_eof(struct pcl_kernel *k, struct pcl_call *c,
                              const struct pcl_step *s)
{
    if (!(k->option[PCL_OPTION_RECHECK] & PCL_RECHECK_EOF))
        return flow_next(c, FLOW_SKIP);
    return act_if_eof(k, c, s);
}

/* The same for those who write back or remove: no scheme spares them. */
enum pcl_flow act_if_gone(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_load(k->m, folio_line(k, c->folio));
    if (!pcl_folio_holds(k->cache, c->folio, c->inode, c->cur))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

static enum pcl_flow branch(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s,
                            uint8_t flag)
{
    pcl_load(k->m, folio_line(k, c->folio));
    if (k->cache->flags[c->folio] & flag)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_if_dirty(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return branch(k, c, s, PCL_FOLIO_DIRTY);
}

enum pcl_flow act_if_writeback(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return branch(k, c, s, PCL_FOLIO_WRITEBACK);
}

enum pcl_flow act_if_unmapped(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_load(k->m, folio_line(k, c->folio));
    if (!(k->cache->flags[c->folio] & PCL_FOLIO_MAPPED))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* A read at or behind the end of file ends; a direct one is cut there at its start. */
enum pcl_flow act_if_beyond(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    int64_t size = pcl_inode_size(k->cache, c->inode);
    uint64_t pages = pcl_inode_pages(k->cache, c->inode);
    enum pcl_flow flow = flow_looked(k, inode_line(c));

    if (c->len == 0 || c->off >= size || c->cur >= pages)
        return flow_to(k, c, s->to[0], flow);
    if (c->op == PCL_OP_DREAD && c->len > size - c->off) {
        c->len = size - c->off;
        c->last = pages - 1;
    }
    return flow_next(c, flow);
}

enum pcl_flow act_if_tmpfs(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return k->fs == PCL_FS_TMPFS ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

/* A truncate that does not shrink: to[0]. */
enum pcl_flow act_if_grows(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->off >= pcl_inode_size(k->cache, c->inode))
        return flow_to(k, c, s->to[0], flow_looked(k, inode_line(c)));
    return flow_next(c, flow_looked(k, inode_line(c)));
}

/* tmpfs reads a hole from the zero page and inserts nothing: to[0]. */
enum pcl_flow act_tmpfs_hole(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (k->fs != PCL_FS_TMPFS)
        return flow_next(c, FLOW_SKIP);
    pcl_burn(k->m, k->m->p->zero_page);
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* A range lock that was asked for from the end of file on, and the file has been cut since. */
static bool locked_behind(const struct pcl_kernel *k, const struct pcl_call *c, int64_t size)
{
    const struct pcl_range_locks *R = &k->range[PCL_ROLE_IOLOCK];
    uint32_t held = c->held[PCL_ROLE_IOLOCK];

    return held && (R->ops->props & (PCL_PROP_EXACT | PCL_PROP_COARSE)) &&
           size < R->node[held - 1].start;
}

/* O_APPEND: the position is the end of file, read under the lock. Not covered by it: to[0]. */
enum pcl_flow act_append_position(struct pcl_kernel *k, struct pcl_call *c,
                                  const struct pcl_step *s)
{
    if (!(c->flags & PCL_OPF_APPEND))
        return flow_next(c, FLOW_SKIP);
    pcl_load(k->m, inode_line(c));
    if (locked_behind(k, c, pcl_inode_size(k->cache, c->inode)))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    c->off = pcl_inode_size(k->cache, c->inode);
    if (c->len > PCL_OFF_MAX - c->off)
        c->len = PCL_OFF_MAX - c->off;
    pcl_call_pages(k, c);
    return flow_next(c, FLOW_STEP);
}

enum insert_phase {
    INSERT_ALLOC,
    INSERT_LOCK,
    INSERT_DO,
    INSERT_UNLOCK
};

/* Inserts page cur, locked. Somebody was faster: to[0]. */
enum pcl_flow act_insert(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;

    switch ((enum insert_phase)c->phase) {
    case INSERT_ALLOC:
        pcl_burn(k->m, k->m->p->folio_alloc);
        c->phase = INSERT_LOCK;
        return FLOW_STEP;
    case INSERT_LOCK:
        c->phase = INSERT_DO;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case INSERT_DO:
        c->folio = pcl_insert_written(k, c);
        c->phase = INSERT_UNLOCK;
        return FLOW_STEP;
    case INSERT_UNLOCK:
        break;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* The run of absent pages from `ahead` on is inserted, each page locked: to the end of what is to
 * be read, of the extent or hole, or to a page that is there. Pages that are there before it are
 * passed over. Nothing inserted: to[0]. */
enum pcl_flow act_insert_ahead(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin, f;
    uint64_t page = c->ahead + c->n;
    unsigned nodes = 0;

    switch ((enum insert_phase)c->phase) {
    case INSERT_ALLOC:
        if (page >= c->ahead_end)
            return c->n ? flow_next(c, FLOW_SKIP) : flow_to(k, c, s->to[0], FLOW_SKIP);
        if (c->n == 0)
            c->hole = !pcl_ext_mapped(&k->ext[c->inode], page);
        else if (page > pcl_ext_same(&k->ext[c->inode], c->ahead))
            return flow_next(c, FLOW_SKIP);
        pcl_load(k->m, mapping_line(c));
        f = pcl_cache_find(k->cache, c->inode, page, &nodes);
        pcl_burn(k->m, k->m->p->node_visit * nodes);
        if (f != PCL_NONE && c->n)
            return flow_next(c, FLOW_STEP);
        if (f != PCL_NONE) {
            c->ahead = pcl_folio_last(k->cache, f) + 1;
            return FLOW_STEP;
        }
        pcl_burn(k->m, k->m->p->folio_alloc);
        c->phase = INSERT_LOCK;
        return FLOW_STEP;
    case INSERT_LOCK:
        c->phase = INSERT_DO;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case INSERT_DO:
        c->folio = pcl_insert_ahead(k, c, page, c->ahead_end, pcl_ra_order(k, c));
        c->phase = INSERT_UNLOCK;
        return FLOW_STEP;
    case INSERT_UNLOCK:
        break;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    f = c->folio;
    c->folio = PCL_NONE;
    c->phase = INSERT_ALLOC;
    if (f == PCL_NONE) /* somebody was faster */
        return FLOW_STEP;
    c->n = (uint16_t)(c->n + pcl_folio_pages(k->cache, f));
    pcl_folio_put(k->cache, f); /* the lock keeps it in the index until it is filled */
    return FLOW_STEP;
}

/* Direct reclaim while the page cache, with what is to be read, is over its limit: the oldest
 * clean, unmapped, unlocked folios go; the others are passed over. Trylock only. */
enum pcl_flow act_reclaim(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_cache *ca = k->cache;
    uint32_t f = PCL_NONE;
    unsigned nodes = 0;

    (void)s;
    if (k->fs == PCL_FS_TMPFS) /* its pages have nowhere to go: there is no swap here */
        return flow_next(c, FLOW_SKIP);
    uint64_t more = c->ahead_end > c->ahead ? c->ahead_end - c->ahead - 1 : 0;

    if (!pcl_cache_over_limit(ca, more) || c->phase == RECLAIM_TRIES + more)
        return flow_next(c, FLOW_SKIP);
    f = pcl_lru_oldest(ca);
    if (f == PCL_NONE)
        return flow_next(c, FLOW_SKIP);
    c->phase++;
    pcl_rmw(k->m, folio_line(k, f));
    if (ca->flags[f] & (PCL_FOLIO_LOCKED | PCL_FOLIO_WAITERS | PCL_FOLIO_DIRTY |
                        PCL_FOLIO_WRITEBACK | PCL_FOLIO_MAPPED) ||
        ca->folio[f].refs > 1) {
        pcl_lru_rotate(ca, f);
        return FLOW_STEP;
    }
    pcl_cache_remove(ca, f, &nodes);
    pcl_burn(k->m, k->m->p->folio_remove + k->m->p->node_visit * nodes);
    k->reclaimed++;
    return FLOW_STEP;
}

enum pcl_flow act_put(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_rmw(k->m, folio_line(k, c->folio));
    pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    return flow_next(c, FLOW_STEP);
}

/* Bytes of the request that lie in page cur. */
static int64_t bytes_here(const struct pcl_call *c)
{
    int64_t page = (int64_t)(c->cur << PCL_PAGE_SHIFT);
    int64_t from = c->off > page ? c->off - page : 0;
    int64_t end = c->off + c->len - 1;
    int64_t to = end - page >= PCL_PAGE_SIZE ? PCL_PAGE_SIZE : end - page + 1;

    return to > from ? to - from : 0;
}

static void copy(struct pcl_kernel *k, const struct pcl_call *c)
{
    pcl_burn(k->m, k->m->p->copy_page * bytes_here(c) / PCL_PAGE_SIZE);
}

/* Page by page to the end of what the request has in this folio. */
enum pcl_flow act_copy_out(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_load(k->m, folio_line(k, c->folio));
    copy(k, c);
    pcl_ra_hit(k, c);
    pcl_oracle_load(k->cache->oracle, c->truth, c->folio, c->inode, c->cur);
    if (c->cur >= pcl_chunk_last(k, c) || c->cur + 1 >= pcl_inode_pages(k->cache, c->inode))
        return flow_next(c, FLOW_STEP);
    c->cur++;
    return FLOW_STEP;
}

enum pcl_flow act_copy_in(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_store(k->m, folio_line(k, c->folio));
    copy(k, c);
    pcl_oracle_store(k->cache->oracle, c->truth, c->folio, c->cur);
    if (c->cur < pcl_chunk_last(k, c)) {
        c->cur++;
        return FLOW_STEP;
    }
    k->cache->flags[c->folio] |= PCL_FOLIO_UPTODATE;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_set_uptodate(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_rmw(k->m, folio_line(k, c->folio));
    pcl_oracle_read_in(k->cache->oracle, c->folio);
    k->cache->flags[c->folio] |= PCL_FOLIO_UPTODATE;
    return flow_next(c, FLOW_STEP);
}

/* On to the request's next page: to[0] while there is one. */
enum pcl_flow act_advance(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->cur >= c->last)
        return flow_next(c, FLOW_SKIP);
    c->cur++;
    return flow_to(k, c, s->to[0], FLOW_SKIP);
}

enum pcl_flow act_dirty(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;

    (void)s;
    if (c->phase == 0) {
        pcl_load(k->m, folio_line(k, c->folio));
        if (c->op == PCL_OP_FAULT_WRITE)
            pcl_oracle_dirtied(k->cache->oracle, c->folio);
        if (k->cache->flags[c->folio] & PCL_FOLIO_DIRTY)
            return flow_next(c, FLOW_STEP);
        c->phase = 1;
        return FLOW_STEP;
    }
    if (c->phase == 1) {
        c->phase = 2;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    }
    if (c->phase == 2) {
        pcl_touch(k->m, mapping_line(c));
        pcl_folio_set_dirty(k->cache, c->folio);
        if (k->inode[c->inode].dirtied < 0)
            k->inode[c->inode].dirtied = pcl_now(k->m);
        c->phase = 3;
        return FLOW_STEP;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    return flow_next(c, FLOW_STEP);
}

/* i_size after a page of a buffered write, a direct write or a preallocation (grows only), a
 * truncate (as it says), or when blocks have been cut out or inserted. */
enum pcl_flow act_set_size(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    int64_t old = pcl_inode_size(k->cache, c->inode), size;

    (void)s;
    switch (c->op) {
    case PCL_OP_TRUNCATE:
        size = c->off;
        break;
    case PCL_OP_COLLAPSE:
        /* checked under the iolock; where that excludes nobody, another may have been first */
        size = old > c->len ? old - c->len : 0;
        break;
    case PCL_OP_INSERT:
        size = old < PCL_OFF_MAX - c->len ? old + c->len : PCL_OFF_MAX;
        break;
    default:
        size = c->off + c->len;
        if (c->op == PCL_OP_WRITE && c->cur < c->last)
            size = (int64_t)((c->cur + 1) << PCL_PAGE_SHIFT);
        if (size <= old || (c->flags & PCL_OPF_KEEPSIZE))
            return flow_next(c, flow_looked(k, inode_line(c)));
    }
    pcl_store(k->m, inode_line(c));
    pcl_inode_set_size(k->cache, c->inode, size);
    return flow_next(c, FLOW_STEP);
}

/* --- removal --------------------------------------------------------------------------------- */

/* The next present folio of [cur, last], referenced; cur goes behind it. None: to[0]. */
enum pcl_flow act_next_present(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0;
    uint64_t from = c->cur;

    pcl_load(k->m, mapping_line(c));
    if (from > c->last || pcl_cache_batch(k->cache, c->inode, &from, c->last, 0, &c->folio, 1,
                                          &nodes) == 0)
        c->folio = PCL_NONE;
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    pcl_rmw(k->m, folio_line(k, c->folio));
    c->cur = k->cache->folio[c->folio].pgoff;
    return flow_next(c, FLOW_STEP);
}

/* Leaves the folio that the path holds a reference of to the second pass, or behind it. */
enum pcl_flow act_skip_folio(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t behind = pcl_folio_last(k->cache, c->folio) + 1;

    pcl_rmw(k->m, folio_line(k, c->folio));
    pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    c->skipped = 1;
    c->cur = behind;
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* Back to the range's start if folios were left or met: to[0]; else on. */
enum pcl_flow act_rewind(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool again = c->skipped;

    c->skipped = 0;
    c->cur = c->first;
    return again ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_to_start(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    c->skipped = 0;
    c->cur = c->first;
    return flow_next(c, FLOW_SKIP);
}

/* folio_invalidate(): what the filesystem keeps of a folio goes before the folio does. A dirty one
 * has been written, so it has buffer heads where there are any. */
enum pcl_flow act_invalidate_folio(struct pcl_kernel *k, struct pcl_call *c,
                                   const struct pcl_step *s)
{
    pcl_ns cost = pcl_fs_cost(k, FS_COST_BUFFERS);

    (void)s;
    if (cost == 0 || !(k->cache->flags[c->folio] & PCL_FOLIO_DIRTY))
        return flow_next(c, FLOW_SKIP);
    pcl_load(k->m, folio_line(k, c->folio));
    pcl_burn(k->m, cost);
    return flow_next(c, FLOW_STEP);
}

/* Takes the locked folio out of the index, under the i_pages lock. */
enum pcl_flow act_remove(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;
    unsigned nodes = 0;

    (void)s;
    if (c->phase == 0) {
        c->phase = 1;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    }
    if (c->phase == 1) {
        pcl_touch(k->m, mapping_line(c));
        c->cur = pcl_folio_last(k->cache, c->folio) + 1;
        pcl_cache_remove(k->cache, c->folio, &nodes);
        pcl_burn(k->m, k->m->p->folio_remove + k->m->p->node_visit * nodes);
        c->phase = 2;
        return FLOW_STEP;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    return flow_next(c, FLOW_STEP);
}
