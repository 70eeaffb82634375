/*
 * The skeleton lock of docs/adding-a-lock.md compiles, runs and keeps its promises: one holder
 * at a time, first come first served, everybody served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include <pclsim/locks.h>

extern const struct pcl_range_lock_ops pcl_lock_skeleton;

enum { TASKS = 12, ROUNDS = 50 };

struct rig {
    struct pcl_machine m;
    struct pcl_range_locks R;
    uint32_t inside, most, round[TASKS], node[TASKS];
    uint8_t phase[TASKS];
    uint64_t served;
};

enum { THINK, ASK, ASKING, HOLD, GIVING };

static void step(struct pcl_machine *m, uint32_t body)
{
    struct rig *r = m->owner;
    const char *why = "";

    if (body >= TASKS)
        return;
    switch (r->phase[body]) {
    case THINK:
        if (r->round[body]++ == ROUNDS) {
            pcl_exit(m);
            return;
        }
        r->phase[body] = ASK;
        pcl_sleep_until(m, pcl_now(m) + 100 + 37 * body);
        return;
    case ASK:
        r->node[body] =
            pcl_range_begin(&r->R, PCL_RANGE_ACQUIRE, 0, PCL_EXCLUSIVE, 0, 100, false);
        r->phase[body] = ASKING;
        /* fall through */
    case ASKING:
        if (pcl_range_step(&r->R) == PCL_MORE)
            break;
        r->inside++;
        r->most = r->inside > r->most ? r->inside : r->most;
        r->served++;
        r->phase[body] = HOLD;
        pcl_burn(m, 70);
        return;
    case HOLD:
        r->inside--;
        pcl_range_begin_release(&r->R, PCL_RANGE_RELEASE, r->node[body]);
        r->phase[body] = GIVING;
        /* fall through */
    case GIVING:
        if (pcl_range_step(&r->R) == PCL_DONE)
            r->phase[body] = THINK;
        break;
    default:
        fail();
    }
    if (!r->R.ops->validate(&r->R, 0, &why))
        fail_msg("%s", why);
}

static void the_skeleton_serves_everybody_one_at_a_time(void **state)
{
    struct pcl_profile ideal;
    struct rig *r = calloc(1, sizeof(*r));
    struct pcl_err err = {0};
    struct pcl_lock_choice other = {.lock = "rwsem"};

    (void)state;
    assert_non_null(r);
    pcl_profile_ideal(&ideal);
    pcl_machine_init(&r->m,
                     &(struct pcl_machine_conf){.profile = &ideal,
                                                .n_tasks = TASKS,
                                                .seed = 1,
                                                .run_ahead = true,
                                                .step = step,
                                                .owner = r},
                     NULL);
    /* it stands in no registry: take another lock's place before there is an instance */
    assert_int_equal(pcl_range_locks_init(&r->R, &r->m, PCL_ROLE_IOLOCK, &other, &err), PCL_OK);
    r->R.ops = &pcl_lock_skeleton;
    assert_int_equal(pcl_range_instance(&r->R), 0);
    for (uint32_t t = 0; t < TASKS; t++)
        pcl_task_start(&r->m, t, 0);
    assert_int_equal(pcl_machine_run(&r->m, INT64_C(1000000000), NULL), PCL_OK);
    assert_int_equal(r->most, 1);
    assert_int_equal(r->served, TASKS * ROUNDS);
    for (uint32_t t = 0; t < TASKS; t++)
        assert_int_equal(r->m.model[t].run, PCL_RUN_DEAD);
    pcl_range_locks_fini(&r->R);
    pcl_machine_fini(&r->m);
    free(r);
}

static void the_skeleton_says_what_it_is(void **state)
{
    struct pcl_lock_memory mem;

    (void)state;
    assert_string_equal(pcl_lock_skeleton.name, "skeleton");
    assert_non_null(pcl_lock_skeleton.summary);
    assert_non_null(pcl_lock_skeleton.source);
    pcl_lock_skeleton.memory(NULL, &mem);
    assert_true(mem.per_inode > 0);
    assert_null(pcl_range_lock_find("skeleton")); /* an example, no scheme can name it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_skeleton_serves_everybody_one_at_a_time),
        cmocka_unit_test(the_skeleton_says_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
