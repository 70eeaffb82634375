/*
 * hashed: a table of reader-writer locks for all inodes of a role, indexed by a hash of inode and
 * granule (offset / granule). A request takes the slot of every granule that it covers, in
 * ascending order of slots and each once, so that two requests never wait for each other in a
 * circle; one with as many granules as there are slots takes all slots.
 *
 *   slot    | W | 0 | 2R | 0 | W+wait | ...     word: bit 0 writer, bit 1 somebody sleeps, then
 *                                 |              readers
 *                                 +-> queue of requests, first come first served
 *
 *   take      one atomic on the slot; it is held, or somebody sleeps: queue under the table's
 *             spinlock and sleep; what was taken before stays taken
 *   release   one atomic each; the last holder of a slot where somebody sleeps hands it over,
 *             under the spinlock, to the first writer or to the readers in front
 *
 * Requests that do not overlap meet when granules of theirs hash to one slot, or are the same.
 * Which slots a request has is computed from its range, never stored: the next one is the least of
 * its granules' slots that lies above the last. Neither the hash nor a sort costs anything here.
 */
#include "node_queue.h"
#include "wake_list.h"

static const struct pcl_lock_param_info params[] = {
    {"slots", 1024, 64, 65536, "locks in the table"},
    {"granule", 65536, 512, INT64_C(1) << 40, "bytes that share a slot"},
    {NULL, 0, 0, 0, NULL},
};

enum { P_SLOTS, P_GRANULE };

#define WRITER 1u
#define SLEEPERS 2u
#define READER 4u
#define HELD (~SLEEPERS)

struct slot {
    uint32_t word;
    struct node_queue queue;
};

enum { SLOTS_PER_LINE = 4, QUEUED = 1 /* n->flags */ };
enum { END = 0 }; /* n->word: slots from here on are not taken */

/* op->count: the slot it is at. clang-format off */
enum hashed_pc {
    START, TAKE, QUEUE_LOCK, QUEUE, QUEUE_UNLOCK, WAIT, SLEEP, ABORT_LOCK, ABORT, ABORT_UNLOCK,
    RELEASE, CHANGE, HAND_LOCK, HAND, HAND_UNLOCK, WAKE, OVER = RANGE_PC_OVER
};
/* clang-format on */

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
};

static enum pcl_more go(struct call *c, enum hashed_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static struct slot *slot(const struct call *c)
{
    return pcl_range_cell(c->R, c->op->count);
}

static pcl_line slot_line(const struct call *c)
{
    return PCL_LINE(NODE, (uint64_t)c->R->role << 40 | c->op->count / SLOTS_PER_LINE);
}

static pcl_line spin_line(const struct call *c)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 51 | (uint64_t)c->R->role << 40);
}

/* The kernel's hash_long() of the sum of both, scaled to the table. */
static uint32_t slot_of(const struct pcl_range_locks *R, uint32_t inst, uint64_t granule)
{
    uint64_t h = (granule + (uint64_t)inst * UINT64_C(0x9e3779b1)) * UINT64_C(0x61c8864680b583eb);

    return (uint32_t)((h >> 32) * (uint64_t)R->param[P_SLOTS] >> 32);
}

/* The least slot of a request from `from` on, PCL_NONE: none is left. */
static uint32_t next_slot(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                          uint32_t from)
{
    uint64_t first = (uint64_t)(n->start / R->param[P_GRANULE]);
    uint64_t last = (uint64_t)(n->last / R->param[P_GRANULE]);
    uint32_t least = PCL_NONE;

    if (last - first >= (uint64_t)R->param[P_SLOTS] - 1)
        return from < R->param[P_SLOTS] ? from : PCL_NONE;
    for (uint64_t g = first; g <= last; g++) {
        uint32_t s = slot_of(R, n->inst, g);

        if (s >= from && s < least)
            least = s;
    }
    return least;
}

static bool is_writer(const struct pcl_range_node *n)
{
    return n->mode == PCL_EXCLUSIVE;
}

static bool fits(uint32_t word, const struct pcl_range_node *n)
{
    return is_writer(n) ? !(word & HELD) : !(word & WRITER);
}

static void take(struct slot *s, const struct pcl_range_node *n)
{
    s->word = is_writer(n) ? s->word | WRITER : s->word + READER;
}

/* --- acquire ----------------------------------------------------------------------------- */

static enum pcl_more give_up(struct call *c, enum pcl_range_result result)
{
    uint32_t first = next_slot(c->R, c->n, 0);

    c->op->result = (uint8_t)result;
    c->n->word[END] = c->op->count;
    c->op->count = first;
    if (first < c->n->word[END])
        return go(c, RELEASE);
    pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

static enum pcl_more taken(struct call *c)
{
    uint32_t next = next_slot(c->R, c->n, c->op->count + 1);

    if (next != PCL_NONE) {
        c->op->count = next;
        return go(c, TAKE);
    }
    c->op->count = 0;
    c->n->held = true;
    return go(c, OVER);
}

static enum pcl_more try_slot(struct call *c)
{
    struct slot *s = slot(c);

    pcl_rmw(c->m, slot_line(c));
    if (!(s->word & SLEEPERS) && fits(s->word, c->n)) {
        take(s, c->n);
        return taken(c);
    }
    c->op->contended = true;
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        return give_up(c, PCL_RANGE_BUSY);
    }
    return range_killed(c->R, c->op) ? give_up(c, PCL_RANGE_KILLED) : go(c, QUEUE_LOCK);
}

static enum pcl_more lock_then(struct call *c, enum hashed_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[0], spin_line(c), true);
    return PCL_MORE;
}

static void unlock(struct call *c)
{
    pcl_spin_unlock(c->m, c->R->spin[0], spin_line(c), true);
}

/* Under the spinlock: one more look, and the bit that makes holders come here. */
static enum pcl_more queue(struct call *c)
{
    struct slot *s = slot(c);

    pcl_rmw(c->m, slot_line(c));
    if (!(s->word & SLEEPERS) && fits(s->word, c->n)) {
        take(s, c->n);
        return go(c, QUEUE_UNLOCK);
    }
    s->word |= SLEEPERS;
    node_queue_add(c->R, &s->queue, c->op->node);
    c->n->flags = QUEUED;
    return go(c, QUEUE_UNLOCK);
}

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (c->n->flags & QUEUED)
        return go(c, range_killed(c->R, c->op) ? ABORT_LOCK : SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return taken(c);
}

/* --- hand-over, under the spinlock ------------------------------------------------------- */

static enum pcl_more hand(struct call *c)
{
    struct slot *s = slot(c);

    pcl_rmw(c->m, slot_line(c));
    while (s->queue.head != PCL_NONE && fits(s->word, &c->R->node[s->queue.head])) {
        uint32_t i = s->queue.head;

        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        take(s, &c->R->node[i]);
        node_queue_remove(c->R, &s->queue, i);
        c->R->node[i].flags = 0;
        wake_list_add(c->R, c->op, i);
        c->R->stats.handoffs++;
    }
    if (s->queue.head == PCL_NONE)
        s->word &= ~SLEEPERS;
    return go(c, HAND_UNLOCK);
}

/* Killed: granted meanwhile, the slot is given back with the others; else those behind may fit. */
static enum pcl_more abort_wait(struct call *c)
{
    struct slot *s = slot(c);

    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (!(c->n->flags & QUEUED)) {
        c->op->count++;
        return go(c, ABORT_UNLOCK);
    }
    pcl_store(c->m, slot_line(c));
    node_queue_remove(c->R, &s->queue, c->op->node);
    c->n->flags = 0;
    c->op->result = PCL_RANGE_KILLED;
    return go(c, HAND);
}

/* --- release ----------------------------------------------------------------------------- */

static enum pcl_more released(struct call *c)
{
    bool acquires = c->op->what <= PCL_RANGE_TRY;
    uint32_t next = next_slot(c->R, c->n, c->op->count + 1);

    if (acquires && c->op->result == PCL_RANGE_KILLED && c->n->word[END] == 0)
        return give_up(c, PCL_RANGE_KILLED); /* from abort_wait() */
    if (next < c->n->word[END]) {
        c->op->count = next;
        return go(c, c->op->what == PCL_RANGE_DOWNGRADE ? CHANGE : RELEASE);
    }
    c->op->count = 0;
    if (c->op->what == PCL_RANGE_DOWNGRADE)
        c->n->word[END] = 0;
    else
        pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

static enum pcl_more release(struct call *c)
{
    struct slot *s = slot(c);

    pcl_rmw(c->m, slot_line(c));
    s->word = is_writer(c->n) ? s->word & ~WRITER : s->word - READER;
    if ((s->word & SLEEPERS) && !(s->word & HELD))
        return go(c, HAND_LOCK);
    return released(c);
}

/* Downgrade: the writer's bit for a reader, and the readers in front may join. */
static enum pcl_more change(struct call *c)
{
    struct slot *s = slot(c);

    pcl_rmw(c->m, slot_line(c));
    s->word = (s->word & ~WRITER) + READER;
    return s->word & SLEEPERS ? go(c, HAND_LOCK) : released(c);
}

static enum pcl_more start(struct call *c)
{
    c->op->count = next_slot(c->R, c->n, 0);
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return try_slot(c);
    case PCL_RANGE_RELEASE:
        c->n->held = false;
        c->n->word[END] = PCL_NONE;
        return release(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    c->n->mode = PCL_SHARED;
    c->n->word[END] = PCL_NONE;
    return change(c);
}

static enum pcl_more hashed_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, R->m, op, &R->node[op->node]};

    switch ((enum hashed_pc)op->pc) {
    case START:
        return start(&c);
    case TAKE:
        return try_slot(&c);
    case QUEUE_LOCK:
        return lock_then(&c, QUEUE);
    case QUEUE:
        return queue(&c);
    case QUEUE_UNLOCK:
        unlock(&c);
        return c.n->flags & QUEUED ? go(&c, WAIT) : taken(&c);
    case WAIT:
        return wait(&c);
    case SLEEP:
        go(&c, WAIT);
        range_sleep(R, op);
        return PCL_MORE;
    case ABORT_LOCK:
        return lock_then(&c, ABORT);
    case ABORT:
        return abort_wait(&c);
    case ABORT_UNLOCK:
        unlock(&c);
        return give_up(&c, PCL_RANGE_KILLED);
    case RELEASE:
        return release(&c);
    case CHANGE:
        return change(&c);
    case HAND_LOCK:
        return lock_then(&c, HAND);
    case HAND:
        return hand(&c);
    case HAND_UNLOCK:
        unlock(&c);
        return wake_list_empty(op) ? released(&c) : go(&c, WAKE);
    case WAKE:
        wake_list_wake(R, op);
        return wake_list_empty(op) ? released(&c) : PCL_MORE;
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

/* One table for all instances of the role. */
static void hashed_init(struct pcl_range_locks *R, uint32_t inst)
{
    (void)inst;
    if (R->n_cells)
        return;
    pcl_range_cells(R, (uint32_t)R->param[P_SLOTS]);
    for (uint32_t i = 0; i < R->n_cells; i++)
        node_queue_init(&((struct slot *)pcl_range_cell(R, i))->queue);
}

/* --- laws -------------------------------------------------------------------------------- */

/* Holds n slot i, between its operations? */
static bool holds(const struct pcl_range_locks *R, const struct pcl_range_node *n, uint32_t i)
{
    return n->held && next_slot(R, n, i) == i;
}

static bool slot_valid(const struct pcl_range_locks *R, uint32_t i, bool quiet, const char **why)
{
    const struct slot *s = pcl_range_cell(R, i);
    uint32_t word = s->word & SLEEPERS;

    if (!range_law(node_queue_valid(R, &s->queue), "a slot's queue is broken", why) ||
        !range_law(!(s->word & WRITER) || !(s->word & HELD & ~WRITER), "a writer shares a slot",
                   why))
        return false;
    if (!quiet)
        return true;
    for (uint32_t k = 0; k < R->n_nodes; k++)
        if (R->node[k].used && holds(R, &R->node[k], i))
            word += is_writer(&R->node[k]) ? WRITER : READER;
    return range_law(word == s->word, "a slot's word and its holders differ", why) &&
           range_law(!(s->word & SLEEPERS) == (s->queue.head == PCL_NONE),
                     "a slot does not know whether somebody sleeps", why);
}

static bool hashed_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    bool quiet = true;

    for (uint32_t b = 0; b < R->n_bodies; b++)
        quiet = quiet && (R->op[b].pc == START || R->op[b].pc == OVER);
    for (uint32_t i = 0; i < R->n_cells && inst == 0; i++) {
        const struct slot *s = pcl_range_cell(R, i);

        if (s->word == 0 && s->queue.head == PCL_NONE && !quiet)
            continue;
        if (!slot_valid(R, i, quiet, why))
            return false;
    }
    return true;
}

/* By sizeof: a slot has a word and a list head, 24 bytes with padding; a waiter an entry of 40. */
static void hashed_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    *out = (struct pcl_lock_memory){.fixed = 24 * R->param[P_SLOTS] + 64,
                                    .per_waiter = 40,
                                    .fixed_dbg = 24 * R->param[P_SLOTS] + 128,
                                    .per_waiter_dbg = 40};
}

const struct pcl_range_lock_ops pcl_lock_hashed = {
    .name = "hashed",
    .summary = "table of locks by hash of inode and offset; a request takes all of its granules'",
    .source = "Chinner and Goldstein, linux-xfs, January 2025 (hashed offsets, an idea)",
    .props = PCL_PROP_SHARED | PCL_PROP_COARSE,
    .params = params,
    .cell_size = sizeof(struct slot),
    .init = hashed_init,
    .step = hashed_step,
    .validate = hashed_validate,
    .memory = hashed_memory,
};
