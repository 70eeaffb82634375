/*
 * A lock for each unit of a range, present in the cache or not: what locking an 8 EiB range page by
 * page would be, in the manner of the entry locks of DAX. The units are locked one after another
 * in rising order, so that two requests cannot wait for each other, and unlocked in rising order.
 *
 *   index      an XArray of the file; a locked unit is an entry in it. An absent entry is free:
 *              locking inserts one, unlocking removes it, and its nodes with it. (DAX keeps its
 *              entries, which say more than that they are locked.) The index is the lock's own,
 *              beside that of the page cache, under a spinlock of the same cache line.
 *   wait table 2^bits queues for all files; the key is (file, unit). The kernel's hash has an XOR
 *              of file and unit, this one a sum: it spreads alike, and where the next unit of a
 *              given queue lies can be computed (units_leap.c).
 *
 *   lock u     xa_lock; walk down to u's entry; absent: insert it, locked; xa_unlock
 *              locked: queue, exclusive, with xa_lock held; xa_unlock; sleep; walk down again
 *   unlock u   xa_lock; walk down; remove the entry; xa_unlock; if u's queue is not empty, wake the
 *              first in it who waits for u
 *
 * A woken waiter owns nothing: it walks down again, may find the unit taken by somebody who never
 * slept, and then queues at the tail. If it leaves without the lock, killed, it passes the wake-up
 * on. There is no shared mode, as DAX has none.
 *
 * Left out: the loop that drops xa_lock to allocate a node and walks down once more; a node is
 * there when it is needed. The kernel's wait cannot be killed, here it can.
 */
#include <string.h>

#include "units.h"

enum {
    QUEUED_FLAG = 1u << 0, /* of a request: it is in a queue */
    RETRIES = 1u << 0,     /* of an operation: it has slept on this unit */
    UNDO = 1u << 1         /* it gives back what it has and fails */
};

enum { BUCKET_BYTES = 24, LINE_BYTES = 64 };

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n;
};

static enum pcl_more go(struct call *c, unsigned pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

/* --- the two spinlocks --------------------------------------------------------------------- */

static enum pcl_more xa_lock_then(struct call *c, unsigned pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), true);
    return PCL_MORE;
}

static enum pcl_more xa_unlock_then(struct call *c, unsigned pc)
{
    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), true);
    return go(c, pc);
}

static pcl_line bucket_line(const struct call *c, uint32_t bucket)
{
    return PCL_LINE(LOCK, (uint64_t)c->R->role << 40 | bucket * BUCKET_BYTES / LINE_BYTES);
}

static enum pcl_more bucket_lock_then(struct call *c, uint32_t bucket, unsigned pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, unit_buckets(c->R)[bucket].spin, bucket_line(c, bucket), true);
    return PCL_MORE;
}

static enum pcl_more bucket_unlock_then(struct call *c, uint32_t bucket, unsigned pc)
{
    pcl_spin_unlock(c->m, unit_buckets(c->R)[bucket].spin, bucket_line(c, bucket), true);
    return go(c, pc);
}

/* --- the queues ---------------------------------------------------------------------------- */

static void append(struct pcl_range_locks *R, uint32_t bucket, uint32_t node)
{
    struct unit_bucket *t = unit_buckets(R), *b = &t[bucket], *none = &t[R->n_cells - 1];
    struct pcl_range_node *n = &R->node[node];

    n->link[NEXT] = PCL_NONE;
    n->link[PREV] = b->tail;
    n->link[BUCKET] = bucket;
    n->flags |= QUEUED_FLAG;
    *(b->tail == PCL_NONE ? &b->head : &R->node[b->tail].link[NEXT]) = node;
    b->tail = node;
    if (b->len++)
        return;
    b->next_busy = none->next_busy;
    b->prev_busy = R->n_cells - 1;
    t[b->next_busy].prev_busy = bucket;
    none->next_busy = bucket;
}

static void take_off(struct pcl_range_locks *R, uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];
    struct unit_bucket *t = unit_buckets(R), *b = &t[n->link[BUCKET]];

    *(n->link[PREV] == PCL_NONE ? &b->head : &R->node[n->link[PREV]].link[NEXT]) =
        n->link[NEXT];
    *(n->link[NEXT] == PCL_NONE ? &b->tail : &R->node[n->link[NEXT]].link[PREV]) =
        n->link[PREV];
    n->link[NEXT] = n->link[PREV] = n->link[BUCKET] = PCL_NONE;
    n->flags &= (uint8_t)~QUEUED_FLAG;
    if (--b->len)
        return;
    t[b->prev_busy].next_busy = b->next_busy;
    t[b->next_busy].prev_busy = b->prev_busy;
    b->next_busy = b->prev_busy = PCL_NONE;
}

/* Does this request wait for that unit of the operation's file? It waits for the one behind those
 * that it has. */
static bool waits_for(const struct call *c, uint32_t node, uint64_t unit)
{
    const struct pcl_range_node *n = &c->R->node[node];

    return n->inst == c->op->inst && n->word[HI] == unit;
}

/* Looks through the queue from op->cursor on for somebody to wake; with the micro-step that wakes,
 * or at the end, goes on to pc. */
static enum pcl_more walk(struct call *c, uint64_t unit, unsigned pc)
{
    struct pcl_range_locks *R = c->R;
    uint32_t at = c->op->cursor;

    R->stats.walk_visits++;
    pcl_burn(c->m, c->m->p->list_visit);
    if (at == PCL_NONE)
        return go(c, pc);
    c->op->cursor = R->node[at].link[NEXT];
    if (!waits_for(c, at, unit)) {
        R->stats.walk_foreign++;
        pcl_load(c->m, range_waiter_line(R, at));
        return PCL_MORE;
    }
    if (!pcl_wake(c->m, R->node[at].owner))
        return PCL_MORE; /* awake for another reason: it will look by itself */
    pcl_transition(&c->m->eng, PCL_TR_WAKE, R->node[at].owner, range_object(R, c->op->inst));
    take_off(R, at);
    return go(c, pc);
}

/* --- acquire ------------------------------------------------------------------------------- */

static enum pcl_more take(struct call *c, uint64_t u)
{
    struct pcl_range_locks *R = c->R;
    uint32_t inst = c->op->inst;
    uint64_t top = units_top(R, inst);
    uint64_t nodes = units_nodes(units_before(R, inst, u), units_from(R, inst, u), top, u, u + 1);

    pcl_burn(c->m, c->m->p->node_visit * units_height(top == NO_UNIT || top < u ? u : top) +
                       (pcl_ns)nodes * unit_node_new(c->m));
    c->n->word[HI] = u + 1;
    if (c->n->word[LO] == u)
        units_join(R, inst, c->op->node);
    R->sweep.taken++;
    unit_nodes_got(R, nodes, u);
    c->op->flags &= (uint8_t)~RETRIES;
    c->n->held = u + 1 == units_end(R, c->n);
    return go(c, TAKEN);
}

static enum pcl_more look(struct call *c)
{
    uint64_t u = c->n->word[HI];

    pcl_touch(c->m, pcl_range_line(c->R, c->op->inst));
    if (units_from(c->R, c->op->inst, u) != u)
        return take(c, u);
    pcl_burn(c->m, c->m->p->node_visit * units_height(units_top(c->R, c->op->inst)));
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        c->op->result = PCL_RANGE_BUSY;
        return go(c, FAIL);
    }
    c->R->stats.lost_retries += (c->op->flags & RETRIES) != 0;
    c->op->contended = true;
    return go(c, QUEUE_LOCK);
}

static enum pcl_more queue(struct call *c, uint32_t bucket)
{
    pcl_touch(c->m, bucket_line(c, bucket));
    append(c->R, bucket, c->op->node);
    units_break_promises(c->R);
    pcl_set_state(c->m, range_wait_state(c->op));
    return go(c, QUEUED);
}

static enum pcl_more woken(struct call *c)
{
    range_awake(c->R, c->op);
    c->op->flags |= RETRIES;
    units_break_promises(c->R);
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (!(c->n->flags & QUEUED_FLAG) && !range_killed(c->R, c->op))
        return go(c, UNIT);
    return go(c, LEAVE_LOCK);
}

static enum pcl_more leave(struct call *c, uint32_t bucket)
{
    pcl_touch(c->m, bucket_line(c, bucket));
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (c->n->flags & QUEUED_FLAG) {
        take_off(c->R, c->op->node);
        return go(c, LEFT_IT);
    }
    c->op->cursor = unit_buckets(c->R)[bucket].head;
    return go(c, PASS_ON);
}

/* Gives back what has been locked so far; op->result says why. */
static enum pcl_more undo(struct call *c)
{
    if (c->n->word[LO] != c->n->word[HI]) {
        c->op->flags |= UNDO;
        return go(c, FREE);
    }
    pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

static enum pcl_more left(struct call *c, uint32_t bucket)
{
    bucket_unlock_then(c, bucket, UNIT);
    if (!range_killed(c->R, c->op))
        return PCL_MORE;
    c->op->result = PCL_RANGE_KILLED;
    return undo(c);
}

/* --- release ------------------------------------------------------------------------------- */

static enum pcl_more clear(struct call *c)
{
    struct pcl_range_locks *R = c->R;
    uint32_t inst = c->op->inst;
    uint64_t u = c->n->word[LO], top = units_top(R, inst), nodes;

    pcl_touch(c->m, pcl_range_line(R, inst));
    if (u + 1 == c->n->word[HI])
        units_leave(R, inst, c->op->node);
    c->n->word[LO] = u + 1;
    nodes = units_nodes(units_before(R, inst, u), units_from(R, inst, u), units_top(R, inst), u,
                        u + 1);
    pcl_burn(c->m,
             c->m->p->node_visit * units_height(top) + (pcl_ns)nodes * unit_node_free(c->m));
    R->sweep.nodes -= nodes;
    R->sweep.freed++;
    return go(c, CLEARED);
}

/* The unit that was unlocked last. */
static uint64_t freed(const struct call *c)
{
    return c->n->word[LO] - 1;
}

static enum pcl_more next_free(struct call *c)
{
    if (c->n->word[LO] != c->n->word[HI])
        return go(c, FREE);
    pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

/* waitqueue_active(): without the queue's lock, but after xa_lock was dropped, under which waiters
 * queue. The heads are read and seldom written, so they stay in the cache of who sweeps. */
static enum pcl_more peek(struct call *c, uint32_t bucket)
{
    pcl_touch(c->m, bucket_line(c, bucket));
    pcl_burn(c->m, c->m->p->l1_hit);
    if (unit_buckets(c->R)[bucket].len == 0)
        return next_free(c);
    return bucket_lock_then(c, bucket, WAKE);
}

static enum pcl_more wake(struct call *c, uint32_t bucket)
{
    c->R->stats.walks++;
    c->op->cursor = unit_buckets(c->R)[bucket].head;
    c->op->count = 1; /* begun */
    return walk(c, freed(c), WOKE);
}

/* --- the operation ------------------------------------------------------------------------- */

static enum pcl_more start(struct call *c)
{
    units_break_promises(c->R);
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        c->n->word[LO] = c->n->word[HI] = unit_of(c->R, c->n->start);
        return xa_lock_then(c, LOOK);
    case PCL_RANGE_RELEASE:
        c->n->held = false; /* from here on others may get in, unit by unit */
        return xa_lock_then(c, CLEAR);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return go(c, OVER); /* it has no shared mode */
}

static enum pcl_more acquire_step(struct call *c)
{
    uint32_t bucket = unit_bucket_of(c->R, c->op->inst, c->n->word[HI]);

    switch (c->op->pc) {
    case UNIT:
        units_leap_together(c->R, c->op);
        if (units_leap_take(c->R, c->op))
            return PCL_MORE;
        return xa_lock_then(c, LOOK);
    case LOOK:
        return look(c);
    case TAKEN:
        return xa_unlock_then(c, c->n->held ? OVER : UNIT);
    case FAIL:
        xa_unlock_then(c, FAIL);
        return undo(c);
    case QUEUE_LOCK:
        return bucket_lock_then(c, bucket, QUEUE);
    case QUEUE:
        return queue(c, bucket);
    case QUEUED:
        return bucket_unlock_then(c, bucket, QUEUED_XA);
    case QUEUED_XA:
        return xa_unlock_then(c, SLEEP);
    case SLEEP:
        go(c, WOKEN);
        range_sleep(c->R, c->op);
        return PCL_MORE;
    case WOKEN:
        return woken(c);
    case LEAVE_LOCK:
        return bucket_lock_then(c, bucket, LEAVE);
    case LEAVE:
        return leave(c, bucket);
    case PASS_ON:
        return walk(c, c->n->word[HI], LEFT_IT);
    case LEFT_IT:
        return left(c, bucket);
    default:
        break;
    }
    PCL_NEVER("a micro-step without a name");
    return PCL_DONE;
}

static enum pcl_more release_step(struct call *c)
{
    uint32_t bucket = unit_bucket_of(c->R, c->op->inst, freed(c));

    switch (c->op->pc) {
    case FREE:
        units_leap_together(c->R, c->op);
        if (units_leap_free(c->R, c->op))
            return PCL_MORE;
        return xa_lock_then(c, CLEAR);
    case CLEAR:
        return clear(c);
    case CLEARED:
        return xa_unlock_then(c, PEEK);
    case PEEK:
        c->op->count = 0;
        return peek(c, bucket);
    case WAKE:
        return c->op->count ? walk(c, freed(c), WOKE) : wake(c, bucket);
    case WOKE:
        bucket_unlock_then(c, bucket, FREE);
        return next_free(c);
    default:
        break;
    }
    PCL_NEVER("a micro-step without a name");
    return PCL_DONE;
}

enum pcl_more units_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, R->m, op, &R->node[op->node]};

    if (op->pc == START)
        return start(&c);
    return op->pc < FREE ? acquire_step(&c) : release_step(&c);
}

/* --- set-up, laws, account ----------------------------------------------------------------- */

const struct pcl_lock_param_info units_params[] = {
    {"leap", 1, 0, 1, "1: units that nobody else can observe are locked at once; 0: one by one"},
    {"bits", 12, 0, 20, "log2 of the wait table's buckets"},
    {.name = NULL},
};

static void make_table(struct pcl_range_locks *R)
{
    uint32_t none = 1u << R->param[BITS];

    (void)pcl_range_cells(R, none + 1);
    for (uint32_t i = 0; i <= none; i++) {
        struct unit_bucket *b = &unit_buckets(R)[i];

        b->head = b->tail = b->next_busy = b->prev_busy = PCL_NONE;
        if (i < none)
            b->spin = pcl_spin_new(R->m);
        else
            b->next_busy = b->prev_busy = none;
    }
}

void units_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct units *s = pcl_range_state(R, inst);

    if (R->n_cells == 0)
        make_table(R);
    s->root = PCL_NONE;
}

/* Nobody sleeps for a unit that is free and that nobody is about to look at. */
static bool waiter_valid(const struct pcl_range_locks *R, uint32_t node, const char **why)
{
    const struct pcl_range_node *n = &R->node[node];
    uint64_t u = n->word[HI];

    if (!(n->flags & QUEUED_FLAG))
        return true;
    return range_law(n->link[BUCKET] == unit_bucket_of(R, n->inst, u),
                     "a request waits in the wrong queue", why) &&
           range_law(units_from(R, n->inst, u) == u || range_somebody_acts(R, n->inst),
                     "a request sleeps for a free unit", why);
}

bool units_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    uint32_t len, with_units = 0;

    if (!units_valid(R, inst, &len, why))
        return false;
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *n = &R->node[i];

        if (!n->used || n->inst != inst)
            continue;
        with_units += n->word[LO] != n->word[HI];
        if (!waiter_valid(R, i, why) ||
            !range_law(!n->held || (n->word[LO] == unit_of(R, n->start) &&
                                    n->word[HI] == units_end(R, n)),
                       "a range is held, and a unit of it is not locked", why))
            return false;
    }
    return range_law(with_units == len, "a request with units is not in the tree", why);
}

void units_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t buckets = INT64_C(1) << R->param[BITS];

    *out = (struct pcl_lock_memory){.fixed = buckets * BUCKET_BYTES,
                                    .per_inode = 16,
                                    .per_waiter = 56,
                                    .fixed_dbg = buckets * 80,
                                    .per_inode_dbg = 80,
                                    .per_waiter_dbg = 56};
}
