/*
 * skeleton: a range lock to start from. It ignores the range and the mode: one holder at a
 * time, first come first served. Copy it to sim/locks/NAME.c, put NAME in place of skeleton,
 * add a line `PCL_LOCK(RANGE, NAME)` to sim/locks/locks.def, and change what your lock does
 * differently.
 *
 * A file opens like this: what the lock is, and a picture of its state.
 *
 *   holder          node of the request that holds the instance, PCL_NONE
 *   head .. tail    waiting requests in order of arrival, linked through link[0]
 *
 * Both change under the instance's spinlock. See docs/adding-a-lock.md.
 */
#include "wake_list.h" /* private to sim/locks: sleeping, waking, words of laws */

enum {
    NEXT = 0 /* link[0]; wake_list.h uses 2, 3 and 4 */
};

/* Model state of one instance: a plain struct with indices, never pointers. It is copied and
 * hashed by the explorer. Zeroed before init() is called. */
struct skeleton {
    uint32_t holder;
    uint32_t head, tail;
    uint32_t len;
};

/* The micro-steps. 0 is the first one of every operation. */
enum {
    START,
    ENTER,   /* spinlock held: take it or queue */
    ENTERED, /* drop the spinlock */
    WAIT,    /* say that we sleep, then look */
    SLEEP,
    GIVE,  /* spinlock held: choose the next holder */
    GIVEN, /* drop the spinlock */
    WAKE,
    OVER = RANGE_PC_OVER
};

static enum pcl_more go(struct pcl_range_op *op, unsigned pc)
{
    op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static void append(struct pcl_range_locks *R, struct skeleton *s, uint32_t node)
{
    R->node[node].link[NEXT] = PCL_NONE;
    *(s->tail == PCL_NONE ? &s->head : &R->node[s->tail].link[NEXT]) = node;
    s->tail = node;
    s->len++;
}

static uint32_t take_first(struct pcl_range_locks *R, struct skeleton *s)
{
    uint32_t node = s->head;

    if (node == PCL_NONE)
        return PCL_NONE;
    s->head = R->node[node].link[NEXT];
    if (s->head == PCL_NONE)
        s->tail = PCL_NONE;
    s->len--;
    return node;
}

static enum pcl_more enter(struct pcl_range_locks *R, struct pcl_range_op *op,
                           struct skeleton *s)
{
    struct pcl_range_node *n = &R->node[op->node];

    pcl_touch(R->m, pcl_range_line(R, op->inst)); /* state under a modelled lock: declare it */
    if (s->holder == PCL_NONE) {
        s->holder = op->node;
        n->held = true;
    } else if (op->what == PCL_RANGE_TRY) {
        R->stats.trylock_failures++;
        op->result = PCL_RANGE_BUSY;
        pcl_range_end(R, op->node); /* a request that failed is over */
    } else {
        append(R, s, op->node);
        op->contended = true; /* the caller counts a wait */
    }
    return go(op, ENTERED);
}

static enum pcl_more wait(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    range_awake(R, op);
    /* First the state, then the look: a waker in between finds the state and undoes it. */
    pcl_set_state(R->m, PCL_TASK_UNINTERRUPTIBLE); /* this lock ignores op->killable */
    pcl_load(R->m, range_waiter_line(R, op->node));
    if (!R->node[op->node].held)
        return go(op, SLEEP);
    wake_list_leave(R, op->node);
    pcl_set_state(R->m, PCL_TASK_RUNNING);
    return go(op, OVER);
}

static enum pcl_more give(struct pcl_range_locks *R, struct pcl_range_op *op,
                          struct skeleton *s)
{
    pcl_touch(R->m, pcl_range_line(R, op->inst));
    pcl_range_end(R, op->node); /* a released request is over */
    s->holder = take_first(R, s);
    if (s->holder != PCL_NONE) {
        R->node[s->holder].held = true;
        wake_list_add(R, op, s->holder); /* woken after the spinlock is dropped */
    }
    return go(op, GIVEN);
}

/*
 * REQUIRED. Carries out the micro-step that op->pc names, and no more than one access to shared
 * state in it; sets op->pc to the next one; returns PCL_DONE when the operation is over, with
 * op->result set (0 is PCL_RANGE_GOT). A primitive that ends the micro-step (spin_lock,
 * schedule, watch, sleep) comes last, after op->pc has been set. No nanosecond appears here.
 */
static enum pcl_more step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct skeleton *s = pcl_range_state(R, op->inst);
    uint32_t spin = R->spin[op->inst];
    pcl_line line = pcl_range_line(R, op->inst);

    switch (op->pc) {
    case START:
        if (op->what == PCL_RANGE_DOWNGRADE)
            return go(op, OVER); /* it has no shared mode: nothing to do */
        (void)go(op, op->what == PCL_RANGE_RELEASE ? GIVE : ENTER);
        pcl_spin_lock(R->m, spin, line, false);
        return PCL_MORE;
    case ENTER:
        return enter(R, op, s);
    case ENTERED:
        pcl_spin_unlock(R->m, spin, line, false);
        return go(op, op->contended ? WAIT : OVER);
    case WAIT:
        return wait(R, op);
    case SLEEP:
        (void)go(op, WAIT);
        range_sleep(R, op); /* transition, count of sleepers, schedule() */
        return PCL_MORE;
    case GIVE:
        return give(R, op, s);
    case GIVEN:
        pcl_spin_unlock(R->m, spin, line, false);
        return go(op, wake_list_empty(op) ? OVER : WAKE);
    case WAKE:
        wake_list_wake(R, op); /* the waker pays; the sleeper runs when the scheduler lets it */
        return go(op, wake_list_empty(op) ? OVER : WAKE);
    default:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

/* OPTIONAL. Sets up a new instance whose state is zeroed; without it zeroes must do. */
static void init(struct pcl_range_locks *R, uint32_t inst)
{
    struct skeleton *s = pcl_range_state(R, inst);

    s->holder = s->head = s->tail = PCL_NONE;
}

/*
 * OPTIONAL, but without it nobody can tell you what you broke. True when the state keeps the
 * lock's laws between any two micro-steps; else false with a reason. Reads only. Called by
 * `--check`, by the contract tests after each event and by the explorer in each state.
 */
static bool validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct skeleton *s = pcl_range_state(R, inst);
    uint32_t len = 0;

    for (uint32_t i = s->head; i != PCL_NONE && len <= s->len; i = R->node[i].link[NEXT])
        len++;
    return range_law(len == s->len, "the queue has lost a request", why) &&
           range_law(s->len == 0 || s->holder != PCL_NONE, "requests wait on a free lock",
                     why) &&
           range_law(s->holder == PCL_NONE || R->node[s->holder].held,
                     "the holder does not know that it holds", why);
}

/* REQUIRED. Kernel memory by the structures' sizes on x86-64, without and with lockdep. */
static void memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){
        .per_inode = 32, .per_waiter = 40, .per_inode_dbg = 96, .per_waiter_dbg = 40};
}

/* The name as schemes write it, one line of summary, where the algorithm comes from (a commit,
 * a patch, a paper), and what it promises: the contract tests follow from props. */
extern const struct pcl_range_lock_ops
    pcl_lock_skeleton; /* locks.def declares it in the tree */

const struct pcl_range_lock_ops pcl_lock_skeleton = {
    .name = "skeleton",
    .summary = "one holder at a time, first come first served",
    .source = "docs/skeleton-lock.c",
    .props = PCL_PROP_FIFO,
    .params =
        NULL, /* OPTIONAL: rows {name, default, lowest, highest, what}; values in R->param */
    .state_size = sizeof(struct skeleton),
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
