/*
 * Who overtook whom, who was in whose way, and from CPU to CPU: what the statistics of a class of
 * locks must remember about each lock and each operation under way. The algorithms know nothing of it; it looks at
 * an operation when it begins, when it is seen to wait, and when it is over. Outside the model
 * state.
 *
 * The waiting operations of a lock stand in line in the order in which they began to wait,
 * however often they lose and queue again:
 *
 *   line    | A | . | B | C | . | D |        . has left, D joined last
 *   grants  | 0 | 1 | 0 | 0 | 1 | 0 |        A was bypassed by 2, and by those who never waited
 *
 * A grant to the first in line passes nobody and is not noted; under a fair lock no other happens.
 * For the rest a Fenwick tree over the grants answers "how many behind this place" in O(log n), so
 * that a hundred thousand waiters of one page cost no more each than a few. Locks that let
 * disjoint ranges pass have conflicts to look at and are counted one by one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/pages.h>

enum {
    KEPT = 64 /* places of an empty line */
};

/* An operation under way. */
struct wait {
    uint32_t place;        /* in its lock's line, PCL_NONE: in none */
    uint32_t sleeps;       /* of its task, when it began */
    uint32_t foreign : 31; /* wake walk: entries of other pages so far */
    uint32_t bounced : 1;  /* began on another CPU than the last owner's */
    uint32_t grants;       /* of its task, so far */
    uint32_t who;          /* PCL_WHO_... */
    uint32_t holder, behind; /* who was in its way when it began to wait */
    bool waits;
};

/* A range that is held, in the list of its instance, the last one granted first. */
struct hold {
    uint32_t next, prev; /* nodes */
    uint32_t who;
};

/* A lock: of one folio, or of one inode. */
struct past {
    uint32_t line; /* + 1, 0: nobody waits */
    uint32_t cpu : 31;  /* of the last owner + 1, 0: none yet */
    uint32_t by_io : 1; /* a page's lock is held by a read, not by a task */
    uint32_t readers;   /* tasks that share a page's lock */
    uint32_t owner;     /* who has a page's lock + 1, 0: no task */
    uint32_t who;       /* the last owner */
    uint32_t held;      /* a range's lock: node that holds it + 1, the last one granted */
    pcl_ns since;       /* when a page's lock was taken + 1, 0: it is free or shared */
};

struct entry {
    uint32_t body; /* PCL_NONE: has left */
    bool exclusive;
    int64_t base[2]; /* by mode: what its count of later grants began with; for exact locks [0]
                        is the count itself */
};

struct line {
    struct entry *v;
    uint32_t *tree[2];  /* [cap + 1] by mode: grants at the places */
    uint64_t placed[2]; /* all grants at places */
    uint64_t others[2]; /* all grants to operations that never waited */
    uint32_t n, cap, waiting;
    uint32_t first; /* nobody waits before this place */
    uint32_t last[2]; /* places + 1 behind which nobody, nobody exclusive, waits */
    uint32_t next_free;
};

struct pcl_lock_notes {
    struct wait *wait; /* [n_bodies], NULL until the first operation */
    pcl_ns *shares;    /* [n_bodies] since when it has shared a page's lock: one at a time; NULL
                          until somebody does */
    uint32_t n_bodies;
    struct past *past; /* by folio or instance */
    uint32_t n_past;
    struct line *line;
    uint32_t n_lines, free_line;
    struct hold *hold; /* by node */
    uint32_t n_holds;
    uint64_t passed; /* bypass of the waiter that was granted last */
};

struct pcl_lock_notes *pcl_lock_notes_new(const struct pcl_machine *m)
{
    struct pcl_lock_notes *N = pcl_xcalloc(1, sizeof(*N));

    N->n_bodies = m->n_bodies;
    N->free_line = PCL_NONE;
    return N;
}

void pcl_lock_notes_free(struct pcl_lock_notes *N)
{
    if (!N)
        return;
    for (uint32_t i = 0; i < N->n_lines; i++) {
        free(N->line[i].v);
        free(N->line[i].tree[0]);
        free(N->line[i].tree[1]);
    }
    free(N->line);
    free(N->wait);
    free(N->shares);
    free(N->past);
    free(N->hold);
    free(N);
}

size_t pcl_lock_notes_task_bytes(const struct pcl_lock_notes *N)
{
    return N->n_bodies * ((N->wait ? sizeof(*N->wait) : 0) + (N->shares ? sizeof(*N->shares) : 0));
}

static struct past *past_of(struct pcl_lock_notes *N, uint32_t object)
{
    if (object >= N->n_past) {
        uint32_t n = N->n_past ? N->n_past : 64;

        while (n <= object)
            n *= 2;
        N->past = pcl_xrealloc(N->past, n, sizeof(*N->past));
        memset(N->past + N->n_past, 0, (n - N->n_past) * sizeof(*N->past));
        for (uint32_t i = N->n_past; i < n; i++)
            N->past[i].who = PCL_NONE;
        N->n_past = n;
    }
    return &N->past[object];
}

/* --- the line ------------------------------------------------------------------------------- */

static void tree_add(uint32_t *tree, uint32_t cap, uint32_t place)
{
    for (uint32_t i = place + 1; i <= cap; i += i & -i)
        tree[i]++;
}

static uint64_t tree_up_to(const uint32_t *tree, uint32_t place)
{
    uint64_t sum = 0;

    for (uint32_t i = place + 1; i; i -= i & -i)
        sum += tree[i];
    return sum;
}

static uint64_t grants_behind(const struct line *l, uint32_t place, int mode)
{
    return l->placed[mode] ? l->placed[mode] - tree_up_to(l->tree[mode], place) : 0;
}

static uint64_t bypassed_by(const struct line *l, uint32_t place, int mode)
{
    return (uint64_t)((int64_t)(l->others[mode] + grants_behind(l, place, mode)) -
                      l->v[place].base[mode]);
}

/* A shared waiter minds exclusive grants only. */
static uint64_t bypassed(const struct line *l, uint32_t place, bool exact)
{
    const struct entry *e = &l->v[place];

    if (exact)
        return (uint64_t)e->base[0];
    return bypassed_by(l, place, PCL_EXCLUSIVE) +
           (e->exclusive ? bypassed_by(l, place, PCL_SHARED) : 0);
}

static void make_room(struct line *l)
{
    l->cap = l->cap ? 2 * l->cap : 8;
    l->v = pcl_xrealloc(l->v, l->cap, sizeof(*l->v));
    for (int mode = 0; mode < 2; mode++) {
        l->tree[mode] = pcl_xrealloc(l->tree[mode], l->cap + 1, sizeof(**l->tree));
        memset(l->tree[mode], 0, (l->cap + 1) * sizeof(**l->tree));
        l->placed[mode] = 0;
    }
}

static void forget_places(struct line *l)
{
    l->first = 0;
    for (int mode = 0; mode < 2; mode++)
        if (l->placed[mode]) {
            memset(l->tree[mode], 0, (l->cap + 1) * sizeof(**l->tree));
            l->placed[mode] = 0;
        }
}

/* The line is full: closes up, or grows when that would not help for long. */
static void close_up(struct pcl_lock_notes *N, struct line *l)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->n; i++) {
        struct entry e = l->v[i];

        if (e.body == PCL_NONE)
            continue;
        for (int mode = 0; mode < 2; mode++)
            e.base[mode] -= (int64_t)grants_behind(l, i, mode);
        l->v[n] = e;
        N->wait[e.body].place = n++;
    }
    l->n = l->last[0] = l->last[1] = n;
    forget_places(l);
    if (n > l->cap / 2 || l->cap == 0)
        make_room(l);
}

static struct line *line_of(struct pcl_lock_notes *N, struct past *p)
{
    uint32_t i = N->free_line;

    if (p->line)
        return &N->line[p->line - 1];
    if (i == PCL_NONE) {
        i = N->n_lines++;
        N->line = pcl_xrealloc(N->line, N->n_lines, sizeof(*N->line));
        N->line[i] = (struct line){.next_free = PCL_NONE};
    }
    N->free_line = N->line[i].next_free;
    p->line = i + 1;
    return &N->line[i];
}

static void join(struct pcl_lock_notes *N, struct past *p, uint32_t body, bool exclusive,
                 bool exact)
{
    struct line *l = line_of(N, p);

    if (l->n == l->cap)
        close_up(N, l);
    l->v[l->n] = (struct entry){.body = body, .exclusive = exclusive};
    for (int mode = 0; mode < 2 && !exact; mode++)
        l->v[l->n].base[mode] = (int64_t)l->others[mode];
    N->wait[body].place = l->n++;
    l->last[0] = l->n;
    if (exclusive)
        l->last[1] = l->n;
    l->waiting++;
}

static void leave(struct pcl_lock_notes *N, struct past *p, uint32_t body)
{
    struct line *l = &N->line[p->line - 1];

    l->v[N->wait[body].place].body = PCL_NONE;
    N->wait[body].place = PCL_NONE;
    if (--l->waiting)
        return;
    if (l->cap >
        KEPT) /* what a crowd needed must not be cleared for each of the few after it */
        l->cap = KEPT;
    forget_places(l);
    l->others[0] = l->others[1] = 0;
    l->n = l->last[0] = l->last[1] = 0;
    l->next_free = N->free_line;
    N->free_line = p->line - 1;
    p->line = 0;
}

/* A grant to whoever stands at place, or to somebody who never waited (PCL_NONE). */
static void overtake(struct line *l, uint32_t place, int mode)
{
    if (place == PCL_NONE) {
        l->others[mode]++;
        return;
    }
    while (l->v[l->first].body == PCL_NONE) /* place itself is still taken */
        l->first++;
    if (l->first == place)
        return;
    tree_add(l->tree[mode], l->cap, place);
    l->placed[mode]++;
}

static void overtake_conflicting(struct pcl_range_locks *R, struct line *l, uint32_t place,
                                 uint32_t node)
{
    uint32_t end = place == PCL_NONE ? l->n : place;

    for (uint32_t i = 0; i < end; i++)
        if (l->v[i].body != PCL_NONE &&
            pcl_range_conflict(&R->node[node], &R->node[R->op[l->v[i].body].node]))
            l->v[i].base[0]++;
}

/* --- who is in the way -----------------------------------------------------------------------
 *
 *   holders   [read] [read]                line   write ... read <- blocks now
 *
 * The holder is the one in whose way the request is; where several are, the last one granted. The
 * last request in line that it must wait for stands before it. A request that no holder is in the
 * way of waits for the holder that the one before it waits for: the root of the chain. A lock that
 * takes its range piece by piece has pieces before it is held; one of segments can meet a holder that
 * shares no byte with it, and strict order one that is nobody's in line: then it is who had the
 * lock last. */

/* As the lock sees it: where nobody shares all are alone. */
static bool collide(const struct pcl_range_locks *R, const struct pcl_range_node *a,
                    const struct pcl_range_node *b)
{
    if (!(R->ops->props & PCL_PROP_SHARED))
        return pcl_range_overlap(a, b);
    return pcl_range_conflict(a, b);
}

static struct hold *hold_of(struct pcl_lock_notes *N, uint32_t node)
{
    if (node >= N->n_holds) {
        uint32_t n = N->n_holds ? N->n_holds : 64;

        while (n <= node)
            n *= 2;
        N->hold = pcl_xrealloc(N->hold, n, sizeof(*N->hold));
        for (uint32_t i = N->n_holds; i < n; i++)
            N->hold[i] = (struct hold){PCL_NONE, PCL_NONE, PCL_NONE};
        N->n_holds = n;
    }
    return &N->hold[node];
}

static void range_held(struct pcl_lock_notes *N, struct past *p, uint32_t node, uint32_t who)
{
    struct hold *h = hold_of(N, node);
    uint32_t next = p->held ? p->held - 1 : PCL_NONE;

    PCL_ASSERT(h->who == PCL_NONE);
    *h = (struct hold){.next = next, .prev = PCL_NONE, .who = who};
    if (next != PCL_NONE)
        N->hold[next].prev = node;
    p->held = node + 1;
    p->who = who;
}

void pcl_range_let_go(struct pcl_range_locks *R, uint32_t node)
{
    struct pcl_lock_notes *N = R->notes;
    struct past *p = past_of(N, R->node[node].inst);
    struct hold *h = hold_of(N, node);

    if (h->who == PCL_NONE)
        return;
    if (h->prev != PCL_NONE)
        N->hold[h->prev].next = h->next;
    else
        p->held = h->next == PCL_NONE ? 0 : h->next + 1;
    if (h->next != PCL_NONE)
        N->hold[h->next].prev = h->prev;
    p->who = h->who;
    h->who = PCL_NONE;
}

static uint32_t in_mode(uint32_t who, int mode)
{
    return (who & ~PCL_WHO_EXCLUSIVE) | (mode == PCL_EXCLUSIVE ? PCL_WHO_EXCLUSIVE : 0);
}

/* Holds its range already, but has not come to know of it, or is just coming by it. */
static uint32_t new_holder_of(const struct pcl_range_locks *R, const struct pcl_range_node *n)
{
    uint32_t coming = PCL_NONE;

    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *o = &R->node[i];

        if (o == n || !o->used || o->inst != n->inst || o->owner == n->owner || !collide(R, n, o))
            continue;
        if (o->held)
            return in_mode(R->notes->wait[o->owner].who, o->mode);
        if (!R->notes->wait[o->owner].waits)
            coming = in_mode(R->notes->wait[o->owner].who, o->mode);
    }
    return coming;
}

/* The holder that a request conflicts with. Without ranges all holders have one mode. */
static uint32_t holder_of(const struct pcl_range_locks *R, const struct past *p,
                          const struct pcl_range_node *n, bool exact)
{
    const struct pcl_lock_notes *N = R->notes;

    for (uint32_t i = p->held ? p->held - 1 : PCL_NONE; i != PCL_NONE; i = N->hold[i].next) {
        if (exact ? collide(R, n, &R->node[i])
                  : n->mode == PCL_EXCLUSIVE || R->node[i].mode == PCL_EXCLUSIVE)
            return in_mode(N->hold[i].who, R->node[i].mode);
        if (!exact)
            break;
    }
    return PCL_NONE;
}

/* The last one in line, or the last exclusive one. */
static uint32_t last_in_line(struct line *l, bool exclusive)
{
    uint32_t *last = &l->last[exclusive];

    while (*last && (l->v[*last - 1].body == PCL_NONE || (exclusive && !l->v[*last - 1].exclusive)))
        --*last;
    return *last ? l->v[*last - 1].body : PCL_NONE;
}

static uint32_t last_conflict(const struct pcl_range_locks *R, const struct line *l,
                              const struct pcl_range_node *n)
{
    for (uint32_t i = l->n; i--;)
        if (l->v[i].body != PCL_NONE && collide(R, n, &R->node[R->op[l->v[i].body].node]))
            return l->v[i].body;
    return PCL_NONE;
}

static void page_blocked(struct pcl_lock_notes *N, struct past *p, uint32_t me, bool shared)
{
    uint32_t before = p->line ? last_in_line(&N->line[p->line - 1], shared) : PCL_NONE;

    N->wait[me].holder = p->who;
    N->wait[me].behind = before == PCL_NONE ? PCL_NONE : N->wait[before].who;
}

/* Who has the page that a request for the pages of a range has met. */
static uint32_t page_holder_of(const struct pcl_range_locks *R, uint32_t folio)
{
    const struct pcl_lock_notes *N = R->pages->lock->notes;

    return N && folio < N->n_past ? N->past[folio].who : PCL_NONE;
}

static void range_blocked(struct pcl_range_locks *R, struct past *p, uint32_t me, bool exact)
{
    struct pcl_lock_notes *N = R->notes;
    const struct pcl_range_node *n = &R->node[R->op[me].node];
    struct line *l = p->line ? &N->line[p->line - 1] : NULL;
    struct wait *w = &N->wait[me];
    uint32_t before = PCL_NONE;

    if (R->ops->props & PCL_PROP_RESIDENT) {
        w->holder = page_holder_of(R, R->op[me].cursor);
        return;
    }
    w->holder = holder_of(R, p, n, exact);
    if (l)
        before = exact ? last_conflict(R, l, n) : last_in_line(l, n->mode == PCL_SHARED);
    if (l && exact && w->holder == PCL_NONE && before == PCL_NONE &&
        (R->ops->props & PCL_PROP_FIFO)) /* strictly first come first served */
        before = last_in_line(l, false);
    w->behind = before == PCL_NONE ? PCL_NONE : N->wait[before].who;
    if (before != PCL_NONE && R->node[R->op[before].node].held) { /* granted, not yet running */
        w->holder = w->behind;
        w->behind = PCL_NONE;
    } else if (w->holder == PCL_NONE && before != PCL_NONE) {
        w->holder = N->wait[before].holder;
    } else if (w->holder == PCL_NONE && exact) { /* it changes hands just now */
        w->holder = new_holder_of(R, n);
    }
    if (w->holder == PCL_NONE && w->behind == PCL_NONE)
        w->holder = p->who;
}

/* --- operations ----------------------------------------------------------------------------- */

void pcl_lock_notes_begin(struct pcl_lock_notes *N, const struct pcl_machine *m,
                          uint32_t object)
{
    uint32_t cpu = past_of(N, object)->cpu;

    if (!N->wait)
        N->wait = pcl_xcalloc(N->n_bodies, sizeof(*N->wait));
    struct wait *w = &N->wait[m->cur];

    *w = (struct wait){.place = PCL_NONE,
                       .sleeps = m->task[m->cur].voluntary,
                       .bounced = cpu && cpu != m->cur_cpu + 1,
                       .grants = w->grants,
                       .who = m->task[m->cur].site << PCL_WHO_SITE,
                       .holder = PCL_NONE,
                       .behind = PCL_NONE};
}

void pcl_lock_notes_blame(struct pcl_lock_notes *N, const struct pcl_machine *m, uint32_t who)
{
    if (N && N->wait)
        N->wait[m->cur].holder = who;
}

/* Adds a wait of the running body, what it was spent on, and who was in the way. */
static void add_wait(struct pcl_lock_stats *st, const struct pcl_machine *m, enum pcl_mode mode,
                     pcl_ns wait, uint32_t holder, uint32_t behind)
{
    const pcl_ns *spent = m->task[m->cur].spent;
    pcl_ns *sum = st->mode[mode].spent, rest = wait;

    for (int i = 0; i < PCL_N_SPENT; i++) {
        sum[i] += spent[i];
        rest -= spent[i];
    }
    sum[PCL_N_SPENT] += rest;
    st->unbalanced += rest < 0;
    uint32_t who = in_mode(m->task[m->cur].site << PCL_WHO_SITE, (int)mode);

    if (!m->explore)
        pcl_blocked_add(&st->blocked, who, holder, behind, wait);
}

void pcl_lock_notes_waited(const struct pcl_lock_notes *N, struct pcl_lock_stats *st,
                           const struct pcl_machine *m, enum pcl_mode mode, pcl_ns wait)
{
    if (N)
        add_wait(st, m, mode, wait, N->wait[m->cur].holder, N->wait[m->cur].behind);
    else
        add_wait(st, m, mode, wait, PCL_NONE, PCL_NONE);
}

void pcl_lock_waited_for(struct pcl_lock_stats *st, const struct pcl_machine *m,
                         enum pcl_mode mode, pcl_ns wait, uint32_t who)
{
    add_wait(st, m, mode, wait, who, PCL_NONE);
}

bool pcl_lock_notes_waits(const struct pcl_lock_notes *N, uint32_t body)
{
    return N && N->wait && N->wait[body].waits;
}

void pcl_lock_notes_measure(struct pcl_lock_notes *N)
{
    for (uint32_t b = 0; N && N->wait && b < N->n_bodies; b++)
        N->wait[b].grants = 0;
}

double pcl_lock_notes_fairness(const struct pcl_lock_notes *N, uint32_t n)
{
    double sum = 0, squares = 0;
    uint32_t asked = 0;

    for (uint32_t b = 0; N->wait && b < n; b++) {
        double x = N->wait[b].grants;

        asked += x > 0 || N->wait[b].place != PCL_NONE;
        sum += x;
        squares += x * x;
    }
    return squares > 0 ? sum * sum / (squares * asked) : (double)NAN;
}

/* A page's owner need not be the one who unlocks it: what is read in is unlocked by the
 * interrupt.
 */
static void page_held(struct pcl_page_locks *L, struct past *p, pcl_ns t, bool by_io)
{
    L->stats.overlaps += p->since != 0 || p->readers != 0;
    p->since = t + 1;
    p->by_io = by_io;
    p->owner = by_io ? 0 : L->m->cur + 1;
    p->who = L->m->task[L->m->cur].site << PCL_WHO_SITE | PCL_WHO_EXCLUSIVE |
             (by_io ? PCL_WHO_DEVICE : 0);
    if (!by_io && ++L->stats.held > L->stats.held_max)
        L->stats.held_max = L->stats.held;
}

/* Any number may share a page, but nobody beside an owner. */
static void page_shared(struct pcl_page_locks *L, struct past *p)
{
    L->stats.overlaps += p->since != 0;
    p->readers++;
    if (!L->notes->shares)
        L->notes->shares = pcl_xcalloc(L->n_bodies, sizeof(*L->notes->shares));
    L->notes->shares[L->m->cur] = L->m->at;
    p->who = L->notes->wait[L->m->cur].who & ~PCL_WHO_EXCLUSIVE;
    if (++L->stats.held > L->stats.held_max)
        L->stats.held_max = L->stats.held;
}

void pcl_page_fresh(struct pcl_page_locks *L, uint32_t folio, bool by_io)
{
    L->stats.mode[PCL_EXCLUSIVE].acquisitions++;
    if (!L->notes)
        return;
    struct past *p = past_of(L->notes, folio);

    p->cpu = (L->m->cur_cpu + 1) & INT32_MAX;
    page_held(L, p, pcl_now(L->m), by_io);
}

static void note_hold(struct pcl_page_locks *L, enum pcl_mode mode, pcl_ns since)
{
    pcl_hist_add(&L->stats.mode[mode].hold, pcl_now(L->m) - since);
    pcl_course_hold(&L->stats.line, (int)mode, since, pcl_now(L->m));
}

void pcl_page_let_go(struct pcl_page_locks *L, uint32_t folio, uint8_t bit, bool shared)
{
    struct past *p = past_of(L->notes, folio);

    if (L->notes->wait)
        L->notes->wait[L->m->cur].foreign = 0;
    if (bit != PCL_PG_LOCKED)
        return;
    if (shared) {
        note_hold(L, PCL_SHARED, L->notes->shares[L->m->cur]);
        L->stats.held--;
        p->readers--;
        return;
    }
    if (!p->since)
        return;
    note_hold(L, PCL_EXCLUSIVE, p->since - 1);
    L->stats.held -= !p->by_io;
    p->since = 0;
    p->owner = 0;
}

uint32_t pcl_page_owner(const struct pcl_page_locks *L, uint32_t folio)
{
    const struct pcl_lock_notes *N = L->notes;

    return N && folio < N->n_past && N->past[folio].owner ? N->past[folio].owner - 1 : PCL_NONE;
}

void pcl_lock_notes_foreign(struct pcl_lock_notes *N, struct pcl_lock_stats *st, uint32_t body)
{
    if (!N)
        return;
    if (++N->wait[body].foreign > st->foreign_max)
        st->foreign_max = N->wait[body].foreign;
}

/* Sleeps of an operation that is over: each but the last ended in a wake-up for nothing. */
static uint32_t count_sleeps(struct pcl_lock_notes *N, const struct pcl_machine *m,
                             struct pcl_lock_stats *st)
{
    uint32_t sleeps = m->task[m->cur].voluntary - N->wait[m->cur].sleeps;

    st->sleeps += sleeps;
    if (sleeps > 1)
        st->wasted_wakes += sleeps - 1;
    return sleeps;
}

static void count_bounces(const struct wait *w, const struct pcl_machine *m, struct past *p,
                          struct pcl_lock_stats *st, int mode, bool contended)
{
    if (contended && w->bounced)
        st->mode[mode].con_bounces++;
    if (p->cpu && p->cpu != m->cur_cpu + 1)
        st->mode[mode].acq_bounces++;
    p->cpu = (m->cur_cpu + 1) & INT32_MAX;
}

static void count_bypass(struct pcl_lock_notes *N, const struct past *p, uint32_t body,
                         bool exact, struct pcl_lock_stats *st)
{
    uint64_t by = bypassed(&N->line[p->line - 1], N->wait[body].place, exact);

    N->passed = by;
    if (by > st->bypass_max)
        st->bypass_max = by;
}

static void page_owned(struct pcl_page_locks *L, struct past *p, const struct pcl_page_op *op,
                       uint32_t sleeps)
{
    struct pcl_lock_notes *N = L->notes;
    uint32_t me = L->m->cur, place = N->wait[me].place;
    int mode = op->shared ? PCL_SHARED : PCL_EXCLUSIVE;

    N->wait[me].grants++;
    count_bounces(&N->wait[me], L->m, p, &L->stats, mode, op->contended);
    if (op->shared)
        page_shared(L, p);
    else
        page_held(L, p, L->m->at, false);
    if (place != PCL_NONE)
        count_bypass(N, p, me, false, &L->stats);
    if (!p->line)
        return;
    struct line *l = &N->line[p->line - 1];

    if (sleeps == 0 && l->waiting > (place != PCL_NONE))
        L->stats.steals++;
    overtake(l, place, mode);
}

void pcl_page_note(struct pcl_page_locks *L, const struct pcl_page_op *op, enum pcl_more more)
{
    struct pcl_lock_notes *N = L->notes;
    uint32_t me = L->m->cur;
    bool owns = op->what == PCL_PAGE_LOCK || op->what == PCL_PAGE_TRYLOCK;
    struct past *p = past_of(N, op->folio);

    if (more == PCL_MORE) {
        if (N->wait[me].waits)
            return;
        N->wait[me].waits = true;
        if (op->bit == PCL_PG_LOCKED)
            page_blocked(N, p, me, op->shared);
        if (owns) {
            N->wait[me].who |= op->shared ? 0 : PCL_WHO_EXCLUSIVE;
            join(N, p, me, !op->shared, false);
        }
        return;
    }
    uint32_t sleeps = count_sleeps(N, L->m, &L->stats);

    N->wait[me].waits = false;
    if (owns && op->result == PCL_PAGE_GOT)
        page_owned(L, p, op, sleeps);
    else if (op->contended && op->bit == PCL_PG_LOCKED && N->wait[me].bounced)
        L->stats.mode[PCL_SHARED].con_bounces++;
    if (N->wait[me].place != PCL_NONE)
        leave(N, p, me);
}

/* A lock that goes by more than the range makes requests wait for holders who do not conflict. */
static bool nobody_conflicts(const struct pcl_range_locks *R, const struct pcl_range_op *op)
{
    for (uint32_t i = 0; i < R->n_nodes; i++)
        if (R->node[i].used && R->node[i].held && R->node[i].inst == op->inst &&
            pcl_range_conflict(&R->node[i], &R->node[op->node]))
            return false;
    return true;
}

void pcl_range_note(struct pcl_range_locks *R, const struct pcl_range_op *op,
                    enum pcl_more more)
{
    struct pcl_lock_notes *N = R->notes;
    uint32_t me = R->m->cur, place = N->wait[me].place;
    bool exact = R->ops->props & (PCL_PROP_EXACT | PCL_PROP_COARSE);
    struct past *p = past_of(N, op->inst);

    if (more == PCL_MORE) {
        if (N->wait[me].waits)
            return;
        bool exclusive = R->node[op->node].mode == PCL_EXCLUSIVE;

        N->wait[me].waits = true;
        if (R->ops->props & PCL_PROP_COARSE)
            R->stats.false_conflicts += nobody_conflicts(R, op);
        range_blocked(R, p, me, exact);
        N->wait[me].who |= exclusive ? PCL_WHO_EXCLUSIVE : 0;
        join(N, p, me, exclusive, exact);
        return;
    }
    N->wait[me].waits = false;
    count_sleeps(N, R->m, &R->stats);
    if (op->result == PCL_RANGE_GOT) {
        int mode = R->node[op->node].mode;

        N->wait[me].grants++;
        range_held(N, p, op->node, in_mode(N->wait[me].who, mode));
        count_bounces(&N->wait[me], R->m, p, &R->stats, mode, op->contended);
        if (place != PCL_NONE)
            count_bypass(N, p, me, exact, &R->stats);
        if (p->line && exact)
            overtake_conflicting(R, &N->line[p->line - 1], place, op->node);
        else if (p->line)
            overtake(&N->line[p->line - 1], place, mode);
    }
    if (place != PCL_NONE)
        leave(N, p, me);
}

uint64_t pcl_lock_notes_passed(const struct pcl_lock_notes *N)
{
    return N ? N->passed : 0;
}

uint64_t pcl_lock_notes_passing(const struct pcl_lock_notes *N, uint32_t body, bool exact)
{
    uint32_t place = N && N->wait ? N->wait[body].place : PCL_NONE;

    for (uint32_t i = 0; place != PCL_NONE && i < N->n_lines; i++)
        if (place < N->line[i].n && N->line[i].v[place].body == body)
            return bypassed(&N->line[i], place, exact);
    return 0;
}

uint64_t pcl_lock_notes_longest_bypass(const struct pcl_lock_notes *N, bool exact)
{
    uint64_t longest = 0;

    for (uint32_t i = 0; N && i < N->n_lines; i++)
        for (uint32_t k = 0; k < N->line[i].n; k++)
            if (N->line[i].v[k].body != PCL_NONE && bypassed(&N->line[i], k, exact) > longest)
                longest = bypassed(&N->line[i], k, exact);
    return longest;
}
