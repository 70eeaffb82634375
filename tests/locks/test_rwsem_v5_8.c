/*
 * Where the rwsem of 5.8 and today's part ways: each case runs both, on the same script.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const old = "rwsem-v5.8", *const new = "rwsem";

static void run(struct rig *r, const char *lock, const struct rig_op **script, uint32_t n,
                const struct pcl_lock_param *param, const struct pcl_profile *p)
{
    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .n_tasks = n,
                                   .script = script,
                                   .param = param,
                                   .n_params = param ? 1 : 0,
                                   .profile = p});
    rig_run(r);
}

static void readers_spin_beside_a_running_writer(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_RUNNING(50000), DROP, END};
    static const struct rig_op reader[] = {AT(1000), READ, HOLD_ASLEEP(500), DROP, END};
    static const struct rig_op second[] = {AT(2000), READ, HOLD_ASLEEP(500), DROP, END};
    static const struct rig_op *script[] = {owner, reader, second};
    struct rig r;

    (void)state;
    run(&r, old, script, 3, NULL, NULL);
    assert_int_equal(rig_granted(&r, 1), 50000);
    assert_int_equal(rig_granted(&r, 2), 50000);
    assert_int_equal(r.R.stats.waiters_max, 0);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 49000 + 48000);
    rig_fini(&r);

    run(&r, new, script, 3, NULL, NULL);
    assert_int_equal(rig_granted(&r, 2), 50000);
    assert_int_equal(r.R.stats.waiters_max, 2);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 0);
    rig_fini(&r);
}

/* A writer sleeps since the owner slept when it came; the reader comes while the owner runs. */
static void a_spinning_reader_passes_a_sleeping_writer(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_ASLEEP(100000), HOLD_RUNNING(100000),
                                          DROP, END};
    static const struct rig_op writer[] = {AT(50000), WRITE, HOLD_RUNNING(1000), DROP, END};
    static const struct rig_op reader[] = {AT(150000), READ, HOLD_RUNNING(20000), DROP, END};
    static const struct rig_op *script[] = {owner, writer, reader};
    struct pcl_profile p;
    struct rig r;

    (void)state;
    rig_small_machine(&p, 4);
    run(&r, old, script, 3, NULL, &p);
    assert_true(rig_granted(&r, 2) < rig_granted(&r, 1));
    assert_int_equal(r.R.stats.steals, 1);
    assert_true(r.R.stats.lost_retries > 0); /* woken, not granted */
    rig_fini(&r);

    run(&r, new, script, 3, NULL, &p);
    assert_true(rig_granted(&r, 1) < rig_granted(&r, 2));
    assert_int_equal(r.R.stats.steals, 0);
    rig_fini(&r);
}

/* A writer that has spun its time beside readers stops the readers' spinning too. */
static void a_writers_time_beside_readers_ends_their_spinning(void **state)
{
    static const struct rig_op reader[] = {READ, HOLD_ASLEEP(1000000), DROP, END};
    static const struct rig_op writer[] = {AT(1000), WRITE, HOLD_RUNNING(100), DROP, END};
    static const struct rig_op late[] = {AT(30000), READ, DROP, END};
    static const struct rig_op *script[] = {reader, writer, late};
    struct rig r;

    (void)state;
    run(&r, old, script, 3, NULL, NULL);
    assert_int_equal(rig_granted(&r, 1), 1000000);
    assert_int_equal(rig_granted(&r, 2), 1000100);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 10500);
    rig_fini(&r);
}

/* Waiting: reader, reader, writer, reader, reader; the writer that holds sleeps until 1000. */
static void of_5_2_only_the_readers_before_a_writer_are_woken(void **state)
{
    static const struct rig_op w0[] = {WRITE, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op r1[] = {AT(100), READ, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op r2[] = {AT(200), READ, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op w3[] = {AT(300), WRITE, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op r4[] = {AT(400), READ, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op r5[] = {AT(500), READ, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op *script[] = {w0, r1, r2, w3, r4, r5};
    static const struct pcl_lock_param head_run[] = {{"head_run", 0}, {"head_run", 1}};
    struct rig r;

    (void)state;
    for (int i = 0; i < 2; i++) {
        run(&r, old, script, 6, &head_run[i], NULL);
        assert_int_equal(rig_granted(&r, 1), 1000);
        assert_int_equal(rig_granted(&r, 2), 1000);
        assert_int_equal(rig_granted(&r, 3), 1100);
        assert_int_equal(rig_granted(&r, 4), i ? 1200 : 1000);
        assert_int_equal(rig_granted(&r, 5), i ? 1200 : 1000);
        rig_fini(&r);
    }
}

enum { LOOPS = 6000 };

/* Task 0 takes and drops without pause; task 1 sleeps, and is woken too late each time. */
static void a_sleeping_writer_has_the_lock_handed_over_after_four_milliseconds(void **state)
{
    static struct rig_op hog[LOOPS * 3 + 1];
    static const struct rig_op sleeper[] = {AT(50000), WRITE, HOLD_RUNNING(1000), DROP, END};
    const struct rig_op *script[] = {hog, sleeper};
    const struct pcl_lock_param no_spin = {"spin", 0};
    struct pcl_profile p;
    struct rig r;

    (void)state;
    for (int i = 0; i < LOOPS; i++) {
        hog[3 * i] = (struct rig_op)WRITE;
        hog[3 * i + 1] = (struct rig_op)HOLD_RUNNING(2000);
        hog[3 * i + 2] = (struct rig_op)DROP;
    }
    hog[3 * LOOPS] = (struct rig_op)END;
    rig_small_machine(&p, 2);
    run(&r, old, script, 2, &no_spin, &p);
    assert_in_range(rig_granted(&r, 1) - 50000, 4000000, 4100000);
    assert_true(r.R.stats.steals > 500);
    assert_true(r.R.stats.lost_retries > 500);
    assert_int_equal(r.R.stats.handoffs, 1);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_spin_beside_a_running_writer),
        cmocka_unit_test(a_spinning_reader_passes_a_sleeping_writer),
        cmocka_unit_test(a_writers_time_beside_readers_ends_their_spinning),
        cmocka_unit_test(of_5_2_only_the_readers_before_a_writer_are_woken),
        cmocka_unit_test(a_sleeping_writer_has_the_lock_handed_over_after_four_milliseconds),
    };

    return cmocka_run_group_tests_name("rwsem-v5.8", tests, NULL, NULL);
}
