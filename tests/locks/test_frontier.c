/*
 * Locks that go unit by unit: a leap over many units is event for event what the units one by one
 * are; giant ranges cost what they meet; what the index takes is what an XArray would.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t pick(uint64_t i, uint64_t lane, uint64_t n)
{
    return pcl_below(pcl_stream(29, 0, 0, PCL_DRAW_ANALYSIS), i, lane, n);
}

/* --- leaps against single steps ------------------------------------------------------------ */

enum { MAX_TASKS = 4, MAX_TAKES = 4, WORDS = MAX_TAKES * 4 + 2 };

static struct rig_op words[MAX_TASKS][WORDS];
static const struct rig_op *scripts[MAX_TASKS];

static const struct {
    const char *name;
    int64_t unit;
} locks[] = {{"unit-4k", INT64_C(1) << 12}, {"unit-2m", INT64_C(1) << 21},
             {"unit-1g", INT64_C(1) << 30}};

/* Where ranges lie: at the start, across a level of the index, at the end of all files. */
static uint64_t place(uint64_t i, uint64_t lane, uint64_t last)
{
    static const uint64_t edges[] = {0, 64, 4096, 262144};
    uint64_t off = pick(i, lane + 1, 200), edge = edges[pick(i, lane, 4)];

    if (pick(i, lane + 2, 3) == 0)
        return last - off;
    return pick(i, lane + 3, 2) && edge > off ? edge - off : edge + off;
}

static uint64_t length(uint64_t i, uint64_t lane)
{
    switch (pick(i, lane, 12)) {
    case 0:
        return 1 + pick(i, lane + 1, 9000);
    case 1:
    case 2:
    case 3:
        return 1 + pick(i, lane + 1, 4);
    default:
        return 1 + pick(i, lane + 1, 300);
    }
}

static void make_script(uint64_t i, uint32_t task, uint32_t n_tasks, int64_t unit)
{
    struct rig_op *w = words[task];
    uint64_t last = (uint64_t)PCL_OFF_MAX / (uint64_t)unit, lane = 100 + task * 1000;
    uint64_t home = place(i, 90, last), takes = 1 + pick(i, lane, MAX_TAKES);

    scripts[task] = w;
    for (uint64_t k = 0; k < takes; k++) {
        uint64_t l = lane + 20 + k * 30, from = pick(i, l, 3) ? home : place(i, l + 1, last);
        uint64_t to = from + length(i, l + 6) - 1;
        int64_t start = (int64_t)from * unit + (int64_t)pick(i, l + 9, (uint64_t)unit);

        to = to > last ? last : to;
        *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)pick(i, l + 10, 40000)};
        *w++ = (struct rig_op){
            .act = RIG_TAKE,
            .what = pick(i, l + 11, 8) ? PCL_RANGE_ACQUIRE : PCL_RANGE_TRY,
            .mode = PCL_EXCLUSIVE,
            .killable = pick(i, l + 12, 3) == 0,
            .object = pick(i, l + 13, 8) == 0,
            .start = start,
            .last = (int64_t)to * unit > start ? (int64_t)to * unit : start};
        *w++ = (struct rig_op){.act = pick(i, l + 14, 2) ? RIG_BURN : RIG_SLEEP,
                               .ns = (pcl_ns)pick(i, l + 15, 20000)};
        *w++ = (struct rig_op)DROP;
    }
    if (pick(i, lane + 1, 2))
        *w++ = (struct rig_op)KILL((uint32_t)pick(i, lane + 2, n_tasks));
    *w = (struct rig_op)END;
}

static void make_machine(uint64_t i, struct pcl_profile *p)
{
    if (pick(i, 1, 8) == 0) {
        pcl_profile_ideal(p); /* all costs 0 but one, so that time goes on */
        p->node_visit = 3;
        return;
    }
    rig_small_machine(p, INT64_C(1) << pick(i, 2, 4));
    p->zero_page = 50;
    p->hz = pick(i, 3, 3) ? 250 << pick(i, 4, 8) : 0;
    p->tick_cost = 70;
    p->preempt = (int64_t)pick(i, 5, 3);
    p->sched = pick(i, 6, 2) ? PCL_SCHED_CFS : PCL_SCHED_EEVDF;
    p->slice = 30000;
    if (pick(i, 7, 2)) /* memory ends within the run */
        p->ram = 576 * (int64_t)(1 + pick(i, 8, 60));
}

static void run(struct rig *r, uint64_t i, const char *lock, uint32_t n_tasks,
                const struct pcl_profile *p, bool leap)
{
    struct pcl_lock_param param[] = {{"leap", leap}, {"bits", (int64_t)pick(i, 9, 13)}};

    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .param = param,
                                   .n_params = 2,
                                   .n_tasks = n_tasks,
                                   .script = scripts,
                                   .profile = p,
                                   .seed = i,
                                   .blind = i % 64 != 0});
    rig_run(r);
}

#define SAME(field)                                                                            \
    do {                                                                                       \
        if (a->field != b->field)                                                              \
            fail_msg("case %llu: " #field " is %lld with leaps, %lld without",                 \
                     (unsigned long long)i, (long long)a->field, (long long)b->field);         \
    } while (0)

/* a leapt, b did not. */
static void same(uint64_t i, const struct rig *a, const struct rig *b)
{
    SAME(n_log);
    for (size_t k = 0; k < a->n_log; k++) {
        SAME(log[k].t);
        SAME(log[k].body);
        SAME(log[k].object);
        SAME(log[k].what);
    }
    SAME(m.eng.fp.a);
    SAME(m.eng.fp.b);
    SAME(m.eng.now);
    SAME(m.steps);
    SAME(m.line_transfers);
    SAME(m.wakes);
    SAME(m.ticks);
    for (int c = 0; c < PCL_N_CAUSES; c++)
        SAME(m.cause_ns[c]);
    for (uint32_t t = 0; t < a->n_tasks; t++) {
        SAME(m.task[t].voluntary);
        SAME(m.task[t].involuntary);
        SAME(m.task[t].vruntime);
        for (int w = 0; w < PCL_N_SPENT; w++)
            SAME(m.task[t].spent[w]);
    }
    if (!a->m.ideal) { /* there all tasks switch the interrupts of one CPU off, side by side */
        SAME(m.irqs_off_max);
        for (int kind = 0; kind < PCL_SPIN_KINDS; kind++)
            SAME(m.irqs_off_by[kind][0]);
    }
    SAME(m.runnable_sum);
    SAME(granted);
    SAME(busy);
    SAME(killed);
    SAME(R.stats.walks);
    SAME(R.stats.walk_visits);
    SAME(R.stats.walk_foreign);
    SAME(R.stats.lost_retries);
    SAME(R.stats.line_transfers);
    SAME(R.stats.waiters_max);
    SAME(R.sweep.taken);
    SAME(R.sweep.freed);
    SAME(R.sweep.nodes);
    SAME(R.sweep.nodes_max);
    SAME(R.sweep.memory_end);
    SAME(R.sweep.memory_end_at);
    assert_int_equal(b->R.sweep.leaps, 0);
    assert_int_equal(a->R.sweep.taken, a->R.sweep.freed);
    assert_int_equal(a->R.sweep.nodes, 0);
}

static void leaps_are_what_single_steps_are(void **state)
{
    enum { CASES = 2000 };
    uint64_t leapt = 0, taken = 0, killed = 0, waits = 0, ends = 0, foreign = 0;

    (void)state;
    for (uint64_t i = 0; i < CASES; i++) {
        size_t l = (size_t)pick(i, 10, 3);
        uint32_t n_tasks = 1 + (uint32_t)pick(i, 11, MAX_TASKS);
        struct pcl_profile p;
        struct rig a, b;

        make_machine(i, &p);
        for (uint32_t t = 0; t < n_tasks; t++)
            make_script(i, t, n_tasks, locks[l].unit);
        run(&a, i, locks[l].name, n_tasks, &p, true);
        run(&b, i, locks[l].name, n_tasks, &p, false);
        same(i, &a, &b);
        leapt += a.R.sweep.leapt;
        taken += a.R.sweep.taken + a.R.sweep.freed;
        killed += a.killed;
        waits += a.R.stats.waiters_max;
        ends += a.R.sweep.memory_end >= 0;
        foreign += a.R.stats.walk_foreign;
        rig_fini(&a);
        rig_fini(&b);
    }
    if (getenv("PCLSIM_TEST_STATS"))
        print_message("%llu of %llu leapt, %llu killed, %llu waited, %llu ends, %llu foreign\n",
                      (unsigned long long)leapt, (unsigned long long)taken,
                      (unsigned long long)killed, (unsigned long long)waits,
                      (unsigned long long)ends, (unsigned long long)foreign);
    assert_true(leapt > taken / 2); /* else this says nothing */
    assert_true(killed > CASES / 60 && waits > CASES / 5 && ends > CASES / 20);
    assert_true(foreign > 0);
}

/* --- several sweeps side by side ------------------------------------------------------------ */

static void make_wide_script(uint64_t i, uint32_t task, uint32_t n_tasks, int64_t unit)
{
    static const uint64_t far[] = {0, 0, 3000, 20000, 300000};
    struct rig_op *w = words[task];
    uint64_t last = (uint64_t)PCL_OFF_MAX / (uint64_t)unit, lane = 7000 + task * 100;
    uint64_t from = far[pick(i, lane, 5)] * (1 + task) + pick(i, lane + 1, 300);
    uint64_t len = 1 + pick(i, lane + 2, 9000);

    if (pick(i, lane + 3, 4) == 0)
        from = last - len - from;
    scripts[task] = w;
    *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)pick(i, lane + 4, 40000)};
    *w++ = (struct rig_op){.act = RIG_TAKE,
                           .what = PCL_RANGE_ACQUIRE,
                           .mode = PCL_EXCLUSIVE,
                           .killable = true,
                           .start = (int64_t)from * unit,
                           .last = (int64_t)(from + len - 1) * unit};
    *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)pick(i, lane + 5, 90000)};
    *w++ = (struct rig_op)DROP;
    if (pick(i, lane + 6, 6) == 0)
        *w++ = (struct rig_op)KILL((uint32_t)pick(i, lane + 7, n_tasks));
    *w = (struct rig_op)END;
}

static void sweeps_side_by_side_leap_together(void **state)
{
    enum { CASES = 200 };
    uint64_t joint = 0, leapt = 0, taken = 0;

    (void)state;
    for (uint64_t i = 100000; i < 100000 + CASES; i++) {
        size_t l = (size_t)pick(i, 10, 3);
        uint32_t n_tasks = 2 + (uint32_t)pick(i, 11, MAX_TASKS - 1);
        struct pcl_profile p;
        struct rig a, b;

        make_machine(i, &p);
        for (uint32_t t = 0; t < n_tasks; t++)
            make_wide_script(i, t, n_tasks, locks[l].unit);
        run(&a, i, locks[l].name, n_tasks, &p, true);
        run(&b, i, locks[l].name, n_tasks, &p, false);
        same(i, &a, &b);
        joint += a.R.sweep.joint;
        leapt += a.R.sweep.leapt;
        taken += a.R.sweep.taken + a.R.sweep.freed;
        rig_fini(&a);
        rig_fini(&b);
    }
    if (getenv("PCLSIM_TEST_STATS"))
        print_message("%llu of %llu leapt, %llu joint leaps\n", (unsigned long long)leapt,
                      (unsigned long long)taken, (unsigned long long)joint);
    assert_true(joint > CASES && leapt > taken / 2);
}

/* --- sweeps of different files ---------------------------------------------------------------- */

/* Each task sweeps a file of its own; now and then it comes by another's. */
static void make_apart_script(uint64_t i, uint32_t task, uint32_t n_tasks, int64_t unit)
{
    struct rig_op *w = words[task];
    uint64_t last = (uint64_t)PCL_OFF_MAX / (uint64_t)unit, lane = 9000 + task * 100;

    scripts[task] = w;
    for (uint64_t k = 0; k < 1 + pick(i, lane, 3); k++) {
        uint64_t l = lane + 10 + k * 20, len = 1 + pick(i, l, 9000);
        uint64_t from = pick(i, l + 1, 3) ? pick(i, l + 2, 5000) : last - len - pick(i, l + 2, 200);
        uint64_t guest = pick(i, l + 3, 6) == 0 ? pick(i, l + 4, n_tasks) : task;

        if (guest != task)
            len = 1 + len % 80;
        *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)pick(i, l + 5, 60000)};
        *w++ = (struct rig_op){.act = RIG_TAKE,
                               .what = pick(i, l + 6, 8) ? PCL_RANGE_ACQUIRE : PCL_RANGE_TRY,
                               .mode = PCL_EXCLUSIVE,
                               .killable = true,
                               .object = (uint32_t)guest,
                               .start = (int64_t)from * unit,
                               .last = (int64_t)(from + len - 1) * unit};
        *w++ = (struct rig_op){.act = pick(i, l + 7, 2) ? RIG_BURN : RIG_SLEEP,
                               .ns = (pcl_ns)pick(i, l + 8, 90000)};
        *w++ = (struct rig_op)DROP;
    }
    if (pick(i, lane + 6, 6) == 0)
        *w++ = (struct rig_op)KILL((uint32_t)pick(i, lane + 7, n_tasks));
    *w = (struct rig_op)END;
}

static void sweeps_of_different_files_leap_beside_each_other(void **state)
{
    enum { CASES = 300 };
    uint64_t beside = 0, leapt = 0, taken = 0, waits = 0;

    (void)state;
    for (uint64_t i = 200000; i < 200000 + CASES; i++) {
        size_t l = (size_t)pick(i, 10, 3);
        uint32_t n_tasks = 2 + (uint32_t)pick(i, 11, MAX_TASKS - 1);
        struct pcl_profile p;
        struct rig a, b;

        make_machine(i, &p);
        for (uint32_t t = 0; t < n_tasks; t++)
            make_apart_script(i, t, n_tasks, locks[l].unit);
        run(&a, i, locks[l].name, n_tasks, &p, true);
        run(&b, i, locks[l].name, n_tasks, &p, false);
        same(i, &a, &b);
        beside += a.R.sweep.beside;
        leapt += a.R.sweep.leapt;
        taken += a.R.sweep.taken + a.R.sweep.freed;
        waits += a.R.stats.waiters_max;
        rig_fini(&a);
        rig_fini(&b);
    }
    if (getenv("PCLSIM_TEST_STATS"))
        print_message("%llu of %llu leapt, %llu leaps beside others, %llu waited\n",
                      (unsigned long long)leapt, (unsigned long long)taken,
                      (unsigned long long)beside, (unsigned long long)waits);
    assert_true(beside > CASES && leapt > taken / 2 && waits > CASES / 20);
}

/* --- all interleavings of a few units ------------------------------------------------------- */

#define UNITS(a, n) .start = (a) * 4096, .last = ((a) + (n)) * 4096 - 1

static const struct rig_op low[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_ACQUIRE, .mode = PCL_EXCLUSIVE, UNITS(0, 2)}, DROP, END};
static const struct rig_op high[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_ACQUIRE, .mode = PCL_EXCLUSIVE, UNITS(1, 2)}, DROP, END};
static const struct rig_op high_try[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE, UNITS(0, 3)}, DROP, END};
static const struct rig_op high_killable[] = {{.act = RIG_TAKE,
                                               .what = PCL_RANGE_ACQUIRE,
                                               .mode = PCL_EXCLUSIVE,
                                               .killable = true,
                                               UNITS(0, 2)},
                                              DROP,
                                              END};
static const struct rig_op one[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_ACQUIRE, .mode = PCL_EXCLUSIVE, UNITS(1, 1)}, DROP, END};
static const struct rig_op kill_1[] = {KILL(1), END};

static void explore(const struct rig_op *a, const struct rig_op *b, const struct rig_op *c)
{
    const struct rig_op *script[] = {a, b, c};
    struct pcl_lock_param one_queue = {"bits", 0};

    rig_explore_all(&(struct rig_conf){.lock = "unit-4k",
                                       .param = &one_queue,
                                       .n_params = 1,
                                       .n_tasks = c ? 3 : 2,
                                       .script = script,
                                       .explore = true});
}

static void ranges_that_share_a_unit_never_meet(void **state)
{
    (void)state;
    explore(low, high, NULL);
    explore(low, low, NULL);
    explore(low, high_try, NULL);
    explore(low, one, one);
}

/* What is killed half way gives back what it has, and its wake-up. */
static void a_kill_half_way_strands_nobody(void **state)
{
    (void)state;
    explore(one, high_killable, kill_1);
    explore(low, high_killable, kill_1);
}

/* --- boundaries ----------------------------------------------------------------------------- */

/* Does a request of [c, d] get in beside one of [a, b]? */
static bool beside(int64_t a, int64_t b, int64_t c, int64_t d)
{
    const struct rig_op first[] = {
        {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE, .start = a, .last = b},
        {.act = RIG_SLEEP, .ns = 1000000},
        DROP,
        END};
    const struct rig_op second[] = {
        {.act = RIG_SLEEP, .ns = 500000},
        {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE, .start = c, .last = d},
        DROP,
        END};
    const struct rig_op *script[] = {first, second};
    struct rig r;
    bool both;

    rig_init(&r, &(struct rig_conf){.lock = "unit-4k", .n_tasks = 2, .script = script});
    rig_run(&r);
    both = r.busy == 0;
    assert_int_equal(r.granted + r.busy, 2);
    rig_fini(&r);
    return both;
}

static void a_unit_is_locked_with_its_last_byte(void **state)
{
    static const int64_t end = PCL_OFF_MAX;

    (void)state;
    assert_false(beside(0, 0, 4095, 4095));
    assert_true(beside(0, 4095, 4096, 8191));
    assert_true(beside(4096, 8191, 0, 4095));
    assert_false(beside(4095, 4096, 8191, 8191));
    assert_true(beside(4095, 4096, 8192, end));
    assert_false(beside(0, end, end, end));
    assert_false(beside(0, end - 1, end, end)); /* the last byte of the last unit */
    assert_true(beside(0, end - 4096, end, end));
    assert_false(beside(end - 4095, end, 0, end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaps_are_what_single_steps_are),
        cmocka_unit_test(sweeps_side_by_side_leap_together),
        cmocka_unit_test(sweeps_of_different_files_leap_beside_each_other),
        cmocka_unit_test(ranges_that_share_a_unit_never_meet),
        cmocka_unit_test(a_kill_half_way_strands_nobody),
        cmocka_unit_test(a_unit_is_locked_with_its_last_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
