/*
 * Range lock on an interval tree (Jan Kara 2013, Davidlohr Bueso 2017-18): one spinlock guards
 * a tree of all requests, waiting ones included. A request counts the earlier ones that
 * conflict with it and is granted when the count has fallen to zero: FIFO wherever requests
 * overlap, never a steal, never a spin. A waiting request blocks later ones, so that a newcomer
 * may wait although its range is free (chained blocking).
 *
 * The tree is balanced by height (AVL; the kernel's is red-black, at most a third deeper) and
 * ordered by (start, node); each node knows the highest last byte of its subtree, so that a
 * search for overlaps passes over subtrees that end too early:
 *
 *             [40,90] max 95            link[LEFT], link[RIGHT]   children
 *            /              \           word[MAX_LAST]            highest last byte below
 *     [10,20] max 95      [60,61]       word[SEQ]                 order of arrival
 *            \                          link[BLOCKED]             earlier conflicting requests
 *           [15,95]                     flags                     height
 *
 * Every visited node costs a load of its line (it lies on its owner's stack) and a node visit,
 * all of it under the spinlock, also for ranges that have nothing to do with each other.
 *
 * In the posted code an aborted reader forgets that it is one before it un-counts itself, and
 * so lowers counts that it never raised. Here it keeps its mode.
 */
#include "wake_list.h"

enum { LEFT = 0, RIGHT = 1, BLOCKED = 5 }; /* wake_list.h has 2 to 4 */
enum { MAX_LAST = 0, SEQ = 1 };

struct itree {
    uint64_t seq;  /* of the next request */
    uint32_t root; /* node */
    uint32_t len;
};

enum it_pc {
    START,
    INSERT,
    INSERTED,
    WAIT,
    SLEEP,
    ABORT_LOCK,
    ABORT,
    REMOVE,
    DOWNGRADE,
    UNLOCK,
    WAKE,
    OVER = RANGE_PC_OVER
};

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct itree *t;
};

static enum pcl_more go(struct call *c, enum it_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

/* --- the tree --------------------------------------------------------------------------------
 */

static pcl_line node_line(const struct pcl_range_locks *R, uint32_t node)
{
    return PCL_LINE(NODE, (uint64_t)R->role << 40 | node);
}

static void visit(struct call *c, uint32_t node)
{
    pcl_load(c->m, node_line(c->R, node));
    pcl_burn(c->m, c->m->p->node_visit);
}

static uint8_t height(const struct pcl_range_node *node, uint32_t i)
{
    return i == PCL_NONE ? 0 : node[i].flags;
}

static int64_t max_last(const struct pcl_range_node *node, uint32_t i)
{
    return i == PCL_NONE ? -1 : (int64_t)node[i].word[MAX_LAST];
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void update(struct call *c, uint32_t i)
{
    struct pcl_range_node *node = c->R->node, *n = &node[i];
    uint8_t l = height(node, n->link[LEFT]), r = height(node, n->link[RIGHT]);

    pcl_store(c->m, node_line(c->R, i));
    n->flags = (uint8_t)((l > r ? l : r) + 1);
    n->word[MAX_LAST] = (uint64_t)larger(
        n->last, larger(max_last(node, n->link[LEFT]), max_last(node, n->link[RIGHT])));
}

/* Turns the tree below i so that its child on the given side comes up; returns that child. */
static uint32_t rotate_up(struct call *c, uint32_t i, int side)
{
    struct pcl_range_node *node = c->R->node;
    uint32_t up = node[i].link[side];

    node[i].link[side] = node[up].link[1 - side];
    node[up].link[1 - side] = i;
    update(c, i);
    update(c, up);
    return up;
}

static uint32_t balance(struct call *c, uint32_t i)
{
    struct pcl_range_node *node = c->R->node;
    int lean = height(node, node[i].link[RIGHT]) - height(node, node[i].link[LEFT]);

    if (lean >= -1 && lean <= 1) {
        update(c, i);
        return i;
    }
    int side = lean > 0 ? RIGHT : LEFT;
    uint32_t kid = node[i].link[side];

    if (height(node, node[kid].link[1 - side]) > height(node, node[kid].link[side]))
        node[i].link[side] = rotate_up(c, kid, 1 - side);
    return rotate_up(c, i, side);
}

static bool comes_before(const struct pcl_range_node *node, uint32_t a, uint32_t b)
{
    return node[a].start != node[b].start ? node[a].start < node[b].start : a < b;
}

static uint32_t insert_below(struct call *c, uint32_t root, uint32_t i)
{
    struct pcl_range_node *node = c->R->node;

    if (root == PCL_NONE) {
        node[i].link[LEFT] = node[i].link[RIGHT] = PCL_NONE;
        update(c, i);
        return i;
    }
    visit(c, root);
    int side = comes_before(node, i, root) ? LEFT : RIGHT;

    node[root].link[side] = insert_below(c, node[root].link[side], i);
    return balance(c, root);
}

/* Takes the first node out of a subtree; *first says which it was. */
static uint32_t take_first(struct call *c, uint32_t root, uint32_t *first)
{
    struct pcl_range_node *node = c->R->node;

    visit(c, root);
    if (node[root].link[LEFT] == PCL_NONE) {
        *first = root;
        return node[root].link[RIGHT];
    }
    node[root].link[LEFT] = take_first(c, node[root].link[LEFT], first);
    return balance(c, root);
}

static uint32_t remove_below(struct call *c, uint32_t root, uint32_t i)
{
    struct pcl_range_node *node = c->R->node;
    uint32_t next;

    visit(c, root);
    if (root != i) {
        int side = comes_before(node, i, root) ? LEFT : RIGHT;

        node[root].link[side] = remove_below(c, node[root].link[side], i);
        return balance(c, root);
    }
    if (node[i].link[LEFT] == PCL_NONE)
        return node[i].link[RIGHT];
    if (node[i].link[RIGHT] == PCL_NONE)
        return node[i].link[LEFT];
    uint32_t right = take_first(c, node[i].link[RIGHT], &next);

    node[next].link[LEFT] = node[i].link[LEFT];
    node[next].link[RIGHT] = right;
    return balance(c, next);
}

/* Calls fn for each request below root that overlaps the operation's own, in order. */
static void each_overlap(struct call *c, uint32_t root,
                         void (*fn)(struct call *c, uint32_t other))
{
    struct pcl_range_node *node = c->R->node;

    if (root == PCL_NONE)
        return;
    visit(c, root);
    if ((int64_t)node[root].word[MAX_LAST] < c->n->start)
        return;
    each_overlap(c, node[root].link[LEFT], fn);
    if (root != c->op->node && pcl_range_overlap(&node[root], c->n))
        fn(c, root);
    if (node[root].start <= c->n->last)
        each_overlap(c, node[root].link[RIGHT], fn);
}

/* --- counts ----------------------------------------------------------------------------------
 */

static void count_conflict(struct call *c, uint32_t other)
{
    if (pcl_range_conflict(c->n, &c->R->node[other]))
        c->n->link[BLOCKED]++;
}

static void unblock(struct call *c, uint32_t other)
{
    struct pcl_range_node *o = &c->R->node[other];

    PCL_ASSERT(o->link[BLOCKED] > 0);
    pcl_store(c->m, node_line(c->R, other));
    if (--o->link[BLOCKED] == 0) {
        o->held = true;
        wake_list_add(c->R, c->op, other);
    }
}

/* Later requests counted this one when they conflicted with it; earlier ones did not. */
static void unblock_later(struct call *c, uint32_t other)
{
    if (c->R->node[other].word[SEQ] > c->n->word[SEQ] &&
        pcl_range_conflict(c->n, &c->R->node[other]))
        unblock(c, other);
}

static void unblock_reader(struct call *c, uint32_t other)
{
    if (c->R->node[other].mode == PCL_SHARED)
        unblock(c, other);
}

/* --- operations
 * -------------------------------------------------------------------------------
 *
 *   lock       INSERT: with the spinlock, count the conflicting requests in the tree, number
 * this one, put it in; granted when it counted none. Else WAIT, SLEEP until the count is 0 try
 * INSERT: gives up when it counted any unlock     REMOVE: take it out; each overlapping later
 * request that conflicts counts one less; those at 0 go on the wake list; UNLOCK, WAKE abort
 * granted meanwhile: keep it; else as unlock downgrade  overlapping readers count one less;
 * this request is a reader from now on */

static enum pcl_more lock_then(struct call *c, enum it_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), true);
    return PCL_MORE;
}

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return lock_then(c, INSERT);
    case PCL_RANGE_RELEASE:
        return lock_then(c, REMOVE);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return lock_then(c, DOWNGRADE);
}

static enum pcl_more insert(struct call *c)
{
    c->n->link[BLOCKED] = 0;
    each_overlap(c, c->t->root, count_conflict);
    if (c->n->link[BLOCKED] && c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        pcl_range_end(c->R, c->op->node);
        c->op->result = PCL_RANGE_BUSY;
        return go(c, UNLOCK);
    }
    c->n->word[SEQ] = c->t->seq++;
    c->t->root = insert_below(c, c->t->root, c->op->node);
    c->t->len++;
    c->n->held = c->n->link[BLOCKED] == 0;
    c->op->contended = !c->n->held;
    return go(c, c->n->held ? UNLOCK : INSERTED);
}

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, node_line(c->R, c->op->node));
    if (!c->n->held)
        return go(c, range_killed(c->R, c->op) ? ABORT_LOCK : SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, OVER);
}

static enum pcl_more take_out(struct call *c)
{
    c->n->held = false;
    c->t->root = remove_below(c, c->t->root, c->op->node);
    c->t->len--;
    each_overlap(c, c->t->root, unblock_later);
    pcl_range_end(c->R, c->op->node);
    return go(c, UNLOCK);
}

static enum pcl_more abort_wait(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (c->n->held)
        return go(c, UNLOCK);
    c->op->result = PCL_RANGE_KILLED;
    return take_out(c);
}

static enum pcl_more downgrade(struct call *c)
{
    each_overlap(c, c->t->root, unblock_reader);
    c->n->mode = PCL_SHARED;
    return go(c, UNLOCK);
}

static void unlock_now(struct call *c)
{
    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), true);
}

static enum pcl_more unlock_and_wake(struct call *c)
{
    if (c->op->pc == UNLOCK)
        unlock_now(c);
    else
        wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? OVER : WAKE);
}

static enum pcl_more itree_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, R->m, op, &R->node[op->node], pcl_range_state(R, op->inst)};

    switch ((enum it_pc)op->pc) {
    case START:
        return start(&c);
    case INSERT:
        return insert(&c);
    case INSERTED:
        unlock_now(&c);
        return go(&c, WAIT);
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
    case REMOVE:
        return take_out(&c);
    case DOWNGRADE:
        return downgrade(&c);
    case UNLOCK:
    case WAKE:
        return unlock_and_wake(&c);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void itree_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct itree *t = pcl_range_state(R, inst);

    t->root = PCL_NONE;
}

/* --- laws
 * -------------------------------------------------------------------------------------- */

struct check {
    const struct pcl_range_locks *R;
    uint32_t inst, count, prev;
    const char **why;
};

static bool valid_below(struct check *k, uint32_t i, int64_t *max, int *tall)
{
    const struct pcl_range_node *n;
    int64_t ml, mr;
    int hl, hr;

    *max = -1;
    *tall = 0;
    if (i == PCL_NONE)
        return true;
    n = &k->R->node[i];
    if (!range_law(n->used && n->inst == k->inst && k->count < k->R->n_nodes,
                   "a node of the tree is not a request", k->why))
        return false;
    if (!valid_below(k, n->link[LEFT], &ml, &hl))
        return false;
    if (!range_law(k->prev == PCL_NONE || comes_before(k->R->node, k->prev, i),
                   "the tree is out of order", k->why))
        return false;
    k->prev = i;
    k->count++;
    if (!valid_below(k, n->link[RIGHT], &mr, &hr))
        return false;
    *max = larger(n->last, larger(ml, mr));
    *tall = (hl > hr ? hl : hr) + 1;
    return range_law(*max == (int64_t)n->word[MAX_LAST], "a highest last byte is wrong",
                     k->why) &&
           range_law(*tall == n->flags && hl - hr <= 1 && hr - hl <= 1,
                     "the tree is out of balance", k->why);
}

/* Each request counts the earlier ones that conflict with it, and holds when there are none. */
static bool counts_valid(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *n = &R->node[i];
        uint32_t blocked = 0;

        if (!n->used || n->inst != inst || !n->flags)
            continue;
        for (uint32_t k = 0; k < R->n_nodes; k++) {
            const struct pcl_range_node *o = &R->node[k];

            blocked += o->used && o->inst == inst && o->flags && o->word[SEQ] < n->word[SEQ] &&
                       pcl_range_conflict(o, n);
        }
        if (!range_law(n->link[BLOCKED] == blocked, "a blocking count is wrong", why) ||
            !range_law(n->held == (blocked == 0), "an unblocked request is not granted", why))
            return false;
        bool asleep = R->op[n->owner].node == i && R->op[n->owner].pc == WAIT &&
                      R->m->model[n->owner].run == PCL_RUN_ASLEEP;

        if (!range_law(!asleep || !n->held || wake_list_has(n),
                       "a granted request sleeps and nobody will wake it", why))
            return false;
    }
    return true;
}

static bool itree_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct itree *t = pcl_range_state(R, inst);
    struct check k = {.R = R, .inst = inst, .prev = PCL_NONE, .why = why};
    int64_t max;
    int tall;

    return valid_below(&k, t->root, &max, &tall) &&
           range_law(k.count == t->len, "the tree has lost a request", why) &&
           counts_valid(R, inst, why);
}

static void itree_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){.per_inode = 32,
                                    .per_held = 72,
                                    .per_waiter = 72,
                                    .per_inode_dbg = 128,
                                    .per_held_dbg = 72,
                                    .per_waiter_dbg = 72};
}

const struct pcl_range_lock_ops pcl_lock_interval_tree = {
    .name = "interval-tree",
    .summary = "requests in an interval tree under one spinlock, counting what blocks them",
    .source = "Kara 2013, Bueso 2017-18: locking: Introduce range reader/writer lock",
    .props = PCL_PROP_FIFO | PCL_PROP_SHARED | PCL_PROP_EXACT | PCL_PROP_BOUNDED,
    .state_size = sizeof(struct itree),
    .init = itree_init,
    .step = itree_step,
    .validate = itree_validate,
    .memory = itree_memory,
};
