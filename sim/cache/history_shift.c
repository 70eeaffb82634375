/*
 * Truth that moves: a collapse or an insert of n pages. What is right at a page behind its start
 * is right, from the moment when the operation has effects, at the page that it moves to as
 * well:
 *
 *   collapse of pages 1, 2    page    0   1   2   3   4
 *             before                  a   b   c   d   e
 *             while it runs           a   bd  ce  d.. e..       (.. what comes from behind)
 *             after its end           a   d   e   ..  ..
 *
 * The contents that arrive at a page are contents of this operation there: they are in flight
 * until it ends, and its end kills what was right at that page before it began to move, like any
 * other operation's end. An operation that comes while a shift runs may take place on either
 * side of it: its content is right where it was put and where that moves to.
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

static void note(struct contents *t, uint32_t id, uint32_t id_last, uint32_t shift)
{
    PCL_GROW(t->v, t->cap, t->n + 1);
    t->v[t->n++] = (struct pcl_truth){.id = id, .id_last = id_last, .shift = id ? shift : 0};
}

/* Contents that an extent's history holds to be right, as they look after the move. */
static void note_alive(const struct pcl_oracle *o, uint64_t val, uint64_t delta,
                       struct contents *t)
{
    uint32_t i = pcl_history_alive(o, val);

    if (i == PCL_NONE)
        note(t, 0, 0, 0);
    for (; i != PCL_NONE; i = o->truth[i].next)
        note(t, o->truth[i].id, o->truth[i].id_last, o->truth[i].shift + (uint32_t)delta);
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
            pcl_history_add(o, at, op, &v[i]);
}

void pcl_history_shift(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_truth zero = {.id = 0};
    struct pcl_shift s = pcl_shift_of(&o->op[op]);
    struct pcl_extent_list l =
        pcl_extent_copy(o->history, o->op[op].inode, s.from + s.delta, s.last + s.delta);
    struct piece *piece = pcl_xcalloc((size_t)l.n + 1, sizeof *piece);
    struct contents t = {.n = 0};

    for (uint32_t i = 0; i < l.n; i++) {
        uint32_t before = t.n;

        note_alive(o, l.v[i].val, s.delta, &t);
        piece[i] = (struct piece){l.v[i].first - s.delta, l.v[i].last - s.delta, before,
                                  t.n - before};
    }
    if (s.zero <= s.zero_last)
        add_to_range(o, op, s.zero, s.zero_last, &zero, 1);
    for (uint32_t i = 0; i < l.n; i++)
        add_to_range(o, op, piece[i].first, piece[i].last, &t.v[piece[i].at], piece[i].n);
    free(l.v);
    free(piece);
    free(t.v);
}

void pcl_history_shifted(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *w = &o->op[op];

    for (uint32_t i = o->m->first_op; o->m->shifts && i != PCL_NONE; i = o->op[i].next) {
        const struct pcl_oracle_op *p = &o->op[i];
        uint64_t first, last;

        if (!pcl_oracle_is_shift(p) || !p->shown || p->inode != w->inode)
            continue;
        struct pcl_shift s = pcl_shift_of(p);
        struct pcl_truth moved = {.id = w->content, .id_last = w->content};

        moved.shift = w->content ? (uint32_t)s.delta : 0;
        first = w->first > s.from + s.delta ? w->first : s.from + s.delta;
        last = w->last < s.last + s.delta ? w->last : s.last + s.delta;
        if (first <= last)
            add_to_range(o, i, first - s.delta, last - s.delta, &moved, 1);
    }
}
