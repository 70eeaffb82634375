/*
 * range-list-rw: the list of list_lock.h for readers and writers. Overlapping readers stand
 * side by side in order of their starts, so two requests that conflict need not go for the same
 * word, and a request that has come in must look whether it is alone:
 *
 *   [0,49] R -> [10,19] R -> [30,69] W     the reader came in while the writer was on its way
 *
 *   reader    walks on from its own node while nodes start within its range; waits for each
 *             writer
 *   writer    walks from the head to its own node; meets a live node that overlaps: marks itself
 *             and tries again with a new node
 *
 * So readers wait and writers give way: under a stream of readers a writer need never come in.
 *
 * The gate (gate > 0) ends that. A request that has waited or given way `gate` times counts
 * itself as impatient and takes the gate, a fair reader-writer lock, exclusively until it has
 * the range. While somebody is impatient newcomers take the gate shared before they come near
 * the list; while nobody is they look at the counter and pass by. Who was in the list before is
 * all that can still overtake the impatient one. The gate's queue stands under the instance's
 * spinlock; counter, holders and queue share a line of their own. A try fails while somebody is
 * impatient.
 */
#include "list_lock.h"

enum { P_GATE = P_LIST_OWN };

static const struct pcl_lock_param_info params[] = {
    LIST_PARAMS,
    {"gate", 0, 0, 60000, "failed attempts after which a request closes the gate; 0: no gate"},
    {NULL, 0, 0, 0, NULL},
};

struct list_rw {
    struct list_lock list; /* first */
    uint32_t impatient, readers, writer;
    struct node_queue queue; /* at the gate */
    uint32_t pad;
};

/* Flags of a request beside those of list_lock.h. */
enum { GATE_IMPATIENT = 16, GATE_QUEUED = 32, GATE_HELD = 64 };

/* clang-format off */
enum rw_pc {
    READ_START = LIST_PC_OWN, READ_LOOK, READ_UNLINK, WRITE_START, WRITE_LOOK, WRITE_UNLINK, RETRY,
    BECOME_READER, GATE_LEAVE, GATE_LOCK, GATE_IN, GATE_UNLOCK, GATE_WAKE, GATE_WAIT, GATE_SLEEP,
    GATE_KILL_LOCK, GATE_KILL, GATE_DROP, GATE_DROP_UNLOCK, GATE_DROP_WAKE
};
/* clang-format on */

static struct list_rw *rw(const struct list_call *c)
{
    return pcl_range_state(c->R, c->op->inst);
}

static enum list_order order(const struct list_node *other, const struct pcl_range_node *mine)
{
    if (other->last < mine->start)
        return LIST_BEHIND;
    if (other->start > mine->last)
        return LIST_BEFORE;
    if (other->mode == PCL_SHARED && mine->mode == PCL_SHARED)
        return other->start <= mine->start ? LIST_BEHIND : LIST_BEFORE;
    return LIST_BLOCKS;
}

static enum pcl_more granted(struct list_call *c)
{
    c->n->held = true;
    return list_go(c, LIST_GRANTED);
}

static enum pcl_more inserted(struct list_call *c)
{
    return list_go(c, c->n->mode == PCL_SHARED ? READ_START : WRITE_START);
}

/* --- validation -------------------------------------------------------------------------- */

static enum pcl_more read_start(struct list_call *c)
{
    uint32_t me = list_me(c);

    pcl_load(c->m, pool_line(c->R, me));
    c->n->word[LIST_PREV] = me;
    c->n->word[LIST_CUR] = list_node(c->R, me)->next;
    return list_go(c, READ_LOOK);
}

static enum pcl_more read_look(struct list_call *c)
{
    if (c->n->word[LIST_CUR] & LIST_MARK)
        return list_go(c, READ_START);
    struct list_node *cur = list_visit(c);

    if (!cur || cur->start > c->n->last)
        return granted(c);
    if (cur->next & LIST_MARK)
        return list_go(c, READ_UNLINK);
    if (cur->mode == PCL_EXCLUSIVE)
        return list_blocked(c);
    list_advance(c);
    return PCL_MORE;
}

static enum pcl_more write_start(struct list_call *c)
{
    pcl_load(c->m, list_lock_line(c));
    c->n->word[LIST_PREV] = 0;
    c->n->word[LIST_CUR] = c->l->head;
    return list_go(c, WRITE_LOOK);
}

static enum pcl_more give_way(struct list_call *c)
{
    c->op->contended = true;
    c->R->stats.lost_retries++;
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        return list_give_up(c, PCL_RANGE_BUSY);
    }
    c->op->count = RETRY;
    return list_go(c, LIST_MARK_NOW);
}

static enum pcl_more write_look(struct list_call *c)
{
    if (c->n->word[LIST_CUR] & LIST_MARK)
        return list_go(c, WRITE_START);
    if (list_at(c->n->word[LIST_CUR]) == list_me(c))
        return granted(c);
    struct list_node *cur = list_visit(c);

    PCL_ASSERT(cur); /* the own node is live, so it is there */
    if (cur->next & LIST_MARK)
        return list_go(c, WRITE_UNLINK);
    if (order(cur, c->n) == LIST_BLOCKS)
        return give_way(c);
    list_advance(c);
    return PCL_MORE;
}

/* --- downgrade --------------------------------------------------------------------------- */

static enum pcl_more downgrade(struct list_call *c)
{
    list_enter(c); /* as a release with sleepers */
    return list_go(c, BECOME_READER);
}

static enum pcl_more become_reader(struct list_call *c)
{
    struct list_node *me = list_node(c->R, list_me(c));

    pcl_rmw(c->m, pool_line(c->R, list_me(c)));
    me->mode = c->n->mode = PCL_SHARED;
    list_tell_watchers(c);
    c->op->count = LIST_OVER;
    return list_go(c, me->next & LIST_SLEEP ? LIST_WAKE_LOCK : LIST_MARKED);
}

/* --- the gate ---------------------------------------------------------------------------- */

static pcl_line gate_line(const struct list_call *c)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 50 | (uint64_t)c->R->role << 40 | c->op->inst);
}

static bool gate_wanted(const struct list_call *c)
{
    return c->n->flags & (GATE_HELD | GATE_QUEUED);
}

static enum pcl_more start(struct list_call *c)
{
    if (!c->R->param[P_GATE])
        return list_begin(c);
    pcl_load(c->m, gate_line(c));
    if (!rw(c)->impatient)
        return list_go(c, LIST_SCAN);
    c->op->contended = true;
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        c->op->result = PCL_RANGE_BUSY;
        return list_go(c, LIST_END);
    }
    return list_go(c, GATE_LOCK);
}

/* The request has failed once more. */
static enum pcl_more again(struct list_call *c, unsigned pc)
{
    if (!c->R->param[P_GATE] || (c->n->flags & GATE_IMPATIENT) ||
        ++c->op->pad < c->R->param[P_GATE])
        return list_go(c, pc);
    c->n->flags |= GATE_IMPATIENT;
    return list_go(c, c->op->flags & LIST_INSIDE ? GATE_LEAVE : GATE_LOCK);
}

static enum pcl_more ended(struct list_call *c, unsigned pc)
{
    if (!gate_wanted(c))
        return list_go(c, pc);
    c->op->count = pc;
    return list_lock_then(c, (enum list_pc)GATE_DROP);
}

/* Lets in from the front of the queue: readers together, a writer alone. */
static void gate_open(struct list_call *c)
{
    struct list_rw *g = rw(c);

    while (g->queue.head != PCL_NONE && !g->writer) {
        uint32_t i = g->queue.head;
        struct pcl_range_node *n = &c->R->node[i];

        if ((n->flags & GATE_IMPATIENT) && g->readers)
            return;
        *(n->flags & GATE_IMPATIENT ? &g->writer : &g->readers) += 1;
        node_queue_remove(c->R, &g->queue, i);
        n->flags = (uint8_t)((n->flags & ~GATE_QUEUED) | GATE_HELD);
        if (i != c->op->node) {
            pcl_store(c->m, range_waiter_line(c->R, i));
            wake_list_add(c->R, c->op, i);
        }
    }
}

/* An impatient one that has the gate shared gives that away first. */
static enum pcl_more gate_in(struct list_call *c)
{
    struct list_rw *g = rw(c);

    pcl_rmw(c->m, gate_line(c));
    if (c->n->flags & GATE_HELD)
        g->readers--;
    if (c->n->flags & GATE_IMPATIENT)
        g->impatient++;
    c->n->flags = (uint8_t)((c->n->flags & ~GATE_HELD) | GATE_QUEUED);
    node_queue_add(c->R, &g->queue, c->op->node);
    gate_open(c);
    return list_go(c, GATE_UNLOCK);
}

static enum pcl_more gate_wait(struct list_call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (c->n->flags & GATE_QUEUED)
        return list_go(c, range_killed(c->R, c->op) ? GATE_KILL_LOCK : GATE_SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return list_go(c, list_me(c) == PCL_NONE ? LIST_SCAN : LIST_ENTER);
}

/* Under the spinlock: out of the gate, or of its queue. */
static enum pcl_more gate_drop(struct list_call *c)
{
    struct list_rw *g = rw(c);

    pcl_rmw(c->m, gate_line(c));
    if (c->n->flags & GATE_QUEUED)
        node_queue_remove(c->R, &g->queue, c->op->node);
    else
        *(c->n->flags & GATE_IMPATIENT ? &g->writer : &g->readers) -= 1;
    if (c->n->flags & GATE_IMPATIENT)
        g->impatient--;
    c->n->flags &= (uint8_t) ~(GATE_QUEUED | GATE_HELD | GATE_IMPATIENT);
    gate_open(c);
    return list_go(c, GATE_DROP_UNLOCK);
}

static enum pcl_more gate_kill(struct list_call *c)
{
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    wake_list_leave(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    c->op->count = LIST_END;
    if (list_me(c) != PCL_NONE)
        pool_give_back(c->R, list_me(c));
    return gate_drop(c);
}

static enum pcl_more gate_woken(struct list_call *c, unsigned then)
{
    if (c->op->pc == GATE_UNLOCK || c->op->pc == GATE_DROP_UNLOCK)
        pcl_spin_unlock(c->m, c->R->spin[c->op->inst], list_lock_line(c), true);
    else
        wake_list_wake(c->R, c->op);
    if (!wake_list_empty(c->op))
        return list_go(c, then == GATE_WAIT ? GATE_WAKE : GATE_DROP_WAKE);
    return list_go(c, then);
}

static enum pcl_more own_step(struct list_call *c)
{
    switch ((enum rw_pc)c->op->pc) {
    case READ_START:
        return read_start(c);
    case READ_LOOK:
        return read_look(c);
    case READ_UNLINK:
        list_unlink(c);
        return list_go(c, READ_LOOK);
    case WRITE_START:
        return write_start(c);
    case WRITE_LOOK:
        return write_look(c);
    case WRITE_UNLINK:
        list_unlink(c);
        return list_go(c, WRITE_LOOK);
    case RETRY:
        c->n->link[LIST_NODE] = PCL_NONE;
        return again(c, LIST_SCAN);
    case BECOME_READER:
        return become_reader(c);
    case GATE_LEAVE:
        list_leave(c);
        return list_go(c, GATE_LOCK);
    case GATE_LOCK:
        return list_lock_then(c, (enum list_pc)GATE_IN);
    case GATE_IN:
        return gate_in(c);
    case GATE_UNLOCK:
    case GATE_WAKE:
        return gate_woken(c, GATE_WAIT);
    case GATE_WAIT:
        return gate_wait(c);
    case GATE_SLEEP:
        list_go(c, GATE_WAIT);
        range_sleep(c->R, c->op);
        return PCL_MORE;
    case GATE_KILL_LOCK:
        return list_lock_then(c, (enum list_pc)GATE_KILL);
    case GATE_KILL:
        return gate_kill(c);
    case GATE_DROP:
        return gate_drop(c);
    case GATE_DROP_UNLOCK:
    case GATE_DROP_WAKE:
        return gate_woken(c, c->op->count);
    }
    PCL_ASSERT(false);
    return PCL_DONE;
}

static const struct list_rules rules = {.order = order,
                                        .inserted = inserted,
                                        .own_step = own_step,
                                        .downgrade = downgrade,
                                        .start = start,
                                        .again = again,
                                        .ended = ended};

static enum pcl_more rw_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct list_rw *state = pcl_range_state(R, op->inst);
    struct list_call c = {R, R->m, op, &R->node[op->node], &state->list, &rules};

    return list_step(&c);
}

static void rw_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct list_rw *state = pcl_range_state(R, inst);

    node_queue_init(&state->queue);
    pool_init(R);
}

static bool rw_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct list_rw *g = pcl_range_state(R, inst);
    uint32_t readers = 0, writers = 0;

    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *n = &R->node[i];

        if (n->used && n->inst == inst && (n->flags & GATE_HELD))
            *(n->flags & GATE_IMPATIENT && !g->readers ? &writers : &readers) += 1;
    }
    return list_validate(R, inst, why) &&
           range_law(node_queue_valid(R, &g->queue), "the queue at the gate is broken", why) &&
           range_law(g->writer + (g->readers > 0) <= 1 && g->writer <= 1,
                     "the gate is held in both modes", why) &&
           range_law(readers + writers == g->readers + g->writer, "the gate's count is wrong",
                     why);
}

/* As range-list, mode included; the counter, the holders and the queue of the gate 24 more. */
static void rw_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    *out = (struct pcl_lock_memory){.per_inode = R->param[P_GATE] ? 40 : 16,
                                    .per_held = 72,
                                    .per_waiter = 112,
                                    .per_inode_dbg = R->param[P_GATE] ? 96 : 72,
                                    .per_held_dbg = 72,
                                    .per_waiter_dbg = 112};
}

const struct pcl_range_lock_ops pcl_lock_range_list_rw = {
    .name = "range-list-rw",
    .summary = "sorted list without a lock: readers wait, writers mark themselves and retry",
    .source = "Kogan, Dice, Issa: Scalable Range Locks, EuroSys 2020 (arXiv 2006.12144)",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED | PCL_PROP_EXACT,
    .params = params,
    .state_size = sizeof(struct list_rw),
    .cell_size = sizeof(union list_cell),
    .init = rw_init,
    .step = rw_step,
    .validate = rw_validate,
    .memory = rw_memory,
};
