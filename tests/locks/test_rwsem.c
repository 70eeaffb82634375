/*
 * The rwsem's own promises: who spins and for how long, who is granted and who is only woken,
 * who may steal and until when. On the ideal machine all instants are exact.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pcl_lock_param no_spin = {"spin", 0};

static void run(struct rig *r, const struct rig_op **script, uint32_t n,
                const struct pcl_lock_param *param, unsigned n_params)
{
    rig_init(r, &(struct rig_conf){.lock = "rwsem",
                                   .n_tasks = n,
                                   .script = script,
                                   .param = param,
                                   .n_params = n_params});
    rig_run(r);
}

/* Waiting: reader, reader, writer, reader, reader; the writer that holds sleeps until 1000. */
static const struct rig_op w0[] = {WRITE, HOLD_ASLEEP(1000), DROP, END};
static const struct rig_op r1[] = {AT(100), READ, HOLD_ASLEEP(100), DROP, END};
static const struct rig_op r2[] = {AT(200), READ, HOLD_ASLEEP(100), DROP, END};
static const struct rig_op w3[] = {AT(300), WRITE, HOLD_ASLEEP(100), DROP, END};
static const struct rig_op r4[] = {AT(400), READ, HOLD_ASLEEP(100), DROP, END};
static const struct rig_op r5[] = {AT(500), READ, HOLD_ASLEEP(100), DROP, END};
static const struct rig_op *mixed[] = {w0, r1, r2, w3, r4, r5};

static void readers_are_woken_from_anywhere_in_the_queue(void **state)
{
    struct rig r;

    (void)state;
    run(&r, mixed, 6, NULL, 0);
    assert_int_equal(rig_granted(&r, 1), 1000);
    assert_int_equal(rig_granted(&r, 2), 1000);
    assert_int_equal(rig_granted(&r, 4), 1000);
    assert_int_equal(rig_granted(&r, 5), 1000);
    assert_int_equal(rig_granted(&r, 3), 1100);
    assert_int_equal(r.R.stats.waiters_max, 5);
    assert_int_equal(r.R.stats.waiters, 0);
    rig_fini(&r);
}

static void a_wake_up_grants_no_more_than_a_batch(void **state)
{
    const struct pcl_lock_param batch = {"reader_batch", 2};
    struct rig r;

    (void)state;
    run(&r, mixed, 6, &batch, 1);
    assert_int_equal(rig_granted(&r, 1), 1000);
    assert_int_equal(rig_granted(&r, 2), 1000);
    assert_int_equal(rig_granted(&r, 3), 1100); /* the writer is first now */
    assert_int_equal(rig_granted(&r, 4), 1200);
    assert_int_equal(rig_granted(&r, 5), 1200);
    rig_fini(&r);
}

static void a_reader_behind_readers_does_not_overtake_a_sleeping_writer(void **state)
{
    static const struct rig_op reader[] = {READ, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op writer[] = {AT(100), WRITE, HOLD_ASLEEP(50), DROP, END};
    static const struct rig_op late[] = {AT(200), READ, DROP, END};
    static const struct rig_op *script[] = {reader, writer, late};
    struct rig r;

    (void)state;
    run(&r, script, 3, &no_spin, 1);
    assert_int_equal(rig_granted(&r, 1), 1000);
    assert_int_equal(rig_granted(&r, 2), 1050);
    rig_fini(&r);
}

static void a_writer_spins_while_the_owner_runs(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_RUNNING(50000), DROP, END};
    static const struct rig_op second[] = {AT(1000), WRITE, HOLD_RUNNING(500), DROP, END};
    static const struct rig_op third[] = {AT(2000), WRITE, HOLD_RUNNING(500), DROP, END};
    static const struct rig_op *script[] = {owner, second, third};
    struct rig r;

    (void)state;
    run(&r, script, 3, NULL, 0);
    assert_int_equal(rig_granted(&r, 1), 50000);
    assert_int_equal(rig_granted(&r, 2), 50500); /* spinners take turns in order of arrival */
    assert_int_equal(r.R.stats.waiters_max, 0);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 49000 + 48500);
    rig_fini(&r);

    run(&r, script, 3, &no_spin, 1);
    assert_int_equal(rig_granted(&r, 2), 50500);
    assert_int_equal(r.R.stats.waiters_max, 2);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 0);
    rig_fini(&r);
}

static void a_writer_does_not_spin_for_an_owner_that_sleeps(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_RUNNING(3000), HOLD_ASLEEP(5000), DROP,
                                          END};
    static const struct rig_op early[] = {AT(1000), WRITE, DROP, END};
    static const struct rig_op late[] = {AT(4000), WRITE, DROP, END};
    static const struct rig_op *script[] = {owner, early, late};
    struct rig r;

    (void)state;
    run(&r, script, 3, NULL, 0);
    assert_int_equal(rig_granted(&r, 1), 8000);
    assert_int_equal(r.R.stats.waiters_max, 2);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 2000); /* until the owner went to sleep */
    rig_fini(&r);
}

/* One reader: 10 us and 0.5 us. Then nobody spins until the readers are gone. */
static void spinning_beside_readers_ends_in_time(void **state)
{
    static const struct rig_op reader[] = {READ, HOLD_ASLEEP(1000000), DROP, END};
    static const struct rig_op writer[] = {AT(1000), WRITE, HOLD_RUNNING(100), DROP, END};
    static const struct rig_op second[] = {AT(30000), WRITE, HOLD_RUNNING(100), DROP, END};
    static const struct rig_op again[] = {AT(2000000), READ, HOLD_ASLEEP(5000), DROP, END};
    static const struct rig_op third[] = {AT(2001000), WRITE, DROP, END};
    static const struct rig_op *script[] = {reader, writer, second, again, third};
    struct rig r;

    (void)state;
    run(&r, script, 5, NULL, 0);
    assert_int_equal(rig_granted(&r, 1), 1000000);
    assert_int_equal(rig_granted(&r, 2), 1000100);
    assert_int_equal(rig_granted(&r, 4), 2005000);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 10500 + 4000);
    assert_int_equal(r.R.stats.waiters_max, 2);
    rig_fini(&r);
}

/* The time limit grows by half a microsecond a reader, up to 25 us in all. */
static void the_time_beside_readers_grows_with_their_number(void **state)
{
    static const struct rig_op reader[] = {READ, HOLD_ASLEEP(100000), DROP, END};
    static const struct rig_op writer[] = {AT(1000), WRITE, DROP, END};
    const struct rig_op *script[RIG_MAX_TASKS];
    struct rig r;

    (void)state;
    for (uint32_t n = 1; n < RIG_MAX_TASKS; n += 7) {
        for (uint32_t i = 0; i < n; i++)
            script[i] = reader;
        script[n] = writer;
        run(&r, script, n + 1, NULL, 0);
        assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 10000 + 500 * (pcl_ns)n);
        rig_fini(&r);
    }
}

static void downgrade_lets_the_readers_in(void **state)
{
    static const struct rig_op owner[] = {
        WRITE, HOLD_ASLEEP(500), {.act = RIG_DOWNGRADE}, HOLD_ASLEEP(500), DROP, END};
    static const struct rig_op reader[] = {AT(100), READ, HOLD_ASLEEP(200), DROP, END};
    static const struct rig_op writer[] = {AT(200), WRITE, DROP, END};
    static const struct rig_op *script[] = {owner, reader, reader, writer};
    struct rig r;

    (void)state;
    run(&r, script, 4, NULL, 0);
    assert_int_equal(rig_granted(&r, 1), 500);
    assert_int_equal(rig_granted(&r, 2), 500);
    assert_int_equal(rig_granted(&r, 3), 1000);
    rig_fini(&r);
}

static void trying_never_waits(void **state)
{
    static const struct rig_op owner[] = {READ, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op try_read[] = {
        AT(100), {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_SHARED}, DROP, END};
    static const struct rig_op try_write[] = {
        AT(200), {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE}, DROP, END};
    static const struct rig_op writer[] = {AT(300), WRITE, DROP, END};
    static const struct rig_op try_late[] = {
        AT(400), {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_SHARED}, DROP, END};
    static const struct rig_op *script[] = {owner, try_read, try_write, writer, try_late};
    struct rig r;

    (void)state;
    run(&r, script, 5, &no_spin, 1);
    assert_int_equal(rig_granted(&r, 1), 100);
    assert_int_equal(rig_granted(&r, 2), -1);
    assert_int_equal(rig_granted(&r, 4), -1); /* somebody waits */
    assert_int_equal(r.busy, 2);
    assert_int_equal(r.R.stats.trylock_failures, 2);
    rig_fini(&r);
}

/* --- stealing and its end
 * ------------------------------------------------------------------------ */

enum { LOOPS = 6000 };

/* Task 0 takes and drops without pause; task 1 comes once, sleeps, and is woken too late each
 * time, until it has waited long enough to have the lock handed over. */
static pcl_ns sleeper_waits(int64_t handoff_ms, struct pcl_lock_stats *stats)
{
    static struct rig_op hog[LOOPS * 3 + 1];
    static const struct rig_op sleeper[] = {AT(50000), WRITE, HOLD_RUNNING(1000), DROP, END};
    const struct rig_op *script[] = {hog, sleeper};
    const struct pcl_lock_param param[] = {{"spin", 0}, {"handoff_ms", handoff_ms}};
    struct pcl_profile p;
    struct rig r;
    pcl_ns waited;

    for (int i = 0; i < LOOPS; i++) {
        hog[3 * i] = (struct rig_op)WRITE;
        hog[3 * i + 1] = (struct rig_op)HOLD_RUNNING(2000);
        hog[3 * i + 2] = (struct rig_op)DROP;
    }
    hog[3 * LOOPS] = (struct rig_op)END;
    rig_small_machine(&p, 2);
    rig_init(&r, &(struct rig_conf){.lock = "rwsem",
                                    .n_tasks = 2,
                                    .script = script,
                                    .param = param,
                                    .n_params = 2,
                                    .profile = &p});
    rig_run(&r);
    waited = rig_granted(&r, 1) - 50000;
    *stats = r.R.stats;
    rig_fini(&r);
    return waited;
}

static void stealing_ends_after_four_milliseconds(void **state)
{
    struct pcl_lock_stats s;
    pcl_ns waited = sleeper_waits(4, &s);

    (void)state;
    assert_in_range(waited, 4000000, 4100000);
    assert_true(s.steals > 500);
    assert_true(s.lost_retries > 500);
    assert_int_equal(s.handoffs, 1);
}

static void without_a_hand_off_a_sleeper_starves(void **state)
{
    struct pcl_lock_stats s;
    pcl_ns waited = sleeper_waits(10000, &s);

    (void)state;
    assert_true(waited > (pcl_ns)LOOPS * 2000 - 60000); /* until the other has gone */
    assert_int_equal(s.handoffs, 0);
}

static void an_immediate_hand_off_ends_stealing(void **state)
{
    struct pcl_lock_stats s;

    (void)state;
    assert_in_range(sleeper_waits(0, &s), 0, 20000); /* asks at its first failure */
    assert_true(s.handoffs > 0);
    assert_int_equal(s.steals, 0);
}

/* With hand-off bits in play, under all interleavings: a spinner, a sleeper, and a reader. */
static void hand_off_and_readers_under_all_interleavings(void **state)
{
    static const struct rig_op writer[] = {WRITE, DROP, END};
    static const struct rig_op writers[] = {WRITE, DROP, WRITE, DROP, END};
    static const struct rig_op reader[] = {READ, DROP, READ, DROP, END};
    static const struct rig_op *script[] = {writers, writer, reader};

    (void)state;
    for (int spin = 0; spin < 2; spin++) {
        struct pcl_lock_param param = {"spin", spin};

        rig_explore_all(&(struct rig_conf){.lock = "rwsem",
                                           .n_tasks = 3,
                                           .script = script,
                                           .param = &param,
                                           .n_params = 1,
                                           .explore = true});
    }
}

static void costs_what_the_kernels_structure_costs(void **state)
{
    struct pcl_lock_memory mem;
    struct rig r;

    (void)state;
    run(&r, mixed, 6, NULL, 0);
    r.R.ops->memory(&r.R, &mem);
    assert_int_equal(mem.per_inode, 40);
    assert_int_equal(mem.per_inode_dbg, 144);
    assert_int_equal(mem.per_waiter, 48);
    assert_int_equal(mem.per_held, 0);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_are_woken_from_anywhere_in_the_queue),
        cmocka_unit_test(a_wake_up_grants_no_more_than_a_batch),
        cmocka_unit_test(a_reader_behind_readers_does_not_overtake_a_sleeping_writer),
        cmocka_unit_test(a_writer_spins_while_the_owner_runs),
        cmocka_unit_test(a_writer_does_not_spin_for_an_owner_that_sleeps),
        cmocka_unit_test(spinning_beside_readers_ends_in_time),
        cmocka_unit_test(the_time_beside_readers_grows_with_their_number),
        cmocka_unit_test(downgrade_lets_the_readers_in),
        cmocka_unit_test(trying_never_waits),
        cmocka_unit_test(stealing_ends_after_four_milliseconds),
        cmocka_unit_test(without_a_hand_off_a_sleeper_starves),
        cmocka_unit_test(an_immediate_hand_off_ends_stealing),
        cmocka_unit_test(hand_off_and_readers_under_all_interleavings),
        cmocka_unit_test(costs_what_the_kernels_structure_costs),
    };

    return cmocka_run_group_tests_name("rwsem", tests, NULL, NULL);
}
