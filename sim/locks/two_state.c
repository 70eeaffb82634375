/*
 * A lock shared in one of two ways: whoever wants it in the state it is in shares it, whoever
 * wants it in the other waits. As a file's lock: buffered I/O shares with buffered I/O and relies
 * on page locks for what is left to order, direct I/O shares with direct I/O, and the two never
 * meet. Under discussion for XFS in January 2025; bcachefs has one between page cache and direct
 * I/O (two_state_shared_lock).
 *
 *   word     how many hold it | in which state | whether somebody waits
 *
 *            free --buffered--> buffered x n --last one leaves--> free
 *                 --direct----> direct x n
 *                 --exclusive-> exclusive       truncate, punch, writes that extend the file
 *
 * The state of a request is its class; PCL_EXCLUSIVE requests hold it alone. Beside holders of
 * the same state it costs one compare-and-swap to lock and one atomic to unlock, on one line.
 *
 * The last holder to leave grants the first waiter, and with it all waiters of its state, under
 * the instance's spinlock. turns = 1: while somebody waits, newcomers wait as well, so that a
 * state's turn ends when its holders leave. turns = 0 is what bcachefs does: newcomers of the
 * present state join it whoever waits, and a state that never runs dry starves the others. (It
 * then wakes everybody and lets them race; here the first waiter is granted.)
 */
#include "node_queue.h"
#include "wake_list.h"

enum { P_TURNS };

static const struct pcl_lock_param_info params[] = {
    {"turns", 1, 0, 1, "1: newcomers wait behind waiters of the other state; 0: they join theirs"},
    {NULL, 0, 0, 0, NULL},
};

enum lock_state { FREE, SHARED, EXCLUSIVE };

struct two_state {
    uint32_t holders;
    uint8_t state;
    uint8_t class; /* of the holders */
    uint8_t waiters; /* somebody is in the list */
    uint8_t pad;
    struct node_queue list;
};

/* clang-format off */
enum ts_pc {
    START, QUEUE_LOCK, QUEUE, WAIT, SLEEP, KILL_LOCK, KILL, PASS_LOCK, PASS, UNLOCK, WAKE,
    OVER = RANGE_PC_OVER
};
/* clang-format on */

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct two_state *s;
    pcl_line line;
};

static enum pcl_more go(struct call *c, enum ts_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static enum pcl_more lock_then(struct call *c, enum ts_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], c->line, true);
    return PCL_MORE;
}

/* --- the word ---------------------------------------------------------------------------- */

/* May a request join those that hold the lock? */
static bool joins(const struct two_state *s, const struct pcl_range_node *n)
{
    return s->holders == 0 ||
           (s->state == SHARED && n->mode == PCL_SHARED && s->class == n->class);
}

static bool may_take(const struct call *c)
{
    return joins(c->s, c->n) && !(c->s->waiters && c->R->param[P_TURNS]);
}

static void take(struct two_state *s, struct pcl_range_node *n)
{
    s->holders++;
    s->state = n->mode == PCL_SHARED ? SHARED : EXCLUSIVE;
    s->class = n->class;
    n->held = true;
}

static void let_go(struct two_state *s)
{
    if (--s->holders == 0) {
        s->state = FREE;
        s->class = 0;
    }
}

/* With the spinlock: grants the first waiter if it can join, and all waiters of its state. */
static void pass_on(struct call *c)
{
    struct pcl_range_node *node = c->R->node;
    struct two_state *s = c->s;

    for (uint32_t i = s->list.head, next; i != PCL_NONE; i = next) {
        next = node[i].link[QUEUE_NEXT];
        pcl_load(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        if (!joins(s, &node[i])) {
            if (i == s->list.head)
                break;
            continue;
        }
        c->R->stats.handoffs++;
        take(s, &node[i]);
        node_queue_remove(c->R, &s->list, i);
        wake_list_add(c->R, c->op, i);
    }
    s->waiters = s->list.head != PCL_NONE;
}

/* --- operations --------------------------------------------------------------------------
 *
 *   START        the word says yes: done
 *   QUEUE        spinlock: the same again, else say that somebody waits, and append
 *   WAIT, SLEEP  until granted, or killed
 *   release      START: one holder less; the last one, and somebody waits: PASS with the
 *                spinlock, then wake those who were granted */

static enum pcl_more lock_fast(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (!may_take(c)) {
        c->op->contended = true;
        return go(c, QUEUE_LOCK);
    }
    c->R->stats.steals += c->s->waiters;
    take(c->s, c->n);
    return go(c, OVER);
}

static enum pcl_more try_lock(struct call *c)
{
    if (may_take(c))
        return lock_fast(c);
    pcl_load(c->m, c->line);
    c->R->stats.trylock_failures++;
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_BUSY;
    return go(c, OVER);
}

static enum pcl_more queue(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (may_take(c)) {
        take(c->s, c->n);
        return go(c, UNLOCK);
    }
    c->s->waiters = true;
    node_queue_add(c->R, &c->s->list, c->op->node);
    return go(c, UNLOCK);
}

static enum pcl_more release(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->n->held = false;
    pcl_range_end(c->R, c->op->node);
    let_go(c->s);
    return go(c, c->s->holders == 0 && c->s->waiters ? PASS_LOCK : OVER);
}

/* The holder's class says which state follows. */
static enum pcl_more downgrade(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->n->mode = PCL_SHARED;
    c->s->state = SHARED;
    return go(c, c->s->waiters ? PASS_LOCK : OVER);
}

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
        return lock_fast(c);
    case PCL_RANGE_TRY:
        return try_lock(c);
    case PCL_RANGE_RELEASE:
        return release(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return downgrade(c);
}

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (!c->n->held)
        return go(c, range_killed(c->R, c->op) ? KILL_LOCK : SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, OVER);
}

/* Granted meanwhile: WAIT finds that. Else whoever waited behind this one may be able to join. */
static enum pcl_more kill(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (c->n->held)
        return go(c, UNLOCK);
    pcl_rmw(c->m, c->line);
    node_queue_remove(c->R, &c->s->list, c->op->node);
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    pass_on(c);
    return go(c, UNLOCK);
}

static enum pcl_more pass(struct call *c)
{
    pcl_rmw(c->m, c->line);
    pass_on(c);
    return go(c, UNLOCK);
}

/* What comes after the spinlock and the wake-ups. */
static enum pcl_more after(struct call *c)
{
    bool waits = c->op->what == PCL_RANGE_ACQUIRE && c->op->result == PCL_RANGE_GOT &&
                 !c->n->held;

    return go(c, !wake_list_empty(c->op) ? WAKE : waits ? WAIT : OVER);
}

static enum pcl_more ts_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R,  R->m, op, &R->node[op->node], pcl_range_state(R, op->inst),
                     pcl_range_line(R, op->inst)};

    switch ((enum ts_pc)op->pc) {
    case START:
        return start(&c);
    case QUEUE_LOCK:
        return lock_then(&c, QUEUE);
    case QUEUE:
        return queue(&c);
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
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void ts_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct two_state *s = pcl_range_state(R, inst);

    node_queue_init(&s->list);
}

/* --- laws -------------------------------------------------------------------------------- */

static bool ts_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct two_state *s = pcl_range_state(R, inst);
    uint64_t shared, exclusive;
    bool quiet = R->m->spin[R->spin[inst]].holder == PCL_NONE;

    range_count_held(R, inst, &shared, &exclusive);
    if (!range_law(shared + exclusive == s->holders, "holders and count differ", why) ||
        !range_law(exclusive <= 1 && (!exclusive || !shared), "who wants it alone shares it",
                   why) ||
        !range_law((s->holders == 0) == (s->state == FREE), "the state is wrong", why) ||
        !range_law(node_queue_valid(R, &s->list), "the list of waiters is broken", why) ||
        !range_law(!quiet || !s->waiters == !s->list.len, "the waiters bit is wrong", why))
        return false;
    for (uint32_t i = 0; i < R->n_nodes; i++)
        if (R->node[i].used && R->node[i].held && R->node[i].inst == inst &&
            !range_law(R->node[i].class == s->class, "two states hold it", why))
            return false;
    return range_law(s->holders || !s->list.len || range_somebody_acts(R, inst),
                     "requests sleep before a free lock", why);
}

/* A word and a wait-queue head, as bcachefs has it. */
static void ts_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){
        .per_inode = 32, .per_waiter = 40, .per_inode_dbg = 88, .per_waiter_dbg = 40};
}

const struct pcl_range_lock_ops pcl_lock_two_state = {
    .name = "two-state",
    .summary = "shared by buffered or by direct I/O, never by both; or held alone",
    .source = "bcachefs two_state_shared_lock; linux-xfs, January 2025",
    .props = PCL_PROP_STEALS | PCL_PROP_SHARED | PCL_PROP_CLASSES,
    .params = params,
    .state_size = sizeof(struct two_state),
    .init = ts_init,
    .step = ts_step,
    .validate = ts_validate,
    .memory = ts_memory,
};
