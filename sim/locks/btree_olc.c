/*
 * Range lock on a B-tree without a lock of its own: optimistic lock coupling. Each node
 * (range_btree.h) has a version, odd while somebody has it locked. Who only looks writes
 * nothing: it reads a node's version, then the node, and finds by the version whether what it
 * read was true; who changes a node locks it with one atomic that also says that nothing has
 * changed since.
 *
 *   look      ENTER    the node's version; locked: spin until it is not
 *             PARENT   the parent's version as before? else from the root again
 *             READ     which child; a leaf: is there a conflict, where does the key stand
 *   change    CLAIM    leaf: version + 1 by compare-and-swap; lost: from the root again
 *             APPLY    insert, take out, join a holder's waiters, make shared
 *             FREE_NODES  version + 1: unlocked
 *
 * That serves when the whole question is answered on one way down, and the change stays in the
 * leaf. A request that overlaps several subtrees, a full leaf, one that becomes empty, a
 * highest last byte that changes above: then the operation locks all nodes that it will look at
 * from the root on, top down and from left to right (GRAB), keeps them, and changes them
 * together. Who has only a leaf waits for nobody, so this order cannot deadlock.
 *
 * While few ranges are held the root is the only node: everybody reads the same version and
 * swaps it twice for each lock and each release, and who was overtaken begins again.
 *
 * A READ of a node is one micro-step: what it would see of a change half done it must throw
 * away anyway. Nodes taken out of the tree keep their version for their next life. Waiting is
 * as in btree-mutex: in the list of the first holder that conflicts, guarded by the lock of
 * that holder's leaf.
 */
#include "range_btree.h"

static const struct pcl_lock_param_info params[] = {
    {"fan_out", BT_FAN_MAX, BT_FAN_MIN, BT_FAN_MAX, "entries of a node"},
    {NULL, 0, 0, 0, NULL},
};

enum { HOLDER_START = 1 }; /* word of a waiter: where its holder's range starts */

enum op_flag {
    OP_ABORT = 1, /* killed: takes itself out of its holder's list */
    OP_ALL = 2    /* locks whatever it looks at */
};

enum bo_pc {
    START,
    ENTER,
    PARENT,
    READ,
    CHECK,
    CLAIM,
    GRAB,
    APPLY,
    FREE_NODES,
    WAIT,
    SLEEP,
    WAKE,
    OVER = RANGE_PC_OVER
};

/* op->count: the node at hand. op->word: the version of its parent, then its own. op->cursor:
 * the parent; of a GRAB the nodes locked so far; from APPLY on the wake list, and op->count has
 * the locked nodes. */
struct call {
    struct pcl_range_locks *R;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct bt_tree *t;
};

static enum pcl_more go(struct call *c, enum bo_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static bool acquires(const struct call *c)
{
    return c->op->what <= PCL_RANGE_TRY && !(c->op->flags & OP_ABORT);
}

static struct bt_node *at_hand(const struct call *c)
{
    return bt_at(c->R, c->op->count);
}

static pcl_line head_line(const struct call *c)
{
    return bt_line(c->R, c->op->count, 0);
}

/* What the operation looks for: its own place, or that of the holder it waits for. */
static int64_t key_start(const struct call *c)
{
    return c->op->flags & OP_ABORT ? (int64_t)c->n->word[HOLDER_START] : c->n->start;
}

static uint32_t key_tie(const struct call *c)
{
    return c->op->flags & OP_ABORT ? (uint32_t)c->n->word[WAITS_FOR] - 1 : c->op->node;
}

/* --- versions -------------------------------------------------------------------------------
 */

static uint32_t seen(const struct call *c)
{
    return (uint32_t)c->op->word;
}

static enum pcl_more from_the_root(struct call *c)
{
    c->op->count = c->t->root;
    c->op->cursor = PCL_NONE;
    c->op->word = 0;
    return go(c, c->op->flags & OP_ALL ? GRAB : ENTER);
}

static enum pcl_more again(struct call *c)
{
    c->R->stats.lost_retries++;
    return from_the_root(c);
}

static enum pcl_more all_locked(struct call *c)
{
    c->op->flags |= OP_ALL;
    return from_the_root(c);
}

/* Spins until the node is free; then the micro-step is tried again. */
static enum pcl_more spin(struct call *c)
{
    at_hand(c)->spinners++;
    pcl_watch(c->R->m, PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

static void lock_node(struct call *c, uint32_t next)
{
    struct bt_node *b = at_hand(c);

    if (next == PCL_NONE)
        c->R->m->model[c->R->m->cur].spin_depth++; /* preempt_disable() */
    b->version++;
    b->owner = c->R->m->cur + 1;
    b->next = next;
}

static void wake_spinners(struct call *c, uint32_t node)
{
    for (uint32_t b = 0; b < c->R->n_bodies && bt_at(c->R, node)->spinners; b++)
        if (c->R->op[b].count == node && (c->R->op[b].pc == ENTER || c->R->op[b].pc == GRAB))
            pcl_notice(c->R->m, b);
    bt_at(c->R, node)->spinners = 0;
}

/* --- down the tree --------------------------------------------------------------------------
 */

static enum pcl_more killed(struct call *c, enum bo_pc pc)
{
    holder_wait_end(c->R, c->op->node);
    wake_list_leave(c->R, c->op->node); /* told on the way here */
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    return go(c, pc);
}

static enum pcl_more enter(struct call *c)
{
    pcl_load(c->R->m, head_line(c));
    if ((c->op->flags & OP_ABORT) && !waits_for_holder(c->n))
        return killed(c, OVER); /* like everybody in that list */
    if (at_hand(c)->version & 1)
        return spin(c);
    c->op->word = c->op->word << 32 | at_hand(c)->version;
    return go(c, c->op->cursor == PCL_NONE ? READ : PARENT);
}

static enum pcl_more check_parent(struct call *c)
{
    pcl_load(c->R->m, bt_line(c->R, c->op->cursor, 0));
    if (bt_at(c->R, c->op->cursor)->version != c->op->word >> 32)
        return again(c);
    return go(c, READ);
}

/* More than one child may have overlaps. */
static bool branches(const struct call *c, const struct bt_node *b, uint32_t child)
{
    for (uint32_t k = 0; k < b->n && acquires(c); k++)
        if (k != child && bt_may_overlap(b, k, c->n->start, c->n->last))
            return true;
    return false;
}

static enum pcl_more read_inner(struct call *c)
{
    const struct bt_node *b = at_hand(c);
    uint32_t k = bt_child(b, key_start(c), key_tie(c));

    bt_read(c->R, c->op->count, acquires(c) ? b->n : k);
    if (branches(c, b, k))
        return all_locked(c);
    c->op->cursor = c->op->count;
    c->op->count = b->e[k].to;
    c->op->word &= UINT32_MAX;
    return go(c, ENTER);
}

/* Would the change stay in this leaf? */
static bool local(const struct call *c, uint32_t entry)
{
    const struct bt_node *b = at_hand(c);
    bool root = c->op->count == c->t->root;

    if (acquires(c))
        return !bt_full(c->R, b) && (root || c->n->last <= bt_max_last(b, b->n));
    if (c->op->what != PCL_RANGE_RELEASE)
        return true;
    return root || (b->n > 1 && bt_max_last(b, entry) == bt_max_last(b, b->n));
}

static enum pcl_more read_leaf(struct call *c)
{
    const struct bt_node *b = at_hand(c);
    uint32_t entry = bt_find(b, key_start(c), key_tie(c));

    if (acquires(c) && bt_conflict(c->R, c->op->count, c->op->node) != PCL_NONE)
        return go(c, c->op->what == PCL_RANGE_TRY ? CHECK : CLAIM);
    if (!acquires(c)) {
        bt_read(c->R, c->op->count, entry == PCL_NONE ? b->n : entry);
        if (entry == PCL_NONE)
            return again(c);
    }
    return local(c, entry) ? go(c, CLAIM) : all_locked(c);
}

static enum pcl_more read_node(struct call *c)
{
    if (!at_hand(c)->inner)
        return read_leaf(c);
    return at_hand(c)->n ? read_inner(c) : again(c); /* empty: it has fallen out of the tree */
}

static enum pcl_more busy(struct call *c, enum bo_pc pc)
{
    c->R->stats.trylock_failures++;
    c->op->result = PCL_RANGE_BUSY;
    pcl_range_end(c->R, c->op->node);
    return go(c, pc);
}

static enum pcl_more check(struct call *c)
{
    pcl_load(c->R->m, head_line(c));
    return at_hand(c)->version == seen(c) ? busy(c, OVER) : again(c);
}

static enum pcl_more claim(struct call *c)
{
    pcl_rmw(c->R->m, head_line(c));
    if (at_hand(c)->version != seen(c))
        return again(c);
    lock_node(c, PCL_NONE);
    return go(c, APPLY);
}

/* --- all nodes of a question at once --------------------------------------------------------
 */

/* Is the child at entry k of a node part of it? A release that may leave the root with one
 * child takes that child too: the root will take its place. */
static bool concerns(const struct call *c, const struct bt_node *b, uint32_t node, uint32_t k)
{
    if (k == bt_child(b, key_start(c), key_tie(c)))
        return true;
    if (acquires(c))
        return bt_may_overlap(b, k, c->n->start, c->n->last);
    return node == c->t->root && b->n == 2;
}

/* The first node in order from the root that is not yet locked, or PCL_NONE. */
static uint32_t next_to_grab(const struct call *c, uint32_t node)
{
    const struct bt_node *b = bt_at(c->R, node);
    uint32_t found = PCL_NONE;

    if (b->owner != c->R->m->cur + 1)
        return node;
    for (uint32_t k = 0; b->inner && k < b->n && found == PCL_NONE; k++)
        if (concerns(c, b, node, k))
            found = next_to_grab(c, b->e[k].to);
    return found;
}

static enum pcl_more grab(struct call *c)
{
    uint32_t node = next_to_grab(c, c->t->root);

    if (node == PCL_NONE)
        return go(c, APPLY);
    c->op->count = node;
    pcl_rmw(c->R->m, head_line(c));
    if (at_hand(c)->version & 1)
        return spin(c);
    lock_node(c, c->op->cursor);
    c->op->cursor = node;
    bt_read(c->R, node, at_hand(c)->n);
    return PCL_MORE;
}

/* --- change ---------------------------------------------------------------------------------
 */

static enum pcl_more enter_range(struct call *c, bool all, uint32_t leaf)
{
    uint32_t holder = bt_conflict(c->R, leaf, c->op->node);

    if (holder == PCL_NONE) {
        c->n->held = true;
        if (all)
            bt_insert(c->R, c->t, c->op->node);
        else
            bt_leaf_insert(c->R, c->t, leaf, c->op->node);
        return go(c, FREE_NODES);
    }
    if (c->op->what == PCL_RANGE_TRY)
        return busy(c, FREE_NODES);
    c->op->contended = true;
    c->n->word[HOLDER_START] = (uint64_t)c->R->node[holder].start;
    holder_wait(c->R, c->op->node, holder);
    return go(c, FREE_NODES);
}

static void take_out(struct call *c, bool all, uint32_t leaf)
{
    int64_t start = c->n->start;

    holder_tell_all(c->R, c->op, c->op->node);
    pcl_range_end(c->R, c->op->node);
    if (all)
        bt_remove(c->R, c->t, start, c->op->node, true);
    else
        bt_leaf_remove(c->R, c->t, leaf, bt_find(bt_at(c->R, leaf), start, c->op->node));
}

static void share(struct call *c, uint32_t leaf)
{
    bt_downgrade(c->R, leaf, bt_find(bt_at(c->R, leaf), c->n->start, c->op->node));
    c->n->mode = PCL_SHARED;
    holder_tell_all(c->R, c->op, c->op->node);
}

static enum pcl_more apply(struct call *c)
{
    bool all = c->op->flags & OP_ALL;
    uint32_t at = all ? c->t->root : c->op->count;

    if (all)
        c->op->count = c->op->cursor;
    c->op->cursor = PCL_NONE; /* the wake list, empty */
    if (acquires(c))
        return enter_range(c, all, at);
    if (c->op->flags & OP_ABORT)
        return killed(c, FREE_NODES);
    if (c->op->what == PCL_RANGE_RELEASE)
        take_out(c, all, at);
    else
        share(c, at);
    return go(c, FREE_NODES);
}

/* Where an operation goes on that has changed what it came for. */
static enum pcl_more done(struct call *c)
{
    c->op->flags &= (uint8_t)~OP_ALL;
    if (c->op->what <= PCL_RANGE_TRY && c->op->result == PCL_RANGE_GOT && !c->n->held)
        return go(c, WAIT);
    return go(c, wake_list_empty(c->op) ? OVER : WAKE);
}

/* One node a micro-step. */
static enum pcl_more free_nodes(struct call *c)
{
    uint32_t node = c->op->count;
    struct bt_node *b = bt_at(c->R, node);

    pcl_store(c->R->m, head_line(c));
    c->op->count = b->next;
    b->version++;
    b->owner = 0;
    b->next = PCL_NONE;
    wake_spinners(c, node);
    if (b->dead)
        bt_free(c->R, c->t, node);
    if (c->op->count != PCL_NONE)
        return PCL_MORE;
    c->R->m->model[c->R->m->cur].spin_depth--; /* preempt_enable() */
    return done(c);
}

/* --- waiting --------------------------------------------------------------------------------
 */

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->R->m, range_wait_state(c->op));
    pcl_load(c->R->m, range_waiter_line(c->R, c->op->node));
    if (waits_for_holder(c->n) && !range_killed(c->R, c->op))
        return go(c, SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->R->m, PCL_TASK_RUNNING);
    if (waits_for_holder(c->n))
        c->op->flags |= OP_ABORT;
    return from_the_root(c);
}

static enum pcl_more wake(struct call *c)
{
    wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? OVER : WAKE);
}

static enum pcl_more start(struct call *c)
{
    (void)from_the_root(c);
    return enter(c);
}

static enum pcl_more go_to_sleep(struct call *c)
{
    go(c, WAIT);
    range_sleep(c->R, c->op);
    return PCL_MORE;
}

static enum pcl_more (*const step[])(struct call *c) = {
    [START] = start,    [ENTER] = enter,           [PARENT] = check_parent,
    [READ] = read_node, [CHECK] = check,           [CLAIM] = claim,
    [GRAB] = grab,      [APPLY] = apply,           [WAIT] = wait,
    [WAKE] = wake,      [FREE_NODES] = free_nodes, [SLEEP] = go_to_sleep,
};

static enum pcl_more bo_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, op, &R->node[op->node], pcl_range_state(R, op->inst)};

    PCL_ASSERT(op->pc != OVER);
    return step[op->pc](&c);
}

static void bo_init(struct pcl_range_locks *R, uint32_t inst)
{
    bt_init(R, pcl_range_state(R, inst));
}

static bool bo_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    for (uint32_t i = 0; i < R->n_cells; i++)
        if (!range_law((bt_at(R, i)->version & 1) == (bt_at(R, i)->owner != 0),
                       "a node is locked by nobody", why))
            return false;
    return bt_valid(R, inst, pcl_range_state(R, inst), why) &&
           holder_waiters_valid(R, inst, why);
}

/* As btree-mutex, without the lock; the version is in the node's head. */
static void bo_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t node = (int64_t)bt_offset((uint32_t)R->param[0]);

    *out = (struct pcl_lock_memory){.per_inode = 8 + node,
                                    .per_held = 100,
                                    .per_waiter = 64,
                                    .per_inode_dbg = 8 + node,
                                    .per_held_dbg = 100,
                                    .per_waiter_dbg = 64};
}

const struct pcl_range_lock_ops pcl_lock_btree_olc = {
    .name = "btree-olc",
    .summary = "B-tree of held ranges whose nodes have versions: optimistic lock coupling",
    .source = "Dave Chinner, linux-xfs, September 2022; internals unverified",
    .props = PCL_PROP_STEALS | PCL_PROP_SHARED | PCL_PROP_EXACT,
    .params = params,
    .state_size = sizeof(struct bt_tree),
    .cell_size = sizeof(struct bt_node),
    .init = bo_init,
    .step = bo_step,
    .validate = bo_validate,
    .memory = bo_memory,
};
