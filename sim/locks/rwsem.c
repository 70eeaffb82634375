/*
 * The kernel's rw_semaphore as it is today (R2): one count word that everybody changes with
 * atomics, a FIFO of sleepers under an internal spinlock, writers that spin before they sleep,
 * and stealing that ends only when a waiter has set the hand-off bit. The range is ignored.
 *
 *   count   bit 0 writer holds | bit 1 somebody waits | bit 2 hand-off | from bit 8: readers
 *   owner   the writer, or the reader that came last; not cleared when readers leave
 *   oflags  OWNER_READER: readers own or owned it. OWNER_NOSPIN: a writer spun its time beside
 *           readers; nobody spins until they are gone
 *   osq     writers that spin, first come first served; the head alone looks at the lock
 *   list    waiting requests in order of arrival, under the instance's spinlock (wait_lock)
 *
 * All in one cache line. A reader's failed fast path leaves its 256 in the count until it has
 * queued (OP_BIAS), and a waker counts a reader in before it grants (OP_MARK_BIAS).
 *
 * Not modelled: the guard against 2^55 readers, real-time waiters.
 */
#include "osq.h"
#include "wake_list.h"

#define WRITER UINT64_C(1)
#define WAITERS UINT64_C(2)
#define HANDOFF UINT64_C(4)
#define BIAS UINT64_C(256)
#define READERS (~(BIAS - 1))
#define HELD (READERS | WRITER)

enum { OWNER_READER = 1, OWNER_NOSPIN = 2 };
enum { P_SPIN, P_READER_BATCH, P_HANDOFF_MS };

static const struct pcl_lock_param_info params[] = {
    {"spin", 1, 0, 1, "writers spin before they sleep"},
    {"reader_batch", 256, 1, 1000000, "readers granted by one wake-up"},
    {"handoff_ms", 4, 0, 10000, "wait after which the first waiter ends stealing"},
    {NULL, 0, 0, 0, NULL},
};

/* The kernel's cap on spinning beside readers: 10 us, and 0.5 us for each of up to 30 of them. */
enum { RSPIN_BASE_NS = 10000, RSPIN_READER_NS = 500, RSPIN_READERS = 30 };

struct rwsem {
    uint64_t count;
    uint32_t owner;
    uint32_t oflags;
    struct node_queue osq;
    struct node_queue list;
};

enum node_flag {
    NODE_HANDOFF = 1, /* first in the list and has asked for the hand-off */
    NODE_SPINS = 2
};

enum op_flag {
    OP_BIAS = 1,       /* this reader's 256 are in the count although it holds nothing */
    OP_MARK_BIAS = 2,  /* 256 for the first waiter are in the count before its grant */
    OP_READ_OWNED = 4, /* wake: readers hold the lock already, grant without a test */
    OP_READERS = 8,    /* wake: readers only */
    OP_READ_SPIN = 16  /* spinning beside readers, time is running */
};

/* clang-format off */
enum rw_pc {
    START, RD_SLOW, RD_QUEUE_LOCK, RD_QUEUE, RD_QUEUE_ADD, RD_WAIT, RD_SLEEP, WR_OWN,
    WR_MAY_SPIN, SPIN_JOIN, SPIN_WAIT, SPIN_LOOK, SPIN_TRY, SPIN_LEAVE, WR_QUEUE_LOCK, WR_QUEUE,
    WR_TRY_LOCK, WR_TRY, WR_GOT, WR_FAILED, WR_SPIN, WR_SLEEP, KILL_LOCK, KILL, REL_WRITE,
    WAKE_LOCK, MARK, MARK_UNDO, MARK_GRANT, UNLOCK, WAKE, OVER = RANGE_PC_OVER
};
/* clang-format on */

/* What a micro-step works on. */
struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct rwsem *s;
    pcl_line line; /* of the whole rwsem */
    uint8_t then;  /* where take_lock() and go_to_sleep() lead */
};

static enum pcl_more go(struct call *c, enum rw_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static void flag(struct call *c, unsigned set, unsigned clear)
{
    c->op->flags = (uint8_t)((c->op->flags | set) & ~clear);
}

/* --- the words of the lock --------------------------------------------------------------- */

/* Whoever polls the lock looks again: the first spinner, and a first waiter that has asked for
 * the hand-off. */
static void tell_spinners(struct call *c)
{
    const struct pcl_range_node *node = c->R->node;
    const struct rwsem *s = c->s;

    if (s->osq.head != PCL_NONE)
        pcl_notice(c->m, node[s->osq.head].owner);
    if (s->list.head != PCL_NONE && (node[s->list.head].flags & NODE_HANDOFF))
        pcl_notice(c->m, node[s->list.head].owner);
}

static void set_count(struct call *c, uint64_t count)
{
    uint64_t gone = c->s->count & ~count;

    c->s->count = count;
    if ((gone & HANDOFF) || ((gone & HELD) && !(count & HELD)))
        tell_spinners(c);
}

enum owner_state {
    OWNED_NULL, /* no writer has put its name down; the lock may be held all the same */
    OWNED_WRITER,
    OWNED_READER,
    OWNED_NOSPIN
};

static enum owner_state owner_state(const struct rwsem *s)
{
    if (s->oflags & OWNER_NOSPIN)
        return OWNED_NOSPIN;
    if (s->oflags & OWNER_READER)
        return OWNED_READER;
    return s->owner == PCL_NONE ? OWNED_NULL : OWNED_WRITER;
}

static void set_owner(struct call *c, uint32_t owner, uint32_t oflags)
{
    enum owner_state before = owner_state(c->s);
    bool same = c->s->owner == owner;

    c->s->owner = owner;
    c->s->oflags = oflags;
    if (owner_state(c->s) != before || (before == OWNED_WRITER && !same))
        tell_spinners(c);
}

static void set_reader_owned(struct call *c, uint32_t owner)
{
    set_owner(c, owner, OWNER_READER | (c->s->oflags & OWNER_NOSPIN));
}

static void allow_spinning(struct call *c)
{
    set_owner(c, c->s->owner, c->s->oflags & ~(uint32_t)OWNER_NOSPIN);
}

/* A running writer on a CPU, or nobody in particular: worth spinning for. */
static bool owner_runs(const struct call *c)
{
    return owner_state(c->s) != OWNED_WRITER || pcl_on_cpu(c->m, c->s->owner);
}

static enum pcl_more granted(struct call *c)
{
    c->n->held = true;
    flag(c, 0, OP_BIAS);
    return go(c, OVER);
}

/* --- waiting ----------------------------------------------------------------------------- */

static void list_append(struct call *c)
{
    if (c->s->list.tail != PCL_NONE)
        pcl_store(c->m, range_waiter_line(c->R, c->s->list.tail));
    pcl_store(c->m, range_waiter_line(c->R, c->op->node));
    node_queue_add(c->R, &c->s->list, c->op->node);
    pcl_stamp(c->m);
}

static void list_remove(struct call *c, uint32_t node)
{
    node_queue_remove(c->R, &c->s->list, node);
    c->R->node[node].flags = 0;
}

static bool waited_long(struct call *c, uint32_t node)
{
    return pcl_expired(c->m, c->R->node[node].owner,
                       pcl_jiffies(c->m, c->R->param[P_HANDOFF_MS] * 1000000));
}

static enum pcl_more go_to_sleep(struct call *c)
{
    go(c, c->then);
    range_sleep(c->R, c->op);
    return PCL_MORE;
}

static enum pcl_more take_lock(struct call *c)
{
    go(c, c->then);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], c->line, true);
    return PCL_MORE;
}

static void unlock_now(struct call *c)
{
    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], c->line, true);
}

/* --- waking ------------------------------------------------------------------------------
 *
 *   with wait_lock held:
 *   MARK          first waiter a writer: put it on the wake list (not granted), unless only
 *                 readers are asked for. A reader: count += 256; a writer was faster: undo,
 *                 and ask for the hand-off when the reader has waited long enough
 *   MARK_GRANT    take readers from anywhere in the list, count them in, grant, put on the
 *                 wake list
 *   UNLOCK, WAKE  drop wait_lock, then wake one by one
 *
 * op->count names what comes after; OP_READERS and OP_READ_OWNED say who may be woken. */

static enum pcl_more mark_end(struct call *c)
{
    flag(c, 0, OP_READERS | OP_READ_OWNED | OP_MARK_BIAS);
    if (c->op->count == WR_TRY_LOCK && wake_list_empty(c->op))
        return go(c, WR_TRY); /* keeps wait_lock */
    return go(c, UNLOCK);
}

static enum pcl_more mark(struct call *c)
{
    uint32_t first = c->s->list.head;
    uint64_t old = c->s->count;

    if (first == PCL_NONE)
        return mark_end(c);
    pcl_load(c->m, range_waiter_line(c->R, first));
    if (c->R->node[first].mode == PCL_EXCLUSIVE) {
        if (!(c->op->flags & (OP_READERS | OP_READ_OWNED)))
            wake_list_add(c->R, c->op, first);
        return mark_end(c);
    }
    if (c->op->flags & OP_READ_OWNED)
        return go(c, MARK_GRANT);
    pcl_rmw(c->m, c->line);
    flag(c, OP_MARK_BIAS, 0);
    set_count(c, old + BIAS);
    if (old & WRITER)
        return go(c, MARK_UNDO);
    set_reader_owned(c, c->R->node[first].owner);
    return go(c, MARK_GRANT);
}

static enum pcl_more mark_undo(struct call *c)
{
    uint32_t first = c->s->list.head;
    uint64_t count = c->s->count - BIAS;

    pcl_rmw(c->m, c->line);
    if (waited_long(c, first)) {
        count |= HANDOFF;
        c->R->node[first].flags |= NODE_HANDOFF;
    }
    set_count(c, count);
    return mark_end(c);
}

static enum pcl_more mark_grant(struct call *c)
{
    struct pcl_range_node *node = c->R->node;
    uint64_t woken = 0, count = c->s->count;

    for (uint32_t i = c->s->list.head, next;
         i != PCL_NONE && (int64_t)woken < c->R->param[P_READER_BATCH]; i = next) {
        next = node[i].link[QUEUE_NEXT];
        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        if (node[i].mode == PCL_EXCLUSIVE)
            continue;
        list_remove(c, i);
        node[i].held = true;
        wake_list_add(c->R, c->op, i);
        woken++;
    }
    count += woken * BIAS - (c->op->flags & OP_MARK_BIAS ? BIAS : 0);
    if (count & HANDOFF)
        c->R->stats.handoffs++;
    count &= ~HANDOFF;
    pcl_rmw(c->m, c->line);
    set_count(c, c->s->list.head == PCL_NONE ? count & ~WAITERS : count);
    return mark_end(c);
}

static enum pcl_more unlock(struct call *c)
{
    unlock_now(c);
    return go(c, wake_list_empty(c->op) ? (enum rw_pc)c->op->count : WAKE);
}

static enum pcl_more wake(struct call *c)
{
    wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? (enum rw_pc)c->op->count : WAKE);
}

/* Somebody has just queued: whom it should wake. */
static enum pcl_more mark_queued(struct call *c, enum rw_pc after)
{
    c->op->count = after;
    if (c->s->count & READERS)
        flag(c, OP_READERS, 0);
    else
        allow_spinning(c);
    return go(c, MARK);
}

/* --- shared ------------------------------------------------------------------------------
 *
 *   START         count += 256; nobody holds it exclusive, waits, or hands it off: done
 *   RD_SLOW       other readers own it: queue, so that sleepers do not starve. Else, when no
 *                 writer holds it and no hand-off is on, steal it past the sleepers; the first
 *                 reader to do so takes the sleeping readers along
 *   RD_QUEUE      wait_lock: list empty and no writer: done. Else append
 *   RD_QUEUE_ADD  count -= 256, mark that somebody waits; perhaps wake the head of the list
 *   RD_WAIT, RD_SLEEP  until granted, or killed */

static enum pcl_more read_fast(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->s->count += BIAS;
    if (!(c->s->count & (WRITER | WAITERS | HANDOFF))) {
        set_reader_owned(c, c->m->cur);
        return granted(c);
    }
    c->op->contended = true;
    c->op->word = c->s->count;
    flag(c, OP_BIAS, 0);
    return go(c, RD_SLOW);
}

static enum pcl_more read_slow(struct call *c)
{
    uint64_t seen = c->op->word;
    bool alone = seen / BIAS == 1;

    pcl_load(c->m, c->line);
    c->op->word = 0;
    if ((seen & (WRITER | HANDOFF)) || ((c->s->oflags & OWNER_READER) && !alone))
        return go(c, RD_QUEUE_LOCK);
    c->R->stats.steals += (c->s->count & WAITERS) != 0;
    set_reader_owned(c, c->m->cur);
    granted(c);
    if (!alone || !(seen & WAITERS))
        return PCL_DONE;
    flag(c, OP_READ_OWNED, 0);
    return go(c, WAKE_LOCK);
}

static enum pcl_more read_queue(struct call *c)
{
    pcl_load(c->m, c->line);
    if (c->s->list.head == PCL_NONE && !(c->s->count & WRITER)) {
        set_reader_owned(c, c->m->cur);
        granted(c);
        return go(c, UNLOCK);
    }
    list_append(c);
    return go(c, RD_QUEUE_ADD);
}

static enum pcl_more read_queue_add(struct call *c)
{
    pcl_rmw(c->m, c->line);
    flag(c, 0, OP_BIAS);
    set_count(c, (c->s->count - BIAS) | WAITERS);
    c->op->count = RD_WAIT;
    return c->s->count & WRITER ? go(c, UNLOCK) : mark_queued(c, RD_WAIT);
}

static enum pcl_more read_wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (!c->n->held)
        return go(c, range_killed(c->R, c->op) ? KILL_LOCK : RD_SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, OVER);
}

/* --- exclusive ---------------------------------------------------------------------------
 *
 *   START        count 0 -> WRITER: done
 *   WR_MAY_SPIN  may spin unless the CPU is wanted, spinning was given up, or the owner is a
 *                writer that is off its CPU
 *   SPIN_JOIN, SPIN_WAIT  queue of spinners: its head goes on
 *   SPIN_LOOK    a writer owns it: watch it while it is on its CPU
 *   SPIN_TRY     neither held nor handed off: take it, sleepers or not. Readers own it: watch
 *                for a limited time
 *   WR_QUEUE     wait_lock: append; first: mark that somebody waits. Not first: perhaps wake
 *   WR_TRY       wait_lock: fails when a hand-off is on for another, or it is held (asks for
 *                the hand-off when this request has waited long enough); else take it
 *   WR_SPIN      hand-off asked for: watch the writer that owns it instead of sleeping
 *   WR_SLEEP     until woken, then WR_TRY again */

static enum pcl_more write_fast(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (c->s->count == 0) {
        set_count(c, WRITER);
        c->n->held = true;
        return go(c, WR_OWN);
    }
    c->op->contended = true;
    return go(c, c->R->param[P_SPIN] ? WR_MAY_SPIN : WR_QUEUE_LOCK);
}

/* The owner word follows the count: between the two, others see a lock without a name on it.
 * The line is still here, so the store costs nothing of its own. */
static enum pcl_more write_own(struct call *c)
{
    pcl_touch(c->m, c->line);
    set_owner(c, c->m->cur, 0);
    return go(c, c->n->flags & NODE_SPINS ? SPIN_LEAVE : OVER);
}

static enum pcl_more write_may_spin(struct call *c)
{
    pcl_load(c->m, c->line);
    if (pcl_need_resched(c->m) || owner_state(c->s) == OWNED_NOSPIN || !owner_runs(c))
        return go(c, WR_QUEUE_LOCK);
    return go(c, SPIN_JOIN);
}

static enum pcl_more spin_join(struct call *c)
{
    c->n->flags |= NODE_SPINS;
    osq_join(c->R, &c->s->osq, c->op->node, c->line);
    return go(c, SPIN_WAIT);
}

static enum pcl_more spin_wait(struct call *c)
{
    if (osq_is_first(c->R, &c->s->osq, c->op->node))
        return go(c, SPIN_LOOK);
    if (pcl_need_resched(c->m))
        return go(c, SPIN_LEAVE);
    pcl_watch(c->m, PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

static enum pcl_more spin_leave(struct call *c)
{
    osq_leave(c->R, &c->s->osq, c->op->node, c->line);
    c->n->flags = 0;
    c->op->word = 0;
    flag(c, 0, OP_READ_SPIN);
    return go(c, c->n->held ? OVER : WR_QUEUE_LOCK);
}

static enum pcl_more spin_look(struct call *c)
{
    enum owner_state os = owner_state(c->s);

    pcl_load(c->m, c->line);
    if (os == OWNED_NULL || os == OWNED_READER)
        return go(c, SPIN_TRY);
    if (os == OWNED_NOSPIN || pcl_need_resched(c->m) || !owner_runs(c))
        return go(c, SPIN_LEAVE);
    flag(c, 0, OP_READ_SPIN);
    pcl_watch(c->m, c->s->owner, PCL_NS_MAX);
    return PCL_MORE;
}

/* Readers own the lock: how long this writer still spins, 0 when its time is up. */
static pcl_ns read_spin_left(struct call *c)
{
    uint64_t readers = c->s->count / BIAS;

    if (!(c->op->flags & OP_READ_SPIN)) {
        flag(c, OP_READ_SPIN, 0);
        c->op->word = RSPIN_BASE_NS +
                      RSPIN_READER_NS * (readers > RSPIN_READERS ? RSPIN_READERS : readers);
        pcl_stamp(c->m);
    } else if (pcl_expired(c->m, c->m->cur, (pcl_ns)c->op->word)) {
        return 0;
    }
    return (pcl_ns)c->op->word - (pcl_now(c->m) - c->m->task[c->m->cur].stamp);
}

static enum pcl_more spin_fail(struct call *c)
{
    enum owner_state os = owner_state(c->s);
    pcl_ns left = os == OWNED_READER ? read_spin_left(c) : PCL_NS_MAX;

    pcl_load(c->m, c->line);
    if (os == OWNED_NOSPIN || os == OWNED_WRITER)
        return go(c, SPIN_LOOK); /* it has changed since */
    if (left == 0)
        set_owner(c, c->s->owner, c->s->oflags | OWNER_NOSPIN);
    if (left == 0 || pcl_need_resched(c->m))
        return go(c, SPIN_LEAVE);
    go(c, SPIN_LOOK);
    pcl_watch(c->m, PCL_NONE, left);
    return PCL_MORE;
}

static enum pcl_more spin_try(struct call *c)
{
    if (c->s->count & (HELD | HANDOFF))
        return spin_fail(c);
    pcl_rmw(c->m, c->line);
    c->R->stats.steals += (c->s->count & WAITERS) != 0;
    set_count(c, c->s->count | WRITER);
    c->n->held = true;
    return go(c, WR_OWN);
}

static enum pcl_more write_queue(struct call *c)
{
    bool first = c->s->list.head == PCL_NONE;

    list_append(c);
    if (first) {
        pcl_rmw(c->m, c->line);
        set_count(c, c->s->count | WAITERS);
        return go(c, WR_TRY);
    }
    pcl_load(c->m, c->line);
    return c->s->count & WRITER ? go(c, WR_TRY) : mark_queued(c, WR_TRY_LOCK);
}

static enum pcl_more write_take(struct call *c, bool first)
{
    uint64_t count = (c->s->count & ~HANDOFF) | WRITER;

    pcl_rmw(c->m, c->line);
    if (c->s->count & HANDOFF)
        c->R->stats.handoffs++;
    else if (!first)
        c->R->stats.steals++;
    list_remove(c, c->op->node);
    c->n->held = true;
    set_count(c, c->s->list.head == PCL_NONE ? count & ~WAITERS : count);
    return go(c, WR_GOT);
}

static enum pcl_more write_try(struct call *c)
{
    struct pcl_range_node *head = &c->R->node[c->s->list.head];
    bool first = head == c->n, handoff = c->s->count & HANDOFF;

    pcl_set_state(c->m, range_wait_state(c->op));
    if (range_awake(c->R, c->op) && (c->s->count & HELD))
        c->R->stats.lost_retries++;
    if (handoff && (head->flags & NODE_HANDOFF) && !first)
        return go(c, WR_FAILED);
    if (!(c->s->count & HELD))
        return write_take(c, first);
    if (handoff || !waited_long(c, c->op->node))
        return go(c, WR_FAILED);
    pcl_rmw(c->m, c->line);
    head->flags |= NODE_HANDOFF;
    set_count(c, c->s->count | HANDOFF);
    return go(c, WR_FAILED);
}

/* The name on the lock and the release of wait_lock: same line. */
static enum pcl_more write_got(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    set_owner(c, c->m->cur, 0);
    unlock_now(c);
    return go(c, OVER);
}

static enum pcl_more write_failed(struct call *c)
{
    unlock_now(c);
    if (range_killed(c->R, c->op))
        return go(c, KILL_LOCK);
    return go(c, c->n->flags & NODE_HANDOFF ? WR_SPIN : WR_SLEEP);
}

/* While nobody's name is on a held lock the kernel tries again and again; here that polling is
 * a watch. */
static enum pcl_more write_spin(struct call *c)
{
    enum owner_state os = owner_state(c->s);

    pcl_load(c->m, c->line);
    if (os == OWNED_NULL && !(c->s->count & HELD))
        return go(c, WR_TRY_LOCK);
    if (os == OWNED_READER || os == OWNED_NOSPIN || pcl_need_resched(c->m) || !owner_runs(c))
        return go(c, WR_SLEEP);
    pcl_watch(c->m, os == OWNED_WRITER ? c->s->owner : PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

/* --- a killed waiter ---------------------------------------------------------------------
 *
 *   with wait_lock: granted meanwhile: keep it. Else leave the list; it is empty now: nobody
 *   waits, no hand-off; this was the first: pass its wake on to the next */

static enum pcl_more kill(struct call *c)
{
    bool first = c->s->list.head == c->op->node;

    c->op->count = OVER;
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    wake_list_leave(c->R, c->op->node);
    if (c->n->held)
        return go(c, UNLOCK);
    list_remove(c, c->op->node);
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    if (c->s->list.head == PCL_NONE) {
        pcl_rmw(c->m, c->line);
        set_count(c, c->s->count & ~(WAITERS | HANDOFF));
        return go(c, UNLOCK);
    }
    return go(c, first ? MARK : UNLOCK);
}

/* --- try, release, downgrade ------------------------------------------------------------- */

static enum pcl_more try_lock(struct call *c)
{
    bool shared = c->n->mode == PCL_SHARED;

    if (c->s->count & (shared ? WRITER | WAITERS | HANDOFF : ~UINT64_C(0))) {
        pcl_load(c->m, c->line);
        c->R->stats.trylock_failures++;
        pcl_range_end(c->R, c->op->node);
        c->op->result = PCL_RANGE_BUSY;
        return go(c, OVER);
    }
    pcl_rmw(c->m, c->line);
    set_count(c, c->s->count + (shared ? BIAS : WRITER));
    if (shared)
        set_reader_owned(c, c->m->cur);
    granted(c);
    return go(c, shared ? OVER : WR_OWN);
}

static void let_go(struct call *c, uint64_t count)
{
    pcl_rmw(c->m, c->line);
    c->n->held = false;
    pcl_range_end(c->R, c->op->node);
    set_count(c, count);
}

/* count -= 256; the last reader wakes when somebody waits, and allows spinning again. */
static enum pcl_more read_release(struct call *c)
{
    let_go(c, c->s->count - BIAS);
    if ((c->s->count & (HELD | WAITERS)) != WAITERS)
        return go(c, OVER);
    allow_spinning(c);
    return go(c, WAKE_LOCK);
}

/* The owner first (START), then count -= WRITER; wake when somebody waits. */
static enum pcl_more write_disown(struct call *c)
{
    pcl_touch(c->m, c->line);
    set_owner(c, PCL_NONE, 0);
    return go(c, REL_WRITE);
}

static enum pcl_more write_release(struct call *c)
{
    let_go(c, c->s->count & ~WRITER);
    return go(c, c->s->count & WAITERS ? WAKE_LOCK : OVER);
}

/* count += 256 - WRITER; the sleeping readers may join. */
static enum pcl_more downgrade(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->n->mode = PCL_SHARED;
    set_count(c, (c->s->count & ~WRITER) + BIAS);
    set_reader_owned(c, c->m->cur);
    flag(c, OP_READ_OWNED, 0);
    return go(c, c->s->count & WAITERS ? WAKE_LOCK : OVER);
}

static enum pcl_more start(struct call *c)
{
    bool shared = c->n->mode == PCL_SHARED;

    c->op->count = OVER;
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
        return shared ? read_fast(c) : write_fast(c);
    case PCL_RANGE_TRY:
        return try_lock(c);
    case PCL_RANGE_RELEASE:
        return shared ? read_release(c) : write_disown(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return downgrade(c);
}

/* A state's micro-step; for those that only take wait_lock or sleep, where they lead. */
/* clang-format off */
static const struct {
    enum pcl_more (*step)(struct call *c);
    uint8_t then;
} table[] = {
    [START] = {start, 0},
    [RD_SLOW] = {read_slow, 0},           [RD_QUEUE_LOCK] = {take_lock, RD_QUEUE},
    [RD_QUEUE] = {read_queue, 0},         [RD_QUEUE_ADD] = {read_queue_add, 0},
    [RD_WAIT] = {read_wait, 0},           [RD_SLEEP] = {go_to_sleep, RD_WAIT},
    [WR_OWN] = {write_own, 0},            [WR_MAY_SPIN] = {write_may_spin, 0},
    [SPIN_JOIN] = {spin_join, 0},         [SPIN_WAIT] = {spin_wait, 0},
    [SPIN_LOOK] = {spin_look, 0},         [SPIN_TRY] = {spin_try, 0},
    [SPIN_LEAVE] = {spin_leave, 0},
    [WR_QUEUE_LOCK] = {take_lock, WR_QUEUE}, [WR_QUEUE] = {write_queue, 0},
    [WR_TRY_LOCK] = {take_lock, WR_TRY},  [WR_TRY] = {write_try, 0},
    [WR_GOT] = {write_got, 0},            [WR_FAILED] = {write_failed, 0},
    [WR_SPIN] = {write_spin, 0},          [WR_SLEEP] = {go_to_sleep, WR_TRY_LOCK},
    [KILL_LOCK] = {take_lock, KILL},      [KILL] = {kill, 0},
    [REL_WRITE] = {write_release, 0},
    [WAKE_LOCK] = {take_lock, MARK},      [MARK] = {mark, 0},
    [MARK_UNDO] = {mark_undo, 0},         [MARK_GRANT] = {mark_grant, 0},
    [UNLOCK] = {unlock, 0},               [WAKE] = {wake, 0},
};
/* clang-format on */

static enum pcl_more rwsem_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    PCL_ASSERT(op->pc != OVER);
    struct call c = {R, R->m, op, &R->node[op->node], pcl_range_state(R, op->inst),
                     pcl_range_line(R, op->inst), table[op->pc].then};

    return table[op->pc].step(&c);
}

static void rwsem_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct rwsem *s = pcl_range_state(R, inst);

    s->owner = PCL_NONE;
    node_queue_init(&s->osq);
    node_queue_init(&s->list);
}

/* --- laws -------------------------------------------------------------------------------- */

static bool rwsem_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct rwsem *s = pcl_range_state(R, inst);
    uint64_t readers, writers, biases = 0;

    range_count_held(R, inst, &readers, &writers);
    for (uint32_t b = 0; b < R->n_bodies; b++)
        if (R->op[b].inst == inst && R->op[b].pc != OVER)
            biases += (R->op[b].flags & OP_BIAS ? 1u : 0u) +
                      (R->op[b].flags & OP_MARK_BIAS ? 1u : 0u);
    bool quiet = R->m->spin[R->spin[inst]].holder == PCL_NONE;

    if (!range_law(writers + (readers > 0) <= 1, "a writer shares the lock", why) ||
        !range_law(s->count / BIAS == readers + biases, "readers and count differ", why) ||
        !range_law((s->count & WRITER) == writers, "writer and count differ", why) ||
        !range_law(node_queue_valid(R, &s->osq), "the queue of spinners is broken", why) ||
        !range_law(node_queue_valid(R, &s->list), "the list of waiters is broken", why) ||
        !range_law(!quiet || !(s->count & WAITERS) == !s->list.len, "the waiters bit is wrong",
                   why))
        return false;
    for (uint32_t i = s->list.head; i != PCL_NONE; i = R->node[i].link[QUEUE_NEXT])
        if (!range_law(R->node[i].used && !R->node[i].held && R->node[i].inst == inst,
                       "a request in the list does not wait", why))
            return false;
    return range_law((s->count & HELD) || !s->list.len || range_somebody_acts(R, inst),
                     "requests sleep before a free lock", why);
}

static void rwsem_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){
        .per_inode = 40, .per_waiter = 48, .per_inode_dbg = 144, .per_waiter_dbg = 48};
}

const struct pcl_range_lock_ops pcl_lock_rwsem = {
    .name = "rwsem",
    .summary = "rw_semaphore: writers spin, readers woken in batches, hand-off after 4 ms",
    .source = "Linux v6.3, kernel/locking/rwsem.c",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED,
    .params = params,
    .state_size = sizeof(struct rwsem),
    .init = rwsem_init,
    .step = rwsem_step,
    .validate = rwsem_validate,
    .memory = rwsem_memory,
};
