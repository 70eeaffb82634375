/*
 * The oracle's front: operations in flight, checks of accesses, reports. Which contents are
 * right stands in history.c, which contents the model shows in oracle_data.c.
 */
#include "oracle.h"

#include <stdlib.h>

const char *pcl_wrong_name(enum pcl_wrong w)
{
    static const char *const names[] = {
#define X(id, name) name,
        PCL_WRONGS(X)
#undef X
    };

    return (unsigned)w < PCL_N_WRONGS ? names[w] : "unknown";
}

struct pcl_oracle *pcl_oracle_new(struct pcl_cache *c, const struct pcl_oracle_conf *conf,
                                  struct pcl_state *state)
{
    struct pcl_oracle *o = pcl_xcalloc(1, sizeof *o);

    PCL_ASSERT(c->oracle == NULL && c->t->n_inodes == 0);
    o->c = c;
    if (conf != NULL)
        o->conf = *conf;
    o->m = pcl_xcalloc(1, sizeof *o->m);
    o->m->next_content = PCL_CONTENT_ID_INITIAL + 1;
    o->m->next_block = 1;
    o->m->first_op = o->m->last_op = o->m->free_op = PCL_NONE;
    o->m->free_truth = o->m->free_past = PCL_NONE;
    if (state != NULL) {
        pcl_state_register(state, (void **)&o->m, sizeof *o->m, NULL);
        pcl_state_register(state, (void **)&o->op, sizeof *o->op, &o->m->n_ops);
        pcl_state_register(state, (void **)&o->truth, sizeof *o->truth, &o->m->n_truths);
        pcl_state_register(state, (void **)&o->past, sizeof *o->past, &o->m->n_pasts);
        pcl_state_register(state, (void **)&o->data, sizeof *o->data, &o->m->n_data);
        pcl_state_register(state, (void **)&o->whole, sizeof *o->whole, &o->m->n_wholes);
    }
    o->history = pcl_btree_new(state);
    o->disk = pcl_btree_new(state);
    o->block = pcl_btree_new(state);
    o->odd = pcl_btree_new(state);
    o->met = pcl_btree_new(state);
    c->oracle = o;
    return o;
}

void pcl_oracle_free(struct pcl_oracle *o)
{
    pcl_btree_free(o->history);
    pcl_btree_free(o->disk);
    pcl_btree_free(o->block);
    pcl_btree_free(o->odd);
    pcl_btree_free(o->met);
    free(o->whole);
    free(o->op);
    free(o->truth);
    free(o->past);
    free(o->data);
    free(o->m);
    free(o);
}

uint64_t pcl_oracle_count(const struct pcl_oracle *o, enum pcl_wrong what)
{
    return o == NULL ? 0 : o->count[what];
}

uint64_t pcl_oracle_bytes(const struct pcl_oracle *o)
{
    if (o == NULL)
        return 0;
    return sizeof *o + sizeof *o->m + (uint64_t)o->cap_ops * sizeof *o->op +
           (uint64_t)o->cap_truths * sizeof *o->truth +
           (uint64_t)o->cap_pasts * sizeof *o->past + (uint64_t)o->cap_data * sizeof *o->data +
           pcl_btree_bytes(o->history) + pcl_btree_bytes(o->disk) + pcl_btree_bytes(o->block) +
           pcl_btree_bytes(o->odd) + pcl_btree_bytes(o->met) +
           (uint64_t)o->cap_wholes * sizeof *o->whole;
}

/* --- operations in flight ------------------------------------------------------------------
 */

static uint32_t op_new(struct pcl_oracle *o)
{
    uint32_t id = o->m->free_op;

    if (id != PCL_NONE) {
        o->m->free_op = o->op[id].next;
    } else {
        id = o->m->n_ops++;
        PCL_GROW(o->op, o->cap_ops, o->m->n_ops);
    }
    o->op[id] = (struct pcl_oracle_op){.prev = o->m->last_op, .next = PCL_NONE};
    if (o->m->last_op == PCL_NONE)
        o->m->first_op = id;
    else
        o->op[o->m->last_op].next = id;
    o->m->last_op = id;
    return id;
}

static void op_unlink(struct pcl_oracle *o, uint32_t id)
{
    struct pcl_oracle_op *p = &o->op[id];

    if (p->prev == PCL_NONE)
        o->m->first_op = p->next;
    else
        o->op[p->prev].next = p->next;
    if (p->next == PCL_NONE)
        o->m->last_op = p->prev;
    else
        o->op[p->next].prev = p->prev;
}

uint32_t pcl_oracle_begin(struct pcl_oracle *o, enum pcl_truth_op what, uint32_t inode,
                          uint64_t first, uint64_t last)
{
    uint32_t id;
    struct pcl_oracle_op *p;

    if (o == NULL)
        return PCL_NONE;
    id = op_new(o);
    p = &o->op[id];
    p->begin = p->since = ++o->m->seq;
    p->inode = inode;
    p->first = first;
    p->last = pcl_range_end(last);
    p->what = what;
    if (what == PCL_TRUTH_WRITE) {
        PCL_ASSERT(o->m->next_content < PCL_CONTENT_ID_DROPPED);
        p->content = o->m->next_content++;
    }
    if (what == PCL_TRUTH_ZERO)
        pcl_oracle_show(o, id); /* blocks may read as zeroes at any moment now */
    return id;
}

void pcl_oracle_show(struct pcl_oracle *o, uint32_t op)
{
    struct pcl_oracle_op *p = &o->op[op];

    if (p->shown || p->what == PCL_TRUTH_READ || p->first > p->last)
        return;
    /* pcl_oracle_shift() and pcl_oracle_exchange() say when */
    PCL_ASSERT(!pcl_oracle_is_shift(p) && p->what != PCL_TRUTH_EXCHANGE);
    p->shown = 1;
    pcl_history_show(o, op);
    pcl_history_moved(o, op);
}

void pcl_oracle_shift(struct pcl_oracle *o, uint32_t op)
{
    struct pcl_oracle_op *p;

    if (o == NULL)
        return;
    p = &o->op[op];
    PCL_ASSERT(pcl_oracle_is_shift(p) && !p->shown);
    if (p->first > p->last)
        return;
    p->shown = 1;
    p->since = ++o->m->seq;
    o->m->moves++;
    pcl_torn_moved(o, p->inode);
    pcl_history_shift(o, op);
}

static void exchange_with(struct pcl_oracle *o, uint32_t op, uint32_t peer)
{
    struct pcl_oracle_op *p = &o->op[op];

    PCL_ASSERT(p->what == PCL_TRUTH_EXCHANGE && !p->shown && p->first <= p->last);
    p->shown = 1;
    p->since = o->m->seq;
    p->peer = o->op[peer].inode;
    o->m->moves++;
    pcl_torn_moved(o, p->inode);
}

void pcl_oracle_exchange(struct pcl_oracle *o, uint32_t op, uint32_t peer)
{
    if (o == NULL)
        return;
    o->m->seq++;
    exchange_with(o, op, peer);
    exchange_with(o, peer, op);
    pcl_history_exchange(o, op, peer);
}

void pcl_oracle_end(struct pcl_oracle *o, uint32_t op)
{
    struct pcl_oracle_op *p;

    if (o == NULL)
        return;
    o->m->seq++;
    op_unlink(o, op);
    p = &o->op[op];
    pcl_torn_end(o, op);
    if (p->shown) {
        o->m->moves -= pcl_oracle_is_shift(p) || p->what == PCL_TRUTH_EXCHANGE;
        pcl_history_end(o, op);
    }
    o->op[op] = (struct pcl_oracle_op){.prev = PCL_NONE, .next = o->m->free_op};
    o->m->free_op = op;
}

/* --- checks --------------------------------------------------------------------------------
 */

enum pcl_wrong pcl_oracle_report(struct pcl_oracle *o, const struct pcl_wrong_info *info)
{
    o->count[info->what]++;
    if (o->conf.report != NULL)
        o->conf.report(o->conf.arg, info);
    return info->what;
}

enum pcl_wrong pcl_oracle_check(struct pcl_oracle *o, uint32_t op, uint32_t folio,
                                uint32_t inode, uint64_t pgoff, pcl_content seen)
{
    /* an access of one instant sees what is alive, nothing that died before */
    uint64_t begin = op == PCL_NONE ? o->m->seq + 1 : o->op[op].begin;
    struct pcl_wrong_info info = {.inode = inode, .pgoff = pgoff, .folio = folio, .seen = seen};
    bool moved;

    if (pcl_history_check(o, inode, pgoff, seen, begin, &info.right, &moved))
        return PCL_WRONG_RIGHT;
    info.what = moved ? PCL_WRONG_INDEX : PCL_WRONG_STALE;
    return pcl_oracle_report(o, &info);
}

enum pcl_wrong pcl_oracle_load(struct pcl_oracle *o, uint32_t op, uint32_t folio,
                               uint32_t inode, uint64_t pgoff)
{
    pcl_content seen;
    enum pcl_wrong w;

    if (o == NULL)
        return PCL_WRONG_RIGHT;
    seen = pcl_oracle_folio_content(o, folio, pgoff);
    w = pcl_oracle_check(o, op, folio, inode, pgoff, seen);
    if (w != PCL_WRONG_RIGHT || op == PCL_NONE || o->op[op].whole != PCL_WHOLE_YES)
        return w;
    return pcl_torn_load(o, op, folio, pgoff, seen);
}

/* User code has stored through a mapping. If the folio is clean no write-back will look for it:
 * the next fsync returns without it. */
static enum pcl_wrong stored(struct pcl_oracle *o, uint32_t folio, uint32_t inode, uint64_t pgoff)
{
    struct pcl_wrong_info info = {
        .what = PCL_WRONG_LOST, .inode = inode, .pgoff = pgoff, .folio = folio};

    if (o->c->flags[folio] & PCL_FOLIO_DIRTY)
        return PCL_WRONG_RIGHT;
    info.seen = info.right = pcl_oracle_folio_content(o, folio, pgoff);
    return pcl_oracle_report(o, &info);
}

/* While an operation that changes the page is in flight, a mapping to a removed folio may be
 * what that operation is about to tear down; it is the content that counts then. */
enum pcl_wrong pcl_oracle_mapped(struct pcl_oracle *o, bool store, uint32_t folio,
                                 uint32_t inode, uint64_t pgoff)
{
    uint32_t op;

    if (o == NULL)
        return PCL_WRONG_RIGHT;
    if (o->c->folio[folio].inode != inode && !pcl_history_in_flux(o, inode, pgoff)) {
        struct pcl_wrong_info info = {.what = PCL_WRONG_MAPPING,
                                      .inode = inode,
                                      .pgoff = pgoff,
                                      .folio = folio,
                                      .seen = pcl_oracle_folio_content(o, folio, pgoff)};

        return pcl_oracle_report(o, &info);
    }
    if (!store || pgoff < o->c->folio[folio].pgoff || pgoff > pcl_folio_last(o->c, folio))
        return pcl_oracle_load(o, PCL_NONE, folio, inode, pgoff);
    op = pcl_oracle_begin(o, PCL_TRUTH_WRITE, inode, pgoff, pgoff);
    pcl_oracle_store(o, op, folio, pgoff);
    pcl_oracle_end(o, op);
    return stored(o, folio, inode, pgoff);
}

/* Dirty data of a page leave the cache: wrong if they are right, nobody is changing the page,
 * and what is on disk would be wrong. */
static bool lost_page(struct pcl_oracle *o, uint32_t folio, uint64_t pgoff)
{
    struct pcl_wrong_info info = {.what = PCL_WRONG_LOST,
                                  .inode = o->c->folio[folio].inode,
                                  .pgoff = pgoff,
                                  .folio = folio,
                                  .seen = pcl_oracle_folio_content(o, folio, pgoff)};
    pcl_content disk = pcl_oracle_disk_content(o, info.inode, pgoff);
    uint64_t now = o->m->seq + 1;
    bool moved;

    if (pcl_history_in_flux(o, info.inode, pgoff) ||
        pcl_history_check(o, info.inode, pgoff, disk, now, &info.right, &moved) ||
        !pcl_history_check(o, info.inode, pgoff, info.seen, now, &info.right, &moved))
        return false;
    info.right = info.seen;
    (void)pcl_oracle_report(o, &info);
    return true;
}

void pcl_oracle_folio_removed(struct pcl_oracle *o, uint32_t folio)
{
    const struct pcl_folio *f = &o->c->folio[folio];
    uint64_t last = pcl_folio_last(o->c, folio);

    if (f->mapcount > 0) { /* the kernel calls that a bad page cache, whoever may unmap it later */
        struct pcl_wrong_info info = {.what = PCL_WRONG_MAPPING,
                                      .inode = f->inode,
                                      .pgoff = f->pgoff,
                                      .folio = folio,
                                      .seen = pcl_oracle_folio_content(o, folio, f->pgoff)};

        (void)pcl_oracle_report(o, &info);
    }
    if (!(o->c->flags[folio] & PCL_FOLIO_DIRTY))
        return;
    for (uint64_t p = o->c->folio[folio].pgoff; p <= last; p++)
        if (lost_page(o, folio, p))
            return; /* one report per folio */
}

/* --- normal form ---------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static uint64_t rank_of(const uint64_t *v, size_t n, uint64_t x)
{
    size_t lo = 0;

    while (n > 0) {
        size_t half = n / 2;

        if (v[lo + half] < x) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return lo + 1;
}

/* Moments that still matter; 0 and PCL_ALIVE are not moments. */
static uint64_t *next_moment(struct pcl_oracle *o, uint64_t *i)
{
    while (*i < 2 * (uint64_t)o->m->n_truths) {
        struct pcl_truth *x = &o->truth[*i / 2];
        uint64_t *m = *i % 2 == 0 ? &x->done : &x->dead;

        ++*i;
        if (*m != 0 && *m != PCL_ALIVE)
            return m;
    }
    while (*i < 2 * ((uint64_t)o->m->n_truths + o->m->n_ops)) {
        struct pcl_oracle_op *p = &o->op[*i / 2 - o->m->n_truths];
        uint64_t *m = *i % 2 == 0 ? &p->begin : &p->since;

        ++*i;
        if (*m != 0)
            return m;
    }
    while (*i < 2 * ((uint64_t)o->m->n_truths + o->m->n_ops + o->m->n_wholes)) {
        struct pcl_whole *w = &o->whole[*i / 2 - o->m->n_truths - o->m->n_ops];
        uint64_t *m = *i % 2 == 0 ? &w->begin : &w->end;

        ++*i;
        if (*m != 0)
            return m;
    }
    return NULL;
}

/* Handles in flight must stay; free ones in order, none behind the last handle. */
static void order_free_ops(struct pcl_oracle *o)
{
    uint32_t *link = &o->m->free_op;

    while (o->m->n_ops > 0 && o->op[o->m->n_ops - 1].begin == 0)
        o->m->n_ops--;
    for (uint32_t i = 0; i < o->m->n_ops; i++)
        if (o->op[i].begin == 0) {
            *link = i;
            link = &o->op[i].next;
        }
    *link = PCL_NONE;
}

void pcl_oracle_normalise(struct pcl_oracle *o)
{
    uint64_t *v, *m;
    size_t n = 0;

    if (o == NULL)
        return;
    pcl_torn_sweep(o);
    pcl_history_sweep(o);
    pcl_history_compact(o);
    order_free_ops(o);
    pcl_oracle_number_blocks(o);
    v = pcl_xcalloc(2 * ((size_t)o->m->n_truths + o->m->n_ops + o->m->n_wholes) + 1, sizeof *v);
    for (uint64_t i = 0; (m = next_moment(o, &i)) != NULL;)
        v[n++] = *m;
    qsort(v, n, sizeof *v, by_value);
    for (uint64_t i = 0; (m = next_moment(o, &i)) != NULL;)
        *m = rank_of(v, n, *m);
    o->m->seq = n;
    free(v);
}
