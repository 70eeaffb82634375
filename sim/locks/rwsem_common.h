/*
 * What the kernel's two rw_semaphores have in common (rwsem.c: today's; rwsem_v5_8.c: that of 5.2
 * to 5.10): the words of the lock, the list of sleepers, waking, the writer's way and its
 * spinning, killed waiters, the release. Each has its own reader, its own hand-off rule and its
 * own choice of the readers that one wake-up grants, and a table that says what carries out each
 * state.
 *
 *   count   bit 0 writer holds | bit 1 somebody waits | bit 2 hand-off | from bit 8: readers
 *   owner   the writer, or the reader that came last; not cleared when readers leave
 *   oflags  OWNER_READER: readers own or owned it. OWNER_NOSPIN: a writer spun its time beside
 *           readers; no writer spins until they are gone
 *   osq     tasks that spin, first come first served; the head alone looks at the lock
 *   list    waiting requests in order of arrival, under the instance's spinlock (wait_lock)
 *
 * All in one cache line. A reader's failed fast path leaves its 256 in the count until it has
 * queued (OP_BIAS), and a waker counts a reader in before it grants (OP_MARK_BIAS).
 */
#ifndef PCLSIM_LOCKS_RWSEM_COMMON_H
#define PCLSIM_LOCKS_RWSEM_COMMON_H

#include "osq.h"
#include "wake_list.h"

#define WRITER UINT64_C(1)
#define WAITERS UINT64_C(2)
#define HANDOFF UINT64_C(4)
#define BIAS UINT64_C(256)
#define READERS (~(BIAS - 1))
#define HELD (READERS | WRITER)

enum rwsem_oflag {
    OWNER_READER = 1,
    OWNER_NOSPIN = 2,
    OWNER_NOSPIN_READERS = 4 /* v5.8: readers do not spin either, until a writer has had it */
};

/* Places of the parameters that both have. */
enum rwsem_param { P_SPIN, P_READER_BATCH, P_HANDOFF_MS, P_OWN };

struct rwsem {
    uint64_t count;
    uint32_t owner;
    uint32_t oflags;
    struct node_queue osq;
    struct node_queue list;
};

enum rwsem_node_flag {
    NODE_HANDOFF = 1, /* first in the list and has asked for the hand-off */
    NODE_SPINS = 2
};

enum rwsem_op_flag {
    OP_BIAS = 1,       /* this reader's 256 are in the count although it holds nothing */
    OP_MARK_BIAS = 2,  /* 256 for the first waiter are in the count before its grant */
    OP_READ_OWNED = 4, /* wake: readers hold the lock already, grant without a test */
    OP_READERS = 8,    /* wake: readers only */
    OP_READ_SPIN = 16, /* spinning beside readers, time is running */
    OP_OWN = 32        /* one lock's own */
};

/* The states; from RW_OWN on they are one lock's own. */
/* clang-format off */
enum rwsem_pc {
    START, RD_QUEUE_LOCK, RD_QUEUE, RD_QUEUE_ADD, RD_WAIT, RD_SLEEP, WR_OWN, WR_MAY_SPIN,
    SPIN_JOIN, SPIN_WAIT, SPIN_LOOK, SPIN_TRY, SPIN_LEAVE, WR_QUEUE_LOCK, WR_QUEUE, WR_TRY_LOCK,
    WR_TRY, WR_GOT, WR_FAILED, WR_SPIN, WR_SLEEP, KILL_LOCK, KILL, REL_WRITE, WAKE_LOCK, MARK,
    MARK_UNDO, MARK_GRANT, UNLOCK, WAKE, RW_OWN, OVER = RANGE_PC_OVER
};
/* clang-format on */

/* What a micro-step works on. */
struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct rwsem *s;
    pcl_line line;   /* of the whole rwsem */
    uint8_t then;    /* where rw_take_lock() and rw_go_to_sleep() lead */
    uint8_t keep;    /* owner flags that a new reader leaves as they are */
    uint8_t nospin;  /* owner flags of a writer whose time beside readers is up */
};

struct rwsem_state {
    enum pcl_more (*step)(struct call *c);
    uint8_t then;
};

static inline enum pcl_more go(struct call *c, unsigned pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static inline void flag(struct call *c, unsigned set, unsigned clear)
{
    c->op->flags = (uint8_t)((c->op->flags | set) & ~clear);
}

enum owner_state {
    OWNED_NULL, /* no writer has put its name down; the lock may be held all the same */
    OWNED_WRITER,
    OWNED_READER,
    OWNED_NOSPIN /* not to be spun for by who minds this flag */
};

/* mind: the flag that keeps the asker from spinning. */
static inline enum owner_state owner_state(const struct rwsem *s, uint32_t mind)
{
    if (s->oflags & mind)
        return OWNED_NOSPIN;
    if (s->oflags & OWNER_READER)
        return OWNED_READER;
    return s->owner == PCL_NONE ? OWNED_NULL : OWNED_WRITER;
}

/* A running writer on a CPU, or nobody in particular: worth spinning for. */
static inline bool owner_runs(const struct call *c)
{
    return owner_state(c->s, 0) != OWNED_WRITER || pcl_on_cpu(c->m, c->s->owner);
}

/* Changes of the words; whoever polls the lock looks again. */
void rw_set_count(struct call *c, uint64_t count);
void rw_set_owner(struct call *c, uint32_t owner, uint32_t oflags);
void rw_set_reader_owned(struct call *c, uint32_t owner);
void rw_allow_spinning(struct call *c);
enum pcl_more rw_granted(struct call *c);

/* The list of sleepers, with wait_lock held. */
void rw_list_append(struct call *c);
void rw_list_remove(struct call *c, uint32_t node);
bool rw_waited_long(struct call *c, uint32_t node);
void rw_unlock_now(struct call *c);

/* A grant of MARK_GRANT: each reader in turn, then all of them counted in. */
void rw_grant_one(struct call *c, uint32_t node);
enum pcl_more rw_grant_end(struct call *c, uint64_t readers);
/* Somebody has just queued: whom it should wake. */
enum pcl_more rw_mark_queued(struct call *c, enum rwsem_pc after);
/* A waiting writer, with wait_lock: takes the free lock. */
enum pcl_more rw_write_take(struct call *c, bool first);

/* Whole micro-steps: what the states that both locks have do. */
#define RWSEM_STEPS(X)                                                                         \
    X(take_lock) X(go_to_sleep) X(mark) X(mark_undo) X(unlock) X(wake) X(read_queue)           \
    X(read_wait) X(write_fast) X(write_own) X(write_may_spin) X(spin_join) X(spin_wait)        \
    X(spin_look) X(spin_try) X(spin_leave) X(write_queue) X(write_got) X(write_failed)         \
    X(write_spin) X(kill) X(write_release)
#define RWSEM_STEP(name) enum pcl_more rw_##name(struct call *c);
RWSEM_STEPS(RWSEM_STEP)
#undef RWSEM_STEP

/* START of everything but an acquisition. */
enum pcl_more rw_start(struct call *c);

/* Rows of the table for what both carry out alike. */
/* clang-format off */
#define RWSEM_ROWS                                                                             \
    [RD_QUEUE_LOCK] = {rw_take_lock, RD_QUEUE}, [RD_QUEUE] = {rw_read_queue, 0},               \
    [RD_WAIT] = {rw_read_wait, 0},              [RD_SLEEP] = {rw_go_to_sleep, RD_WAIT},        \
    [WR_OWN] = {rw_write_own, 0},               [WR_MAY_SPIN] = {rw_write_may_spin, 0},        \
    [SPIN_JOIN] = {rw_spin_join, 0},            [SPIN_WAIT] = {rw_spin_wait, 0},               \
    [SPIN_TRY] = {rw_spin_try, 0},                                                             \
    [WR_QUEUE_LOCK] = {rw_take_lock, WR_QUEUE},                                                \
    [WR_TRY_LOCK] = {rw_take_lock, WR_TRY},     [WR_FAILED] = {rw_write_failed, 0},            \
    [WR_SPIN] = {rw_write_spin, 0},                                                            \
    [KILL_LOCK] = {rw_take_lock, KILL},         [KILL] = {rw_kill, 0},                         \
    [REL_WRITE] = {rw_write_release, 0},                                                       \
    [WAKE_LOCK] = {rw_take_lock, MARK},         [MARK] = {rw_mark, 0},                         \
    [MARK_UNDO] = {rw_mark_undo, 0},                                                           \
    [UNLOCK] = {rw_unlock, 0},                  [WAKE] = {rw_wake, 0}
/* clang-format on */

void rw_init(struct pcl_range_locks *R, uint32_t inst);
bool rw_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why);
void rw_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out);

#endif
