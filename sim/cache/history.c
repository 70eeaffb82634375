/*
 * The truth: per extent a list of contents that are, or lately were, right, newest first.
 *
 *   [0, 9] -> 23 (op 4 in flight) -> 17 (done) -> 11 (dead)
 *
 * An operation that begins adds its content; one that ends kills those whose own operation had
 * ended before it began: whatever the order of effects inside the overlaps, it came after them.
 * A dead content is kept while an operation is in flight that began before the death. Dropping
 * is done where an operation ends, and everywhere once the number of entries has doubled, so
 * both time and memory per entry are bounded.
 *
 * The clock is the number of calls: simulated time cannot tell apart what happens at one
 * instant.
 */
#include "oracle.h"

#include <stdlib.h>

#define SWEEP_MIN 1024u

static uint32_t truth_new(struct pcl_oracle *o)
{
    uint32_t id = o->m->free_truth;

    if (id != PCL_NONE) {
        o->m->free_truth = o->truth[id].next;
    } else {
        id = o->m->n_truths++;
        PCL_GROW(o->truth, o->cap_truths, o->m->n_truths);
    }
    o->m->live_truths++;
    o->truth[id] = (struct pcl_truth){.dead = PCL_ALIVE, .next = PCL_NONE, .op = PCL_NONE};
    return id;
}

static void truth_drop(struct pcl_oracle *o, uint32_t id)
{
    o->truth[id] = (struct pcl_truth){.next = o->m->free_truth};
    o->m->free_truth = id;
    o->m->live_truths--;
}

/* Lists as extent values: 0 is the default history, zeroes for ever. */
static uint32_t list_of(uint64_t val)
{
    return val == 0 ? PCL_NONE : (uint32_t)(val - 1);
}

static uint64_t val_of(uint32_t list)
{
    return list == PCL_NONE ? 0 : (uint64_t)list + 1;
}

static uint64_t copy_list(struct pcl_oracle *o, uint64_t val)
{
    uint32_t head = PCL_NONE, tail = PCL_NONE;

    for (uint32_t i = list_of(val); i != PCL_NONE; i = o->truth[i].next) {
        uint32_t n = truth_new(o);

        o->truth[n] = o->truth[i];
        o->truth[n].next = PCL_NONE;
        if (tail == PCL_NONE)
            head = n;
        else
            o->truth[tail].next = n;
        tail = n;
    }
    return val_of(head);
}

static void drop_list(struct pcl_oracle *o, uint64_t val)
{
    uint32_t next;

    for (uint32_t i = list_of(val); i != PCL_NONE; i = next) {
        next = o->truth[i].next;
        truth_drop(o, i);
    }
}

/* Cuts at a page; the two halves get lists of their own. */
static void cut(struct pcl_oracle *o, uint32_t inode, uint64_t pgoff)
{
    uint64_t val;

    if (pcl_extent_split(o->history, inode, pgoff, &val))
        (void)pcl_bt_set(o->history, pcl_extent_key(inode, pgoff), copy_list(o, val));
}

/* Nothing that began up to then is in flight. */
static uint64_t oldest_begin(const struct pcl_oracle *o)
{
    return o->m->first_op == PCL_NONE ? PCL_ALIVE : o->op[o->m->first_op].begin;
}

/* Drops the dead that nobody in flight has seen alive, forgets ends that lie before all begins,
 * and returns the list's extent value: 0 when nothing but old zeroes is left. */
static uint64_t tidy(struct pcl_oracle *o, uint64_t val)
{
    uint64_t oldest = oldest_begin(o);
    uint32_t head = list_of(val), *link = &head;

    while (*link != PCL_NONE) {
        struct pcl_truth *x = &o->truth[*link];

        if (x->dead < oldest) {
            uint32_t gone = *link;

            *link = x->next;
            truth_drop(o, gone);
            continue;
        }
        if (x->op == PCL_NONE && x->done < oldest)
            x->done = 0;
        link = &x->next;
    }
    if (head != PCL_NONE) {
        const struct pcl_truth *x = &o->truth[head];

        if (x->next == PCL_NONE && x->op == PCL_NONE && x->id == 0 && x->done == 0 &&
            x->dead == PCL_ALIVE) {
            truth_drop(o, head);
            head = PCL_NONE;
        }
    }
    return val_of(head);
}

/* The one content of an extent without recent history. */
static bool settled(const struct pcl_oracle *o, uint64_t val, uint64_t *content)
{
    const struct pcl_truth *x;

    *content = 0;
    if (val == 0)
        return true;
    x = &o->truth[list_of(val)];
    *content = pcl_value(x->id, x->shift);
    return x->next == PCL_NONE && x->op == PCL_NONE && x->done == 0 && x->dead == PCL_ALIVE;
}

/* Tidies the extent that begins at key, and joins it to the one before if both are settled and
 * alike. */
static void tidy_at(struct pcl_oracle *o, pcl_u128 key)
{
    uint32_t inode = (uint32_t)(key >> 64);
    struct pcl_extent e = pcl_extent_at(o->history, inode, (uint64_t)key), before = {0};
    uint64_t val = tidy(o, e.val), content, content_before;

    if (val != e.val)
        (void)pcl_bt_set(o->history, key, val);
    if (e.first > 0)
        before = pcl_extent_at(o->history, inode, e.first - 1);
    if (settled(o, val, &content) && settled(o, before.val, &content_before) &&
        content == content_before) {
        drop_list(o, val);
        (void)pcl_bt_del(o->history, key);
    }
}

/* Tidies all extents that begin in [first, last]. */
static void tidy_range(struct pcl_oracle *o, pcl_u128 first, pcl_u128 last)
{
    for (;;) {
        struct pcl_bt_at at = pcl_bt_ge(o->history, first);

        if (!pcl_bt_valid(at) || pcl_bt_key(o->history, at) > last)
            return;
        first = pcl_bt_key(o->history, at);
        tidy_at(o, first);
        first++;
    }
}

void pcl_history_sweep(struct pcl_oracle *o)
{
    tidy_range(o, 0, ~(pcl_u128)0);
    o->m->sweep_at = o->m->live_truths * 2 > SWEEP_MIN ? o->m->live_truths * 2 : SWEEP_MIN;
}

void pcl_history_compact(struct pcl_oracle *o)
{
    uint32_t n = 0, cap = o->m->live_truths;
    struct pcl_truth *packed = pcl_xcalloc((size_t)cap + 1, sizeof *packed);
    struct pcl_bt_at at = pcl_bt_ge(o->history, 0);

    for (; pcl_bt_valid(at); at = pcl_bt_step(o->history, at)) {
        uint32_t i = list_of(pcl_bt_val(o->history, at));

        if (i != PCL_NONE)
            pcl_bt_put(o->history, at, val_of(n));
        for (; i != PCL_NONE; i = o->truth[i].next, n++) {
            packed[n] = o->truth[i];
            if (packed[n].next != PCL_NONE)
                packed[n].next = n + 1;
        }
    }
    PCL_ASSERT(n == cap);
    if (n > 0)
        memcpy(o->truth, packed, n * sizeof *packed);
    free(packed);
    o->m->n_truths = n;
    o->m->free_truth = PCL_NONE;
}

void pcl_history_begin(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p = &o->op[op];
    pcl_u128 end = pcl_extent_key(p->inode, p->last);
    struct pcl_bt_at at;

    cut(o, p->inode, p->first);
    cut(o, p->inode, p->last + 1);
    at = pcl_bt_le(o->history, pcl_extent_key(p->inode, p->first));
    while (pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= end) {
        uint64_t val = pcl_bt_val(o->history, at);
        uint32_t n = truth_new(o), old = list_of(val);

        if (val == 0)
            old = truth_new(
                o); /* the zeroes of the default history can die now: write them out */
        o->truth[n].id = p->content;
        o->truth[n].op = op;
        o->truth[n].next = old;
        pcl_bt_put(o->history, at, val_of(n));
        at = pcl_bt_step(o->history, at);
    }
}

static void end_in_list(struct pcl_oracle *o, uint64_t val, uint32_t op)
{
    for (uint32_t i = list_of(val); i != PCL_NONE; i = o->truth[i].next) {
        struct pcl_truth *x = &o->truth[i];

        if (x->op == op) {
            x->op = PCL_NONE;
            x->done = o->m->seq;
        } else if (x->op == PCL_NONE && x->dead == PCL_ALIVE && x->done < o->op[op].begin) {
            x->dead = o->m->seq;
        }
    }
}

/* op is out of the list of operations in flight already, so that its own past can go. */
void pcl_history_end(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p = &o->op[op];
    pcl_u128 first = pcl_extent_key(p->inode, p->first);
    pcl_u128 end = pcl_extent_key(p->inode, p->last);
    struct pcl_bt_at at = pcl_bt_ge(o->history, first);

    for (; pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= end;
         at = pcl_bt_step(o->history, at))
        end_in_list(o, pcl_bt_val(o->history, at), op);
    tidy_range(o, first, end + 1); /* the one behind may join as well */
    if (o->m->live_truths > o->m->sweep_at)
        pcl_history_sweep(o);
}

void pcl_history_init(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last,
                      uint32_t id)
{
    uint32_t n = truth_new(o);

    PCL_ASSERT(o->m->first_op == PCL_NONE);
    o->truth[n].id = id;
    cut(o, inode, first);
    cut(o, inode, last + 1);
    for (;;) {
        struct pcl_bt_at at = pcl_bt_ge(o->history, pcl_extent_key(inode, first));

        if (!pcl_bt_valid(at) || pcl_bt_key(o->history, at) > pcl_extent_key(inode, last))
            break;
        drop_list(o, pcl_bt_val(o->history, at));
        (void)pcl_bt_del(o->history, pcl_bt_key(o->history, at));
    }
    (void)pcl_bt_set(o->history, pcl_extent_key(inode, first), val_of(n));
}

bool pcl_history_check(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff,
                       pcl_content seen, uint64_t begin, pcl_content *right, bool *moved)
{
    static const struct pcl_truth zeroes = {.dead = PCL_ALIVE, .next = PCL_NONE};
    struct pcl_extent e = pcl_extent_at(o->history, inode, pgoff);
    bool have_right = false;

    *moved = seen != PCL_CONTENT_ZERO && seen >> 32 != PCL_CONTENT_ID_GARBAGE;
    for (uint32_t i = list_of(e.val);;) {
        const struct pcl_truth *x = i == PCL_NONE ? &zeroes : &o->truth[i];
        pcl_content t = pcl_content_at(pcl_value(x->id, x->shift), pgoff);

        if ((uint32_t)seen == (uint32_t)(pgoff + x->shift))
            *moved = false;
        if (x->dead >= begin) {
            if (t == seen)
                return true;
            if (!have_right)
                *right = t;
            have_right = true;
        }
        i = x->next;
        if (i == PCL_NONE)
            return false;
    }
}

bool pcl_history_in_flux(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff)
{
    struct pcl_extent e = pcl_extent_at(o->history, inode, pgoff);

    for (uint32_t i = list_of(e.val); i != PCL_NONE; i = o->truth[i].next)
        if (o->truth[i].op != PCL_NONE)
            return true;
    return false;
}
