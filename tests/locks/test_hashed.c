/*
 * The table of hashed offsets: requests take several slots in one order, the whole table serves
 * the whole file, and strangers meet as often as the hash says.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GRANULE = 512 };

static const struct pcl_lock_param small[] = {{"slots", 64}, {"granule", GRANULE}};

#define GRANULES(m, a, b) TAKE_RANGE(m, (a) * GRANULE, ((b) + 1) * GRANULE - 1)

static void several_slots_are_taken_in_one_order(void **state)
{
    static const struct rig_op a[] = {GRANULES(EXCLUSIVE, 0, 2), DROP, END};
    static const struct rig_op b[] = {GRANULES(EXCLUSIVE, 1, 3), DROP, END};
    static const struct rig_op reader[] = {GRANULES(SHARED, 2, 3), DROP, END};
    static const struct rig_op changes[] = {
        GRANULES(EXCLUSIVE, 1, 2), {.act = RIG_DOWNGRADE}, DROP, END};
    static const struct rig_op *const scripts[][3] = {{a, b, reader}, {changes, a, reader}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct rig_op *script[] = {scripts[i][0], scripts[i][1], scripts[i][2]};

        rig_explore_all(&(struct rig_conf){.lock = "hashed",
                                           .param = small,
                                           .n_params = 2,
                                           .n_tasks = 3,
                                           .script = script,
                                           .explore = true});
    }
}

/* Killed with some of its slots taken. */
static void a_killed_request_gives_its_slots_back(void **state)
{
    static const struct rig_op a[] = {GRANULES(EXCLUSIVE, 2, 3), DROP, END};
    static const struct rig_op b[] = {{.act = RIG_TAKE,
                                       .what = PCL_RANGE_ACQUIRE,
                                       .mode = PCL_EXCLUSIVE,
                                       .start = 0,
                                       .last = 4 * GRANULE - 1,
                                       .killable = true},
                                      DROP,
                                      END};
    static const struct rig_op kill[] = {KILL(1), END};
    static const struct rig_op c[] = {GRANULES(SHARED, 0, 2), DROP, END};
    static const struct rig_op *script[] = {a, b, kill, c};

    (void)state;
    rig_explore_all(&(struct rig_conf){.lock = "hashed",
                                       .param = small,
                                       .n_params = 2,
                                       .n_tasks = 4,
                                       .script = script,
                                       .explore = true});
}

static void finish(struct rig *r)
{
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
}

static uint32_t try_take(struct rig *r, uint32_t body, uint32_t inst, int64_t start, int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, inst, PCL_EXCLUSIVE, start, last, false);
    finish(r);
    return r->R.op[body].result == PCL_RANGE_GOT ? node : PCL_NONE;
}

static void release(struct rig *r, uint32_t node)
{
    const char *why = "";

    r->m.cur = r->R.node[node].owner;
    pcl_range_begin_release(&r->R, PCL_RANGE_RELEASE, node);
    finish(r);
    if (!r->R.ops->validate(&r->R, 0, &why))
        fail_msg("%s", why);
}

/* Of many granules elsewhere, those that meet a held one: as many as a fair table has. */
static uint32_t strangers_met(int64_t slots, uint32_t inst, uint32_t n)
{
    static const struct rig_op nothing[] = {END};
    static const struct rig_op *script[] = {nothing, nothing};
    const struct pcl_lock_param param[] = {{"slots", slots}, {"granule", GRANULE}};
    struct rig r;
    uint32_t met = 0, held, other;

    rig_init(&r, &(struct rig_conf){.lock = "hashed",
                                    .param = param,
                                    .n_params = 2,
                                    .n_tasks = 2,
                                    .script = script,
                                    .explore = true});
    held = try_take(&r, 0, 0, 0, 0);
    for (int64_t i = 1; i <= n; i++) {
        other = try_take(&r, 1, inst, i * GRANULE, i * GRANULE + 9);
        met += other == PCL_NONE;
        if (other != PCL_NONE)
            release(&r, other);
    }
    assert_int_equal(try_take(&r, 1, 0, GRANULE - 1, GRANULE - 1), PCL_NONE); /* one granule */
    assert_int_equal(try_take(&r, 1, inst, 0, PCL_OFF_MAX), PCL_NONE);
    release(&r, held);
    other = try_take(&r, 1, inst, 0, PCL_OFF_MAX);
    assert_int_not_equal(other, PCL_NONE);
    assert_int_equal(try_take(&r, 0, 0, 12345678, 12345678), PCL_NONE); /* all of the table */
    release(&r, other);
    rig_fini(&r);
    return met;
}

static void strangers_meet_as_often_as_a_fair_hash_says(void **state)
{
    (void)state;
    assert_in_range(strangers_met(64, 0, 6400), 70, 130);
    assert_in_range(strangers_met(64, 1, 6400), 70, 130); /* another inode */
    assert_in_range(strangers_met(1024, 0, 51200), 35, 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_slots_are_taken_in_one_order),
        cmocka_unit_test(a_killed_request_gives_its_slots_back),
        cmocka_unit_test(strangers_meet_as_often_as_a_fair_hash_says),
    };

    return cmocka_run_group_tests_name("hashed", tests, NULL, NULL);
}
