/*
 * The frame: op->word and op->count are the place at hand; a sleeper's node keeps it in word[].
 */
#include "range_words.h"

enum { P_SPIN };

enum words_pc {
    START,
    TAKE,
    LOOK, /* spinning */
    QUEUE_LOCK,
    QUEUE,
    QUEUED,
    TOLD, /* say that we sleep; told meanwhile? */
    TRY_AGAIN,
    SLEEP,
    LEAVE_LOCK, /* out of the queue */
    LEAVE,
    LEFT,
    GIVE,
    SHARE,
    PEEK, /* at the queue */
    TELL_LOCK,
    TELL,
    TOLD_ALL,
    WAKE,
    OVER = RANGE_PC_OVER
};

enum op_flag {
    OP_GOT = 1, /* took its place while it stood in the queue */
    OP_SPUN = 2 /* has spun for this place */
};

enum { NODE_QUEUED = 1 }; /* flags of a request */

struct call {
    struct pcl_range_locks *R;
    struct pcl_range_op *op;
    struct pcl_range_node *n;
    struct words_state *s;
    const struct range_words *w;
};

static enum pcl_more go(struct call *c, enum words_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static struct word_place place(const struct call *c)
{
    return (struct word_place){c->op->word, c->op->count};
}

static void set_place(struct call *c, struct word_place p)
{
    c->op->word = p.at;
    c->op->count = p.level;
}

static pcl_line line(const struct call *c)
{
    return c->w->line(c->R, c->op->inst, place(c));
}

/* The queue's head and its spinlock lie in the instance's line. */
static enum pcl_more lock_then(struct call *c, enum words_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->R->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
    return PCL_MORE;
}

static void unlock_now(struct call *c)
{
    pcl_spin_unlock(c->R->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
}

/* --- taking ---------------------------------------------------------------------------------
 */

static bool try_place(struct call *c)
{
    if (c->w->visit)
        c->w->visit(c->R, place(c));
    pcl_rmw(c->R->m, line(c));
    if (!c->w->can(c->R, c->n, place(c)))
        return false;
    c->w->take(c->R, c->n, place(c));
    return true;
}

static enum pcl_more advance(struct call *c)
{
    struct word_place p = place(c);

    c->op->flags &= (uint8_t) ~(OP_GOT | OP_SPUN);
    if (c->w->next(c->R, c->n, &p)) {
        set_place(c, p);
        return go(c, TAKE);
    }
    c->n->held = true;
    return go(c, OVER);
}

/* The place at hand is not the request's; those before it are. */
static enum pcl_more undo(struct call *c, enum pcl_range_result result)
{
    struct word_place p = place(c);

    c->op->result = (uint8_t)result;
    if (!c->w->prev(c->R, c->n, &p)) {
        pcl_range_end(c->R, c->op->node);
        return go(c, OVER);
    }
    set_place(c, p);
    return go(c, GIVE);
}

static enum pcl_more take(struct call *c)
{
    if (try_place(c))
        return advance(c);
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        return undo(c, PCL_RANGE_BUSY);
    }
    c->op->contended = true;
    if (!c->R->param[P_SPIN] || (c->op->flags & OP_SPUN))
        return go(c, QUEUE_LOCK);
    c->op->flags |= OP_SPUN;
    c->s->spinners++;
    pcl_stamp(c->R->m);
    return go(c, LOOK);
}

static enum pcl_more look(struct call *c)
{
    struct pcl_machine *m = c->R->m;
    pcl_ns limit = c->R->param[P_SPIN];
    bool ready;

    pcl_load(m, line(c));
    ready = c->w->can(c->R, c->n, place(c));
    if (ready || pcl_need_resched(m) || pcl_expired(m, m->cur, limit)) {
        c->s->spinners--;
        c->op->flags |= OP_SPUN;
        return go(c, ready ? TAKE : QUEUE_LOCK);
    }
    pcl_watch(m, PCL_NONE, m->explore ? 0 : m->task[m->cur].stamp + limit - pcl_now(m));
    return PCL_MORE;
}

/* --- waiting --------------------------------------------------------------------------------
 */

static enum pcl_more queue(struct call *c)
{
    pcl_store(c->R->m, range_waiter_line(c->R, c->op->node));
    node_queue_add(c->R, &c->s->queue, c->op->node);
    c->n->flags |= NODE_QUEUED;
    c->n->word[0] = c->op->word;
    c->n->word[1] = c->op->count;
    return go(c, QUEUED);
}

static enum pcl_more told(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->R->m, range_wait_state(c->op));
    pcl_load(c->R->m, range_waiter_line(c->R, c->op->node));
    if (c->n->flags & NODE_QUEUED)
        return go(c, TRY_AGAIN);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->R->m, PCL_TASK_RUNNING);
    return go(c, TAKE);
}

static enum pcl_more try_again(struct call *c)
{
    bool got = try_place(c);

    if (!got && !range_killed(c->R, c->op))
        return go(c, SLEEP);
    pcl_set_state(c->R->m, PCL_TASK_RUNNING);
    c->op->flags |= got ? OP_GOT : 0;
    return go(c, LEAVE_LOCK);
}

static enum pcl_more leave(struct call *c)
{
    if (c->n->flags & NODE_QUEUED)
        node_queue_remove(c->R, &c->s->queue, c->op->node);
    c->n->flags = 0;
    c->n->word[0] = c->n->word[1] = 0;
    wake_list_leave(c->R, c->op->node);
    return go(c, LEFT);
}

static enum pcl_more left(struct call *c)
{
    unlock_now(c);
    return c->op->flags & OP_GOT ? advance(c) : undo(c, PCL_RANGE_KILLED);
}

/* --- giving ---------------------------------------------------------------------------------
 */

static void notice_spinners(struct call *c)
{
    uint32_t left_to_tell = c->s->spinners;

    for (uint32_t b = 0; b < c->R->n_bodies && left_to_tell; b++) {
        const struct pcl_range_op *op = &c->R->op[b];

        if (op->pc != LOOK || op->inst != c->op->inst)
            continue;
        left_to_tell--;
        if (op->word == c->op->word && op->count == c->op->count)
            pcl_notice(c->R->m, b);
    }
}

static enum pcl_more give(struct call *c)
{
    struct word_place p = place(c);

    pcl_rmw(c->R->m, line(c));
    c->w->give(c->R, c->n, p);
    notice_spinners(c);
    if (c->w->prev(c->R, c->n, &p)) {
        set_place(c, p);
        return PCL_MORE;
    }
    pcl_range_end(c->R, c->op->node);
    return go(c, PEEK);
}

static enum pcl_more share(struct call *c)
{
    struct word_place p = place(c);

    pcl_rmw(c->R->m, line(c));
    c->w->share(c->R, c->n, p);
    notice_spinners(c);
    if (c->w->next(c->R, c->n, &p)) {
        set_place(c, p);
        return PCL_MORE;
    }
    return go(c, PEEK);
}

static enum pcl_more peek(struct call *c)
{
    pcl_load(c->R->m, pcl_range_line(c->R, c->op->inst));
    return go(c, c->s->queue.len ? TELL_LOCK : OVER);
}

static enum pcl_more tell(struct call *c)
{
    uint32_t next, i;

    for (i = c->s->queue.head; i != PCL_NONE; i = next) {
        struct pcl_range_node *n = &c->R->node[i];
        struct word_place p = {n->word[0], (uint32_t)n->word[1]};

        next = n->link[QUEUE_NEXT];
        pcl_load(c->R->m, range_waiter_line(c->R, i));
        pcl_load(c->R->m, c->w->line(c->R, c->op->inst, p));
        pcl_burn(c->R->m, c->R->m->p->list_visit);
        if (!c->w->can(c->R, n, p))
            continue;
        node_queue_remove(c->R, &c->s->queue, i);
        n->flags = 0;
        n->word[0] = n->word[1] = 0;
        wake_list_add(c->R, c->op, i);
    }
    return go(c, TOLD_ALL);
}

static enum pcl_more start(struct call *c)
{
    struct word_place p = {0, 0};

    (void)c->w->first(c->R, c->n, &p);
    set_place(c, p);
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        go(c, TAKE);
        return take(c);
    case PCL_RANGE_RELEASE:
        while (c->w->next(c->R, c->n, &p))
            set_place(c, p);
        c->n->held = false;
        go(c, GIVE);
        return give(c);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    c->n->mode = PCL_SHARED;
    if (!c->w->share)
        return go(c, OVER);
    go(c, SHARE);
    return share(c);
}

enum pcl_more words_step(struct pcl_range_locks *R, struct pcl_range_op *op,
                         const struct range_words *w)
{
    struct call c = {R, op, &R->node[op->node], pcl_range_state(R, op->inst), w};

    switch ((enum words_pc)op->pc) {
    case START:
        return start(&c);
    case TAKE:
        return take(&c);
    case LOOK:
        return look(&c);
    case QUEUE_LOCK:
        return lock_then(&c, QUEUE);
    case QUEUE:
        return queue(&c);
    case QUEUED:
        unlock_now(&c);
        return go(&c, TOLD);
    case TOLD:
        return told(&c);
    case TRY_AGAIN:
        return try_again(&c);
    case SLEEP:
        go(&c, TOLD);
        range_sleep(R, op);
        return PCL_MORE;
    case LEAVE_LOCK:
        return lock_then(&c, LEAVE);
    case LEAVE:
        return leave(&c);
    case LEFT:
        return left(&c);
    case GIVE:
        return give(&c);
    case SHARE:
        return share(&c);
    case PEEK:
        return peek(&c);
    case TELL_LOCK:
        return lock_then(&c, TELL);
    case TELL:
        return tell(&c);
    case TOLD_ALL:
        unlock_now(&c);
        return go(&c, wake_list_empty(op) ? OVER : WAKE);
    case WAKE:
        wake_list_wake(R, op);
        return go(&c, wake_list_empty(op) ? OVER : WAKE);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

void words_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct words_state *s = pcl_range_state(R, inst);

    node_queue_init(&s->queue);
}

/* --- laws -----------------------------------------------------------------------------------
 */

bool words_idle(const struct pcl_range_locks *R, uint32_t inst)
{
    for (uint32_t i = 0; i < R->n_nodes; i++)
        if (R->node[i].used && R->node[i].inst == inst)
            return false;
    return true;
}

bool words_valid(const struct pcl_range_locks *R, uint32_t inst, const struct range_words *w,
                 const char **why)
{
    const struct words_state *s = pcl_range_state(R, inst);
    uint32_t spinners = 0;

    if (!range_law(node_queue_valid(R, &s->queue), "the queue of waiters is broken", why))
        return false;
    for (uint32_t b = 0; b < R->n_bodies; b++)
        spinners += R->op[b].pc == LOOK && R->op[b].inst == inst && R->op[b].node != PCL_NONE;
    if (!range_law(spinners == s->spinners, "spinners are miscounted", why))
        return false;
    for (uint32_t i = s->queue.head; i != PCL_NONE; i = R->node[i].link[QUEUE_NEXT]) {
        const struct pcl_range_node *n = &R->node[i];
        struct word_place p = {n->word[0], (uint32_t)n->word[1]};

        if (!range_law(n->used && n->inst == inst && (n->flags & NODE_QUEUED),
                       "a request in the queue does not wait", why) ||
            !range_law(!w->can(R, n, p) || range_somebody_acts(R, inst),
                       "a request sleeps for a place that is free", why))
            return false;
    }
    return true;
}
