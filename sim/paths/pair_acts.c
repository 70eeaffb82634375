/*
 * Actions of a call on two files. The path is at one of them at a time, with all that an action
 * asks for: its number, the locks held on it, its truth; `switch` goes to the other. Locks of one
 * role are taken in the order of the inodes' numbers.
 */
#include "step.h"

static const enum pcl_role paired[PCL_N_PAIRED] = {PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                                   PCL_ROLE_ILOCK};

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t x = *a;

    *a = *b;
    *b = x;
}

static void go_over(struct pcl_kernel *k, struct pcl_call *c)
{
    struct pcl_call_times *t = pcl_times_of(k, k->m->cur);

    swap(&c->inode, &c->inode2);
    swap(&c->truth, &c->truth2);
    for (int i = 0; i < PCL_N_PAIRED; i++) {
        pcl_ns since = t->held_since[paired[i]];

        t->held_since[paired[i]] = t->held_since2[i];
        t->held_since2[i] = since;
        swap(&c->held[paired[i]], &c->held2[i]);
    }
    c->cur = c->first;
}

/* To the file with the lower number. */
enum pcl_flow act_order_files(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->inode > c->inode2)
        go_over(k, c);
    return flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_switch(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    go_over(k, c);
    return flow_next(c, FLOW_SKIP);
}

/* Whole blocks before the end of both files. Otherwise the call fails: to[0]. The truth changes from
 * here on. */
enum pcl_flow act_check_exchange(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    int64_t a = pcl_inode_size(k->cache, c->inode), b = pcl_inode_size(k->cache, c->inode2);
    int64_t end = c->off + c->len; /* below 2^63 */

    pcl_load(k->m, inode_line(c));
    if (((c->off | c->len) & (PCL_PAGE_SIZE - 1)) == 0 && end <= a && end <= b) {
        if (c->truth != PCL_NONE)
            pcl_oracle_exchange(k->cache->oracle, c->truth, c->truth2);
        return flow_next(c, FLOW_STEP);
    }
    c->error = PCL_CALL_E_INVAL;
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* The path has been at one file: to the other, and to[0]; at both: on. */
enum pcl_flow act_if_second(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool first = !c->tried;

    go_over(k, c);
    c->tried = 1;
    return first ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

/* The extents of the range change sides, each in a transaction. */
enum pcl_flow act_exchange(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_extents *a = &k->ext[c->inode], *b = &k->ext[c->inode2];
    pcl_ns extents = 0;

    (void)s;
    pcl_touch(k->m, PCL_LINE(ILOCK, c->inode));
    for (uint64_t page = c->first; page <= c->last; extents++) {
        bool here = pcl_ext_mapped(a, page), there = pcl_ext_mapped(b, page);
        uint64_t end = pcl_ext_same(a, page), other = pcl_ext_same(b, page);

        end = end < other ? end : other;
        end = end < c->last ? end : c->last;
        if (here != there) {
            (void)pcl_ext_unmap(here ? a : b, page, end);
            pcl_ext_map(here ? b : a, page, end);
        }
        page = end + 1;
    }
    if (c->truth != PCL_NONE)
        pcl_oracle_exchange_blocks(k->cache->oracle, c->truth, c->truth2);
    pcl_burn(k->m, k->m->p->node_visit + pcl_fs_cost(k, FS_COST_EXTENT) * extents);
    return flow_next(c, FLOW_STEP);
}
