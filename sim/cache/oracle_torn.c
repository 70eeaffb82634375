/*
 * Torn accesses. Calls that promise to be whole ("wholes": buffered reads and writes of several
 * pages, where the filesystem says so) are each to be seen as one:
 *
 *   read    sees a write in one page, and in another page of that write what was there before
 *   write   is the last in one page, and overwritten in another by a write that it has
 * overwritten
 *
 * Remembered are whole writes that are in flight, or were while a whole read that has not ended
 * yet was; and of each whole call in flight what it has met: a read by runs of pages with
 * content of one origin, a write those who have stored over it. With nobody in each other's way
 * both are empty.
 */
#include "oracle.h"

#include <stdlib.h>

static pcl_u128 met_key(uint32_t op, uint64_t what)
{
    return (pcl_u128)op << 64 | what;
}

static bool covers(const struct pcl_whole *w, uint64_t pgoff)
{
    return w->first <= pgoff && pgoff <= w->last;
}

/* The whole write with that content; they stand in the order of their contents. */
static struct pcl_whole *find(const struct pcl_oracle *o, uint32_t inode, uint32_t content)
{
    uint32_t lo = 0, n = o->m->n_wholes;

    while (n > 0) {
        uint32_t half = n / 2;

        if (o->whole[lo + half].content < content) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    if (lo == o->m->n_wholes || o->whole[lo].content != content || o->whole[lo].inode != inode)
        return NULL;
    return &o->whole[lo];
}

void pcl_oracle_whole(struct pcl_oracle *o, uint32_t op)
{
    struct pcl_oracle_op *p;

    if (o == NULL || o->op[op].first >= o->op[op].last)
        return;
    p = &o->op[op];
    p->whole = PCL_WHOLE_YES;
    if (p->what == PCL_TRUTH_READ) {
        o->m->whole_reads++;
        return;
    }
    PCL_ASSERT(p->what == PCL_TRUTH_WRITE);
    PCL_GROW(o->whole, o->cap_wholes, o->m->n_wholes + 1);
    o->whole[o->m->n_wholes++] = (struct pcl_whole){.begin = p->begin,
                                                    .first = p->first,
                                                    .last = p->last,
                                                    .inode = p->inode,
                                                    .content = p->content,
                                                    .op = op};
}

/* --- forgetting ------------------------------------------------------------------------------
 */

static uint64_t oldest_reader(const struct pcl_oracle *o)
{
    uint32_t i = o->m->whole_reads > 0 ? o->m->first_op : PCL_NONE;

    while (i != PCL_NONE && (o->op[i].what != PCL_TRUTH_READ || !o->op[i].whole))
        i = o->op[i].next;
    return i == PCL_NONE ? PCL_ALIVE : o->op[i].begin;
}

void pcl_torn_sweep(struct pcl_oracle *o)
{
    uint64_t since = oldest_reader(o);
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->m->n_wholes; i++)
        if (o->whole[i].end == 0 || o->whole[i].end > since)
            o->whole[n++] = o->whole[i];
    o->m->n_wholes = n;
    o->m->wholes_ended = 0; /* since the last sweep */
}

static void forget_met(struct pcl_oracle *o, uint32_t op)
{
    struct pcl_bt_at at = pcl_bt_ge(o->met, met_key(op, 0));

    while (pcl_bt_valid(at) && pcl_bt_key(o->met, at) >> 64 == op) {
        (void)pcl_bt_del(o->met, pcl_bt_key(o->met, at));
        at = pcl_bt_ge(o->met, met_key(op, 0));
    }
}

void pcl_torn_end(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p = &o->op[op];
    struct pcl_whole *w;

    if (!p->whole)
        return;
    forget_met(o, op);
    if (p->what == PCL_TRUTH_READ) {
        o->m->whole_reads--;
    } else if ((w = find(o, p->inode, p->content)) != NULL) {
        w->end = o->m->seq;
        w->op = PCL_NONE;
        o->m->wholes_ended++;
    }
    if (o->m->n_wholes > 0 && o->m->wholes_ended >= o->m->n_wholes / 2)
        pcl_torn_sweep(o);
}

void pcl_torn_moved(struct pcl_oracle *o, uint32_t inode)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->m->n_wholes; i++)
        if (o->whole[i].inode != inode)
            o->whole[n++] = o->whole[i];
    o->m->n_wholes = n;
}

/* --- reads -----------------------------------------------------------------------------------
 */

static enum pcl_wrong report(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff,
                             uint32_t id, uint64_t other, uint32_t other_id)
{
    const struct pcl_wrong_info info = {.what = PCL_WRONG_TORN,
                                        .inode = o->op[op].inode,
                                        .pgoff = pgoff,
                                        .folio = folio,
                                        .seen = pcl_content_at(pcl_value(id, 0), pgoff),
                                        .right = pcl_content_at(pcl_value(other_id, 0), other),
                                        .other = other};

    o->op[op].whole = PCL_WHOLE_TOLD;
    return pcl_oracle_report(o, &info);
}

/* Whether a read that sees w at page p and content id at page q, which w writes too, is torn:
 * the content is that of a whole write of p as well (whichever came last should be at both), or
 * was there before w. */
static bool tears(const struct pcl_oracle *o, const struct pcl_whole *w, uint64_t p,
                  uint32_t id, uint64_t q)
{
    const struct pcl_whole *x = find(o, w->inode, id);

    if (x == w || !covers(w, q))
        return false;
    return (x != NULL && covers(x, p)) ||
           pcl_history_before(o, w->inode, q, pcl_content_at(pcl_value(id, 0), q), w->begin);
}

/* A read that has seen run_id from page a to page b now sees id at page p: the page that gives
 * it away, PCL_ALIVE when none does. */
static uint64_t tears_run(const struct pcl_oracle *o, uint32_t inode, uint64_t p, uint32_t id,
                          uint64_t a, uint64_t b, uint32_t run_id)
{
    const struct pcl_whole *now = find(o, inode, id), *then = find(o, inode, run_id);

    if (now != NULL) {
        uint64_t end = b < now->last ? b : now->last;

        for (uint64_t q = a > now->first ? a : now->first; q <= end; q++)
            if (tears(o, now, p, run_id, q))
                return q;
    }
    return then != NULL && tears(o, then, a, id, p) ? a : PCL_ALIVE;
}

enum pcl_wrong pcl_torn_load(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff,
                             pcl_content seen)
{
    const struct pcl_oracle_op *p = &o->op[op];
    uint32_t id = (uint32_t)(seen >> 32), run_id;
    uint64_t last = pgoff;
    struct pcl_bt_at at = pcl_bt_le(o->met, met_key(op, pgoff));
    bool first = !pcl_bt_valid(at) || pcl_bt_key(o->met, at) >> 64 != op;

    if (first || pcl_bt_val(o->met, at) != id)
        (void)pcl_bt_set(o->met, met_key(op, pgoff), id);
    if (first || o->m->n_wholes == 0)
        return PCL_WRONG_RIGHT;
    at = pcl_bt_le(o->met, met_key(op, pgoff - 1));
    while (pcl_bt_valid(at) && pcl_bt_key(o->met, at) >> 64 == op) {
        uint64_t a = (uint64_t)pcl_bt_key(o->met, at), q = PCL_ALIVE;

        run_id = (uint32_t)pcl_bt_val(o->met, at);
        if (run_id != id)
            q = tears_run(o, p->inode, pgoff, id, a, last - 1, run_id);
        if (q != PCL_ALIVE)
            return report(o, op, folio, pgoff, id, q, run_id);
        last = a;
        at = pcl_bt_back(o->met, at);
    }
    return PCL_WRONG_RIGHT;
}

/* --- writes ----------------------------------------------------------------------------------
 */

/* Stores over the content of another whole write, which learns of it when it is still going on.
 */
enum pcl_wrong pcl_torn_store(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff,
                              pcl_content before)
{
    const struct pcl_oracle_op *p = &o->op[op];
    const struct pcl_whole *other = find(o, p->inode, (uint32_t)(before >> 32));
    struct pcl_bt_at at;

    if (other == NULL || other->op == op)
        return PCL_WRONG_RIGHT;
    if (other->op != PCL_NONE)
        (void)pcl_bt_set(o->met, met_key(other->op, p->content), pgoff);
    at = pcl_bt_le(o->met, met_key(op, other->content));
    if (!pcl_bt_valid(at) || pcl_bt_key(o->met, at) != met_key(op, other->content))
        return PCL_WRONG_RIGHT;
    return report(o, op, folio, pgoff, p->content, pcl_bt_val(o->met, at), other->content);
}
