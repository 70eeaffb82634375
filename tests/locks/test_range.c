/*
 * Range locks: where ranges begin and end, which of them conflict, what a killed request leaves
 * behind, and two limits in which a range lock must be something simpler: one FIFO mutex, and
 * no lock at all.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- driving a lock by hand: one body at a time, each operation to its end
 * -------------------- */

static void hand_init(struct rig *r, const char *lock)
{
    static const struct rig_op nothing[] = {END};
    static const struct rig_op *script[RIG_MAX_TASKS];

    for (int i = 0; i < RIG_MAX_TASKS; i++)
        script[i] = nothing;
    rig_init(r, &(struct rig_conf){
                    .lock = lock, .n_tasks = RIG_MAX_TASKS, .script = script, .explore = true});
}

static void finish(struct rig *r)
{
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
}

/* The node, or PCL_NONE when it is busy. */
static uint32_t try_take(struct rig *r, uint32_t body, enum pcl_mode mode, int64_t start,
                         int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, 0, mode, start, last, false);
    finish(r);
    return r->R.op[body].result == PCL_RANGE_GOT ? node : PCL_NONE;
}

static void release(struct rig *r, uint32_t node)
{
    r->m.cur = r->R.node[node].owner;
    pcl_range_begin_release(&r->R, PCL_RANGE_RELEASE, node);
    finish(r);
}

static void assert_valid(struct rig *r)
{
    const char *why = "";

    if (!r->R.ops->validate(&r->R, 0, &why))
        fail_msg("%s", why);
}

/* Of two exclusive requests, does the second get in beside the first? */
static bool both(const char *lock, int64_t a, int64_t b, int64_t c, int64_t d)
{
    struct rig r;
    uint32_t first, second;

    hand_init(&r, lock);
    first = try_take(&r, 0, PCL_EXCLUSIVE, a, b);
    assert_int_not_equal(first, PCL_NONE);
    second = try_take(&r, 1, PCL_EXCLUSIVE, c, d);
    assert_valid(&r);
    release(&r, first);
    if (second != PCL_NONE)
        release(&r, second);
    assert_valid(&r);
    for (uint32_t i = 0; i < r.R.n_nodes; i++)
        assert_false(r.R.node[i].used);
    rig_fini(&r);
    return second != PCL_NONE;
}

/* The range locks that exclude anybody and wait, one after the other; i starts as 0. */
static const char *next_lock(size_t *i)
{
    while (*i < pcl_n_locks) {
        const struct pcl_range_lock_ops *ops = pcl_lock_list[(*i)++].range;

        if (ops && !(ops->props & (PCL_PROP_NULL | PCL_PROP_TRY_ONLY)))
            return ops->name;
    }
    return NULL;
}

/* Calls fn with the name of each range lock that has all of these properties; those whose ranges are
 * of units have tests of their own (test_frontier.c). */
static void each_lock(unsigned props, void (*fn)(const char *lock, unsigned props))
{
    for (size_t i = 0; i < pcl_n_locks; i++) {
        const struct pcl_range_lock_ops *ops = pcl_lock_list[i].range;

        if (ops && !ops->grain && (ops->props & props) == props)
            fn(ops->name, ops->props);
    }
}

static void at_the_boundaries(const char *lock, unsigned props)
{
    static const struct {
        int64_t a, b, c, d;
        bool overlap;
    } cases[] = {
        {0, 0, 0, 0, true},
        {0, 0, 1, 1, false},
        {5, 9, 10, 14, false}, /* touching */
        {5, 9, 9, 14, true},   /* one common byte */
        {5, 9, 0, 4, false},
        {5, 9, 0, 5, true},
        {5, 9, 6, 8, true}, /* inside */
        {6, 8, 5, 9, true}, /* around */
        {0, PCL_OFF_MAX - 1, PCL_OFF_MAX - 1, PCL_OFF_MAX - 1, true},
        {0, PCL_OFF_MAX - 1, PCL_OFF_MAX, PCL_OFF_MAX, false},
        {PCL_OFF_MAX, PCL_OFF_MAX, PCL_OFF_MAX, PCL_OFF_MAX, true},
        {0, PCL_OFF_MAX, PCL_OFF_MAX, PCL_OFF_MAX, true},
        {0, PCL_OFF_MAX, 0, 0, true},
        {0, PCL_OFF_MAX - 2, PCL_OFF_MAX - 1, PCL_OFF_MAX, false},
    };

    if (props & PCL_PROP_RESIDENT)
        return; /* test_resident.c has their pages */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool want = (props & PCL_PROP_NULL) || ((props & PCL_PROP_EXACT) && !cases[i].overlap);

        if ((props & PCL_PROP_COARSE) && !cases[i].overlap)
            continue; /* test_words.c has their units */

        if (both(lock, cases[i].a, cases[i].b, cases[i].c, cases[i].d) != want)
            fail_msg("%s: case %zu", lock, i);
    }
}

static void ranges_conflict_exactly_when_they_share_a_byte(void **state)
{
    (void)state;
    each_lock(0, at_the_boundaries);
}

/* --- the tree against a list
 * ------------------------------------------------------------------- */

static uint64_t bits(uint64_t i, uint64_t lane, uint64_t n)
{
    return pcl_below(pcl_stream(11, 0, 0, PCL_DRAW_ANALYSIS), i, lane, n);
}

/* Small numbers, or such near the end of all files. */
static int64_t place(uint64_t i, uint64_t lane)
{
    int64_t v = (int64_t)bits(i, lane, 40);

    return bits(i, lane + 10, 3) ? v : PCL_OFF_MAX - v;
}

static bool would_conflict(const struct rig *r, const struct pcl_range_node *n)
{
    for (uint32_t i = 0; i < r->R.n_nodes; i++)
        if (r->R.node[i].used && pcl_range_conflict(&r->R.node[i], n))
            return true;
    return false;
}

static void the_tree_agrees_with_a_list_of_its_requests(void **state)
{
    uint32_t held[RIG_MAX_TASKS][PCL_RANGE_SLOTS], n_held[RIG_MAX_TASKS] = {0}, most = 0;
    uint32_t total = 0;
    struct rig r;

    (void)state;
    hand_init(&r, "interval-tree");
    for (uint64_t i = 0; i < 6000; i++) {
        uint32_t b = (uint32_t)bits(i, 1, RIG_MAX_TASKS);
        bool filling = i / 500 % 2 == 0; /* grows and shrinks by turns */

        if (n_held[b] < PCL_RANGE_SLOTS && bits(i, 2, 4) < (filling ? 3u : 1u)) {
            int64_t x = place(i, 3), y = place(i, 4);
            enum pcl_mode mode = bits(i, 5, 8) ? PCL_SHARED : PCL_EXCLUSIVE;
            struct pcl_range_node want = {
                .start = x < y ? x : y, .last = x < y ? y : x, .mode = (uint8_t)mode};
            bool busy = would_conflict(&r, &want);
            uint32_t node = try_take(&r, b, mode, want.start, want.last);

            assert_int_equal(node == PCL_NONE, busy);
            if (node != PCL_NONE) {
                held[b][n_held[b]++] = node;
                total++;
            }
        } else if (n_held[b]) {
            uint32_t k = (uint32_t)bits(i, 6, n_held[b]);

            release(&r, held[b][k]);
            held[b][k] = held[b][--n_held[b]];
            total--;
        }
        most = total > most ? total : most;
        assert_valid(&r);
    }
    assert_true(most > 40);
    rig_fini(&r);
}

/* --- limits
 * ------------------------------------------------------------------------------------ */

enum { TASKS = 10, ROUNDS = 20 };

static struct rig_op words[TASKS][ROUNDS * 4 + 1];
static const struct rig_op *scripts[TASKS];

/* Each task takes [its own start, last] exclusive, over and over. */
static void make_scripts(int64_t step, int64_t size)
{
    for (uint32_t t = 0; t < TASKS; t++) {
        struct rig_op *w = words[t];
        uint64_t at = (uint64_t)t * 1000;

        scripts[t] = w;
        for (uint32_t i = 0; i < ROUNDS; i++, at++) {
            *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)bits(at, 20, 20000)};
            *w++ = (struct rig_op)TAKE_RANGE(EXCLUSIVE, t * step, t * step + size - 1);
            *w++ = (struct rig_op){.act = bits(at, 21, 2) ? RIG_BURN : RIG_SLEEP,
                                   .ns = (pcl_ns)bits(at, 22, 3000)};
            *w++ = (struct rig_op)DROP;
        }
        *w = (struct rig_op)END;
    }
}

/* The textbook's mutex: one holder, a queue, no micro-steps to speak of. */
static struct {
    uint32_t holder, queue[TASKS], n;
} mutex;

static enum pcl_more mutex_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    if (op->what == PCL_RANGE_RELEASE) {
        pcl_range_end(R, op->node);
        mutex.holder = PCL_NONE;
        if (mutex.n) {
            mutex.holder = mutex.queue[0];
            memmove(mutex.queue, mutex.queue + 1, --mutex.n * sizeof mutex.queue[0]);
            R->node[mutex.holder].held = true;
            pcl_wake(R->m, R->node[mutex.holder].owner);
        }
        return PCL_DONE;
    }
    if (op->pc == 0 && mutex.holder != PCL_NONE) {
        mutex.queue[mutex.n++] = op->node;
        op->contended = true;
        op->pc = 1;
        pcl_set_state(R->m, PCL_TASK_UNINTERRUPTIBLE);
        pcl_schedule(R->m);
        return PCL_MORE;
    }
    mutex.holder = op->node;
    R->node[op->node].held = true;
    return PCL_DONE;
}

static bool mutex_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    (void)R;
    (void)inst;
    (void)why;
    return true;
}

static const struct pcl_range_lock_ops mutex_ops = {
    .name = "mutex", .props = PCL_PROP_FIFO, .step = mutex_step, .validate = mutex_validate};

/* Each task's grants and releases at the same instants: whoever is woken and whoever wakes may come
 * first within one. */
static void assert_same_events(const char *lock, const char *other,
                               const struct pcl_range_lock_ops *other_ops)
{
    struct rig a, b;

    mutex.holder = PCL_NONE;
    mutex.n = 0;
    rig_init(&a,
             &(struct rig_conf){.lock = lock, .n_tasks = TASKS, .script = scripts, .seed = 5});
    rig_init(&b, &(struct rig_conf){.lock = other,
                                    .n_tasks = TASKS,
                                    .script = scripts,
                                    .seed = 5,
                                    .range_ops = other_ops});
    rig_run(&a);
    rig_run(&b);
    assert_int_equal(a.n_log, TASKS * ROUNDS * 2);
    assert_int_equal(a.n_log, b.n_log);
    for (uint32_t body = 0; body < TASKS; body++)
        for (size_t i = 0, k = 0; i < a.n_log; i++, k++) {
            while (i < a.n_log && a.log[i].body != body)
                i++;
            while (k < b.n_log && b.log[k].body != body)
                k++;
            if (i == a.n_log && k == b.n_log)
                break;
            if (i == a.n_log || k == b.n_log || a.log[i].t != b.log[k].t ||
                a.log[i].what != b.log[k].what)
                fail_msg("%s: task %u, its events %zu and %zu", lock, body, i, k);
        }
    rig_fini(&a);
    rig_fini(&b);
}

static void as_a_mutex(const char *lock, unsigned props)
{
    if (!(props & PCL_PROP_SPINS))
        assert_same_events(lock, "none", &mutex_ops);
}

static void full_ranges_are_one_fifo_mutex(void **state)
{
    (void)state;
    make_scripts(0, PCL_OFF_MAX);
    each_lock(PCL_PROP_FIFO, as_a_mutex);
}

static void as_nothing(const char *lock, unsigned props)
{
    (void)props;
    assert_same_events(lock, "none", NULL);
}

/* Locks without an order: the lock does not lie idle while somebody waits. On a machine without
 * costs a grant happens when its task asks, or together with a release. */
static void never_lies_idle(const char *lock, unsigned props)
{
    uint32_t round[TASKS] = {0}, contended = 0;
    pcl_ns asked[TASKS];
    struct rig r;

    if (props & (PCL_PROP_FIFO | PCL_PROP_NULL | PCL_PROP_TRY_ONLY))
        return;
    rig_init(&r,
             &(struct rig_conf){.lock = lock, .n_tasks = TASKS, .script = scripts, .seed = 5});
    rig_run(&r);
    assert_int_equal(r.n_log, TASKS * ROUNDS * 2);
    for (uint32_t t = 0; t < TASKS; t++)
        asked[t] = words[t][0].ns;
    for (size_t i = 0; i < r.n_log; i++) {
        const struct rig_event *e = &r.log[i];
        bool freed = false;

        if (e->what == PCL_TR_RELEASE) {
            asked[e->body] = e->t + words[e->body][++round[e->body] * 4].ns;
            continue;
        }
        for (size_t k = i < TASKS ? 0 : i - TASKS; k < r.n_log && k < i + TASKS; k++)
            freed |= r.log[k].what == PCL_TR_RELEASE && r.log[k].t == e->t;
        if (e->t != asked[e->body] && !freed)
            fail_msg("%s: task %u waits at a free lock until %lld ns", lock, e->body,
                     (long long)e->t);
        contended += e->t != asked[e->body];
    }
    assert_true(contended > TASKS * ROUNDS / 4);
    rig_fini(&r);
}

static void full_ranges_are_one_mutex_that_never_lies_idle(void **state)
{
    (void)state;
    make_scripts(0, PCL_OFF_MAX);
    each_lock(0, never_lies_idle);
}

static void disjoint_ranges_are_no_lock(void **state)
{
    (void)state;
    make_scripts(4096, 4096);
    each_lock(PCL_PROP_EXACT, as_nothing);
}

/* --- waiting
 * ----------------------------------------------------------------------------------- */

/* Holder [0, 9], waiter [5, 19], newcomer [15, 29]: the newcomer waits for a waiter, although
 * its range is free. */
static void a_waiter_blocks_newcomers(void **state)
{
    static const struct rig_op holder[] = {
        TAKE_RANGE(EXCLUSIVE, 0, 9), {.act = RIG_SLEEP, .ns = 1000}, DROP, END};
    static const struct rig_op waiter[] = {{.act = RIG_SLEEP, .ns = 100},
                                           TAKE_RANGE(EXCLUSIVE, 5, 19),
                                           {.act = RIG_SLEEP, .ns = 500},
                                           DROP,
                                           END};
    static const struct rig_op newcomer[] = {
        {.act = RIG_SLEEP, .ns = 200}, TAKE_RANGE(EXCLUSIVE, 15, 29), DROP, END};
    static const struct rig_op bystander[] = {
        {.act = RIG_SLEEP, .ns = 300}, TAKE_RANGE(EXCLUSIVE, 30, 39), DROP, END};
    static const struct rig_op *script[] = {holder, waiter, newcomer, bystander};
    struct rig r;

    (void)state;
    rig_init(&r, &(struct rig_conf){.lock = "interval-tree", .n_tasks = 4, .script = script});
    rig_run(&r);
    assert_int_equal(rig_granted(&r, 1), 1000);
    assert_int_equal(rig_granted(&r, 2), 1500);
    assert_int_equal(rig_granted(&r, 3), 300);
    rig_fini(&r);
}

/* The same four on the strict list: the bystander, whose range nobody wants, waits for its turn. */
static void a_strict_list_blocks_bystanders(void **state)
{
    static const struct rig_op holder[] = {
        TAKE_RANGE(EXCLUSIVE, 0, 9), {.act = RIG_SLEEP, .ns = 1000}, DROP, END};
    static const struct rig_op waiter[] = {{.act = RIG_SLEEP, .ns = 100},
                                           TAKE_RANGE(EXCLUSIVE, 5, 19),
                                           {.act = RIG_SLEEP, .ns = 500},
                                           DROP,
                                           END};
    static const struct rig_op newcomer[] = {
        {.act = RIG_SLEEP, .ns = 200}, TAKE_RANGE(SHARED, 15, 29), DROP, END};
    static const struct rig_op bystander[] = {
        {.act = RIG_SLEEP, .ns = 300}, TAKE_RANGE(EXCLUSIVE, 30, 39), DROP, END};
    static const struct rig_op *script[] = {holder, waiter, newcomer, bystander};
    struct rig r;

    (void)state;
    rig_init(&r, &(struct rig_conf){.lock = "fifo-list", .n_tasks = 4, .script = script});
    rig_run(&r);
    assert_int_equal(rig_granted(&r, 1), 1000);
    assert_int_equal(rig_granted(&r, 2), 1500);
    assert_int_equal(rig_granted(&r, 3), 1500);
    rig_fini(&r);
}

/* A writer holds; reader 1 (killable), reader 2 and writer 3 wait. Reader 1 is killed: the
 * counts of those behind it must not fall below what they are still waiting for. */
static void a_killed_reader_takes_back_only_what_it_counted(void **state)
{
    static const struct rig_op writer[] = {
        TAKE_RANGE(EXCLUSIVE, 0, 9), {.act = RIG_SLEEP, .ns = 1000}, DROP, END};
    static const struct rig_op killable[] = {{.act = RIG_SLEEP, .ns = 100},
                                             {.act = RIG_TAKE,
                                              .what = PCL_RANGE_ACQUIRE,
                                              .mode = PCL_SHARED,
                                              .last = 9,
                                              .killable = true},
                                             DROP,
                                             END};
    static const struct rig_op reader[] = {{.act = RIG_SLEEP, .ns = 200},
                                           TAKE_RANGE(SHARED, 0, 9),
                                           {.act = RIG_SLEEP, .ns = 50},
                                           DROP,
                                           END};
    static const struct rig_op late_writer[] = {
        {.act = RIG_SLEEP, .ns = 300}, TAKE_RANGE(EXCLUSIVE, 0, 9), DROP, END};
    static const struct rig_op killer[] = {{.act = RIG_SLEEP, .ns = 500}, KILL(1), END};
    static const struct pcl_lock_param no_spin[] = {{"spin_ns", 0}}; /* who spins hears no signal */
    static const struct rig_op *script[] = {writer, killable, reader, late_writer, killer};
    const char *lock;

    (void)state;
    for (size_t i = 0; (lock = next_lock(&i));) {
        struct rig r;

        rig_init(&r, &(struct rig_conf){
                         .lock = lock,
                         .param = no_spin,
                         .n_params = (~rig_props(rig_lock(lock)) & (PCL_PROP_COARSE | PCL_PROP_SPINS)) == 0,
                         .n_tasks = 5,
                         .script = script});
        rig_run(&r);
        assert_int_equal(r.killed, 1);
        assert_int_equal(rig_granted(&r, 2), 1000);
        /* where everybody is woken the writer, who holds it for no time, may be first */
        if (rig_granted(&r, 3) != 1000 || (rig_props(rig_lock(lock)) & PCL_PROP_FIFO))
            assert_int_equal(rig_granted(&r, 3), 1050);
        rig_fini(&r);
    }
}

/* The same under all interleavings, one writer fewer. */
static void a_killed_reader_strands_nobody(void **state)
{
    static const struct rig_op writer[] = {TAKE_RANGE(EXCLUSIVE, 0, 9), DROP, END};
    static const struct rig_op killable[] = {{.act = RIG_TAKE,
                                              .what = PCL_RANGE_ACQUIRE,
                                              .mode = PCL_SHARED,
                                              .last = 9,
                                              .killable = true},
                                             DROP,
                                             END};
    static const struct rig_op reader[] = {TAKE_RANGE(SHARED, 5, 14), DROP, END};
    static const struct rig_op killer[] = {KILL(1), END};
    static const struct rig_op *script[] = {writer, killable, reader, killer};
    const char *lock;

    (void)state;
    for (size_t i = 0; (lock = next_lock(&i));)
        if (rig_props(rig_lock(lock)) & PCL_PROP_SHARED) /* the contract has the others */
            rig_explore_all(&(struct rig_conf){
                .lock = lock, .n_tasks = 4, .script = script, .explore = true});
}

/* Two locks taken in opposite orders, by the same role's instances: the explorer sees it. */
static void an_order_violation_is_a_deadlock(void **state)
{
    static const struct rig_op ab[] = {
        TAKE_RANGE(EXCLUSIVE, 0, 9),
        {.act = RIG_TAKE, .slot = 1, .mode = PCL_EXCLUSIVE, .object = 1, .last = 9},
        {.act = RIG_DROP, .slot = 1},
        DROP,
        END};
    static const struct rig_op ba[] = {
        {.act = RIG_TAKE, .slot = 1, .mode = PCL_EXCLUSIVE, .object = 1, .last = 9},
        TAKE_RANGE(EXCLUSIVE, 0, 9),
        DROP,
        {.act = RIG_DROP, .slot = 1},
        END};
    static const struct rig_op *script[] = {ab, ba};
    const char *lock;
    struct pcl_explore_result res;
    struct rig r;

    (void)state;
    for (size_t i = 0; (lock = next_lock(&i));) {
        rig_init(&r,
                 &(struct rig_conf){
                     .lock = lock, .n_tasks = 2, .script = script, .explore = true});
        rig_explore(&r, 0, &res);
        assert_int_equal(res.verdict, PCL_EXPLORE_DEADLOCK);
        assert_true(strlen(res.schedule) > 10);
        pcl_explore_fini(&res);
        rig_fini(&r);
    }
}

static void a_broken_count_is_seen(void **state)
{
    struct rig r;
    const char *why = "";
    uint32_t node;

    (void)state;
    hand_init(&r, "interval-tree");
    node = try_take(&r, 0, PCL_EXCLUSIVE, 0, 9);
    r.R.node[node].link[5]++;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "a blocking count is wrong");
    r.R.node[node].link[5]--;
    r.R.node[node].word[0]++;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "a highest last byte is wrong");
    rig_fini(&r);

    hand_init(&r, "rwsem");
    node = try_take(&r, 0, PCL_SHARED, 0, 9);
    r.R.node[node].mode = PCL_EXCLUSIVE;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "readers and count differ");
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_conflict_exactly_when_they_share_a_byte),
        cmocka_unit_test(the_tree_agrees_with_a_list_of_its_requests),
        cmocka_unit_test(full_ranges_are_one_fifo_mutex),
        cmocka_unit_test(full_ranges_are_one_mutex_that_never_lies_idle),
        cmocka_unit_test(disjoint_ranges_are_no_lock),
        cmocka_unit_test(a_waiter_blocks_newcomers),
        cmocka_unit_test(a_strict_list_blocks_bystanders),
        cmocka_unit_test(a_killed_reader_takes_back_only_what_it_counted),
        cmocka_unit_test(a_killed_reader_strands_nobody),
        cmocka_unit_test(an_order_violation_is_a_deadlock),
        cmocka_unit_test(a_broken_count_is_seen),
    };

    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
