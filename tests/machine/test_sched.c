/*
 * Who runs where and when: wake-ups out of shallow and deep idle, placement, wake-up preemption
 * of cfs and eevdf, the tick's slice, the three preemption models, idle balancing. And whatever
 * happens, every instant of a task's life has one cause.
 */
#include "rig.h"

#define MS UINT64_C(1000000)

static void idle_is_left_sooner_when_shallow(void **unused)
{
    struct rig *r = rig_new(1, 1, 2);

    (void)unused;
    r->p.wake_call = 100;
    r->p.wake_idle_shallow = 3000;
    r->p.wake_idle_deep = 50000;
    r->p.idle_deep_after = 10000;
    rig_open(r, 2, true);
    START(r, 0, 0, {SLEEP, 0, 0}, {BURN, 10, 0}, {SLEEP, 0, 0}, {BURN, 10, 0});
    START(r, 1, 3000, {BURN, 5000, 0}, {WAKE, 0, 0}, {BURN, 100000, 0}, {WAKE, 0, 0});
    rig_run(r);
    /* both tasks begin with a wake-up out of shallow idle; task 1 runs from 6000 on */
    assert_int_equal(r->at[1][1], 11000);
    assert_int_equal(r->at[0][1], 11000 + 100 + 3000);
    assert_int_equal(r->at[1][3], 111100);
    assert_int_equal(r->at[0][3], 111100 + 100 + 50000);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_wake_up_inside_the_sleepers_last_step_waits_for_its_end(void **unused)
{
    struct rig *r = rig_new(1, 1, 4);

    (void)unused;
    r->p.wake_idle_shallow = 200;
    rig_open(r, 3, true);
    START(r, 0, 0, {SLEEP, 1000, 0}); /* 200 .. 1200 */
    START(r, 1, 0, {BURN, 300, 0}, {WAKE, 0, 0});
    rig_run(r);
    assert_int_equal(r->at[1][1], 500);
    assert_int_equal(r->died[0], 1200 + 200);
    assert_time_is_conserved(r);
    rig_free(r);
}

/* Tasks 0..n-1 are born on CPUs 0..n-1; the last one sleeps on CPU 0 and is woken when the CPUs
 * of the mask are busy, by a task on CPU 3. */
static uint32_t placed_on(unsigned busy, unsigned queued)
{
    struct rig *r = rig_new(1, 2, 2);
    uint32_t where;

    rig_open(r, 12, true);
    START(r, 8, 0, {SLEEP, 0, 0}, {BURN, 1, 0});
    for (uint32_t c = 0; c < 3; c++)
        if (busy >> c & 1)
            rig_start(r, c, 10, (struct instruction[]){{BURN, 90000 + c, 0}}, 1);
    for (uint32_t c = 0; c < 3; c++)
        if (queued >> c & 1)
            START(r, c + 4, 20, {BURN, 100000, 0});
    rig_start(r, 3, 10,
              (struct instruction[]){
                  {BURN, 1000, 0}, {WAKE, 8, 0}, {BURN, queued ? 10000 : 100000, 0}},
              3);
    rig_run(r);
    where = r->cpu[8][1];
    assert_time_is_conserved(r);
    rig_free(r);
    return where;
}

static void a_woken_task_goes_home_or_near(void **unused)
{
    (void)unused;
    assert_int_equal(placed_on(0, 0), 0); /* its previous CPU */
    assert_int_equal(placed_on(2, 0), 0);
    assert_int_equal(placed_on(1, 0), 1); /* an idle one of its cache domain */
    assert_int_equal(placed_on(3, 0), 2); /* one of the waker's */
    /* all are busy: it queues on its own CPU, or on the waker's when that queue is shorter */
    assert_int_equal(placed_on(7, 0), 0);
    assert_int_equal(placed_on(7, 1), 3);
}

/* A hog computes on the only CPU; a sleeper is woken by its timer at 50 ms. When does it run?
 */
static pcl_ns preempted_at(int64_t sched, int64_t hz, int64_t slice, int64_t wake_gran)
{
    struct rig *r = rig_new(1, 1, 1);
    pcl_ns at;

    r->p.sched = sched;
    r->p.hz = hz;
    r->p.slice = slice;
    r->p.wake_gran = wake_gran;
    r->p.sleeper_credit = (int64_t)(6 * MS);
    rig_open(r, 2, true);
    START(r, 0, 0, {TIMED, 50 * MS, 0}, {BURN, 1000, 0});
    START(r, 1, 10, {BURN, 100 * MS, 0});
    rig_run(r);
    at = r->at[0][1];
    assert_int_equal(r->m.task[1].involuntary, at < (pcl_ns)(100 * MS));
    assert_int_equal(r->died[1],
                     (pcl_ns)(100 * MS) + 10 + (at < (pcl_ns)(100 * MS) ? 1000 : 0));
    assert_time_is_conserved(r);
    rig_free(r);
    return at;
}

static void cfs_preempts_at_the_wake_up_and_eevdf_when_the_slice_is_over(void **unused)
{
    (void)unused;
    /* cfs: the sleeper leads by its credit */
    assert_int_equal(preempted_at(PCL_SCHED_CFS, 250, 3 * MS, MS), 50 * MS);
    /* cfs: not by enough; at the next tick it leads by more than the hog's share */
    assert_int_equal(preempted_at(PCL_SCHED_CFS, 250, 3 * MS, 10 * MS), 52 * MS + 0 * MS);
    /* eevdf: the hog has used its slice long ago, so it goes at once */
    assert_int_equal(preempted_at(PCL_SCHED_EEVDF, 250, 3 * MS, 0), 50 * MS);
    /* eevdf: within the slice it is protected; then the next tick takes it */
    assert_int_equal(preempted_at(PCL_SCHED_EEVDF, 250, 51 * MS, 0), 52 * MS);
    assert_int_equal(preempted_at(PCL_SCHED_EEVDF, 250, 55 * MS, 0), 56 * MS);
    /* no tick: nobody takes the CPU away from a task in its slice */
    assert_int_equal(preempted_at(PCL_SCHED_EEVDF, 0, 55 * MS, 0), 100 * MS + 10);
}

static void two_hogs_share_a_cpu_tick_by_tick(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.sched = PCL_SCHED_EEVDF;
    r->p.hz = 250;
    r->p.slice = MS;
    r->p.ctx_switch = 1000;
    r->p.tick_cost = 2000;
    rig_open(r, 2, true);
    START(r, 0, 0, {BURN, 20 * MS, 0});
    START(r, 1, 0, {BURN, 20 * MS, 0});
    rig_run(r);
    /* ten ticks in 40 ms, each a switch */
    assert_true(r->m.ticks == 10);
    assert_true(r->m.task[0].involuntary + r->m.task[1].involuntary >= 9);
    pcl_ns last = r->died[0] > r->died[1] ? r->died[0] : r->died[1];

    assert_true(last > (pcl_ns)(40 * MS) + 9 * 3000 && last < (pcl_ns)(40 * MS) + 12 * 3000);
    assert_int_equal(r->m.cause_ns[PCL_T_KERNEL], 10 * 2000); /* the ticks */
    assert_time_is_conserved(r);
    rig_free(r);
}

/* Steps of 10 ms each with a mark; a task that wants the CPU from 3 ms on (timer, cfs) gets it
 * at which time? */
static pcl_ns interrupted_at(int64_t preempt, uint64_t mark, bool spinlock)
{
    struct rig *r = rig_new(1, 1, 1);
    struct instruction prog[] = {
        {MARK, mark, 0},    {spinlock ? LOCK : BURN, 0, 0},   {BURN, 10 * MS, 0},
        {BURN, 10 * MS, 0}, {spinlock ? UNLOCK : BURN, 0, 0}, {MARK, PCL_MARK_USER, 0},
        {BURN, 10 * MS, 0}};
    pcl_ns at;

    r->p.preempt = preempt;
    r->p.wake_gran = 1000;
    r->p.sleeper_credit = 10 * (int64_t)MS;
    rig_open(r, 2, true);
    START(r, 1, 0, {TIMED, 3 * MS, 0});
    rig_start(r, 0, 1, prog, sizeof(prog) / sizeof(prog[0]));
    rig_run(r);
    at = r->at[1][1];
    assert_time_is_conserved(r);
    rig_free(r);
    return at;
}

static void the_preemption_model_says_where_kernel_code_yields(void **unused)
{
    static const struct {
        uint8_t mark;
        uint8_t at[3]; /* ms, under none, voluntary, full */
    } want[] = {
        {PCL_MARK_USER, {3, 3, 3}},     /* always, inside the step */
        {PCL_MARK_KERNEL, {20, 20, 3}}, /* only on return to user mode, unless full */
        {PCL_MARK_COND, {10, 10, 3}},   /* cond_resched() between the two steps */
        {PCL_MARK_SLEEPY, {20, 10, 3}}, /* might_sleep() counts under voluntary */
        {PCL_MARK_ATOMIC, {20, 20, 20}},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        for (int p = PCL_PREEMPT_NONE; p <= PCL_PREEMPT_FULL; p++)
            assert_int_equal(interrupted_at(p, want[i].mark, false) / (pcl_ns)MS,
                             want[i].at[p]);
    /* under a spinlock nobody yields, even to full preemption; the unlock is the end of it */
    assert_int_equal(interrupted_at(PCL_PREEMPT_FULL, PCL_MARK_KERNEL, true) / (pcl_ns)MS, 20);
}

/* Full preemption: the holder of a sleeping lock loses its CPU, and those who wait for it wait
 * for the scheduler. Here the "lock" is a wake-up that the holder owes. */
static void a_lock_holder_can_lose_its_cpu(void **unused)
{
    pcl_ns woken[3];

    (void)unused;
    for (int p = PCL_PREEMPT_NONE; p <= PCL_PREEMPT_FULL; p++) {
        struct rig *r = rig_new(1, 1, 2);

        r->p.preempt = p;
        r->p.wake_gran = 1000;
        r->p.sleeper_credit = 100 * (int64_t)MS;
        rig_open(r, 4, true);
        START(r, 2, 0, {TIMED, MS, 0}, {BURN, 50 * MS, 0}); /* lives on CPU 0 */
        START(r, 0, 10, {MARK, PCL_MARK_KERNEL, 0}, {BURN, 2 * MS, 0}, {WAKE, 1, 0});
        START(r, 1, 0, {SLEEP, 0, 0}, {BURN, 1, 0}); /* waits on CPU 1 */
        START(r, 3, 5, {BURN, 200 * MS, 0});         /* keeps CPU 1 busy */
        rig_run(r);
        woken[p] = r->at[0][2];
        assert_time_is_conserved(r);
        rig_free(r);
    }
    assert_int_equal(woken[PCL_PREEMPT_NONE], (pcl_ns)(2 * MS) + 10);
    assert_int_equal(woken[PCL_PREEMPT_VOLUNTARY], (pcl_ns)(2 * MS) + 10);
    assert_int_equal(woken[PCL_PREEMPT_FULL], (pcl_ns)(52 * MS) + 10);
}

static void an_idle_cpu_takes_work_from_a_busy_one(void **unused)
{
    struct rig *r = rig_new(1, 2, 2);

    (void)unused;
    r->p.sched = PCL_SCHED_EEVDF;
    r->p.hz = 1000;
    r->p.slice = 10 * MS;
    r->p.migrate = 700;
    rig_open(r, 12, true);
    /* CPUs 0 and 1 share a cache; three hogs end up there while CPUs 2 and 3 are busy */
    START(r, 0, 0, {BURN, 20 * MS, 0});
    START(r, 1, 0, {BURN, 20 * MS, 0});
    START(r, 2, 0, {BURN, 2 * MS, 0});
    START(r, 3, 0, {BURN, 5 * MS, 0});
    START(r, 4, 1000, {BURN, 20 * MS, 0});
    rig_run(r);
    /* CPU 2 falls idle at 2 ms and pulls it */
    assert_int_equal(r->at[4][0], (pcl_ns)(2 * MS) + 700);
    assert_int_equal(r->cpu[4][0], 2);
    assert_time_is_conserved(r);
    rig_free(r);

    /* CPUs 2 and 3 are idle all the time: the tick of a busy CPU calls one of them */
    r = rig_new(1, 2, 2);
    r->p.hz = 1000;
    rig_open(r, 12, true);
    START(r, 0, 0, {BURN, 20 * MS, 0});
    START(r, 1, 0, {BURN, 20 * MS, 0});
    START(r, 4, 1000, {BURN, 20 * MS, 0});
    rig_run(r);
    assert_int_equal(r->at[4][0], (pcl_ns)MS);
    assert_int_equal(r->cpu[4][0], 2);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void timers_wake_on_time_and_early_wakes_count(void **unused)
{
    struct rig *r = rig_new(0, 0, 0);

    (void)unused;
    pcl_profile_ideal(&r->p);
    rig_open(r, 3, true);
    START(r, 0, 5, {TIMED, 1000, 0}, {TIMED, 0, 0}, {TIMED, 1000, 0});
    START(r, 1, 1505, {WAKE, 0, 0});
    rig_run(r);
    assert_int_equal(r->at[0][1], 1005);
    assert_int_equal(r->at[0][2], 1005);
    assert_int_equal(r->died[0], 1505);
    assert_int_equal(r->m.cause_ns[PCL_T_SLEEP], 1500);
    assert_time_is_conserved(r);
    rig_free(r);
}

/* --- whatever happens
 * -------------------------------------------------------------------------- */

static uint64_t bits(uint64_t seed, uint64_t *i)
{
    return pcl_bits(pcl_stream(seed, 0, 0, PCL_DRAW_PICK), (*i)++, 0);
}

/* A random program that ends: spinlocks are taken in one order and given back at once. */
static void random_program(struct rig *r, uint32_t t, uint64_t seed, uint64_t *draw)
{
    struct instruction prog[RIG_STEPS - 1];
    size_t n = 0;

    memset(prog, 0, sizeof(prog));
    while (n < 36) {
        uint64_t b = bits(seed, draw), ns = (b >> 32) % 30000, k = (b >> 16) % 4;

        switch (b % 10) {
        case 0:
            prog[n++] = (struct instruction){MARK, PCL_MARK_USER + (b >> 8) % 4, 0};
            prog[n++] = (struct instruction){BURN, ns * 100, 0};
            break;
        case 1:
        case 2: {
            uint64_t irq =
                k % 2; /* a lock is either always taken with interrupts off or never */

            prog[n++] = (struct instruction){irq ? LOCK_IRQ : LOCK, k, 0};
            prog[n++] = (struct instruction){BURN, ns, 0};
            prog[n++] = (struct instruction){irq ? UNLOCK_IRQ : UNLOCK, k, 0};
            break;
        }
        case 3:
            prog[n++] = (struct instruction){TIMED, ns * 10, 0};
            break;
        case 4:
            prog[n++] = (struct instruction){b & 64 ? IO : WRITES, 4096, DO_DONE};
            prog[n++] = (struct instruction){BURN, ns, 0};
            prog[n++] = (struct instruction){AWAIT, 0, 0};
            break;
        case 5:
            prog[n++] = (struct instruction){IO, 512, DO_BURN(ns)};
            break;
        case 6:
            prog[n++] = (struct instruction){SHOOT, k, ns % 50};
            break;
        case 7:
            prog[n++] = (struct instruction){
                WATCH, (b >> 8) % r->m.n_tasks == t ? PCL_NONE : (b >> 8) % r->m.n_tasks,
                1 + ns};
            break;
        case 8:
            prog[n++] = (struct instruction){NOTICE, (b >> 8) % r->m.n_tasks, 0};
            break;
        default:
            prog[n++] = (struct instruction){b & 64 ? RMW : LOAD, k, 0};
            prog[n++] = (struct instruction){BURN, ns, 0};
            break;
        }
    }
    r->m.task[t].mm = seed % 2 ? t % 4 : 0;
    rig_start(r, t, (pcl_ns)(bits(seed, draw) % 20000), prog, n);
}

static struct rig *random_rig(uint64_t seed, bool run_ahead)
{
    static const int64_t shapes[][3] = {{1, 1, 1}, {1, 1, 2}, {1, 2, 2}, {2, 2, 1}, {2, 2, 4}};
    uint64_t draw = 0, b = bits(seed, &draw);
    const int64_t *s = shapes[b % 5];
    struct rig *r = rig_new(s[0], s[1], s[2]);
    uint32_t n = 1 + (uint32_t)(b >> 8) % 24;
    struct pcl_profile *p = &r->p;

    p->sched = b & 64 ? PCL_SCHED_CFS : PCL_SCHED_EEVDF;
    p->preempt = (int64_t)(b >> 40) % 3;
    p->hz = (b >> 44) % 4 ? 1000 : 0;
    p->slice = 400000;
    p->wake_gran = 100000;
    p->sleeper_credit = 500000;
    p->idle_deep_after = 20000;
    p->l1_hit = 1, p->rmw = 5, p->line_llc = 20, p->line_socket = 80, p->line_remote = 150;
    p->dram = 100, p->spin_handoff = 20, p->ctx_switch = 1200, p->wake_call = 700;
    p->wake_idle_shallow = 3000, p->wake_idle_deep = 50000, p->tick_cost = 1000;
    p->migrate = 2000, p->irq_entry = 500, p->ipi = 1500, p->ipi_per_cpu = 200;
    p->ipi_handler = 800, p->tlb_flush = 150;
    p->dev_channels = 3, p->dev_read = 20000, p->dev_read_cv = 50, p->dev_write = 9000;
    rig_open(r, n, run_ahead);
    for (uint32_t t = 0; t < n; t++)
        random_program(r, t, seed, &draw);
    return r;
}

/* One run gives the hash of who did what when. slice: the run is done in pieces of so much. */
static uint64_t random_run(uint64_t seed, bool run_ahead, pcl_ns slice)
{
    struct rig *r = random_rig(seed, run_ahead);
    uint64_t log;

    for (pcl_ns t = slice; slice && t < 2000 * slice; t += slice)
        assert_int_equal(pcl_machine_run(&r->m, t, NULL), PCL_OK);
    rig_run(r);
    for (uint32_t t = 0; t < r->m.n_tasks; t++)
        if (r->m.model[t].run != PCL_RUN_DEAD)
            fail_msg("seed %llu: task %u never ends (pc %u, state %u)",
                     (unsigned long long)seed, t, r->pc[t], r->m.model[t].run);
    assert_time_is_conserved(r);
    log = r->log;
    rig_free(r);
    return log;
}

static void time_is_conserved_and_everybody_ends(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < 400; seed++)
        (void)random_run(seed, true, 0);
}

static void running_ahead_and_time_limits_change_nothing(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < 100; seed++) {
        uint64_t want = random_run(seed, true, 0);

        assert_true(random_run(seed, false, 0) == want);
        assert_true(random_run(seed, true, 10007) == want);
        assert_true(random_run(seed, false, 999) == want);
    }
}

static void a_run_can_be_interrupted_and_goes_on(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);
    volatile int cancel = 1;

    (void)unused;
    rig_open(r, 1, true);
    START(r, 0, 0, {BURN, 10, 0}, {AGAIN, 0, 1000000});
    assert_int_equal(pcl_machine_run(&r->m, PCL_NS_MAX - 1, &cancel), PCL_EINTR);
    assert_true(r->m.steps < 20000000 && r->m.model[0].run != PCL_RUN_DEAD);
    cancel = 0;
    assert_int_equal(pcl_machine_run(&r->m, PCL_NS_MAX - 1, &cancel), PCL_OK);
    assert_int_equal(r->died[0], 10000010);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_is_left_sooner_when_shallow),
        cmocka_unit_test(a_wake_up_inside_the_sleepers_last_step_waits_for_its_end),
        cmocka_unit_test(a_woken_task_goes_home_or_near),
        cmocka_unit_test(cfs_preempts_at_the_wake_up_and_eevdf_when_the_slice_is_over),
        cmocka_unit_test(two_hogs_share_a_cpu_tick_by_tick),
        cmocka_unit_test(the_preemption_model_says_where_kernel_code_yields),
        cmocka_unit_test(a_lock_holder_can_lose_its_cpu),
        cmocka_unit_test(an_idle_cpu_takes_work_from_a_busy_one),
        cmocka_unit_test(timers_wake_on_time_and_early_wakes_count),
        cmocka_unit_test(time_is_conserved_and_everybody_ends),
        cmocka_unit_test(running_ahead_and_time_limits_change_nothing),
        cmocka_unit_test(a_run_can_be_interrupted_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
