/*
 * Actions on the extent map, under the ilock: look up, allocate, free. Each extent that changes is
 * a transaction of the filesystem.
 */
#include "step.h"

void pcl_written_pages(const struct pcl_kernel *k, const struct pcl_call *c, uint64_t *first,
                       uint64_t *last)
{
    *first = *last = c->cur;
    if (c->op == PCL_OP_FAULT_WRITE && c->folio != PCL_NONE &&
        pcl_folio_holds(k->cache, c->folio, c->inode, c->cur)) {
        uint64_t end = pcl_inode_pages(k->cache, c->inode);

        *first = k->cache->folio[c->folio].pgoff;
        *last = pcl_folio_last(k->cache, c->folio);
        *last = *last < end ? *last : end - (end > 0);
        *last = *last > c->cur ? *last : c->cur;
    } else if (c->op == PCL_OP_WRITE && k->inode[c->inode].max_order > 0) {
        *last = pcl_ext_same(&k->ext[c->inode], c->cur); /* the whole hole at once */
        *last = *last < c->last ? *last : c->last;
    }
}

/* A buffered write into a hole reserves blocks (delayed allocation); here they are allocated.
 * page_mkwrite does so for the whole folio. */
enum pcl_flow act_alloc_blocks(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_extents *e = &k->ext[c->inode];
    uint64_t first, last;

    (void)s;
    pcl_written_pages(k, c, &first, &last);
    c->hole = !pcl_ext_mapped(e, c->cur); /* new blocks have nothing to read in */
    if (k->fs == PCL_FS_TMPFS || (pcl_ext_mapped(e, first) && pcl_ext_same(e, first) >= last))
        return flow_next(c, FLOW_SKIP);
    pcl_touch(k->m, PCL_LINE(ILOCK, c->inode));
    pcl_ext_map(e, first, last);
    pcl_oracle_allocate(k->cache->oracle, c->inode, first, last);
    pcl_burn(k->m, k->m->p->node_visit);
    return flow_next(c, FLOW_STEP);
}

/* Whole pages of the request: what punch and truncate free. False: none. */
static bool whole_pages(const struct pcl_kernel *k, const struct pcl_call *c, uint64_t *first,
                        uint64_t *last)
{
    uint64_t mask = (uint64_t)PCL_PAGE_SIZE - 1;

    (void)k;
    if (c->op == PCL_OP_TRUNCATE) {
        *first = ((uint64_t)c->off + mask) >> PCL_PAGE_SHIFT;
        *last = PCL_PAGE_LAST;
        return true;
    }
    uint64_t end = (uint64_t)c->off + (uint64_t)c->len; /* below 2^63 */

    *first = ((uint64_t)c->off + mask) >> PCL_PAGE_SHIFT;
    *last = (end >> PCL_PAGE_SHIFT) - 1;
    if (end >= (uint64_t)PCL_OFF_MAX)
        *last = PCL_PAGE_LAST;
    return end >> PCL_PAGE_SHIFT > *first || *last == PCL_PAGE_LAST;
}

enum pcl_flow act_free_blocks(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t first, last;

    (void)s;
    pcl_touch(k->m, PCL_LINE(ILOCK, c->inode));
    if (!whole_pages(k, c, &first, &last))
        return flow_next(c, FLOW_SKIP);
    uint32_t cut = pcl_ext_unmap(&k->ext[c->inode], first, last);

    pcl_oracle_free_blocks(k->cache->oracle, c->inode, first, last);
    pcl_burn(k->m, k->m->p->node_visit + pcl_fs_cost(k, FS_COST_EXTENT) * cut);
    return flow_next(c, FLOW_STEP);
}

/* COLLAPSE_RANGE must end before the end of file, INSERT_RANGE begin before it and leave the size
 * and all blocks where offsets can reach; both in whole blocks. Otherwise the call fails: to[0].
 * The truth changes from here on. */
enum pcl_flow act_check_shift(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_extents *e = &k->ext[c->inode];
    int64_t size = pcl_inode_size(k->cache, c->inode), mask = PCL_PAGE_SIZE - 1;
    uint64_t top = e->n ? e->v[e->n - 1].last : 0;

    pcl_load(k->m, inode_line(c));
    if (((c->off | c->len) & mask) != 0)
        c->error = PCL_CALL_E_INVAL;
    else if (c->op == PCL_OP_COLLAPSE) /* the sum is below 2^63: the VFS has looked at it */
        c->error = c->off + c->len >= size ? PCL_CALL_E_INVAL : PCL_CALL_E_NONE;
    else if (c->off >= size)
        c->error = PCL_CALL_E_INVAL;
    else if (c->len > PCL_OFF_MAX - size)
        c->error = PCL_CALL_E_FBIG;
    else if ((uint64_t)c->len >> PCL_PAGE_SHIFT > PCL_PAGE_LAST - top)
        c->error = PCL_CALL_E_INVAL; /* blocks preallocated behind the end of file */
    if (c->error)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    if (c->truth != PCL_NONE)
        pcl_oracle_shift(k->cache->oracle, c->truth);
    return flow_next(c, FLOW_STEP);
}

/* The scheme moves what is cached, and the range itself has been punched: to[0]. */
enum pcl_flow act_if_moves(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool punched = c->op == PCL_OP_INSERT || c->tried;

    if (punched && k->option[PCL_OPTION_COLLAPSE] == PCL_COLLAPSE_MOVE)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    return flow_next(c, FLOW_SKIP);
}

/* What shifts, and the block before it, whose extent may be joined or cut: to the end of file. */
enum pcl_flow act_to_tail(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    c->first = (uint64_t)c->off >> PCL_PAGE_SHIFT;
    c->first -= c->first > 0;
    c->last = PCL_PAGE_LAST;
    c->cur = c->first;
    c->skipped = 0;
    return flow_next(c, FLOW_SKIP);
}

/* Every extent behind the range gets its new place, each in a transaction. */
enum pcl_flow act_shift_extents(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_extents *e = &k->ext[c->inode];
    uint64_t page = (uint64_t)c->off >> PCL_PAGE_SHIFT, n = (uint64_t)c->len >> PCL_PAGE_SHIFT;
    uint32_t moved = c->op == PCL_OP_COLLAPSE ? pcl_ext_collapse(e, page + n, n)
                                              : pcl_ext_insert(e, page, n);

    (void)s;
    pcl_touch(k->m, PCL_LINE(ILOCK, c->inode));
    if (c->truth != PCL_NONE)
        pcl_oracle_shift_blocks(k->cache->oracle, c->truth);
    pcl_burn(k->m, k->m->p->node_visit + pcl_fs_cost(k, FS_COST_EXTENT) * moved);
    return flow_next(c, FLOW_STEP);
}

/* Preallocation: each hole of the range becomes an extent. */
enum pcl_flow act_alloc_range(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_extents *e = &k->ext[c->inode];
    uint64_t page = c->first;
    pcl_ns holes = 0;

    (void)s;
    pcl_touch(k->m, PCL_LINE(ILOCK, c->inode));
    while (page <= c->last) {
        uint64_t same = pcl_ext_same(e, page);

        holes += !pcl_ext_mapped(e, page);
        if (same >= c->last)
            break;
        page = same + 1;
    }
    if (holes && k->fs != PCL_FS_TMPFS) {
        pcl_ext_map(e, c->first, c->last);
        pcl_oracle_allocate(k->cache->oracle, c->inode, c->first, c->last);
    }
    pcl_burn(k->m, k->m->p->node_visit + pcl_fs_cost(k, FS_COST_EXTENT) * holes);
    return flow_next(c, FLOW_STEP);
}

/* tmpfs has no invalidate_lock on faults: a punch announces its range, and only faults inside it
 * wait until it ends. Other filesystems' faults are not concerned. */
enum pcl_flow act_punch_begin(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_kinode *ki = &k->inode[c->inode];

    (void)s;
    if (k->fs != PCL_FS_TMPFS)
        return flow_next(c, FLOW_SKIP);
    pcl_store(k->m, inode_line(c));
    ki->punching = 1;
    ki->punch_first = c->first;
    ki->punch_last = c->last;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_punch_end(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (k->fs != PCL_FS_TMPFS)
        return flow_next(c, FLOW_SKIP);
    pcl_store(k->m, inode_line(c));
    k->inode[c->inode].punching = 0;
    return flow_next(c, FLOW_STEP);
}
