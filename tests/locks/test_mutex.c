/*
 * The mutex's own promises: who spins beside whom, how often a sleeper may come too late, and that
 * it knows one mode only. On the ideal machine all instants are exact.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct pcl_lock_param no_spin = {"spin", 0};

static void run(struct rig *r, const struct rig_op **script, uint32_t n, bool spin)
{
    rig_init(r, &(struct rig_conf){.lock = "mutex",
                                   .n_tasks = n,
                                   .script = script,
                                   .param = &no_spin,
                                   .n_params = spin ? 0 : 1});
    rig_run(r);
}

static void waiters_spin_in_turn_while_the_owner_runs(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_RUNNING(50000), DROP, END};
    static const struct rig_op second[] = {AT(1000), WRITE, HOLD_RUNNING(500), DROP, END};
    static const struct rig_op third[] = {AT(2000), WRITE, HOLD_RUNNING(500), DROP, END};
    static const struct rig_op *script[] = {owner, second, third};
    struct rig r;

    (void)state;
    run(&r, script, 3, true);
    assert_int_equal(rig_granted(&r, 1), 50000);
    assert_int_equal(rig_granted(&r, 2), 50500);
    assert_int_equal(r.R.stats.waiters_max, 0);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 49000 + 48500);
    rig_fini(&r);

    run(&r, script, 3, false);
    assert_int_equal(rig_granted(&r, 2), 50500);
    assert_int_equal(r.R.stats.waiters_max, 2);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 0);
    rig_fini(&r);
}

static void nobody_spins_beside_an_owner_that_sleeps(void **state)
{
    static const struct rig_op owner[] = {WRITE, HOLD_RUNNING(3000), HOLD_ASLEEP(5000), DROP,
                                          END};
    static const struct rig_op early[] = {AT(1000), WRITE, DROP, END};
    static const struct rig_op late[] = {AT(4000), WRITE, DROP, END};
    static const struct rig_op *script[] = {owner, early, late};
    struct rig r;

    (void)state;
    run(&r, script, 3, true);
    assert_int_equal(rig_granted(&r, 1), 8000);
    assert_int_equal(r.R.stats.waiters_max, 2);
    assert_int_equal(r.m.cause_ns[PCL_T_SPIN], 2000); /* until the owner went to sleep */
    rig_fini(&r);
}

static void who_asks_to_share_gets_it_alone(void **state)
{
    static const struct rig_op first[] = {
        READ, HOLD_ASLEEP(1000), {.act = RIG_DOWNGRADE}, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op second[] = {AT(100), READ, DROP, END};
    static const struct rig_op *script[] = {first, second};
    struct rig r;

    (void)state;
    run(&r, script, 2, true);
    assert_int_equal(rig_granted(&r, 1), 2000);
    rig_fini(&r);
}

enum { LOOPS = 2000 };

/* Task 0 takes and drops without pause on the other CPU: a sleeper is woken too late once, and
 * asks for the lock then. */
static void a_sleeper_comes_too_late_once(void **state)
{
    static struct rig_op hog[LOOPS * 3 + 1];
    static const struct rig_op sleeper[] = {AT(50000), WRITE, HOLD_RUNNING(1000), DROP, END};
    const struct rig_op *script[] = {hog, sleeper};
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
    rig_init(&r, &(struct rig_conf){.lock = "mutex",
                                    .n_tasks = 2,
                                    .script = script,
                                    .param = &no_spin,
                                    .n_params = 1,
                                    .profile = &p});
    rig_run(&r);
    assert_in_range(rig_granted(&r, 1), 50000, 50000 + 40000);
    assert_int_equal(r.R.stats.lost_retries, 1);
    assert_int_equal(r.R.stats.handoffs, 1);
    assert_true(r.R.stats.steals >= 1);
    rig_fini(&r);
}

static void costs_what_the_kernels_structure_costs(void **state)
{
    struct pcl_lock_memory mem;

    (void)state;
    rig_lock("mutex")->range->memory(NULL, &mem);
    assert_int_equal(mem.per_inode, 32);
    assert_int_equal(mem.per_inode_dbg, 144);
    assert_int_equal(mem.per_waiter, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_spin_in_turn_while_the_owner_runs),
        cmocka_unit_test(nobody_spins_beside_an_owner_that_sleeps),
        cmocka_unit_test(who_asks_to_share_gets_it_alone),
        cmocka_unit_test(a_sleeper_comes_too_late_once),
        cmocka_unit_test(costs_what_the_kernels_structure_costs),
    };

    return cmocka_run_group_tests_name("mutex", tests, NULL, NULL);
}
