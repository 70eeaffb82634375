/*
 * Cache lines and what spins on them: costs by where a line is, queues in request order,
 * capacity; spinlocks served in arrival order, one transfer and a hand-off after the release.
 */
#include "rig.h"

/* Two sockets, two caches each, two CPUs a cache: CPUs 0 1 | 2 3 || 4 5 | 6 7. Task i runs on
 * CPU i. */
static struct rig *eight_cpus(void)
{
    struct rig *r = rig_new(2, 2, 2);

    r->p.l1_hit = 1;
    r->p.rmw = 5;
    r->p.line_llc = 20;
    r->p.line_socket = 80;
    r->p.line_remote = 150;
    r->p.dram = 100;
    return r;
}

/* Costs in the order in which the tasks, 1 us apart, touch line 0. */
static void touch(const uint8_t (*who)[2], size_t n, const pcl_ns *cost)
{
    struct rig *r = eight_cpus();

    rig_open(r, 8, true); /* each access waits for its turn: pad with time */
    for (uint32_t t = 0; t < 8; t++) {
        struct instruction prog[RIG_STEPS];
        size_t at = 0;
        pcl_ns spent = 0;

        memset(prog, 0, sizeof(prog));
        for (size_t i = 0; i < n; i++)
            if (who[i][0] == t) {
                prog[at++] =
                    (struct instruction){BURN, (uint64_t)((pcl_ns)(i + 1) * 1000 - spent), 0};
                prog[at++] = (struct instruction){who[i][1], 0, 0};
                spent = (pcl_ns)(i + 1) * 1000 + cost[i];
            }
        if (at)
            rig_start(r, t, 0, prog, at);
    }
    rig_run(r);
    for (uint32_t t = 0; t < 8; t++) {
        size_t at = 0;

        for (size_t i = 0; i < n; i++)
            if (who[i][0] == t) {
                pcl_ns took = r->at[t][at + 2] - r->at[t][at + 1];

                if (took != cost[i])
                    fail_msg("access %zu by CPU %u took %lld ns, not %lld", i, t,
                             (long long)took, (long long)cost[i]);
                at += 2;
            }
    }
    rig_free(r);
}

static void a_line_costs_by_where_it_is(void **unused)
{
    static const uint8_t who[][2] = {{0, LOAD}, {0, LOAD},  {1, LOAD}, {2, LOAD}, {4, LOAD},
                                     {5, LOAD}, {0, RMW},   {0, RMW},  {4, LOAD}, {0, LOAD},
                                     {1, RMW},  {0, STORE}, {0, LOAD}, {3, RMW},  {6, STORE}};
    static const pcl_ns cost[] = {101,     /* nobody has it */
                                  1,       /* hit */
                                  21,      /* in the same cache domain */
                                  81,      /* from the other one of the socket */
                                  151,     /* from the other socket */
                                  21,      /* a sharer is near by now */
                                  155,     /* invalidates the far sharers too */
                                  5,       /* mine already */
                                  151,     /* from its owner */
                                  1,       /* who keeps a shared copy */
                                  155,     /* CPUs 0 and 4 share it: the far one decides */
                                  21,      /* from the owner next door, a plain store */
                                  1,   85, /* from CPU 0: other cache, same socket */
                                  151};

    (void)unused;
    touch(who, sizeof(who) / sizeof(who[0]), cost);
}

static void writers_queue_in_request_order(void **unused)
{
    struct rig *r = rig_new(1, 1, 8);

    (void)unused;
    r->p.line_llc = 20;
    r->p.rmw = 5;
    rig_open(r, 8, true);
    START(r, 0, 0, {RMW, 0, 0});
    START(r, 3, 100, {RMW, 0, 0});
    START(r, 5, 101, {RMW, 0, 0});
    START(r, 1, 102, {RMW, 0, 0});
    START(r, 2, 103, {LOAD, 0, 0}); /* a miss waits for the writes before it */
    START(r, 4, 104, {LOAD, 0, 0});
    rig_run(r);
    assert_int_equal(r->died[0], 5);
    assert_int_equal(r->died[3], 125);
    assert_int_equal(r->died[5], 150);
    assert_int_equal(r->died[1], 175);
    assert_int_equal(r->died[2], 195);
    assert_int_equal(r->died[4], 195); /* readers do not queue behind each other */
    assert_time_is_conserved(r);
    rig_free(r);
}

/* Each of those before costs a retry at one's own grant, nothing where nobody is in line. */
static void who_is_in_line_is_retried(void **unused)
{
    struct rig *r = rig_new(1, 1, 8);

    (void)unused;
    r->p.line_llc = 20;
    r->p.line_retry = 7;
    r->p.rmw = 5;
    rig_open(r, 8, true);
    START(r, 0, 0, {RMW, 0, 0});
    START(r, 3, 100, {RMW, 0, 0});
    START(r, 5, 101, {RMW, 0, 0});
    START(r, 1, 102, {RMW, 0, 0});
    START(r, 2, 103, {RMW, 0, 0});
    START(r, 4, 1000, {RMW, 0, 0});
    rig_run(r);
    assert_int_equal(r->died[0], 5);
    assert_int_equal(r->died[3], 125);
    assert_int_equal(r->died[5], 125 + 25 + 7);
    assert_int_equal(r->died[1], 157 + 25 + 2 * 7);
    assert_int_equal(r->died[2], 196 + 25 + 3 * 7);
    assert_int_equal(r->died[4], 1025);
    assert_time_is_conserved(r);
    rig_free(r);
}

/* What line_retry was fitted to: 3.0 M atomics a second with 32 CPUs of two sockets on one line
 * (docs/sources.md, S9). Two CPUs that take turns at their leisure pay the transfer alone. */
static void a_saturated_line_is_as_fast_as_measured(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);
    struct pcl_err err;
    const int64_t times = 500;

    (void)unused;
    assert_int_equal(pcl_profile_load("server-2s-optane", &r->p, &err), PCL_OK);
    r->p.hz = 0;
    rig_open(r, 32, true);
    for (uint32_t t = 0; t < 32; t++)
        START(r, t, t * 7 % 32, {RMW, 0, 0}, {AGAIN, 0, 499});
    rig_run(r);

    double rate = 32.0 * (double)times / (double)r->died[0] * 1e3; /* M/s */

    if (rate < 2.7 || rate > 3.3)
        fail_msg("%.2f M/s", rate);
    print_message("%.2f M atomics/s on one line\n", rate);
    rig_free(r);
}

static void a_wake_up_takes_lines_from_the_cpu_that_wrote_them_last(void **unused)
{
    struct rig *r = rig_new(1, 1, 2);

    (void)unused;
    r->p.line_llc = 20;
    r->p.rmw = 5;
    rig_open(r, 2, true);
    START(r, 0, 0, {BURN, 1000, 0}, {WAKE, 1, 0}, {BURN, 1000, 0});
    START(r, 1, 0, {SLEEP, 0, 0});
    rig_run(r);
    assert_int_equal(r->at[0][2] - r->at[0][1], 2 * 25); /* the task's, the run queue's */
    assert_int_equal(r->at[1][1] - r->at[0][2], 2 * 20); /* and back */
    assert_time_is_conserved(r);
    rig_free(r);
}

/* Task 1 wakes task 4 on CPU 0 while that switches from task 0 to task 2. */
static pcl_ns wake_beside_a_switch(int64_t llcs, int64_t cpus)
{
    struct rig *r = rig_new(1, llcs, cpus);
    pcl_ns took;

    r->p.line_llc = 20;
    r->p.line_socket = 50;
    r->p.rmw = 5;
    r->p.ctx_switch = 1000;
    rig_open(r, 5, true);
    START(r, 4, 0, {SLEEP, 0, 0});
    START(r, 1, 5, {BURN, 5295, 0}, {WAKE, 4, 0}, {BURN, 1, 0});
    START(r, 0, 10, {BURN, 4990, 0});
    START(r, 2, 20, {BURN, 10000, 0});
    rig_run(r);
    assert_int_equal(r->died[0], 5000);
    assert_int_equal(r->at[1][1], 5300);
    took = r->at[1][2] - r->at[1][1];
    assert_time_is_conserved(r);
    rig_free(r);
    return took;
}

static void a_waker_next_door_waits_for_the_run_queues_lock(void **unused)
{
    (void)unused;
    assert_int_equal(wake_beside_a_switch(1, 2), 6000 - 5300 + 20);
    assert_int_equal(wake_beside_a_switch(2, 1), 2 * 55);
}

static void touch_many(int64_t llc_bytes, pcl_ns want)
{
    struct rig *r = rig_new(1, 1, 1);

    r->p.l1_hit = 1;
    r->p.dram = 100;
    r->p.llc_bytes = llc_bytes;
    rig_open(r, 1, true);
    START(r, 0, 0, {LOAD, 0, 0}, {BURN, 1, 0});
    rig_run(r);
    assert_int_equal(r->died[0], 302); /* the lines of the task and the run queue came from memory too */
    r->m.cur = 0;
    r->m.cur_cpu = 0;
    r->m.at = 1000;
    for (uint64_t i = 1; i <= 5000; i++)
        pcl_load(&r->m, LINE_OF(i));
    pcl_ns before = r->m.at;

    assert_int_equal(before, 1000 + 5000 * 101);
    pcl_load(&r->m, LINE_OF(0));
    assert_int_equal(r->m.at - before, want);
    r->m.cur = PCL_NONE;
    rig_free(r);
}

static void a_small_cache_forgets_and_a_large_one_does_not(void **unused)
{
    (void)unused;
    touch_many(64 << 10, 101);
    touch_many(64 << 20, 1);
}

/* The lines of one object in all classes stay together in a cache; nothing grows for them. */
static void lines_of_equal_number_do_not_push_each_other_out(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.l1_hit = 1;
    r->p.dram = 100;
    r->p.llc_bytes = 64 << 10;
    rig_open(r, 1, true);
    r->m.cur = r->m.cur_cpu = 0;
    r->m.at = 0;
    for (int round = 0; round < 10; round++)
        for (uint64_t id = 0; id < 8; id++)
            for (uint64_t cls = PCL_LINE_TASK; cls <= PCL_LINE_DIO; cls++)
                pcl_load(&r->m, cls << 56 | id);
    assert_int_equal(r->m.at, 8 * PCL_LINE_DIO * (100 + 10));
    r->m.cur = PCL_NONE;
    rig_free(r);
}

static void a_spinlock_serves_in_arrival_order(void **unused)
{
    struct rig *r = rig_new(1, 1, 8);

    (void)unused;
    r->p.line_llc = 20;
    r->p.spin_handoff = 7;
    rig_open(r, 4, true);
    START(r, 0, 0, {LOCK, 0, 0}, {BURN, 1000, 0}, {UNLOCK, 0, 0});
    START(r, 1, 100, {LOCK, 0, 0}, {BURN, 10, 0}, {UNLOCK, 0, 0});
    START(r, 2, 200, {LOCK, 0, 0}, {BURN, 10, 0}, {UNLOCK, 0, 0});
    START(r, 3, 150, {LOCK, 0, 0}, {BURN, 10, 0}, {UNLOCK, 0, 0});
    rig_run(r);
    /* the release fetches the word from the last one who asked, then passes it on */
    assert_int_equal(r->at[1][1], 1000 + 20 + 20 + 7);
    /* task 1 has the word from nobody: the release took it to CPU 0 */
    assert_int_equal(r->at[3][1], 1047 + 10 + 20 + 20 + 7);
    assert_int_equal(r->at[2][1], 1104 + 10 + 20 + 20 + 7);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void without_costs_a_spinlock_is_a_fifo_queue(void **unused)
{
    struct rig *r = rig_new(0, 0, 0);

    (void)unused;
    pcl_profile_ideal(&r->p);
    rig_open(r, 3, true);
    START(r, 0, 0, {LOCK, 0, 0}, {BURN, 100, 0}, {UNLOCK, 0, 0});
    START(r, 1, 20, {LOCK, 0, 0}, {BURN, 100, 0}, {UNLOCK, 0, 0});
    START(r, 2, 10, {LOCK, 0, 0}, {BURN, 100, 0}, {UNLOCK, 0, 0});
    rig_run(r);
    assert_int_equal(r->died[0], 100);
    assert_int_equal(r->died[2], 200);
    assert_int_equal(r->died[1], 300);
    assert_int_equal(r->m.cause_ns[PCL_T_SPIN], 90 + 180);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_watch_ends_by_notice_by_limit_or_with_its_owner(void **unused)
{
    struct rig *r = rig_new(1, 1, 8);

    (void)unused;
    r->p.line_llc = 20;
    rig_open(r, 5, true);
    START(r, 0, 0, {BURN, 1000, 0}, {NOTICE, 1, 0}, {BURN, 500, 0}, {TIMED, 1000, 0});
    START(r, 1, 0, {WATCH, PCL_NONE, 0});   /* told at 1000, one transfer later */
    START(r, 2, 0, {WATCH, PCL_NONE, 300}); /* its limit */
    START(r, 3, 0, {WATCH, 0, 0});          /* task 0 sleeps from 1500 on */
    START(r, 4, 2000, {WATCH, 0, 0});       /* not on a CPU: nothing to watch */
    rig_run(r);
    assert_int_equal(r->died[1], 1020);
    assert_int_equal(r->died[2], 300);
    assert_int_equal(r->died[3], 1500);
    assert_int_equal(r->died[4], 2000);
    assert_time_is_conserved(r);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_costs_by_where_it_is),
        cmocka_unit_test(writers_queue_in_request_order),
        cmocka_unit_test(who_is_in_line_is_retried),
        cmocka_unit_test(a_saturated_line_is_as_fast_as_measured),
        cmocka_unit_test(a_wake_up_takes_lines_from_the_cpu_that_wrote_them_last),
        cmocka_unit_test(a_waker_next_door_waits_for_the_run_queues_lock),
        cmocka_unit_test(a_small_cache_forgets_and_a_large_one_does_not),
        cmocka_unit_test(lines_of_equal_number_do_not_push_each_other_out),
        cmocka_unit_test(a_spinlock_serves_in_arrival_order),
        cmocka_unit_test(without_costs_a_spinlock_is_a_fifo_queue),
        cmocka_unit_test(a_watch_ends_by_notice_by_limit_or_with_its_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
