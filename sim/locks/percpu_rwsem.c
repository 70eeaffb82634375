/*
 * Reader counts per CPU (the kernel's percpu_rw_semaphore): a reader touches a line of its own CPU,
 * a writer pays for it.
 *
 *   count[cpu]   readers that came on it less those that left on it; only the sum means something
 *   phase        IDLE: readers only count. Else a writer is there or was until a moment ago, and
 *                readers look at block as well
 *   block        a writer holds the lock or waits for the readers to leave
 *   writer       who waits for them
 *   list         sleepers in order of arrival, under the instance's spinlock
 *
 *   writer: phase IDLE -> wait for an RCU grace period, so that no reader is left that only
 *           counts -> set block, or queue -> read all counts, sleep until their sum is 0
 *
 * Reading the phase and counting is one step, although they are two lines: preemption is off
 * between the two, and a grace period ends when nobody is between them.
 *
 * The phase stays for a grace period after the last writer, so writers that follow each other
 * closely pay for one. That period is looked for on the last writer's own clock: if it has
 * waited for some lock since, the phase seems a little younger than it is.
 *
 * From memory of kernel/locking/percpu-rwsem.c and kernel/rcu/sync.c as of 6.x. The source has
 * neither killable waiters, nor a try for writers (here: it waits for the grace period and for
 * nobody), nor a downgrade. A writer that comes during another's grace period waits one of its
 * own here.
 */
#include "node_queue.h"
#include "wake_list.h"

enum phase { IDLE, PASSED };

struct percpu {
    uint32_t counts;  /* first of the cells */
    uint32_t writers; /* between the beginning of their acquisition and their release */
    uint32_t last;    /* body of the last writer that left, PCL_NONE */
    uint32_t writer;
    uint8_t phase;
    uint8_t block;
    uint8_t pad[2];
    struct node_queue list;
};

enum op_flag {
    OP_COUNTED = 1, /* reader: is in a count and does not hold the lock yet */
    OP_BLOCKS = 2   /* writer: has set block */
};

/* clang-format off */
enum pc_pc {
    START, RD_CHECK, RD_TELL, QUEUE_LOCK, QUEUE, QUEUE_CHECK, QUEUE_TELL, WAIT, SLEEP, KILL_LOCK,
    KILL, WR_BLOCK, WR_ARM, WR_SUM, WR_SLEEP, UNBLOCK, PASS_LOCK, PASS, UNLOCK, WAKE,
    LEAVE, OVER = RANGE_PC_OVER
};
/* clang-format on */

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct percpu *s;
    pcl_line line;
};

static enum pcl_more go(struct call *c, enum pc_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static enum pcl_more lock_then(struct call *c, enum pc_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], c->line, true);
    return PCL_MORE;
}

/* --- counts ------------------------------------------------------------------------------ */

/* A machine without CPUs to speak of (ideal, explored) has two, so that sums are sums. */
static uint32_t n_counts(const struct pcl_machine *m)
{
    return m->n_cpus > 1 ? m->n_cpus : 2;
}

static uint32_t here(const struct call *c)
{
    return c->m->n_cpus > 1 ? c->m->cur_cpu : c->m->cur % 2;
}

static int32_t *count_of(const struct pcl_range_locks *R, const struct percpu *s, uint32_t cpu)
{
    return pcl_range_cell(R, s->counts + cpu);
}

/* Two inodes' counts of one CPU are far apart: the allocator packs each CPU's objects together, but
 * nobody else writes there. */
static pcl_line count_line(const struct call *c, uint32_t cpu)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 47 | (uint64_t)c->R->role << 42 |
                              (uint64_t)c->op->inst << 12 | cpu);
}

static void count(struct call *c, int32_t by)
{
    uint32_t cpu = here(c);

    pcl_store(c->m, count_line(c, cpu));
    *count_of(c->R, c->s, cpu) += by;
}

/* --- readers -----------------------------------------------------------------------------
 *
 *   START       phase IDLE: count, done. Else count, then look at block
 *   RD_CHECK    block clear: done. Else take the count back
 *   RD_TELL     a writer waits for the readers: wake it, it sums again
 *   QUEUE ..    with the spinlock the same once more; blocked: append
 *   release     START: uncount; phase IDLE: done. Else RD_TELL */

static enum pcl_more granted(struct call *c)
{
    c->op->flags &= (uint8_t)~OP_COUNTED;
    c->n->held = true;
    return go(c, OVER);
}

static bool idle(struct call *c)
{
    struct percpu *s = c->s;

    pcl_load(c->m, c->line);
    return s->phase == IDLE;
}

static enum pcl_more read_start(struct call *c)
{
    bool only_count = idle(c);

    count(c, 1);
    if (only_count)
        return granted(c);
    c->op->flags |= OP_COUNTED;
    return go(c, RD_CHECK);
}

static void uncount(struct call *c)
{
    count(c, -1);
    c->op->flags &= (uint8_t)~OP_COUNTED;
}

static enum pcl_more busy(struct call *c)
{
    c->R->stats.trylock_failures++;
    c->op->result = PCL_RANGE_BUSY;
    pcl_range_end(c->R, c->op->node);
    return go(c, RD_TELL);
}

static enum pcl_more read_check(struct call *c)
{
    pcl_load(c->m, c->line);
    if (!c->s->block)
        return granted(c);
    uncount(c);
    if (c->op->what == PCL_RANGE_TRY)
        return busy(c);
    c->op->contended = true;
    return go(c, RD_TELL);
}

static enum pcl_more tell_writer(struct call *c, enum pc_pc then)
{
    uint32_t writer = c->s->writer;

    pcl_load(c->m, c->line);
    if (writer != PCL_NONE && pcl_wake(c->m, writer))
        pcl_transition(&c->m->eng, PCL_TR_WAKE, writer, range_object(c->R, c->op->inst));
    return go(c, then);
}

static enum pcl_more read_told(struct call *c)
{
    bool waits = c->op->what == PCL_RANGE_ACQUIRE;

    return tell_writer(c, waits ? QUEUE_LOCK : OVER);
}

static enum pcl_more read_release(struct call *c)
{
    bool only_count = idle(c);

    count(c, -1);
    c->n->held = false;
    pcl_range_end(c->R, c->op->node);
    return go(c, only_count ? OVER : RD_TELL);
}

/* --- both, blocked ----------------------------------------------------------------------- */

static enum pcl_more queue(struct call *c)
{
    if (c->n->mode == PCL_SHARED) {
        count(c, 1);
        c->op->flags |= OP_COUNTED;
        return go(c, QUEUE_CHECK);
    }
    pcl_rmw(c->m, c->line);
    if (!c->s->block) {
        c->s->block = true;
        c->op->flags |= OP_BLOCKS;
        return go(c, UNLOCK);
    }
    node_queue_add(c->R, &c->s->list, c->op->node);
    return go(c, UNLOCK);
}

static enum pcl_more queue_check(struct call *c)
{
    pcl_load(c->m, c->line);
    if (!c->s->block) {
        granted(c);
        return go(c, UNLOCK);
    }
    uncount(c);
    node_queue_add(c->R, &c->s->list, c->op->node);
    return go(c, QUEUE_TELL);
}

/* Granted by the one who left: a reader has been counted, for a writer block has been set. */
static enum pcl_more wait(struct call *c)
{
    bool served = c->n->held || (c->op->flags & OP_BLOCKS);

    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (!served)
        return go(c, range_killed(c->R, c->op) ? KILL_LOCK : SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, c->n->held ? OVER : WR_ARM);
}

static enum pcl_more kill(struct call *c)
{
    bool writes = c->n->mode == PCL_EXCLUSIVE;

    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (c->n->held || (c->op->flags & OP_BLOCKS))
        return go(c, UNLOCK);
    pcl_touch(c->m, c->line);
    node_queue_remove(c->R, &c->s->list, c->op->node);
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    c->op->count = writes; /* LEAVE has to count it off */
    return go(c, UNLOCK);
}

/* --- writers -----------------------------------------------------------------------------
 *
 *   START     one writer more; phase IDLE: end that, and sleep for a grace period
 *   WR_BLOCK  set block, or queue
 *   WR_ARM    from now on readers that leave wake me
 *   WR_SUM    read the counts, one after the other; 0: done. Else sleep, WR_SUM again
 *   release   UNBLOCK: clear block. PASS: with the spinlock, count waiting readers in up to the
 *             first writer, for which block is set again. UNLOCK, WAKE. LEAVE: one writer less */

static bool phase_is_over(struct call *c)
{
    struct percpu *s = c->s;

    return s->phase == IDLE || (s->writers == 0 && s->last != PCL_NONE &&
                                pcl_expired(c->m, s->last, c->m->p->rcu_gp));
}

static enum pcl_more write_start(struct call *c)
{
    bool fresh = phase_is_over(c);

    pcl_rmw(c->m, c->line);
    c->s->writers++;
    c->s->phase = PASSED;
    go(c, WR_BLOCK);
    if (fresh)
        pcl_sleep_until(c->m, pcl_now(c->m) + c->m->p->rcu_gp);
    return PCL_MORE;
}

static enum pcl_more write_block(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (!c->s->block) {
        c->s->block = true;
        c->op->flags |= OP_BLOCKS;
        return go(c, WR_ARM);
    }
    if (c->op->what == PCL_RANGE_TRY) {
        c->op->count = true;
        c->op->result = PCL_RANGE_BUSY;
        c->R->stats.trylock_failures++;
        pcl_range_end(c->R, c->op->node);
        return go(c, LEAVE);
    }
    c->op->contended = true;
    return go(c, QUEUE_LOCK);
}

static enum pcl_more write_arm(struct call *c)
{
    pcl_store(c->m, c->line);
    c->s->writer = c->m->cur;
    range_awake(c->R, c->op);
    pcl_set_state(c->m, PCL_TASK_UNINTERRUPTIBLE);
    c->op->cursor = PCL_NONE;
    c->op->count = 0;
    c->op->word = 0;
    return go(c, WR_SUM);
}

static enum pcl_more write_sum(struct call *c)
{
    pcl_load(c->m, count_line(c, c->op->count));
    c->op->word += (uint64_t)(int64_t)*count_of(c->R, c->s, c->op->count);
    if (++c->op->count < n_counts(c->m))
        return PCL_MORE;
    bool readers = c->op->word != 0;

    c->op->count = 0;
    c->op->word = 0;
    if (readers && c->op->what == PCL_RANGE_ACQUIRE) {
        c->op->contended = true;
        return go(c, WR_SLEEP);
    }
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    c->s->writer = PCL_NONE;
    c->op->flags &= (uint8_t)~OP_BLOCKS;
    c->n->held = !readers;
    if (!readers)
        return go(c, OVER);
    c->R->stats.trylock_failures++;
    c->op->result = PCL_RANGE_BUSY;
    return go(c, UNBLOCK);
}

static enum pcl_more unblock(struct call *c)
{
    pcl_store(c->m, c->line);
    c->s->block = false;
    pcl_range_end(c->R, c->op->node);
    c->op->count = true;
    return go(c, PASS_LOCK);
}

/* With the spinlock. A reader is counted on the waker's CPU. */
static enum pcl_more pass(struct call *c)
{
    struct pcl_range_node *node = c->R->node;
    struct percpu *s = c->s;
    bool writer = false;

    pcl_rmw(c->m, c->line);
    while (s->list.head != PCL_NONE && !s->block && !writer) {
        uint32_t i = s->list.head;

        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        node_queue_remove(c->R, &s->list, i);
        writer = node[i].mode == PCL_EXCLUSIVE;
        if (writer) {
            s->block = true;
            c->R->op[node[i].owner].flags |= OP_BLOCKS;
        } else {
            count(c, 1);
            node[i].held = true;
        }
        wake_list_add(c->R, c->op, i);
    }
    return go(c, UNLOCK);
}

static enum pcl_more leave(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (--c->s->writers == 0) {
        c->s->last = c->m->cur;
        pcl_stamp(c->m);
    }
    return go(c, OVER);
}

/* The holder becomes one of the counted; then as a release. */
static enum pcl_more downgrade(struct call *c)
{
    count(c, 1);
    c->n->mode = PCL_SHARED;
    pcl_store(c->m, c->line);
    c->s->block = false;
    c->op->count = true;
    return go(c, PASS_LOCK);
}

/* --- the machine ------------------------------------------------------------------------- */

static enum pcl_more start(struct call *c)
{
    bool shared = c->n->mode == PCL_SHARED;

    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return shared ? read_start(c) : write_start(c);
    case PCL_RANGE_RELEASE:
        c->n->held = false;
        return shared ? read_release(c) : unblock(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return downgrade(c);
}

/* What comes after the spinlock and the wake-ups. */
static enum pcl_more after(struct call *c)
{
    if (!wake_list_empty(c->op))
        return go(c, WAKE);
    if (c->op->count)
        return go(c, LEAVE);
    if (c->op->what != PCL_RANGE_ACQUIRE || c->op->result != PCL_RANGE_GOT)
        return go(c, OVER);
    return go(c, c->n->held ? OVER : c->op->flags & OP_BLOCKS ? WR_ARM : WAIT);
}

static enum pcl_more pc_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R,  R->m, op, &R->node[op->node], pcl_range_state(R, op->inst),
                     pcl_range_line(R, op->inst)};

    switch ((enum pc_pc)op->pc) {
    case START:
        return start(&c);
    case RD_CHECK:
        return read_check(&c);
    case RD_TELL:
        return read_told(&c);
    case QUEUE_LOCK:
        return lock_then(&c, QUEUE);
    case QUEUE:
        return queue(&c);
    case QUEUE_CHECK:
        return queue_check(&c);
    case QUEUE_TELL:
        return tell_writer(&c, UNLOCK);
    case WAIT:
        return wait(&c);
    case SLEEP:
        go(&c, WAIT);
        range_sleep(R, op);
        return PCL_MORE;
    case KILL_LOCK:
        return lock_then(&c, KILL);
    case KILL:
        return kill(&c);
    case WR_BLOCK:
        return write_block(&c);
    case WR_ARM:
        return write_arm(&c);
    case WR_SUM:
        return write_sum(&c);
    case WR_SLEEP:
        go(&c, WR_ARM);
        range_sleep(R, op);
        return PCL_MORE;
    case UNBLOCK:
        return unblock(&c);
    case PASS_LOCK:
        return lock_then(&c, PASS);
    case PASS:
        return pass(&c);
    case UNLOCK:
        pcl_spin_unlock(c.m, R->spin[op->inst], c.line, true);
        return after(&c);
    case WAKE:
        wake_list_wake(R, op);
        return after(&c);
    case LEAVE:
        return leave(&c);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void pc_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct percpu *s = pcl_range_state(R, inst);

    s->counts = pcl_range_cells(R, n_counts(R->m));
    s->last = s->writer = PCL_NONE;
    node_queue_init(&s->list);
}

/* --- laws -------------------------------------------------------------------------------- */

static bool pc_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct percpu *s = pcl_range_state(R, inst);
    uint64_t readers, writers, blockers = 0;
    int64_t sum = 0, counted = 0;

    range_count_held(R, inst, &readers, &writers);
    for (uint32_t i = 0; i < n_counts(R->m); i++)
        sum += *count_of(R, s, i);
    for (uint32_t b = 0; b < R->n_bodies; b++)
        if (R->op[b].inst == inst && R->op[b].pc != OVER) {
            counted += R->op[b].flags & OP_COUNTED ? 1 : 0;
            blockers += R->op[b].flags & OP_BLOCKS ? 1u : 0u;
        }
    if (!range_law(writers <= 1 && (!writers || !readers), "a writer shares the lock", why) ||
        !range_law(sum == (int64_t)readers + counted, "readers and counts differ", why) ||
        !range_law(writers + blockers <= 1, "two writers block readers", why) ||
        !range_law(!(writers + blockers) || s->block, "a writer does not block readers", why) ||
        !range_law(!s->writers || s->phase != IDLE, "a writer, and readers only count", why) ||
        !range_law(node_queue_valid(R, &s->list), "the list of waiters is broken", why))
        return false;
    return range_law(s->block || !s->list.len || range_somebody_acts(R, inst),
                     "requests sleep before a free lock", why);
}

static void pc_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t counts = 4 * (int64_t)R->m->n_cpus;

    *out = (struct pcl_lock_memory){.per_inode = 96 + counts,
                                    .per_waiter = 40,
                                    .per_inode_dbg = 304 + counts,
                                    .per_waiter_dbg = 40};
}

const struct pcl_range_lock_ops pcl_lock_percpu_rwsem = {
    .name = "percpu-rwsem",
    .summary = "readers count on their own CPU, a writer pays a grace period and sums",
    .source = "Linux 6.x, kernel/locking/percpu-rwsem.c",
    .props = PCL_PROP_STEALS | PCL_PROP_SHARED,
    .state_size = sizeof(struct percpu),
    .cell_size = sizeof(int32_t),
    .init = pc_init,
    .step = pc_step,
    .validate = pc_validate,
    .memory = pc_memory,
};
