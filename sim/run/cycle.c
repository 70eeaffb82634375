/*
 * Who waits for whom: a task wants a lock, and another has it. Tasks that can never go on again
 * are found first, since one that waits may have several others in its way:
 *
 *   certain   somebody holds what it wants: it waits for each of them
 *   possible  a queue or a lock of segments keeps it: it waits for one of those who hold the
 * lock
 *
 * All who wait are taken for stuck; then those are let go, over and over, for whom nobody
 * certain is stuck, or, where nobody is certain, somebody possible is not. Whoever is left
 * waits for somebody who is left, and along these arrows there is a ring:
 *
 *   task 0 --wants page 1--> task 1 --wants page 0--> task 0
 *
 * A page that a read or several readers have leads to no task, and no ring goes through it.
 * Neither does one through the device: but what is marked as under write-back and has not been
 * submitted leads to the task that gathers it.
 */
#include <stdlib.h>
#include <string.h>

#include "cycle.h"

static const enum pcl_role roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                      PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

enum {
    N_ROLES = sizeof(roles) / sizeof(roles[0]),
    MOST_NODES = 16384, /* of larger crowds only pages are told */
    WHAT = 240
};

/* What a task waits for. */
enum kind { NOTHING, A_RANGE, A_PAGE, WRITTEN, DRAINED };

struct want {
    enum kind kind;
    const struct pcl_range_locks *R; /* A_RANGE */
    const struct pcl_range_node *node;
    uint32_t folio; /* A_PAGE, WRITTEN */
    uint32_t inode; /* DRAINED */
};

struct search {
    const struct pcl_kernel *k;
    uint32_t n;                 /* tasks */
    struct want *want;          /* [n] */
    uint8_t *stuck;             /* [n] */
    uint32_t *held;             /* of the roles one after the other: nodes that are held */
    uint32_t from[N_ROLES + 1]; /* where a role's begin */
};

static bool excludes(const struct pcl_range_locks *R, const struct pcl_range_node *a,
                     const struct pcl_range_node *b)
{
    if (R->ops->props & PCL_PROP_EXACT)
        return pcl_range_conflict(a, b);
    return !(R->ops->props & PCL_PROP_SHARED) || a->mode == PCL_EXCLUSIVE ||
           b->mode == PCL_EXCLUSIVE;
}

/* Locks of segments can tell two ranges for one that are not; queues keep a request that nobody
 * holds anything against. */
static bool certain(const struct want *w, const struct pcl_range_node *h)
{
    return excludes(w->R, w->node, h) &&
           (!(w->R->ops->props & PCL_PROP_COARSE) || pcl_range_conflict(w->node, h));
}

static bool wants_range(const struct pcl_kernel *k, uint32_t b, struct want *w)
{
    for (size_t r = 0; r < N_ROLES; r++) {
        const struct pcl_range_locks *R = &k->range[roles[r]];

        if (!R->n_nodes || R->n_nodes > MOST_NODES || (R->ops->props & PCL_PROP_RESIDENT))
            continue;
        for (uint32_t i = 0; i < PCL_RANGE_SLOTS; i++) {
            const struct pcl_range_node *n = &R->node[b * PCL_RANGE_SLOTS + i];

            if (!n->used || n->held)
                continue;
            *w = (struct want){.kind = A_RANGE, .R = R, .node = n};
            return true;
        }
    }
    return false;
}

static struct want want_of(const struct pcl_kernel *k, uint32_t b)
{
    const struct pcl_waiter *w = &k->page.waiter[b];
    struct want x = {.kind = NOTHING, .folio = w->folio, .inode = pcl_call_of(k, b)->inode};

    if (k->m->model[b].run == PCL_RUN_DEAD || wants_range(k, b, &x))
        return x; /* it may be spinning for its range */
    if (k->m->model[b].run != PCL_RUN_ASLEEP)
        return x;
    if (w->queued)
        x.kind = w->bit == PCL_PG_LOCKED ? A_PAGE : WRITTEN;
    else if (pcl_call_of(k, b)->drains)
        x.kind = DRAINED;
    return x;
}

static size_t role_index(const struct search *s, const struct pcl_range_locks *R)
{
    size_t r = 0;

    while (R != &s->k->range[roles[r]])
        r++;
    return r;
}

/* The i-th task in this one's way from *at on; PCL_NONE: no more. sure: it is certain. */
static uint32_t next_range(const struct search *s, uint32_t b, uint32_t *at, bool *sure)
{
    const struct want *w = &s->want[b];
    size_t r = role_index(s, w->R);

    while (*at < s->from[r + 1] - s->from[r]) {
        const struct pcl_range_node *h = &w->R->node[s->held[s->from[r] + (*at)++]];

        if (h->inst != w->node->inst)
            continue;
        *sure = certain(w, h);
        if (*sure || h->owner != b)
            return h->owner;
    }
    return PCL_NONE;
}

static uint32_t next_flight(const struct search *s, uint32_t inode, uint32_t *at)
{
    while (*at < s->n) {
        uint32_t b = (*at)++;

        if (pcl_call_of(s->k, b)->in_flight && pcl_call_of(s->k, b)->inode == inode)
            return b;
    }
    return PCL_NONE;
}

static uint32_t next_arrow(const struct search *s, uint32_t b, uint32_t *at, bool *sure)
{
    const struct want *w = &s->want[b];

    *sure = true;
    switch (w->kind) {
    case NOTHING:
        break;
    case A_RANGE:
        return next_range(s, b, at, sure);
    case A_PAGE:
        return (*at)++ == 0 ? pcl_page_owner(&s->k->page, w->folio) : PCL_NONE;
    case WRITTEN:
        return (*at)++ == 0 ? pcl_writeback_gatherer(s->k, w->folio) : PCL_NONE;
    case DRAINED:
        return next_flight(s, w->inode, at);
    }
    return PCL_NONE;
}

static bool is_stuck(const struct search *s, uint32_t b)
{
    return b < s->n && s->stuck[b];
}

/* Somebody whom this one can never get past; PCL_NONE: it may. */
static uint32_t obstacle(const struct search *s, uint32_t b)
{
    uint32_t at = 0, to, maybe = PCL_NONE;
    bool sure, any_sure = false, hope = false;

    while ((to = next_arrow(s, b, &at, &sure)) != PCL_NONE) {
        if (sure && is_stuck(s, to))
            return to;
        any_sure |= sure;
        hope |= !is_stuck(s, to);
        if (is_stuck(s, to))
            maybe = to;
    }
    return any_sure || hope ? PCL_NONE : maybe;
}

static void list_held(struct search *s)
{
    size_t n = 0;

    for (size_t r = 0; r < N_ROLES; r++)
        n += s->k->range[roles[r]].n_nodes;
    s->held = pcl_xcalloc(n ? n : 1, sizeof(*s->held));
    n = 0;
    for (size_t r = 0; r < N_ROLES; r++) {
        const struct pcl_range_locks *R = &s->k->range[roles[r]];

        s->from[r] = (uint32_t)n;
        for (uint32_t i = 0; i < R->n_nodes; i++)
            if (R->node[i].used && R->node[i].held)
                s->held[n++] = i;
    }
    s->from[N_ROLES] = (uint32_t)n;
}

static void find_stuck(struct search *s)
{
    bool less = true;

    for (uint32_t b = 0; b < s->n; b++) {
        s->want[b] = want_of(s->k, b);
        s->stuck[b] = s->want[b].kind != NOTHING;
    }
    while (less) {
        less = false;
        for (uint32_t b = 0; b < s->n; b++)
            if (s->stuck[b] && obstacle(s, b) == PCL_NONE) {
                s->stuck[b] = 0;
                less = true;
            }
    }
}

/* A task in a ring, PCL_NONE: there is none. */
static uint32_t find_ring(const struct search *s)
{
    uint32_t *seen = pcl_xcalloc(s->n ? s->n : 1, sizeof(*seen)), at = 0;

    while (at < s->n && !s->stuck[at])
        at++;
    while (at < s->n && !seen[at]) { /* all who are stuck lead to others who are */
        seen[at] = 1;
        at = obstacle(s, at);
    }
    free(seen);
    return at < s->n ? at : PCL_NONE;
}

/* --- in words
 * ---------------------------------------------------------------------------------- */

static bool whole(const struct pcl_range_locks *R)
{
    return !(R->ops->props & (PCL_PROP_EXACT | PCL_PROP_COARSE)) || R->role == PCL_ROLE_MMAP;
}

static void tell_range(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                       char *text, size_t room)
{
    size_t len = 0;

    if (!whole(R))
        len = (size_t)snprintf(text, room, "[%lld, %lld] ", (long long)n->start,
                               (long long)n->last);
    (void)snprintf(text + len, room - len, "%s",
                   n->mode == PCL_SHARED ? "shared" : "exclusive");
}

/* What of the lock that w wants this task has. */
static const struct pcl_range_node *held_by(const struct search *s, const struct want *w,
                                            uint32_t b)
{
    const struct pcl_range_node *any = NULL;
    size_t r = role_index(s, w->R);

    for (uint32_t i = s->from[r]; i < s->from[r + 1]; i++) {
        const struct pcl_range_node *h = &w->R->node[s->held[i]];

        if (h->owner != b || h->inst != w->node->inst)
            continue;
        if (certain(w, h))
            return h;
        any = h;
    }
    return any;
}

static void tell_page(const struct search *s, const struct want *w, uint32_t to, char *text)
{
    const struct pcl_folio *f = &s->k->cache->folio[w->folio];

    (void)snprintf(text, WHAT,
                   w->kind == A_PAGE ? "page %llu of inode %u, which task %u has"
                                     : "page %llu of inode %u to be written, which task %u has "
                                       "gathered and not submitted",
                   (unsigned long long)f->pgoff, f->inode, to);
}

static void tell_want(const struct search *s, const struct want *w, uint32_t to, char *text)
{
    char wanted[64], has[64] = "";
    const struct pcl_range_node *h;

    switch (w->kind) {
    case NOTHING:
        text[0] = '\0';
        return;
    case A_PAGE:
    case WRITTEN:
        tell_page(s, w, to, text);
        return;
    case DRAINED:
        (void)snprintf(text, WHAT,
                       "direct I/O of inode %u to end, of which task %u has some in flight",
                       w->inode, to);
        return;
    case A_RANGE:
        tell_range(w->R, w->node, wanted, sizeof(wanted));
        h = held_by(s, w, to);
        if (h)
            tell_range(w->R, h, has, sizeof(has));
        (void)snprintf(text, WHAT, "the %s%s of %s %u %s, which task %u has%s%s",
                       pcl_role_name(w->R->role),
                       strstr(pcl_role_name(w->R->role), "lock") ? "" : " lock",
                       w->R->role == PCL_ROLE_MMAP ? "address space" : "inode", w->node->inst,
                       wanted, to, has[0] ? " " : "", has);
        return;
    }
}

static uint32_t tell(const struct search *s, uint32_t first, struct parties *who, char *text,
                     size_t room)
{
    uint32_t at = first, n = 0;
    size_t len = 0;

    text[0] = '\0';
    who->n = 0;
    for (; first != PCL_NONE && (n == 0 || at != first); n++) {
        uint32_t to = obstacle(s, at);
        char what[WHAT];

        if (who->n < PCL_PARTIES)
            who->body[who->n++] = at;

        tell_want(s, &s->want[at], to, what);
        if (len < room)
            len += (size_t)snprintf(text + len, room - len, "%stask %u (%s) waits for %s",
                                    n ? "; " : "", at,
                                    pcl_op_name((enum pcl_op)pcl_call_of(s->k, at)->op), what);
        at = to;
    }
    return n;
}

uint32_t sim_cycle(const struct pcl_kernel *k, uint32_t n_tasks, struct parties *who, char *text,
                   size_t room)
{
    struct search s = {.k = k, .n = n_tasks};
    uint32_t n;

    s.want = pcl_xcalloc(n_tasks ? n_tasks : 1, sizeof(*s.want));
    s.stuck = pcl_xcalloc(n_tasks ? n_tasks : 1, sizeof(*s.stuck));
    list_held(&s);
    find_stuck(&s);
    n = tell(&s, find_ring(&s), who, text, room);
    free(s.want);
    free(s.stuck);
    free(s.held);
    return n;
}
