/*
 * The lock with reader counts per CPU: what a reader touches, and what a writer pays.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROUNDS = 200 };

/* Four tasks on four CPUs take it shared over and over: transfers of cache lines. */
static uint64_t transfers(const char *lock)
{
    static struct rig_op script[4][ROUNDS * 2 + 1];
    const struct rig_op *scripts[4];
    struct pcl_profile p;
    struct rig r;
    uint64_t n;

    for (int t = 0; t < 4; t++) {
        scripts[t] = script[t];
        for (int i = 0; i < ROUNDS; i++) {
            script[t][2 * i] = (struct rig_op)READ;
            script[t][2 * i + 1] = (struct rig_op)DROP;
        }
        script[t][2 * ROUNDS] = (struct rig_op)END;
    }
    rig_small_machine(&p, 4);
    rig_init(&r, &(struct rig_conf){
                     .lock = lock, .n_tasks = 4, .script = scripts, .profile = &p});
    rig_run(&r);
    n = r.R.stats.line_transfers;
    rig_fini(&r);
    return n;
}

static void readers_share_no_line(void **state)
{
    (void)state;
    assert_true(transfers("percpu-rwsem") < 20);
    assert_true(transfers("rwsem") > 4 * ROUNDS);
}

static pcl_ns writer_granted(const struct rig_op **script, uint32_t n, uint32_t who)
{
    struct pcl_profile p;
    struct rig r;
    pcl_ns t;

    pcl_profile_ideal(&p);
    p.rcu_gp = 10000;
    rig_init(&r, &(struct rig_conf){
                     .lock = "percpu-rwsem", .n_tasks = n, .script = script, .profile = &p});
    rig_run(&r);
    t = rig_granted(&r, who);
    rig_fini(&r);
    return t;
}

static void a_writer_waits_for_a_grace_period_and_for_the_readers(void **state)
{
    static const struct rig_op writer[] = {AT(100), WRITE, HOLD_ASLEEP(50), DROP, END};
    static const struct rig_op brief[] = {READ, HOLD_ASLEEP(5000), DROP, END};
    static const struct rig_op reader[] = {READ, HOLD_ASLEEP(30000), DROP, END};
    const struct rig_op *alone[] = {writer, brief}, *beside[] = {writer, brief, reader};

    (void)state;
    assert_int_equal(writer_granted(alone, 2, 0), 10100);
    assert_int_equal(writer_granted(beside, 3, 0), 30000);
}

static void writers_that_follow_closely_pay_once(void **state)
{
    static const struct rig_op first[] = {WRITE, HOLD_ASLEEP(50), DROP, END};
    static const struct rig_op soon[] = {AT(15000), WRITE, DROP, END};
    static const struct rig_op late[] = {AT(25000), WRITE, DROP, END};
    const struct rig_op *close[] = {first, soon}, *apart[] = {first, late};

    (void)state;
    assert_int_equal(writer_granted(close, 2, 1), 15000);
    assert_int_equal(writer_granted(apart, 2, 1), 35000);
}

static void costs_four_bytes_a_cpu(void **state)
{
    static const struct rig_op nothing[] = {END};
    const struct rig_op *script[] = {nothing};
    struct pcl_lock_memory mem;
    struct pcl_profile p;
    struct rig r;

    (void)state;
    rig_small_machine(&p, 8);
    rig_init(&r, &(struct rig_conf){
                     .lock = "percpu-rwsem", .n_tasks = 1, .script = script, .profile = &p});
    r.R.ops->memory(&r.R, &mem);
    assert_int_equal(mem.per_inode, 96 + 4 * 8);
    assert_int_equal(mem.per_held, 0);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_share_no_line),
        cmocka_unit_test(a_writer_waits_for_a_grace_period_and_for_the_readers),
        cmocka_unit_test(writers_that_follow_closely_pay_once),
        cmocka_unit_test(costs_four_bytes_a_cpu),
    };

    return cmocka_run_group_tests_name("percpu-rwsem", tests, NULL, NULL);
}
