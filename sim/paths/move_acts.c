/*
 * Actions of a collapse or an insert that keeps what is cached: folios change their place in the
 * index, one at a time, under their own lock and the i_pages lock.
 */
#include "step.h"

/* Pages from first on move by so many pages. */
static int64_t distance(const struct pcl_call *c)
{
    int64_t n = c->len >> PCL_PAGE_SHIFT;

    return c->op == PCL_OP_COLLAPSE ? -n : n;
}

enum pcl_flow act_to_moving(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    int64_t from = c->op == PCL_OP_COLLAPSE ? c->off + c->len : c->off;

    (void)k, (void)s;
    c->first = (uint64_t)from >> PCL_PAGE_SHIFT;
    c->cur = c->op == PCL_OP_COLLAPSE ? c->first : c->last;
    return flow_next(c, FLOW_SKIP);
}

/* The last present folio of [first, last]: an index is walked backwards as cheaply as forwards, so
 * the visits of one walk are what it costs. */
static uint32_t last_present(struct pcl_cache *ca, const struct pcl_call *c, unsigned *nodes)
{
    uint64_t lo = c->first, hi = c->cur;
    uint32_t f = PCL_NONE;

    while (lo <= hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        unsigned walk = 0;
        uint32_t found = pcl_cache_next(ca, c->inode, mid, c->cur, &walk);

        if (found == PCL_NONE) {
            if (mid == lo)
                break;
            hi = mid - 1;
            continue;
        }
        f = found;
        *nodes = walk;
        lo = pcl_folio_last(ca, f) + 1;
    }
    return f;
}

/* The next folio to move, referenced. None: to[0]. */
enum pcl_flow act_next_moving(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_cache *ca = k->cache;
    unsigned nodes = 0;
    uint32_t f = PCL_NONE;

    pcl_load(k->m, mapping_line(c));
    if (c->op == PCL_OP_INSERT)
        f = last_present(ca, c, &nodes);
    else if (c->cur <= c->last)
        f = pcl_cache_next(ca, c->inode, c->cur, c->last, &nodes);
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (f == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    pcl_folio_get(ca, f);
    pcl_rmw(k->m, folio_line(k, f));
    c->folio = f;
    c->cur = ca->folio[f].pgoff;
    return flow_next(c, FLOW_STEP);
}

/* Moves the locked folio; what must not move: to[0]. cur goes to where the next one may be. */
enum pcl_flow act_move(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;
    uint64_t last = pcl_folio_last(k->cache, c->folio);
    uint64_t first = c->cur > c->first ? c->cur : c->first; /* one that lies across it stays */
    unsigned nodes = 0;

    if (c->phase == 0) {
        c->phase = 1;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    }
    if (c->phase == 1) {
        pcl_touch(k->m, mapping_line(c));
        c->skipped =
            pcl_cache_move(k->cache, c->inode, first, last, distance(c), &nodes) != PCL_NONE;
        pcl_burn(k->m, k->m->p->folio_insert + k->m->p->node_visit * nodes);
        if (c->op == PCL_OP_COLLAPSE)
            c->cur = last + 1;
        else if (c->cur > c->first)
            c->cur--;
        else
            c->first = c->cur + 1; /* nothing is left before it */
        c->phase = 2;
        return FLOW_STEP;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    return c->skipped ? flow_to(k, c, s->to[0], FLOW_STEP) : flow_next(c, FLOW_STEP);
}
