/*
 * Truth that moves: a collapse or an insert of n pages, or an exchange. What is right at a page
 * behind its start is right, from the moment when the operation has effects, at the page that
 * it moves to as well:
 *
 *   collapse of pages 1, 2    page    0   1   2   3   4
 *             before                  a   b   c   d   e
 *             while it runs           a   bd  ce  d.. e..       (.. what comes from behind)
 *             after its end           a   d   e   ..  ..
 *
 * The contents that arrive at a page are contents of this operation there: they are in flight
 * until it ends, and its end kills what was right at that page before it began to move, like
 * any other operation's end. An operation that comes while a shift runs may take place on
 * either side of it: its content is right where it was put and where that moves to.
 *
 * An exchange does the same to equal ranges of two files, each of which is the other's source.
 *
 * Where nobody excludes them, a shift copies what another brings: each content stands once for
 * each operation that brings it, or the histories would double with each of them.
 */
#include "oracle.h"

#include <stdlib.h>

/* The contents of an extent at the moment of a shift, copied out of the history. */
struct piece {
    uint64_t first, last; /* where they go */
    uint32_t at, n;       /* in contents.v */
};

struct contents {
    struct pcl_truth *v;
    uint32_t n, cap;
};

/* Once, of those that were noted from t->v[from] on. */
static void note(struct contents *t, uint32_t from, uint32_t id, uint32_t id_last,
                 uint32_t shift)
{
    shift = id ? shift : 0;
    for (uint32_t i = from; i < t->n; i++)
        if (t->v[i].id == id && t->v[i].id_last == id_last && t->v[i].shift == shift)
            return;
    PCL_GROW(t->v, t->cap, t->n + 1);
    t->v[t->n++] = (struct pcl_truth){.id = id, .id_last = id_last, .shift = shift};
}

/* Contents that an extent's history holds to be right, as they look after the move. */
static void note_alive(const struct pcl_oracle *o, uint64_t val, uint64_t delta,
                       struct contents *t)
{
    uint32_t i = pcl_history_alive(o, val), from = t->n;

    if (i == PCL_NONE)
        note(t, from, 0, 0, 0);
    for (; i != PCL_NONE; i = o->truth[i].next)
        note(t, from, o->truth[i].id, o->truth[i].id_last, o->truth[i].shift + (uint32_t)delta);
}

static void add_to_range(struct pcl_oracle *o, uint32_t op, uint64_t first, uint64_t last,
                         const struct pcl_truth *v, uint32_t n)
{
    uint32_t inode = o->op[op].inode;
    pcl_u128 end = pcl_extent_key(inode, last);
    struct pcl_bt_at at;

    pcl_history_cut(o, inode, first);
    pcl_history_cut(o, inode, last + 1);
    at = pcl_bt_le(o->history, pcl_extent_key(inode, first));
    for (; pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= end;
         at = pcl_bt_step(o->history, at))
        for (uint32_t i = 0; i < n; i++)
            if (!pcl_history_has(o, pcl_bt_val(o->history, at), op, &v[i]))
                pcl_history_add(o, at, op, &v[i]);
}

/* Extents and what was right in each of them. */
struct copies {
    struct piece *v;
    uint32_t n;
    struct contents t;
};

static struct copies copy_range(const struct pcl_oracle *o, uint32_t inode, uint64_t first,
                                uint64_t last, uint64_t delta)
{
    struct pcl_extent_list l = pcl_extent_copy(o->history, inode, first, last);
    struct copies c = {.v = pcl_xcalloc((size_t)l.n + 1, sizeof(struct piece)), .n = l.n};

    for (uint32_t i = 0; i < l.n; i++) {
        uint32_t before = c.t.n;

        note_alive(o, l.v[i].val, delta, &c.t);
        c.v[i] =
            (struct piece){l.v[i].first - delta, l.v[i].last - delta, before, c.t.n - before};
    }
    free(l.v);
    return c;
}

static void paste(struct pcl_oracle *o, uint32_t op, struct copies *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        add_to_range(o, op, c->v[i].first, c->v[i].last, &c->t.v[c->v[i].at], c->v[i].n);
    free(c->v);
    free(c->t.v);
}

void pcl_history_shift(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_truth zero = {.id = 0};
    struct pcl_shift s = pcl_shift_of(&o->op[op]);
    struct copies c =
        copy_range(o, o->op[op].inode, s.from + s.delta, s.last + s.delta, s.delta);

    if (s.zero <= s.zero_last)
        add_to_range(o, op, s.zero, s.zero_last, &zero, 1);
    paste(o, op, &c);
}

void pcl_history_exchange(struct pcl_oracle *o, uint32_t op, uint32_t peer)
{
    const struct pcl_oracle_op *a = &o->op[op], *b = &o->op[peer];
    struct copies from_a = copy_range(o, a->inode, a->first, a->last, 0);
    struct copies from_b = copy_range(o, b->inode, b->first, b->last, 0);

    paste(o, op, &from_b);
    paste(o, peer, &from_a);
}

/* The pages [first, last] that a move under way takes the content of w to, by delta; false:
 * none. */
static bool moves_to(const struct pcl_oracle_op *p, const struct pcl_oracle_op *w,
                     struct pcl_shift *to)
{
    if (!p->shown)
        return false;
    if (pcl_oracle_is_shift(p) && p->inode == w->inode)
        *to = pcl_shift_of(p);
    else if (p->what == PCL_TRUTH_EXCHANGE && p->peer == w->inode)
        *to = (struct pcl_shift){.from = p->first, .last = p->last};
    else
        return false;
    to->from = w->first > to->from + to->delta ? w->first : to->from + to->delta;
    to->last = w->last < to->last + to->delta ? w->last : to->last + to->delta;
    return to->from <= to->last;
}

void pcl_history_moved(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *w = &o->op[op];
    struct pcl_shift to;

    for (uint32_t i = o->m->first_op; o->m->moves && i != PCL_NONE; i = o->op[i].next)
        if (moves_to(&o->op[i], w, &to)) {
            struct pcl_truth moved = {.id = w->content, .id_last = w->content};

            moved.shift = w->content ? (uint32_t)to.delta : 0;
            add_to_range(o, i, to.from - to.delta, to.last - to.delta, &moved, 1);
        }
}
