/*
 * The truth: per extent the contents that are right, and those that lately were.
 *
 *   [0, 9] -> past -> alive: 23 (op 4 in flight) -> 17
 *                  -> dead:  5, dead at 80 -> 11, dead at 96
 *
 * An operation that ends kills those whose own operation had ended before it began: whatever
 * the order of effects inside the overlaps, it came after them. A dead content is kept while an
 * operation is in flight that began before the death. A content is shown in the history from
 * the first place where it can be seen on, not from its operation's begin: a thousand writers
 * who wait for one page cost its readers nothing.
 *
 * Dropping is done where an operation ends, and everywhere once the number of entries has
 * doubled; the latter also joins dead contents that are the same to everybody in flight. So
 * there are never many more than extents times operations in flight, however long one of them
 * takes.
 *
 * What a collapse or an insert does to all this stands in history_shift.c.
 *
 * The clock is the number of calls: simulated time cannot tell apart what happens at one
 * instant.
 */
#include "oracle.h"

#include <stdlib.h>

#define SWEEP_MIN 1024u

/* --- entries -------------------------------------------------------------------------------
 */

static uint32_t truth_new(struct pcl_oracle *o, uint32_t id)
{
    uint32_t i = o->m->free_truth;

    if (i != PCL_NONE) {
        o->m->free_truth = o->truth[i].next;
    } else {
        i = o->m->n_truths++;
        PCL_GROW(o->truth, o->cap_truths, o->m->n_truths);
    }
    o->m->live_truths++;
    o->truth[i] = (struct pcl_truth){
        .dead = PCL_ALIVE, .next = PCL_NONE, .op = PCL_NONE, .id = id, .id_last = id};
    return i;
}

static void truth_drop(struct pcl_oracle *o, uint32_t i)
{
    o->truth[i] = (struct pcl_truth){.next = o->m->free_truth};
    o->m->free_truth = i;
    o->m->live_truths--;
}

/* A past with one content since ever. */
static uint32_t past_new(struct pcl_oracle *o, uint32_t id)
{
    uint32_t i = o->m->free_past, alive = truth_new(o, id);

    if (i != PCL_NONE) {
        o->m->free_past = o->past[i].next_free;
    } else {
        i = o->m->n_pasts++;
        PCL_GROW(o->past, o->cap_pasts, o->m->n_pasts);
    }
    o->m->live_pasts++;
    o->past[i] = (struct pcl_past){alive, PCL_NONE, PCL_NONE, PCL_NONE};
    return i;
}

static void drop_list(struct pcl_oracle *o, uint32_t i)
{
    while (i != PCL_NONE) {
        uint32_t next = o->truth[i].next;

        truth_drop(o, i);
        i = next;
    }
}

static void past_drop(struct pcl_oracle *o, uint32_t p)
{
    drop_list(o, o->past[p].alive);
    drop_list(o, o->past[p].oldest);
    o->past[p] = (struct pcl_past){.next_free = o->m->free_past};
    o->m->free_past = p;
    o->m->live_pasts--;
}

/* Extent values: 0 is the default history, zeroes for ever. */
static uint32_t past_of(uint64_t val)
{
    return val == 0 ? PCL_NONE : (uint32_t)(val - 1);
}

static uint32_t copy_list(struct pcl_oracle *o, uint32_t i, uint32_t *last)
{
    uint32_t head = PCL_NONE;

    for (*last = PCL_NONE; i != PCL_NONE; i = o->truth[i].next) {
        uint32_t n = truth_new(o, 0);

        o->truth[n] = o->truth[i];
        o->truth[n].next = PCL_NONE;
        if (*last == PCL_NONE)
            head = n;
        else
            o->truth[*last].next = n;
        *last = n;
    }
    return head;
}

static uint64_t copy_past(struct pcl_oracle *o, uint64_t val)
{
    uint32_t from = past_of(val), to, newest;

    if (from == PCL_NONE)
        return 0;
    to = past_new(o, 0);
    drop_list(o, o->past[to].alive);
    o->past[to].alive = copy_list(o, o->past[from].alive, &newest);
    o->past[to].oldest = copy_list(o, o->past[from].oldest, &newest);
    o->past[to].newest = newest;
    return (uint64_t)to + 1;
}

/* Cuts at a page; the two halves get pasts of their own. */
void pcl_history_cut(struct pcl_oracle *o, uint32_t inode, uint64_t pgoff)
{
    uint64_t val;

    if (pcl_extent_split(o->history, inode, pgoff, &val))
        (void)pcl_bt_set(o->history, pcl_extent_key(inode, pgoff), copy_past(o, val));
}

/* --- forgetting ----------------------------------------------------------------------------
 */

/* Nothing that began before is in flight, or may still be asked for its order. */
static uint64_t oldest_begin(const struct pcl_oracle *o)
{
    uint64_t op = o->m->first_op == PCL_NONE ? PCL_ALIVE : o->op[o->m->first_op].begin;
    uint64_t whole = o->m->n_wholes == 0 ? PCL_ALIVE : o->whole[0].begin;

    return whole < op ? whole : op;
}

/* The one content of an extent without recent history. */
static bool settled(const struct pcl_oracle *o, uint64_t val, uint64_t *content)
{
    const struct pcl_past *p;
    const struct pcl_truth *x;

    *content = 0;
    if (val == 0)
        return true;
    p = &o->past[past_of(val)];
    x = &o->truth[p->alive];
    *content = pcl_value(x->id, x->shift);
    return p->oldest == PCL_NONE && x->next == PCL_NONE && x->op == PCL_NONE && x->done == 0;
}

/* Drops the dead that nobody in flight has seen alive, forgets ends that lie before all begins,
 * and returns the extent's value: 0 when nothing but old zeroes is left. */
static uint64_t tidy(struct pcl_oracle *o, uint64_t val)
{
    uint64_t since = oldest_begin(o), content;
    struct pcl_past *p;

    if (val == 0)
        return 0;
    p = &o->past[past_of(val)];
    while (p->oldest != PCL_NONE && o->truth[p->oldest].dead < since) {
        uint32_t gone = p->oldest;

        p->oldest = o->truth[gone].next;
        truth_drop(o, gone);
    }
    if (p->oldest == PCL_NONE)
        p->newest = PCL_NONE;
    for (uint32_t i = p->alive; i != PCL_NONE; i = o->truth[i].next)
        if (o->truth[i].op == PCL_NONE && o->truth[i].done < since)
            o->truth[i].done = 0;
    if (!settled(o, val, &content) || content != 0)
        return val;
    past_drop(o, past_of(val));
    return 0;
}

/* The settled content of the extent before an entry of this inode, if it is settled. */
static bool settled_before(const struct pcl_oracle *o, struct pcl_bt_at at, uint32_t inode,
                           uint64_t *content)
{
    struct pcl_bt_at b = pcl_bt_back(o->history, at);

    if (!pcl_bt_valid(b) || (uint32_t)(pcl_bt_key(o->history, b) >> 64) != inode)
        return settled(o, 0, content); /* the default before the first key */
    return settled(o, pcl_bt_val(o->history, b), content);
}

static bool same_content(const struct pcl_truth *a, const struct pcl_truth *b)
{
    return a->id == b->id && a->id_last == b->id_last && a->shift == b->shift;
}

/* What has just been brought again need not be remembered from before. */
static void drop_older(struct pcl_oracle *o, uint32_t past)
{
    for (uint32_t i = o->past[past].alive; i != PCL_NONE; i = o->truth[i].next) {
        if (o->truth[i].done != o->m->seq)
            continue;
        for (uint32_t *link = &o->past[past].alive, j; (j = *link) != PCL_NONE;) {
            const struct pcl_truth *x = &o->truth[j];

            if (j != i && x->op == PCL_NONE && same_content(x, &o->truth[i])) {
                *link = x->next;
                truth_drop(o, j);
            } else {
                link = &o->truth[j].next;
            }
        }
    }
}

/* op, whose seq is now, ends in one extent. */
static void end_in(struct pcl_oracle *o, uint32_t past, uint32_t op)
{
    struct pcl_past *p = &o->past[past];
    uint32_t *link = &p->alive;

    while (*link != PCL_NONE) {
        uint32_t i = *link;
        struct pcl_truth *x = &o->truth[i];

        if (x->op == op) {
            x->op = PCL_NONE;
            x->done = o->m->seq;
        } else if (x->op == PCL_NONE && x->done < o->op[op].since) {
            x->dead = o->m->seq;
            *link = x->next;
            x->next = PCL_NONE;
            if (p->newest == PCL_NONE)
                p->oldest = i;
            else
                o->truth[p->newest].next = i;
            p->newest = i;
            continue;
        }
        link = &x->next;
    }
    drop_older(o, past);
}

/* Tidies all extents that begin in [first, last], and joins each to the one before if both are
 * settled and alike. Those before last are op's, which ends (PCL_NONE: nobody's). */
static void tidy_range(struct pcl_oracle *o, pcl_u128 first, pcl_u128 last, uint32_t op)
{
    struct pcl_bt_at at = pcl_bt_ge(o->history, first);

    while (pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= last) {
        pcl_u128 key = pcl_bt_key(o->history, at);
        uint64_t old = pcl_bt_val(o->history, at), val, content, before;

        if (op != PCL_NONE && key < last)
            end_in(o, past_of(old), op);
        val = tidy(o, old);
        if (val != old)
            pcl_bt_put(o->history, at, val);
        if (settled(o, val, &content) &&
            settled_before(o, at, (uint32_t)(key >> 64), &before) && content == before) {
            if (val != 0)
                past_drop(o, past_of(val));
            (void)pcl_bt_del(o->history, key);
            at = pcl_bt_ge(o->history, key);
        } else {
            at = pcl_bt_step(o->history, at);
        }
    }
}

/* Joins the dead of one past that everybody in flight sees alike: nobody began between their
 * deaths. Zeroes stay apart from content, whose ids become a range. */
static void join_dead(struct pcl_oracle *o, struct pcl_past *p)
{
    uint32_t begun = o->m->first_op, keep[2] = {PCL_NONE, PCL_NONE}, *link = &p->oldest;
    uint64_t since = 0;

    p->newest = PCL_NONE;
    while (*link != PCL_NONE) {
        uint32_t i = *link, *same;
        struct pcl_truth *x = &o->truth[i];

        while (begun != PCL_NONE && o->op[begun].begin <= since)
            begun = o->op[begun].next;
        if (begun != PCL_NONE && o->op[begun].begin <= x->dead)
            keep[0] = keep[1] = PCL_NONE;
        since = x->dead;
        same = &keep[x->id != 0];
        if (*same != PCL_NONE && o->truth[*same].shift == x->shift) {
            struct pcl_truth *k = &o->truth[*same];

            k->id = x->id < k->id ? x->id : k->id;
            k->id_last = x->id_last > k->id_last ? x->id_last : k->id_last;
            k->done = x->done > k->done ? x->done : k->done;
            *link = x->next;
            truth_drop(o, i);
            continue;
        }
        *same = p->newest = i;
        link = &x->next;
    }
}

void pcl_history_sweep(struct pcl_oracle *o)
{
    struct pcl_bt_at at;

    tidy_range(o, 0, ~(pcl_u128)0, PCL_NONE);
    for (at = pcl_bt_ge(o->history, 0); pcl_bt_valid(at); at = pcl_bt_step(o->history, at))
        if (pcl_bt_val(o->history, at) != 0)
            join_dead(o, &o->past[past_of(pcl_bt_val(o->history, at))]);
    o->m->sweep_at = o->m->live_truths * 2 > SWEEP_MIN ? o->m->live_truths * 2 : SWEEP_MIN;
}

/* --- normal form ---------------------------------------------------------------------------
 */

static uint32_t pack_list(const struct pcl_oracle *o, uint32_t i, struct pcl_truth *to,
                          uint32_t *n)
{
    uint32_t head = i == PCL_NONE ? PCL_NONE : *n;

    for (; i != PCL_NONE; i = o->truth[i].next) {
        to[*n] = o->truth[i];
        ++*n;
        if (to[*n - 1].next != PCL_NONE)
            to[*n - 1].next = *n;
    }
    return head;
}

void pcl_history_compact(struct pcl_oracle *o)
{
    uint32_t n = 0, n_past = 0;
    struct pcl_truth *truth = pcl_xcalloc((size_t)o->m->live_truths + 1, sizeof *truth);
    struct pcl_past *past = pcl_xcalloc((size_t)o->m->live_pasts + 1, sizeof *past);
    struct pcl_bt_at at = pcl_bt_ge(o->history, 0);

    for (; pcl_bt_valid(at); at = pcl_bt_step(o->history, at)) {
        uint32_t p = past_of(pcl_bt_val(o->history, at));

        if (p == PCL_NONE)
            continue;
        past[n_past].alive = pack_list(o, o->past[p].alive, truth, &n);
        past[n_past].oldest = pack_list(o, o->past[p].oldest, truth, &n);
        past[n_past].newest = past[n_past].oldest == PCL_NONE ? PCL_NONE : n - 1;
        past[n_past].next_free = PCL_NONE;
        n_past++;
        pcl_bt_put(o->history, at, n_past);
    }
    PCL_ASSERT(n == o->m->live_truths && n_past == o->m->live_pasts);
    if (n > 0)
        memcpy(o->truth, truth, n * sizeof *truth);
    if (n_past > 0)
        memcpy(o->past, past, n_past * sizeof *past);
    free(truth);
    free(past);
    o->m->n_truths = n;
    o->m->n_pasts = n_past;
    o->m->free_truth = o->m->free_past = PCL_NONE;
}

/* --- operations ----------------------------------------------------------------------------
 */

uint32_t pcl_history_alive(const struct pcl_oracle *o, uint64_t val)
{
    return val == 0 ? PCL_NONE : o->past[past_of(val)].alive;
}

bool pcl_history_has(const struct pcl_oracle *o, uint64_t val, uint32_t op,
                     const struct pcl_truth *content)
{
    for (uint32_t i = pcl_history_alive(o, val); i != PCL_NONE; i = o->truth[i].next)
        if (o->truth[i].op == op && same_content(&o->truth[i], content))
            return true;
    return false;
}

void pcl_history_add(struct pcl_oracle *o, struct pcl_bt_at at, uint32_t op,
                     const struct pcl_truth *content)
{
    uint64_t val = pcl_bt_val(o->history, at);
    uint32_t p = past_of(val), n;

    if (val == 0) {
        p = past_new(o, 0); /* the zeroes of the default can die now: write them out */
        pcl_bt_put(o->history, at, (uint64_t)p + 1);
    }
    n = truth_new(o, content->id);
    o->truth[n].id_last = content->id_last;
    o->truth[n].shift = content->shift;
    o->truth[n].op = op;
    o->truth[n].next = o->past[p].alive;
    o->past[p].alive = n;
}

void pcl_history_show(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p = &o->op[op];
    const struct pcl_truth content = {.id = p->content, .id_last = p->content};
    pcl_u128 first = pcl_extent_key(p->inode, p->first);
    pcl_u128 end = pcl_extent_key(p->inode, p->last);
    struct pcl_bt_at at = pcl_bt_le(o->history, first), next;

    if (pcl_bt_valid(at) && pcl_bt_key(o->history, at) == first) {
        next = pcl_bt_step(o->history, at);
        if (pcl_bt_valid(next) && pcl_bt_key(o->history, next) == end + 1) {
            pcl_history_add(o, at, op, &content); /* written before in just this shape: nothing to cut */
            return;
        }
    }
    pcl_history_cut(o, p->inode, p->first);
    pcl_history_cut(o, p->inode, p->last + 1);
    at = pcl_bt_le(o->history, first);
    while (pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= end) {
        pcl_history_add(o, at, op, &content);
        at = pcl_bt_step(o->history, at);
    }
}

/* op is out of the list of operations in flight already, so that its own past can go. */
void pcl_history_end(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p = &o->op[op];

    uint64_t last = pcl_oracle_is_shift(p) ? PCL_PAGE_LAST : p->last;

    /* up to the extent behind, which may join as well */
    tidy_range(o, pcl_extent_key(p->inode, p->first), pcl_extent_key(p->inode, last) + 1, op);
    if (o->m->live_truths > o->m->sweep_at)
        pcl_history_sweep(o);
}

void pcl_history_stays(struct pcl_oracle *o, uint32_t inode, uint64_t pgoff, pcl_content content)
{
    uint32_t id = (uint32_t)(content >> 32);
    const struct pcl_truth it = {.id = id,
                                 .id_last = id,
                                 .shift = id == 0 ? 0 : (uint32_t)(content - pgoff)};
    struct pcl_bt_at at;

    pcl_history_cut(o, inode, pgoff);
    pcl_history_cut(o, inode, pgoff + 1);
    at = pcl_bt_le(o->history, pcl_extent_key(inode, pgoff));
    pcl_history_add(o, at, PCL_NONE, &it);
    o->truth[o->past[past_of(pcl_bt_val(o->history, at))].alive].done = ++o->m->seq;
}

void pcl_history_init(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last,
                      uint32_t id)
{
    pcl_u128 end = pcl_extent_key(inode, last);
    struct pcl_bt_at at;

    PCL_ASSERT(o->m->first_op == PCL_NONE);
    pcl_history_cut(o, inode, first);
    pcl_history_cut(o, inode, last + 1);
    at = pcl_bt_ge(o->history, pcl_extent_key(inode, first));
    while (pcl_bt_valid(at) && pcl_bt_key(o->history, at) <= end) {
        if (pcl_bt_val(o->history, at) != 0)
            past_drop(o, past_of(pcl_bt_val(o->history, at)));
        (void)pcl_bt_del(o->history, pcl_bt_key(o->history, at));
        at = pcl_bt_ge(o->history, pcl_extent_key(inode, first));
    }
    (void)pcl_bt_set(o->history, pcl_extent_key(inode, first), (uint64_t)past_new(o, id) + 1);
}

/* --- questions -----------------------------------------------------------------------------
 */

struct question {
    uint64_t pgoff, begin;
    pcl_content seen, right;
    bool have_right, moved;
};

static bool answers(const struct pcl_truth *x, struct question *q)
{
    uint32_t origin = (uint32_t)q->pgoff + x->shift, id = (uint32_t)(q->seen >> 32);
    bool here = (uint32_t)q->seen == origin || id == 0;

    if (here)
        q->moved = false;
    if (x->dead < q->begin)
        return false;
    if (!q->have_right)
        q->right = pcl_content_at(pcl_value(x->id_last, x->shift), q->pgoff);
    q->have_right = true;
    return here && x->id <= id && id <= x->id_last;
}

bool pcl_history_check(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff,
                       pcl_content seen, uint64_t begin, pcl_content *right, bool *moved)
{
    static const struct pcl_truth zeroes = {.dead = PCL_ALIVE};
    uint64_t val = pcl_extent_val(o->history, inode, pgoff);
    struct question q = {pgoff, begin, seen, 0, false, seen >> 32 != PCL_CONTENT_ID_GARBAGE};
    bool found = false;

    if (val == 0) {
        found = answers(&zeroes, &q);
    } else {
        const struct pcl_past *p = &o->past[past_of(val)];

        for (uint32_t i = p->alive; i != PCL_NONE && !found; i = o->truth[i].next)
            found = answers(&o->truth[i], &q);
        for (uint32_t i = p->oldest; i != PCL_NONE && !found; i = o->truth[i].next)
            found = answers(&o->truth[i], &q);
    }
    *right = q.right;
    *moved = q.moved;
    return found;
}

static bool later(const struct pcl_oracle *o, uint32_t list, uint32_t pgoff, pcl_content seen,
                  uint64_t moment)
{
    uint32_t id = (uint32_t)(seen >> 32);

    for (uint32_t i = list; i != PCL_NONE; i = o->truth[i].next) {
        const struct pcl_truth *x = &o->truth[i];
        bool here = id == 0 || (uint32_t)seen == pgoff + x->shift;

        if (here && x->id <= id && id <= x->id_last &&
            (x->op != PCL_NONE || x->done >= moment))
            return true;
    }
    return false;
}

bool pcl_history_before(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff,
                        pcl_content seen, uint64_t moment)
{
    uint64_t val = pcl_extent_val(o->history, inode, pgoff);
    const struct pcl_past *p;

    if (val == 0)
        return true; /* zeroes since ever */
    p = &o->past[past_of(val)];
    return !later(o, p->alive, (uint32_t)pgoff, seen, moment) &&
           !later(o, p->oldest, (uint32_t)pgoff, seen, moment);
}

bool pcl_history_in_flux(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff)
{
    uint64_t val = pcl_extent_val(o->history, inode, pgoff);

    if (val == 0)
        return false;
    for (uint32_t i = o->past[past_of(val)].alive; i != PCL_NONE; i = o->truth[i].next)
        if (o->truth[i].op != PCL_NONE)
            return true;
    return false;
}
