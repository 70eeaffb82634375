/*
 * skip-list: held ranges in a skip list with a lock in every node, after TUM's
 * concurrent-range-locking. It does not wait: a request that meets a held range fails. What a
 * path does then is the path's business.
 *
 *   level 2  head -------------------------> [40,49] --------------> 0
 *   level 1  head ---------> [10,19] ------> [40,49] --------------> 0
 *   level 0  head -> [0,9] -> [10,19] -> [20,29] -> [40,49] -> [60,69] -> 0
 *
 *   find       from the head's top level down; on each level the last node that starts before
 *              mine, without a lock
 *   acquire    find; the node before or behind overlaps mine: fail. Lock the node before mine on
 *              each of my levels, from the lowest; each must be live and still lead where it
 *              led. Link mine, lowest level first; unlock
 *   release    mark the own node, when nobody has it locked; find; lock the nodes before it in the
 *              same way; unlink, highest level first; unlock; the node waits for its grace
 *              (cell_pool.h)
 *
 * A node lock that is taken, or a node that leads elsewhere by now, means: unlock all, find
 * again. A released node that is still linked keeps its range closed until it is unlinked;
 * whoever wants it looks again meanwhile. Node locks are held without preemption.
 *
 * The number of levels comes from a hash of the range's start and its node's number: one in two
 * nodes has a second level, one in four a third, up to LEVELS.
 *
 * All requests are exclusive. Left out: the allocator's cost, as in the lists.
 */
#include "cell_pool.h"

enum { LEVELS = 8 };

struct tower {
    struct pool_node pool;
    int64_t start, last; /* of the head: -1 */
    uint32_t next[LEVELS];
    uint32_t before[LEVELS]; /* its owner's notes: what find has found, see below */
    uint8_t levels, locked, marked, pad[5];
};

union cell {
    struct tower tower;
    struct pool_task task;
};

struct skip_list {
    uint32_t head; /* cell */
};

static const struct pcl_lock_param_info params[] = {
    {"pool", 64, 1, 1000000,
     "unlinked nodes that a task gathers before it looks who is inside"},
    {NULL, 0, 0, 0, NULL},
};

/* clang-format off */
enum skip_pc {
    START, SCAN, DOWN, LOOK, CHECK, LOCK, LINK, UNLOCK, FAIL, GRANTED, MARK, UNLINK, DROP,
    OVER = RANGE_PC_OVER
};
/* clang-format on */

enum { NODE = 5 };               /* n->link */
enum { BEFORE = 0, BEHIND = 1 }; /* n->word: where find stands, and what that leads to */

/* op->count: the level that find, LOCK, LINK or UNLINK is at. op->pad: levels whose node before
 * is locked. op->flags: */
enum { RELEASES = 1, AGAIN = 2 /* UNLOCK: find again, else on */ };

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct tower *me;
};

static struct tower *tower(const struct pcl_range_locks *R, uint32_t i)
{
    PCL_ASSERT(i > R->n_bodies && i < R->n_cells);
    return pcl_range_cell(R, i);
}

static enum pcl_more go(struct call *c, enum skip_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static uint32_t my_cell(const struct call *c)
{
    return c->n->link[NODE];
}

static uint8_t levels_of(uint32_t cell, int64_t start)
{
    uint64_t h = ((uint64_t)start ^ (uint64_t)cell << 40) * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t levels = 1;

    for (h ^= h >> 32; levels < LEVELS && (h & 1); h >>= 1)
        levels++;
    return levels;
}

/* --- find --------------------------------------------------------------------------------
 *
 *   DOWN   read the link of the node where it stands, on this level
 *   LOOK   the node that it leads to: starts before mine: stand there, DOWN. Else note where it
 *          stands; a level down, or over */

static enum pcl_more find(struct call *c)
{
    const struct skip_list *s = pcl_range_state(c->R, c->op->inst);

    c->n->word[BEFORE] = s->head;
    c->op->count = LEVELS - 1;
    c->op->pad = 0;
    return go(c, DOWN);
}

static enum pcl_more down(struct call *c)
{
    pcl_load(c->m, pool_line(c->R, (uint32_t)c->n->word[BEFORE]));
    c->n->word[BEHIND] = tower(c->R, (uint32_t)c->n->word[BEFORE])->next[c->op->count];
    return go(c, LOOK);
}

static enum pcl_more look(struct call *c)
{
    uint32_t level = c->op->count, cur = (uint32_t)c->n->word[BEHIND];

    if (cur) {
        pcl_load(c->m, pool_line(c->R, cur));
        pcl_burn(c->m, c->m->p->node_visit);
        if (tower(c->R, cur)->start < c->me->start) {
            c->n->word[BEFORE] = cur;
            return go(c, DOWN);
        }
    }
    c->me->before[level] = (uint32_t)c->n->word[BEFORE];
    if (!(c->op->flags & RELEASES) && level < c->me->levels)
        c->me->next[level] = cur;
    if (level) {
        c->op->count--;
        return go(c, DOWN);
    }
    return go(c, c->op->flags & RELEASES ? LOCK : CHECK);
}

/* The neighbours' ranges were read when find stood there, and never change. */
static enum pcl_more check(struct call *c)
{
    const struct tower *before = tower(c->R, c->me->before[0]);
    const struct tower *behind = c->me->next[0] ? tower(c->R, c->me->next[0]) : NULL;
    const struct tower *in_the_way = before->last >= c->me->start             ? before
                                     : behind && behind->start <= c->me->last ? behind
                                                                              : NULL;

    if (!in_the_way)
        return go(c, LOCK);
    pcl_load(c->m, pool_line(c->R, in_the_way == before ? c->me->before[0] : c->me->next[0]));
    if (in_the_way->marked) {
        c->R->stats.lost_retries++;
        return find(c);
    }
    c->op->result = PCL_RANGE_BUSY;
    return go(c, FAIL);
}

/* --- node locks -------------------------------------------------------------------------- */

static bool same_as_below(const struct call *c, uint32_t level)
{
    return level && c->me->before[level] == c->me->before[level - 1];
}

static enum pcl_more give_in(struct call *c)
{
    c->R->stats.lost_retries++;
    c->op->flags |= AGAIN;
    return go(c, UNLOCK);
}

/* Locks the node before mine on the next level, and looks at its link: one line. */
static enum pcl_more lock(struct call *c)
{
    uint32_t level = c->op->pad, i = c->me->before[level];
    struct tower *t = tower(c->R, i);
    uint32_t want = c->op->flags & RELEASES ? my_cell(c) : c->me->next[level];

    if (level == 0)
        c->m->model[c->m->cur].spin_depth++; /* preempt_disable() */
    if (same_as_below(c, level)) {
        pcl_load(c->m, pool_line(c->R, i));
    } else {
        pcl_rmw(c->m, pool_line(c->R, i));
        if (t->locked) {
            if (level == 0)
                c->m->model[c->m->cur].spin_depth--;
            return give_in(c);
        }
        t->locked = 1;
    }
    c->op->pad++;
    if (t->marked || t->next[level] != want)
        return give_in(c);
    if (c->op->pad < c->me->levels)
        return PCL_MORE;
    if (!(c->op->flags & RELEASES)) {
        c->op->count = 0;
        return go(c, LINK);
    }
    c->op->count = c->me->levels;
    return go(c, UNLINK);
}

static enum pcl_more unlock(struct call *c)
{
    while (c->op->pad && same_as_below(c, (uint32_t)c->op->pad - 1))
        c->op->pad--;
    if (c->op->pad) {
        uint32_t i = c->me->before[--c->op->pad];

        pcl_store(c->m, pool_line(c->R, i));
        tower(c->R, i)->locked = 0;
        if (c->op->pad)
            return PCL_MORE;
        c->m->model[c->m->cur].spin_depth--; /* preempt_enable() */
    }
    if (c->op->flags & AGAIN) {
        c->op->flags &= (uint8_t)~AGAIN;
        return find(c);
    }
    return go(c, c->op->flags & RELEASES ? DROP : GRANTED);
}

/* --- acquire ----------------------------------------------------------------------------- */

static enum pcl_more begin(struct call *c)
{
    if (!pool_scan(c->R, (uint32_t)c->R->param[0]))
        return go(c, SCAN);
    c->n->link[NODE] = pool_take(c->R);
    c->me = tower(c->R, my_cell(c));
    c->me->start = c->n->start;
    c->me->last = c->n->last;
    c->me->levels = levels_of(my_cell(c), c->n->start);
    pool_enter(c->R);
    return find(c);
}

/* The lowest level first: from here on everybody meets the range. */
static enum pcl_more link_in(struct call *c)
{
    uint32_t level = c->op->count++, before = c->me->before[level];

    pcl_store(c->m, pool_line(c->R, before));
    tower(c->R, before)->next[level] = my_cell(c);
    c->me->pool.use = POOL_IN;
    c->n->held = true;
    return c->op->count < c->me->levels ? PCL_MORE : go(c, UNLOCK);
}

static enum pcl_more fail(struct call *c)
{
    c->R->stats.trylock_failures++;
    pool_leave(c->R);
    pool_give_back(c->R, my_cell(c));
    pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

static enum pcl_more granted(struct call *c)
{
    pool_leave(c->R);
    memset(c->me->before, 0,
           sizeof c->me->before); /* equal states look equal to the explorer */
    c->n->word[BEFORE] = c->n->word[BEHIND] = c->op->count = 0;
    return go(c, OVER);
}

/* --- release ----------------------------------------------------------------------------- */

static enum pcl_more enter(struct call *c)
{
    c->op->flags = RELEASES;
    c->n->held = false;
    pool_enter(c->R);
    return go(c, MARK);
}

/* Not while somebody has the node locked: from here on its links stay as they are. */
static enum pcl_more mark(struct call *c)
{
    pcl_rmw(c->m, pool_line(c->R, my_cell(c)));
    if (c->me->locked) {
        c->R->stats.lost_retries++;
        return PCL_MORE;
    }
    c->me->marked = 1;
    return find(c);
}

static enum pcl_more unlink_from(struct call *c)
{
    uint32_t level = --c->op->count, before = c->me->before[level];

    pcl_store(c->m, pool_line(c->R, before));
    tower(c->R, before)->next[level] = c->me->next[level];
    return level ? PCL_MORE : go(c, UNLOCK);
}

static enum pcl_more drop(struct call *c)
{
    pool_retire(c->R, my_cell(c));
    pool_leave(c->R);
    pcl_range_end(c->R, c->op->node);
    return go(c, OVER);
}

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return begin(c);
    case PCL_RANGE_RELEASE:
        return enter(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    c->n->mode = PCL_SHARED; /* for those who count; the list knows no modes */
    return go(c, OVER);
}

static enum pcl_more skip_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_range_node *n = &R->node[op->node];
    struct call c = {R, R->m, op, n,
                     n->link[NODE] == PCL_NONE ? NULL : tower(R, n->link[NODE])};

    switch ((enum skip_pc)op->pc) {
    case START:
        return start(&c);
    case SCAN:
        return begin(&c);
    case DOWN:
        return down(&c);
    case LOOK:
        return look(&c);
    case CHECK:
        return check(&c);
    case LOCK:
        return lock(&c);
    case LINK:
        return link_in(&c);
    case UNLOCK:
        return unlock(&c);
    case FAIL:
        return fail(&c);
    case GRANTED:
        return granted(&c);
    case MARK:
        return mark(&c);
    case UNLINK:
        return unlink_from(&c);
    case DROP:
        return drop(&c);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void skip_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct skip_list *s = pcl_range_state(R, inst);

    pool_init(R);
    s->head = pcl_range_cells(R, 1);
    *tower(R, s->head) =
        (struct tower){.pool.use = POOL_IN, .start = -1, .last = -1, .levels = LEVELS};
}

/* --- laws -------------------------------------------------------------------------------- */

static bool level_valid(const struct pcl_range_locks *R, uint32_t inst, uint32_t level,
                        const char **why)
{
    const struct skip_list *s = pcl_range_state(R, inst);
    uint32_t n = 0;

    for (uint32_t i = s->head, next; (next = tower(R, i)->next[level]) != 0; i = next) {
        const struct tower *a = tower(R, i), *b = tower(R, next);

        if (!range_law(b->pool.use == POOL_IN && level < b->levels && ++n <= R->n_cells,
                       "a node of the list is used for something else", why) ||
            !range_law(a->last < b->start, "the list is out of order, or ranges overlap", why))
            return false;
    }
    return true;
}

static bool reaches(const struct pcl_range_locks *R, uint32_t inst, uint32_t cell)
{
    const struct skip_list *s = pcl_range_state(R, inst);
    uint32_t i = tower(R, s->head)->next[0];

    while (i && i != cell)
        i = tower(R, i)->next[0];
    return i != 0;
}

static bool skip_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    for (uint32_t level = 0; level < LEVELS; level++)
        if (!level_valid(R, inst, level, why))
            return false;
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *n = &R->node[i];
        const struct pcl_range_op *op = &R->op[n->owner];

        if (!n->used || n->inst != inst || n->link[NODE] == PCL_NONE)
            continue;
        if (n->held &&
            !range_law(reaches(R, inst, n->link[NODE]) && !tower(R, n->link[NODE])->marked,
                       "a request is held and not in the list", why))
            return false;
        if (op->node == i && (op->pc == DOWN || op->pc == LOOK) &&
            !range_law(tower(R, (uint32_t)n->word[BEFORE])->pool.use != POOL_FREE &&
                           (op->pc == DOWN || !n->word[BEHIND] ||
                            tower(R, (uint32_t)n->word[BEHIND])->pool.use != POOL_FREE),
                       "a search stands on a node that has been given back", why))
            return false;
    }
    return true;
}

/* By sizeof: start, last 16, lock and flags 8, rcu_head 16, two links of 8 in the mean; an
 * inode has the head's tower. Nobody waits in it. */
static void skip_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){.per_inode = 8 + 8 * LEVELS,
                                    .per_held = 56,
                                    .per_inode_dbg = 72 + 8 * LEVELS,
                                    .per_held_dbg = 120};
}

const struct pcl_range_lock_ops pcl_lock_skip_list = {
    .name = "skip-list",
    .summary = "skip list with a lock in each node; a request that meets another fails",
    .source =
        "TUM concurrent-range-locking; Herlihy, Lev, Luchangco, Shavit: lazy skip list, 2007",
    .props = PCL_PROP_EXACT | PCL_PROP_TRY_ONLY,
    .params = params,
    .state_size = sizeof(struct skip_list),
    .cell_size = sizeof(union cell),
    .init = skip_init,
    .step = skip_step,
    .validate = skip_validate,
    .memory = skip_memory,
};
