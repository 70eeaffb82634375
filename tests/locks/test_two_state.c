/*
 * The two-state lock: who shares with whom, whose turn it is, and what the same state costs.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BUFFERED READ
#define DIRECT                                                                                 \
    {                                                                                          \
        .act = RIG_TAKE, .mode = PCL_SHARED, .class = PCL_CLASS_DIRECT, .last = 9              \
    }

static const struct pcl_lock_param no_turns = {"turns", 0};

static void run(struct rig *r, const struct rig_op **script, uint32_t n, bool turns)
{
    rig_init(r, &(struct rig_conf){.lock = "two-state",
                                   .n_tasks = n,
                                   .script = script,
                                   .param = &no_turns,
                                   .n_params = turns ? 0 : 1});
    rig_run(r);
}

static void one_state_shares_the_other_waits(void **state)
{
    static const struct rig_op a[] = {BUFFERED, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op b[] = {AT(100), BUFFERED, HOLD_ASLEEP(1000), DROP, END};
    static const struct rig_op c[] = {AT(200), DIRECT, HOLD_ASLEEP(500), DROP, END};
    static const struct rig_op d[] = {AT(300), DIRECT, HOLD_ASLEEP(700), DROP, END};
    static const struct rig_op e[] = {AT(400), WRITE, HOLD_ASLEEP(100), DROP, END};
    static const struct rig_op *script[] = {a, b, c, d, e};
    struct rig r;

    (void)state;
    run(&r, script, 5, true);
    assert_int_equal(rig_granted(&r, 1), 100);
    assert_int_equal(rig_granted(&r, 2), 1100);
    assert_int_equal(rig_granted(&r, 3), 1100); /* both of the state at once */
    assert_int_equal(rig_granted(&r, 4), 1800);
    rig_fini(&r);
}

/* Two buffered tasks whose holds overlap for ever; a direct one comes between. */
static pcl_ns direct_waits(bool turns)
{
    enum { ROUNDS = 50 };
    static struct rig_op even[ROUNDS * 4 + 1], odd[ROUNDS * 4 + 2];
    static const struct rig_op direct[] = {AT(500), DIRECT, DROP, END};
    const struct rig_op *script[] = {even, odd, direct};
    struct rig_op *w = odd;
    struct rig r;
    pcl_ns at;

    *w++ = (struct rig_op)AT(600);
    for (int i = 0; i < ROUNDS; i++) {
        const struct rig_op round[] = {BUFFERED, HOLD_ASLEEP(1000), DROP, HOLD_ASLEEP(100)};

        for (int k = 0; k < 4; k++)
            even[4 * i + k] = w[4 * i + k] = round[k];
    }
    even[4 * ROUNDS] = w[4 * ROUNDS] = (struct rig_op)END;
    run(&r, script, 3, turns);
    at = rig_granted(&r, 2);
    rig_fini(&r);
    return at;
}

static void turns_end_a_state_that_never_runs_dry(void **state)
{
    (void)state;
    assert_int_equal(direct_waits(true), 1000);
    assert_true(direct_waits(false) > 50000);
}

/* On one CPU's own line: one atomic to lock, one to unlock, nothing else. */
static void the_same_state_costs_two_atomics(void **state)
{
    static const struct rig_op first[] = {BUFFERED, HOLD_ASLEEP(1000000), DROP, END};
    static const struct rig_op second[] = {
        AT(100000), BUFFERED, DROP, BUFFERED, DROP, BUFFERED, DROP, END};
    static const struct rig_op *script[] = {first, second};
    struct pcl_profile p;
    struct rig r;

    (void)state;
    rig_small_machine(&p, 2);
    rig_init(&r, &(struct rig_conf){
                     .lock = "two-state", .n_tasks = 2, .script = script, .profile = &p});
    rig_run(&r);
    pcl_ns times[4], n = 0;

    for (size_t i = 0; i < r.n_log; i++)
        if (r.log[i].body == 1 && r.log[i].what == PCL_TR_GRANT)
            times[n++] = r.log[i].t;
    assert_int_equal(n, 3);
    assert_int_equal(times[2] - times[1], 2 * p.rmw);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_state_shares_the_other_waits),
        cmocka_unit_test(turns_end_a_state_that_never_runs_dry),
        cmocka_unit_test(the_same_state_costs_two_atomics),
    };

    return cmocka_run_group_tests_name("two-state", tests, NULL, NULL);
}
