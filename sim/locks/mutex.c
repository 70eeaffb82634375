/*
 * The kernel's mutex, which guarded an inode until 4.7 (i_mutex): one owner word changed by
 * atomics, waiters that spin while the owner runs, a FIFO of sleepers under an internal spinlock.
 * The range is ignored and so is the mode: who asks to share gets the lock alone.
 *
 *   owner   the task that holds it, or to whom it is being handed (PICKUP)
 *   flags   low bits of the same word. WAITERS: somebody is in the list, so an unlock must look.
 *           HANDOFF: the first in the list was woken and came too late, so the next unlock gives
 *           the lock to it. PICKUP: that has happened, and the lock is the named task's alone
 *   osq     newcomers that spin, first come first served; the head alone looks at the lock
 *   list    sleepers in order of arrival, under the instance's spinlock (wait_lock)
 *
 *          free --compare-and-swap--> owned --unlock--> free, the first sleeper woken
 *                                       |
 *                         HANDOFF set --+--unlock--> PICKUP for the first sleeper --> owned
 *
 * So a sleeper is overtaken by whoever runs once, at its first wake-up, and no more after that:
 * it sets HANDOFF as soon as it has been woken for nothing, then spins too if the owner runs.
 *
 * Written from memory of kernel/locking/mutex.c as of 6.x. Not modelled: wound/wait, the yield
 * of a spinner that found its CPU wanted.
 */
#include "osq.h"
#include "wake_list.h"

enum { WAITERS = 1, HANDOFF = 2, PICKUP = 4 };
enum { P_SPIN };

static const struct pcl_lock_param_info params[] = {
    {"spin", 1, 0, 1, "waiters spin while the owner is on a CPU"},
    {NULL, 0, 0, 0, NULL},
};

struct mutex {
    uint32_t owner; /* body, PCL_NONE: free */
    uint32_t flags;
    struct node_queue osq;
    struct node_queue list;
};

enum node_flag {
    NODE_SPINS = 1, /* in the queue of spinners */
    NODE_POLLS = 2  /* first in the list, spins instead of sleeping */
};

/* clang-format off */
enum mutex_pc {
    START, SLOW_TRY, MAY_SPIN, SPIN_JOIN, SPIN_WAIT, SPIN_TRY, SPIN_LEAVE, QUEUE_LOCK, QUEUE, TRY,
    SLEEP, WOKEN, GOT_LOCK, GOT, PASS_LOCK, PASS, UNLOCK, WAKE, OVER = RANGE_PC_OVER
};
/* clang-format on */

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct mutex *s;
    pcl_line line; /* of the whole mutex */
    uint8_t then;  /* where take_lock() leads */
};

static enum pcl_more go(struct call *c, enum mutex_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

/* --- the owner word ---------------------------------------------------------------------- */

/* Whoever polls looks again: the first spinner, and a first sleeper that spins. */
static void set_word(struct call *c, uint32_t owner, uint32_t flags)
{
    const struct pcl_range_node *node = c->R->node;
    struct mutex *s = c->s;

    s->owner = owner;
    s->flags = flags;
    if (s->osq.head != PCL_NONE)
        pcl_notice(c->m, node[s->osq.head].owner);
    if (s->list.head != PCL_NONE && (node[s->list.head].flags & NODE_POLLS))
        pcl_notice(c->m, node[s->list.head].owner);
}

/* A free lock is taken, one that was handed over is picked up by the task it was handed to. With
 * ask, a lock that is held is asked for: the next unlock hands it over. */
static bool try_take(struct call *c, bool ask)
{
    struct mutex *s = c->s;
    bool picks_up = (s->flags & PICKUP) && s->owner == c->m->cur;

    if (s->owner == PCL_NONE || picks_up) {
        pcl_rmw(c->m, c->line);
        c->R->stats.handoffs += picks_up;
        c->R->stats.steals += !picks_up && s->list.head != PCL_NONE &&
                              s->list.head != c->op->node;
        set_word(c, c->m->cur, s->flags & ~(uint32_t)PICKUP);
        c->n->held = true;
        return true;
    }
    if (ask && !(s->flags & (PICKUP | HANDOFF))) {
        pcl_rmw(c->m, c->line);
        set_word(c, s->owner, s->flags | HANDOFF);
    } else {
        pcl_load(c->m, c->line);
    }
    return false;
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

/* --- lock --------------------------------------------------------------------------------
 *
 *   START       word 0 -> me: done
 *   SLOW_TRY    free although somebody sleeps: take it
 *   MAY_SPIN    unless the CPU is wanted or the owner is off its CPU
 *   SPIN_JOIN, SPIN_WAIT  queue of spinners: its head goes on
 *   SPIN_TRY    take it, or watch the owner while it is on its CPU
 *   QUEUE       wait_lock: one more try, else append, mark that somebody waits
 *   TRY         wait_lock: try; a killed task leaves; else drop wait_lock
 *   SLEEP       until woken
 *   WOKEN       try; the first in the list asks for the hand-off and goes on to SPIN_TRY, any
 *               other back to TRY
 *   GOT         wait_lock: out of the list; it is empty: nobody waits */

static enum pcl_more lock_fast(struct call *c)
{
    c->n->mode = PCL_EXCLUSIVE;
    if (c->s->owner == PCL_NONE && !c->s->flags) {
        (void)try_take(c, false);
        return go(c, OVER);
    }
    pcl_rmw(c->m, c->line); /* a compare-and-swap that fails takes the line all the same */
    c->op->contended = true;
    return go(c, SLOW_TRY);
}

static enum pcl_more slow_try(struct call *c)
{
    if (try_take(c, false))
        return go(c, OVER);
    return go(c, c->R->param[P_SPIN] ? MAY_SPIN : QUEUE_LOCK);
}

static bool owner_runs(const struct call *c)
{
    return c->s->owner == PCL_NONE || pcl_on_cpu(c->m, c->s->owner);
}

static enum pcl_more may_spin(struct call *c)
{
    pcl_load(c->m, c->line);
    return go(c, pcl_need_resched(c->m) || !owner_runs(c) ? QUEUE_LOCK : SPIN_JOIN);
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
        return go(c, SPIN_TRY);
    if (pcl_need_resched(c->m))
        return go(c, SPIN_LEAVE);
    pcl_watch(c->m, PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

static enum pcl_more spin_end(struct call *c)
{
    if (c->n->flags & NODE_SPINS)
        return go(c, SPIN_LEAVE);
    c->n->flags = 0;
    return go(c, c->n->held ? GOT_LOCK : QUEUE_LOCK);
}

static enum pcl_more spin_try(struct call *c)
{
    if (try_take(c, false) || pcl_need_resched(c->m) || !owner_runs(c))
        return spin_end(c);
    pcl_watch(c->m, c->s->owner, PCL_NS_MAX);
    return PCL_MORE;
}

static enum pcl_more spin_leave(struct call *c)
{
    osq_leave(c->R, &c->s->osq, c->op->node, c->line);
    c->n->flags = 0;
    return go(c, c->n->held ? OVER : QUEUE_LOCK);
}

static bool queued(const struct call *c)
{
    return c->op->count;
}

static enum pcl_more try_locked(struct call *c)
{
    pcl_set_state(c->m, range_wait_state(c->op));
    if (try_take(c, false))
        return go(c, GOT);
    if (range_killed(c->R, c->op)) {
        c->op->result = PCL_RANGE_KILLED;
        return go(c, GOT);
    }
    unlock_now(c);
    return go(c, SLEEP);
}

static enum pcl_more queue(struct call *c)
{
    if (queued(c)) /* has been in the list all the time */
        return try_locked(c);
    if (try_take(c, false))
        return go(c, UNLOCK);
    if (c->s->list.tail != PCL_NONE)
        pcl_store(c->m, range_waiter_line(c->R, c->s->list.tail));
    node_queue_add(c->R, &c->s->list, c->op->node);
    c->op->count = 1;
    if (!(c->s->flags & WAITERS)) {
        pcl_rmw(c->m, c->line);
        set_word(c, c->s->owner, c->s->flags | WAITERS);
    }
    return go(c, TRY);
}

static enum pcl_more go_to_sleep(struct call *c)
{
    go(c, WOKEN);
    range_sleep(c->R, c->op);
    return PCL_MORE;
}

static enum pcl_more woken(struct call *c)
{
    bool slept = range_awake(c->R, c->op), first = c->s->list.head == c->op->node;

    pcl_set_state(c->m, range_wait_state(c->op));
    if (try_take(c, first))
        return go(c, GOT_LOCK);
    c->R->stats.lost_retries += slept && !range_killed(c->R, c->op);
    if (!first || !c->R->param[P_SPIN])
        return go(c, QUEUE_LOCK);
    c->n->flags |= NODE_POLLS;
    return go(c, SPIN_TRY);
}

/* With wait_lock: acquired after having been in the list, or killed. */
static enum pcl_more leave_list(struct call *c)
{
    bool killed = c->op->result == PCL_RANGE_KILLED;

    pcl_set_state(c->m, PCL_TASK_RUNNING);
    wake_list_leave(c->R, c->op->node);
    node_queue_remove(c->R, &c->s->list, c->op->node);
    if (c->s->list.head == PCL_NONE) {
        pcl_rmw(c->m, c->line);
        set_word(c, c->s->owner, c->s->flags & ~(uint32_t)(WAITERS | HANDOFF));
    }
    if (killed)
        pcl_range_end(c->R, c->op->node);
    return go(c, UNLOCK);
}

/* --- unlock ------------------------------------------------------------------------------
 *
 *   CLEAR     no hand-off asked for: owner = none; nobody waits: done
 *   PASS      wait_lock: with HANDOFF the first in the list becomes the owner, to pick it up
 *             (the list is empty: none); it goes on the wake list
 *   UNLOCK, WAKE  drop wait_lock, then wake it */

static enum pcl_more clear(struct call *c)
{
    c->n->held = false;
    pcl_range_end(c->R, c->op->node);
    if (c->s->flags & HANDOFF) {
        pcl_load(c->m, c->line);
        return go(c, PASS_LOCK);
    }
    pcl_rmw(c->m, c->line);
    set_word(c, PCL_NONE, c->s->flags);
    return go(c, c->s->flags & WAITERS ? PASS_LOCK : OVER);
}

static enum pcl_more pass(struct call *c)
{
    uint32_t first = c->s->list.head, me = c->m->cur;

    if (first != PCL_NONE)
        wake_list_add(c->R, c->op, first);
    if (c->s->owner != me || (c->s->flags & PICKUP)) /* cleared, or somebody else's by now */
        return go(c, UNLOCK);
    pcl_rmw(c->m, c->line);
    set_word(c, first == PCL_NONE ? PCL_NONE : c->R->node[first].owner,
             first == PCL_NONE ? 0 : WAITERS | PICKUP);
    return go(c, UNLOCK);
}

static enum pcl_more unlock_and_wake(struct call *c)
{
    if (c->op->pc == UNLOCK)
        unlock_now(c);
    else
        wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? OVER : WAKE);
}

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
        return lock_fast(c);
    case PCL_RANGE_TRY:
        c->n->mode = PCL_EXCLUSIVE;
        if (!try_take(c, false)) {
            c->R->stats.trylock_failures++;
            pcl_range_end(c->R, c->op->node);
            c->op->result = PCL_RANGE_BUSY;
        }
        return go(c, OVER);
    case PCL_RANGE_RELEASE:
        return clear(c);
    case PCL_RANGE_DOWNGRADE: /* there is nothing less than all of it */
        break;
    }
    return go(c, OVER);
}

/* clang-format off */
static const struct {
    enum pcl_more (*step)(struct call *c);
    uint8_t then;
} table[] = {
    [START] = {start, 0},               [SLOW_TRY] = {slow_try, 0},
    [MAY_SPIN] = {may_spin, 0},         [SPIN_JOIN] = {spin_join, 0},
    [SPIN_WAIT] = {spin_wait, 0},       [SPIN_TRY] = {spin_try, 0},
    [SPIN_LEAVE] = {spin_leave, 0},
    [QUEUE_LOCK] = {take_lock, QUEUE},  [QUEUE] = {queue, 0},
    [TRY] = {try_locked, 0},            [SLEEP] = {go_to_sleep, 0},
    [WOKEN] = {woken, 0},
    [GOT_LOCK] = {take_lock, GOT},      [GOT] = {leave_list, 0},
    [PASS_LOCK] = {take_lock, PASS},    [PASS] = {pass, 0},
    [UNLOCK] = {unlock_and_wake, 0},    [WAKE] = {unlock_and_wake, 0},
};
/* clang-format on */

static enum pcl_more mutex_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    PCL_ASSERT(op->pc != OVER);
    struct call c = {R, R->m, op, &R->node[op->node], pcl_range_state(R, op->inst),
                     pcl_range_line(R, op->inst), table[op->pc].then};

    return table[op->pc].step(&c);
}

static void mutex_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct mutex *s = pcl_range_state(R, inst);

    s->owner = PCL_NONE;
    node_queue_init(&s->osq);
    node_queue_init(&s->list);
}

/* --- laws -------------------------------------------------------------------------------- */

static bool mutex_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct mutex *s = pcl_range_state(R, inst);
    uint64_t shared, holders;
    bool quiet = R->m->spin[R->spin[inst]].holder == PCL_NONE;

    range_count_held(R, inst, &shared, &holders);
    if (!range_law(!shared && holders <= 1, "two tasks hold a mutex", why) ||
        !range_law(!holders || (s->owner != PCL_NONE && !(s->flags & PICKUP)),
                   "the holder's name is not on the lock", why) ||
        !range_law(node_queue_valid(R, &s->osq), "the queue of spinners is broken", why) ||
        !range_law(node_queue_valid(R, &s->list), "the list of waiters is broken", why) ||
        !range_law(!quiet || !(s->flags & WAITERS) == !s->list.len, "the waiters bit is wrong",
                   why) ||
        !range_law(!(s->flags & PICKUP) || s->list.len, "handed over to nobody", why))
        return false;
    return range_law(s->owner != PCL_NONE || !s->list.len || range_somebody_acts(R, inst),
                     "requests sleep before a free lock", why);
}

static void mutex_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){
        .per_inode = 32, .per_waiter = 32, .per_inode_dbg = 144, .per_waiter_dbg = 40};
}

const struct pcl_range_lock_ops pcl_lock_mutex = {
    .name = "mutex",
    .summary = "mutex: exclusive, spins beside a running owner, hand-off after one lost race",
    .source = "Linux 6.x, kernel/locking/mutex.c",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS,
    .params = params,
    .state_size = sizeof(struct mutex),
    .init = mutex_init,
    .step = mutex_step,
    .validate = mutex_validate,
    .memory = mutex_memory,
};
