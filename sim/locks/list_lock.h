/*
 * A range lock that is a sorted list (Kogan, Dice, Issa, EuroSys 2020): a request is inserted
 * by one compare-and-swap and released by marking its own link; nobody ever locks the list.
 *
 *   head -> [0,9] -> [10,19]* -> [40,49] -> 0        * marked: released, not yet unlinked
 *
 *   acquire    from the head; prev is the word that led to cur
 *                cur's link is marked    CAS(prev: cur -> what follows cur), go on behind it
 *                the word itself is      prev was released: start again from the head
 *                cur ends before mine    go on
 *                cur overlaps mine       wait until it is marked
 *                cur starts behind, end  CAS(prev: cur -> mine): this is the lock
 *   release    set the mark in the own link
 *
 * Requests that overlap go for the same word, so one of two CASes fails and meets the other. An
 * empty list is a case of its own: CAS(head: 0 -> mine, marked); the release is the CAS back,
 * and the node can be used again at once. A newcomer makes such a head a normal one first.
 *
 * Waiting. The paper's threads spin. Here a waiter spins while the other's task runs, for
 * spin_ns at most, then sleeps in a queue of the very node it waits for: a file's ranges are
 * held across I/O. It sets a bit in that node's link, which the mark's CAS meets; then the
 * releaser takes the instance's spinlock and wakes the node's sleepers, all of them, as they
 * need not overlap each other. A woken waiter owns nothing and starts from the head. Nobody
 * sleeps inside (cell_pool.h), and a releaser goes inside before it marks a node with sleepers,
 * so that the queue stays what it is while it empties it.
 *
 * The locks that share this say which requests stand before, behind and in the way of which,
 * and what is left to do once the own node is in the list.
 */
#ifndef PCLSIM_LOCKS_LIST_LOCK_H
#define PCLSIM_LOCKS_LIST_LOCK_H

#include "list_node.h"
#include "wake_list.h"

enum { P_LIST_SLEEP, P_LIST_SPIN, P_LIST_POOL, P_LIST_OWN };

#define LIST_PARAMS                                                                            \
    {"sleep", 1, 0, 1, "1: waiters spin, then sleep; 0: they spin until their CPU is wanted"}, \
        {"spin_ns", 10000, 0, 1000000000,                                                      \
         "sleep=1: how long to spin beside a running holder"},                                 \
    {                                                                                          \
        "pool", 64, 1, 1000000,                                                                \
            "unlinked nodes that a task gathers before it looks who is inside"                 \
    }

struct list_lock {
    uint64_t head; /* link */
};

enum list_order {
    LIST_BEHIND, /* the other stands before mine: go on */
    LIST_BEFORE,
    LIST_BLOCKS
};

struct list_call;

struct list_rules {
    enum list_order (*order)(const struct list_node *other, const struct pcl_range_node *mine);
    /* The own node has come into the list: grants, or leads to the lock's own micro-steps. */
    enum pcl_more (*inserted)(struct list_call *c);
    enum pcl_more (*own_step)(struct list_call *c); /* from LIST_PC_OWN on; may be NULL */
    enum pcl_more (*downgrade)(struct list_call *c);
    /* For locks with something around the list, or NULL: an acquisition begins; it has waited,
     * is not in the list and would try again at pc; it has ended and would go to pc. */
    enum pcl_more (*start)(struct list_call *c);
    enum pcl_more (*again)(struct list_call *c, unsigned pc);
    enum pcl_more (*ended)(struct list_call *c, unsigned pc);
};

struct list_call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct list_lock *l;
    const struct list_rules *rules;
};

/* A request's links beside those of node_queue.h and wake_list.h, its words and flags. */
enum { LIST_NODE = 5 };
enum { LIST_PREV = 0, LIST_CUR = 1 }; /* node whose link led to cur, 0: the head; that link */
enum {
    LIST_FAST = 1, /* granted as the only node of the list */
    LIST_LINKED = 2,
    LIST_QUEUED = 4, /* sleeps in cur's queue */
    LIST_WATCHES = 8
};
enum { LIST_INSIDE = 1 }; /* op->flags */

/* op->count: where marking leads. clang-format off */
enum list_pc {
    LIST_START,
    LIST_SCAN,
    LIST_ENTER,
    LIST_HEAD,
    LIST_GRAB,
    LIST_CONVERT,
    LIST_LOOK,
    LIST_UNLINK,
    LIST_INSERT,
    LIST_SPIN,
    LIST_QUEUE,
    LIST_ADD,
    LIST_ADDED,
    LIST_LEFT,
    LIST_WAIT,
    LIST_SLEEPS,
    LIST_ABORT_LOCK,
    LIST_ABORT,
    LIST_ABORTED,
    LIST_GIVE_UP,
    LIST_GRANTED,
    LIST_RELEASE_FAST,
    LIST_PEEK,
    LIST_TRY_MARK,
    LIST_MARK_IN,
    LIST_MARK_NOW,
    LIST_WAKE_LOCK,
    LIST_EMPTY,
    LIST_EMPTIED,
    LIST_MARKED,
    LIST_WAKE,
    LIST_END,
    LIST_PC_OWN = 64, /* first: a waiter that is in the list goes on here after its wait */
    LIST_OVER = RANGE_PC_OVER
};
/* clang-format on */

static inline enum pcl_more list_go(struct list_call *c, unsigned pc)
{
    if (pc == LIST_END) { /* nothing is left of the request */
        pcl_range_end(c->R, c->op->node);
        pc = LIST_OVER;
    }
    if (pc == LIST_OVER)
        c->op->word = c->op->count = 0; /* equal states look equal to the explorer */
    c->op->pc = (uint8_t)pc;
    return pc == LIST_OVER ? PCL_DONE : PCL_MORE;
}

static inline uint32_t list_me(const struct list_call *c)
{
    return c->n->link[LIST_NODE];
}

static inline pcl_line list_lock_line(const struct list_call *c)
{
    return pcl_range_line(c->R, c->op->inst);
}

/* --- words ------------------------------------------------------------------------------- */

static inline pcl_line list_word_line(const struct list_call *c, uint32_t prev)
{
    return prev ? pool_line(c->R, prev) : list_lock_line(c);
}

static inline uint64_t *list_word(const struct list_call *c, uint32_t prev)
{
    return prev ? &list_node(c->R, prev)->next : &c->l->head;
}

/* CAS on the word that led to cur: cur -> the node; what the word says of prev stays. When it
 * fails cur becomes what was found there. */
static inline bool list_cas(struct list_call *c, uint32_t to)
{
    uint64_t *word = list_word(c, (uint32_t)c->n->word[LIST_PREV]),
             *cur = &c->n->word[LIST_CUR];

    pcl_rmw(c->m, list_word_line(c, (uint32_t)c->n->word[LIST_PREV]));
    if (*word != *cur) {
        *cur = *word;
        c->R->stats.lost_retries++;
        return false;
    }
    *cur = *word = (uint64_t)to << 2 | (*word & LIST_SLEEP);
    return true;
}

/* Takes cur, which is marked, out; on with what comes after it in any case. */
static inline void list_unlink(struct list_call *c)
{
    uint32_t cur = list_at(c->n->word[LIST_CUR]);

    if (list_cas(c, list_at(list_node(c->R, cur)->next)))
        pool_retire(c->R, cur);
}

static inline void list_advance(struct list_call *c)
{
    uint32_t cur = list_at(c->n->word[LIST_CUR]);

    c->n->word[LIST_PREV] = cur;
    c->n->word[LIST_CUR] = list_node(c->R, cur)->next;
}

/* cur's node, or NULL at the end; the one load that shows its link and its range. */
static inline struct list_node *list_visit(struct list_call *c)
{
    uint32_t cur = list_at(c->n->word[LIST_CUR]);

    if (!cur)
        return NULL;
    pcl_load(c->m, pool_line(c->R, cur));
    pcl_burn(c->m, c->m->p->node_visit);
    return list_node(c->R, cur);
}

/* --- inside and outside ------------------------------------------------------------------ */

static inline void list_enter(struct list_call *c)
{
    pool_enter(c->R);
    c->op->flags |= LIST_INSIDE;
}

static inline void list_leave(struct list_call *c)
{
    pool_leave(c->R);
    c->op->flags &= (uint8_t)~LIST_INSIDE;
    c->n->word[LIST_PREV] = 0;
}

/* --- waiting ----------------------------------------------------------------------------- */

static inline enum pcl_more list_give_up(struct list_call *c, enum pcl_range_result result)
{
    c->op->result = (uint8_t)result;
    return list_go(c, LIST_GIVE_UP);
}

static inline void list_watch_no_more(struct list_call *c)
{
    if (!(c->n->flags & LIST_WATCHES))
        return;
    node_queue_remove(c->R, &list_node(c->R, list_at(c->n->word[LIST_CUR]))->watch,
                      c->op->node);
    c->n->flags &= (uint8_t)~LIST_WATCHES;
}

/* cur, just visited, is in the way. */
static inline enum pcl_more list_blocked(struct list_call *c)
{
    struct list_node *cur = list_node(c->R, list_at(c->n->word[LIST_CUR]));

    c->op->contended = true;
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        return list_give_up(c, PCL_RANGE_BUSY);
    }
    if (range_killed(c->R, c->op))
        return list_give_up(c, PCL_RANGE_KILLED);
    if (c->R->param[P_LIST_SLEEP] && c->R->param[P_LIST_SPIN] == 0)
        return list_go(c, LIST_QUEUE);
    node_queue_add(c->R, &cur->watch, c->op->node);
    c->n->flags |= LIST_WATCHES;
    list_go(c, LIST_SPIN);
    if (c->R->param[P_LIST_SLEEP])
        pcl_watch(c->m, cur->owner, c->R->param[P_LIST_SPIN]);
    else
        pcl_watch(c->m, PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

static inline enum pcl_more list_again(struct list_call *c, unsigned pc)
{
    if (c->rules->again && !(c->n->flags & LIST_LINKED))
        return c->rules->again(c, pc);
    return list_go(c, pc);
}

static inline enum pcl_more list_look_again(struct list_call *c)
{
    return list_again(c, c->n->flags & LIST_LINKED ? LIST_PC_OWN : LIST_LOOK);
}

static inline enum pcl_more list_ended(struct list_call *c, unsigned pc)
{
    return c->rules->ended ? c->rules->ended(c, pc) : list_go(c, pc);
}

/* Released, or no longer in the way: a writer has become a reader. */
static inline bool list_gone(const struct list_call *c, const struct list_node *other)
{
    return (other->next & LIST_MARK) || c->rules->order(other, c->n) != LIST_BLOCKS;
}

/* The spin is over: cur is marked, its task has left its CPU, the time is up, the CPU is
 * wanted. */
static inline enum pcl_more list_spun(struct list_call *c)
{
    list_watch_no_more(c);
    if (list_gone(c, list_visit(c)))
        return list_look_again(c);
    if (c->R->param[P_LIST_SLEEP] || pcl_need_resched(c->m))
        return list_go(c, LIST_QUEUE);
    return list_look_again(c);
}

static inline enum pcl_more list_lock_then(struct list_call *c, enum list_pc pc)
{
    list_go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], list_lock_line(c), true);
    return PCL_MORE;
}

static inline enum pcl_more list_unlock_then(struct list_call *c, enum list_pc pc)
{
    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], list_lock_line(c), true);
    return list_go(c, pc);
}

/* Under the spinlock: unless cur has been released meanwhile, says in its link that somebody
 * sleeps, and joins its queue, which lies beside the link. */
static inline enum pcl_more list_add(struct list_call *c)
{
    uint32_t cur = list_at(c->n->word[LIST_CUR]);
    struct list_node *l = list_node(c->R, cur);

    pcl_rmw(c->m, pool_line(c->R, cur));
    if (!list_gone(c, l)) {
        l->next |= LIST_SLEEP;
        node_queue_add(c->R, &l->sleep, c->op->node);
        c->n->flags |= LIST_QUEUED;
    }
    return list_go(c, LIST_ADDED);
}

static inline enum pcl_more list_added(struct list_call *c)
{
    if (c->n->flags & LIST_QUEUED)
        return list_unlock_then(c, LIST_LEFT);
    list_unlock_then(c, LIST_LOOK);
    return list_look_again(c);
}

static inline enum pcl_more list_wait(struct list_call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (c->n->flags & LIST_QUEUED)
        return list_go(c, range_killed(c->R, c->op) ? LIST_ABORT_LOCK : LIST_SLEEPS);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    c->n->word[LIST_CUR] = 0;
    return list_again(c, LIST_ENTER);
}

/* Killed: out of the queue, if nobody was faster; a wake-up that comes is for everybody in the
 * queue, so there is none to pass on. */
static inline enum pcl_more list_abort(struct list_call *c)
{
    uint32_t cur = list_at(c->n->word[LIST_CUR]);

    if (c->n->flags & LIST_QUEUED) {
        pcl_store(c->m, pool_line(c->R, cur));
        node_queue_remove(c->R, &list_node(c->R, cur)->sleep, c->op->node);
        c->n->flags &= (uint8_t)~LIST_QUEUED;
    }
    wake_list_leave(c->R, c->op->node);
    c->n->word[LIST_CUR] = 0;
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    c->op->result = PCL_RANGE_KILLED;
    return list_go(c, LIST_ABORTED);
}

/* --- acquire ----------------------------------------------------------------------------- */

/* A node of its own, which nobody else knows, and inside: the epoch is the one shared access.
 */
static inline enum pcl_more list_begin(struct list_call *c)
{
    if (!pool_scan(c->R, (uint32_t)c->R->param[P_LIST_POOL]))
        return list_go(c, LIST_SCAN);
    uint32_t i = pool_take(c->R);
    struct list_node *l = list_node(c->R, i);

    l->start = c->n->start;
    l->last = c->n->last;
    l->owner = c->m->cur;
    l->mode = c->n->mode;
    node_queue_init(&l->sleep);
    node_queue_init(&l->watch);
    c->n->link[LIST_NODE] = i;
    list_enter(c);
    return list_go(c, LIST_HEAD);
}

static inline enum pcl_more list_head(struct list_call *c)
{
    uint64_t head = c->l->head;

    pcl_load(c->m, list_lock_line(c));
    c->n->word[LIST_PREV] = 0;
    c->n->word[LIST_CUR] = head;
    return list_go(c, head == 0 ? LIST_GRAB : head & LIST_MARK ? LIST_CONVERT : LIST_LOOK);
}

static inline enum pcl_more list_grab(struct list_call *c)
{
    if (!list_cas(c, list_me(c)))
        return list_go(c, LIST_HEAD);
    c->l->head |= LIST_MARK;
    list_node(c->R, list_me(c))->pool.use = POOL_IN;
    c->n->flags |= LIST_FAST;
    c->n->held = true;
    return list_go(c, LIST_GRANTED);
}

static inline enum pcl_more list_convert(struct list_call *c)
{
    pcl_rmw(c->m, list_lock_line(c));
    if (c->l->head == c->n->word[LIST_CUR])
        c->l->head &= ~LIST_MARK;
    return list_go(c, LIST_HEAD);
}

static inline enum pcl_more list_look(struct list_call *c)
{
    if (c->n->word[LIST_CUR] & LIST_MARK) {
        c->R->stats.lost_retries++;
        return list_go(c, LIST_HEAD);
    }
    struct list_node *cur = list_visit(c);

    if (!cur)
        return list_go(c, LIST_INSERT);
    if (cur->next & LIST_MARK)
        return list_go(c, LIST_UNLINK);
    switch (c->rules->order(cur, c->n)) {
    case LIST_BEHIND:
        list_advance(c);
        return PCL_MORE;
    case LIST_BEFORE:
        return list_go(c, LIST_INSERT);
    case LIST_BLOCKS:
        break;
    }
    return list_blocked(c);
}

/* The own link is written before the CAS; nobody else knows the node yet. */
static inline enum pcl_more list_insert(struct list_call *c)
{
    uint32_t me = list_me(c);

    list_node(c->R, me)->next = c->n->word[LIST_CUR] & ~LIST_BITS;
    if (!list_cas(c, me))
        return list_go(c, LIST_LOOK);
    list_node(c->R, me)->pool.use = POOL_IN;
    c->n->flags |= LIST_LINKED;
    return c->rules->inserted(c);
}

static inline enum pcl_more list_granted(struct list_call *c)
{
    list_leave(c);
    c->n->word[LIST_CUR] = 0;
    return list_ended(c, LIST_OVER);
}

/* A request that ends without the lock; in the list it must be marked as if it had been held.
 */
static inline enum pcl_more list_give_up_now(struct list_call *c)
{
    if (c->n->flags & LIST_LINKED) {
        c->op->count = LIST_END;
        return list_go(c, c->op->flags & LIST_INSIDE ? LIST_MARK_NOW : LIST_PEEK);
    }
    if (c->op->flags & LIST_INSIDE)
        list_leave(c);
    pool_give_back(c->R, list_me(c));
    return list_ended(c, LIST_END);
}

/* --- release -----------------------------------------------------------------------------
 *
 *   PEEK, TRY_MARK   nobody sleeps: CAS(own link: -> marked); that is all
 *   MARK_IN          somebody does: go inside
 *   MARK_NOW         set the mark whatever else the link says
 *   WAKE_LOCK, EMPTY, EMPTIED, MARKED, WAKE   wake the sleepers, if there are any */

/* Whoever spins on the own node sees its line change. */
static inline void list_tell_watchers(struct list_call *c)
{
    const struct list_node *me = list_node(c->R, list_me(c));

    for (uint32_t i = me->watch.head; i != PCL_NONE; i = c->R->node[i].link[QUEUE_NEXT])
        pcl_notice(c->m, c->R->node[i].owner);
}

static inline void list_mark(struct list_call *c)
{
    list_node(c->R, list_me(c))->next |= LIST_MARK;
    list_tell_watchers(c);
    c->n->flags &= (uint8_t)~LIST_LINKED;
}

static inline enum pcl_more list_after_mark(struct list_call *c)
{
    bool gave_up = c->op->what <= PCL_RANGE_TRY && c->op->count == LIST_END;

    return gave_up ? list_ended(c, LIST_END) : list_go(c, c->op->count);
}

static inline enum pcl_more list_release_fast(struct list_call *c)
{
    uint32_t me = list_me(c);

    pcl_rmw(c->m, list_lock_line(c));
    if (c->l->head != ((uint64_t)me << 2 | LIST_MARK))
        return list_go(c, LIST_PEEK);
    c->l->head = 0;
    pool_give_back(c->R, me);
    return list_go(c, LIST_END);
}

static inline enum pcl_more list_peek(struct list_call *c)
{
    c->op->word = list_node(c->R, list_me(c))->next;
    pcl_load(c->m, pool_line(c->R, list_me(c)));
    return list_go(c, c->op->word & LIST_SLEEP ? LIST_MARK_IN : LIST_TRY_MARK);
}

static inline enum pcl_more list_try_mark(struct list_call *c)
{
    pcl_rmw(c->m, pool_line(c->R, list_me(c)));
    if (list_node(c->R, list_me(c))->next != c->op->word)
        return list_go(c, LIST_PEEK);
    list_mark(c);
    return list_after_mark(c);
}

static inline enum pcl_more list_mark_in(struct list_call *c)
{
    list_enter(c);
    return list_go(c, LIST_MARK_NOW);
}

static inline enum pcl_more list_mark_now(struct list_call *c)
{
    pcl_rmw(c->m, pool_line(c->R, list_me(c)));
    list_mark(c);
    return list_go(c, list_node(c->R, list_me(c))->next & LIST_SLEEP ? LIST_WAKE_LOCK
                                                                     : LIST_MARKED);
}

static inline enum pcl_more list_empty(struct list_call *c)
{
    struct node_queue *q = &list_node(c->R, list_me(c))->sleep;

    pcl_store(c->m, pool_line(c->R, list_me(c)));
    while (q->head != PCL_NONE) {
        uint32_t i = q->head;

        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        node_queue_remove(c->R, q, i);
        c->R->node[i].flags &= (uint8_t)~LIST_QUEUED;
        wake_list_add(c->R, c->op, i);
    }
    return list_go(c, LIST_EMPTIED);
}

static inline enum pcl_more list_marked(struct list_call *c)
{
    list_leave(c);
    return wake_list_empty(c->op) ? list_after_mark(c) : list_go(c, LIST_WAKE);
}

static inline enum pcl_more list_wake(struct list_call *c)
{
    wake_list_wake(c->R, c->op);
    return wake_list_empty(c->op) ? list_after_mark(c) : list_go(c, LIST_WAKE);
}

/* --- the table --------------------------------------------------------------------------- */

static inline enum pcl_more list_start(struct list_call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return c->rules->start ? c->rules->start(c) : list_begin(c);
    case PCL_RANGE_RELEASE:
        c->n->held = false;
        c->op->count = LIST_END;
        return list_go(c, c->n->flags & LIST_FAST ? LIST_RELEASE_FAST : LIST_PEEK);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return c->rules->downgrade(c);
}

static inline enum pcl_more list_step(struct list_call *c)
{
    switch ((enum list_pc)c->op->pc) {
    case LIST_START:
        return list_start(c);
    case LIST_SCAN:
        return list_begin(c);
    case LIST_ENTER:
        list_enter(c);
        return list_go(c, c->n->flags & LIST_LINKED ? LIST_PC_OWN : LIST_HEAD);
    case LIST_HEAD:
        return list_head(c);
    case LIST_GRAB:
        return list_grab(c);
    case LIST_CONVERT:
        return list_convert(c);
    case LIST_LOOK:
        return list_look(c);
    case LIST_UNLINK:
        list_unlink(c);
        return list_go(c, LIST_LOOK);
    case LIST_INSERT:
        return list_insert(c);
    case LIST_SPIN:
        return list_spun(c);
    case LIST_QUEUE:
        return list_lock_then(c, LIST_ADD);
    case LIST_ADD:
        return list_add(c);
    case LIST_ADDED:
        return list_added(c);
    case LIST_LEFT:
        list_leave(c);
        return list_go(c, LIST_WAIT);
    case LIST_WAIT:
        return list_wait(c);
    case LIST_SLEEPS:
        list_go(c, LIST_WAIT);
        range_sleep(c->R, c->op);
        return PCL_MORE;
    case LIST_ABORT_LOCK:
        return list_lock_then(c, LIST_ABORT);
    case LIST_ABORT:
        return list_abort(c);
    case LIST_ABORTED:
        return list_unlock_then(c, LIST_GIVE_UP);
    case LIST_GIVE_UP:
        return list_give_up_now(c);
    case LIST_GRANTED:
        return list_granted(c);
    case LIST_RELEASE_FAST:
        return list_release_fast(c);
    case LIST_PEEK:
        return list_peek(c);
    case LIST_TRY_MARK:
        return list_try_mark(c);
    case LIST_MARK_IN:
        return list_mark_in(c);
    case LIST_MARK_NOW:
        return list_mark_now(c);
    case LIST_WAKE_LOCK:
        return list_lock_then(c, LIST_EMPTY);
    case LIST_EMPTY:
        return list_empty(c);
    case LIST_EMPTIED:
        return list_unlock_then(c, LIST_MARKED);
    case LIST_MARKED:
        return list_marked(c);
    case LIST_WAKE:
        return list_wake(c);
    case LIST_PC_OWN:
        break;
    case LIST_END:
    case LIST_OVER:
        PCL_ASSERT(false);
        return PCL_DONE;
    }
    return c->rules->own_step(c);
}

static inline void list_init(struct pcl_range_locks *R, uint32_t inst)
{
    (void)inst;
    pool_init(R);
}

/* --- laws -------------------------------------------------------------------------------- */

/* The nodes that the head leads to are in use and in order of their starts; *n: how many. */
static inline bool list_in_order(const struct pcl_range_locks *R, uint32_t inst, uint32_t *n,
                                 const char **why)
{
    const struct list_lock *l = pcl_range_state(R, inst);
    int64_t start = 0;

    *n = 0;
    for (uint32_t i = list_at(l->head); i; i = list_at(list_node(R, i)->next)) {
        const struct list_node *node = list_node(R, i);

        if (!range_law(node->pool.use == POOL_IN && ++*n <= R->n_cells,
                       "a node of the list is used for something else", why) ||
            !range_law(node->start >= start, "the list is out of order", why))
            return false;
        start = node->start;
    }
    return true;
}

static inline bool list_reaches(const struct pcl_range_locks *R, uint32_t inst, uint32_t node)
{
    const struct list_lock *l = pcl_range_state(R, inst);
    uint32_t i = list_at(l->head);

    while (i && i != node)
        i = list_at(list_node(R, i)->next);
    return i != 0;
}

/* What a request says of itself agrees with the nodes. */
static inline bool list_request_valid(const struct pcl_range_locks *R, uint32_t i,
                                      const char **why)
{
    const struct pcl_range_node *n = &R->node[i];
    const struct pcl_range_op *op = &R->op[n->owner];
    bool acts = op->node == i && op->pc != LIST_OVER;
    uint32_t me = n->link[LIST_NODE], prev = (uint32_t)n->word[LIST_PREV],
             cur = list_at(n->word[LIST_CUR]);

    if (n->word[LIST_CUR] & LIST_MARK)
        cur = 0; /* read, and not to be followed */
    if (n->held &&
        !range_law(list_reaches(R, n->inst, me) && !(list_node(R, me)->next & LIST_MARK),
                   "a request is held and not in the list", why))
        return false;
    if (acts && (op->flags & LIST_INSIDE) &&
        !range_law((!prev || list_node(R, prev)->pool.use != POOL_FREE) &&
                       (!cur || list_node(R, cur)->pool.use != POOL_FREE),
                   "a traversal stands on a node that has been given back", why))
        return false;
    return !(n->flags & LIST_QUEUED) ||
           range_law(list_node(R, cur)->pool.use == POOL_IN ||
                         list_node(R, cur)->pool.use == POOL_RETIRED,
                     "a request sleeps at a node that has been given back", why);
}

static inline bool list_validate(const struct pcl_range_locks *R, uint32_t inst,
                                 const char **why)
{
    uint32_t n;

    if (!list_in_order(R, inst, &n, why))
        return false;
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *r = &R->node[i];

        if (!r->used || r->inst != inst)
            continue;
        if (!list_request_valid(R, i, why))
            return false;
        if ((r->flags & LIST_QUEUED) &&
            !range_law(!(list_node(R, list_at(r->word[LIST_CUR]))->next & LIST_MARK) ||
                           range_somebody_acts(R, inst),
                       "requests sleep at a node that has been released", why))
            return false;
    }
    for (uint32_t b = 0; b < R->m->n_tasks; b++)
        if (R->op[b].inst == inst && R->op[b].pc != 0 &&
            !range_law(pool_task(R, b)->epoch % 2 == (R->op[b].flags & LIST_INSIDE ? 1u : 0u),
                       "a task's epoch is not where the task is", why))
            return false;
    return true;
}

#endif
