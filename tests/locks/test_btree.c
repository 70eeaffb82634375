/*
 * Range locks on B-trees, with nodes of eight entries so that few ranges make a tree of several
 * levels: they agree with a list of what is held, whoever grows or shrinks the tree meanwhile.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "range_btree.h"

static const char *const locks[] = {"btree-mutex", "btree-olc"};
static const struct pcl_lock_param narrow[] = {{"fan_out", 8}};
static const struct rig_op nothing[] = {END};

/* Bodies without a script: the test drives them by hand, each operation to its end. */
static void init(struct rig *r, const char *lock, const struct rig_op **script)
{
    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .param = narrow,
                                   .n_params = 1,
                                   .n_tasks = RIG_MAX_TASKS,
                                   .script = script,
                                   .explore = true});
}

static uint32_t try_take(struct rig *r, uint32_t body, enum pcl_mode mode, int64_t start,
                         int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, 0, mode, start, last, false);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
    return r->R.op[body].result == PCL_RANGE_GOT ? node : PCL_NONE;
}

static void give(struct rig *r, enum pcl_range_what what, uint32_t node)
{
    r->m.cur = r->R.node[node].owner;
    pcl_range_begin_release(&r->R, what, node);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
}

static void assert_valid(const struct rig *r)
{
    const char *why = "";

    if (!r->R.ops->validate(&r->R, 0, &why))
        fail_msg("%s", why);
}

static uint64_t bits(uint64_t i, uint64_t lane, uint64_t n)
{
    return pcl_below(pcl_stream(23, 0, 0, PCL_DRAW_ANALYSIS), i, lane, n);
}

/* Short ranges, a few long ones, some up to the last byte of all files. */
static struct pcl_range_node some_range(uint64_t i)
{
    int64_t a = (int64_t)bits(i, 3, 400), len = (int64_t)bits(i, 4, bits(i, 5, 12) ? 4 : 200);
    bool far = bits(i, 6, 5) == 0;

    return (struct pcl_range_node){.start = far ? PCL_OFF_MAX - a - len : a,
                                   .last = far ? PCL_OFF_MAX - a : a + len,
                                   .mode = bits(i, 7, 3) ? PCL_EXCLUSIVE : PCL_SHARED};
}

static bool would_conflict(const struct rig *r, const struct pcl_range_node *n)
{
    for (uint32_t i = 0; i < r->R.n_nodes; i++)
        if (r->R.node[i].used && pcl_range_conflict(&r->R.node[i], n))
            return true;
    return false;
}

static uint32_t nodes_of(const struct rig *r)
{
    return ((const struct bt_tree *)pcl_range_state(&r->R, 0))->n_nodes;
}

static void take_or_give(struct rig *r, uint64_t i, bool filling)
{
    uint32_t node = (uint32_t)bits(i, 1, r->R.n_nodes);
    struct pcl_range_node *n = &r->R.node[node];

    if (n->used && !filling) {
        bool share = n->mode == PCL_EXCLUSIVE && bits(i, 2, 4) == 0;

        give(r, share ? PCL_RANGE_DOWNGRADE : PCL_RANGE_RELEASE, node);
    } else if (!n->used && filling && n->owner == 0) {
        struct pcl_range_node want = some_range(i);
        bool busy = would_conflict(r, &want);
        uint32_t body = node / PCL_RANGE_SLOTS;

        assert_int_equal(try_take(r, body, (enum pcl_mode)want.mode, want.start, want.last) ==
                             PCL_NONE,
                         busy);
    }
}

static void they_agree_with_a_list_of_what_is_held(void **state)
{
    const struct rig_op *script[RIG_MAX_TASKS];

    (void)state;
    for (int i = 0; i < RIG_MAX_TASKS; i++)
        script[i] = nothing;
    for (size_t l = 0; l < sizeof locks / sizeof locks[0]; l++) {
        uint32_t most_nodes = 0;
        struct rig r;

        init(&r, locks[l], script);
        for (uint64_t i = 0; i < 12000; i++) {
            take_or_give(&r, i, i / 400 % 2 == 0);
            assert_valid(&r);
            most_nodes = nodes_of(&r) > most_nodes ? nodes_of(&r) : most_nodes;
        }
        assert_true(most_nodes > 8); /* a root, inner nodes, leaves */
        for (uint32_t i = 0; i < r.R.n_nodes; i++)
            if (r.R.node[i].used)
                give(&r, PCL_RANGE_RELEASE, i);
        assert_valid(&r);
        rig_fini(&r);
    }
}

/* --- many at once
 * ----------------------------------------------------------------------------- */

enum { TASKS = 16, ROUNDS = 50 };

static struct rig_op words[TASKS][ROUNDS * 6 + 1];
static const struct rig_op *scripts[TASKS];

static struct rig_op take(uint64_t at, uint32_t slot, int64_t from, int64_t len)
{
    return (struct rig_op){.act = RIG_TAKE,
                           .mode = bits(at, 20 + slot, 3) ? PCL_EXCLUSIVE : PCL_SHARED,
                           .killable = bits(at, 30 + slot, 3) == 0,
                           .slot = slot,
                           .start = from,
                           .last = from + len};
}

/* Two ranges each, the second behind the first, so that nobody waits in a circle. */
static void make_scripts(void)
{
    for (uint32_t t = 0; t < TASKS; t++) {
        struct rig_op *w = words[t];
        uint64_t at = 1000 * (uint64_t)t;

        scripts[t] = w;
        for (uint32_t i = 0; i < ROUNDS; i++, at++) {
            int64_t from = (int64_t)bits(at, 10, 100), len = (int64_t)bits(at, 11, 6);

            *w++ = take(at, 0, from, len);
            *w++ = take(at, 1, from + 100 + (int64_t)bits(at, 12, 8), len);
            *w++ = (struct rig_op){.act = bits(at, 13, 2) ? RIG_BURN : RIG_SLEEP,
                                   .ns = (pcl_ns)bits(at, 14, 3000)};
            *w++ = (struct rig_op){.act = RIG_DROP, .slot = 1};
            *w++ = (struct rig_op)DROP;
            if (bits(at, 15, 8) == 0)
                *w++ = (struct rig_op)KILL((uint32_t)bits(at, 16, TASKS));
        }
        *w = (struct rig_op)END;
    }
}

static void a_tree_of_several_levels_excludes_and_serves_everyone(void **state)
{
    struct pcl_profile p[2];

    (void)state;
    pcl_profile_ideal(&p[0]);
    rig_small_machine(&p[1], 16);
    make_scripts();
    for (size_t l = 0; l < 4; l++) {
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = locks[l / 2],
                                        .param = narrow,
                                        .n_params = 1,
                                        .n_tasks = TASKS,
                                        .script = scripts,
                                        .profile = &p[l % 2],
                                        .seed = 3});
        rig_run(&r);
        assert_true(r.R.n_cells > RIG_INSTANCES + 1);
        rig_fini(&r);
    }
}

/* --- all interleavings around a split and an emptied leaf
 * --------------------------------------- */

static bool sound(void *arg, const char **why)
{
    const struct rig *r = arg;

    for (uint32_t i = 0; i < r->R.n_nodes; i++)
        for (uint32_t k = 0; k < i; k++)
            if (r->R.node[i].used && r->R.node[i].held && r->R.node[k].used &&
                r->R.node[k].held && pcl_range_conflict(&r->R.node[i], &r->R.node[k])) {
                *why = "two tasks hold what only one may hold";
                return false;
            }
    return r->R.ops->validate(&r->R, 0, why);
}

/* n ranges [10 * i, 10 * i + 4] held by bodies that do nothing else; shared ones: the fifth
 * goes on to 300. */
static void explore_beside(const char *lock, uint32_t n, enum pcl_mode mode,
                           const struct rig_op *a, const struct rig_op *b)
{
    const struct rig_op *script[RIG_MAX_TASKS];
    struct pcl_explore_result res;
    struct rig r;

    for (int i = 0; i < RIG_MAX_TASKS; i++)
        script[i] = nothing;
    script[0] = a;
    script[1] = b;
    init(&r, lock, script);
    for (uint32_t i = 0; i < n; i++)
        assert_int_not_equal(try_take(&r, RIG_MAX_TASKS - 1 - i / PCL_RANGE_SLOTS, mode, 10 * i,
                                      mode == PCL_SHARED && i == 4 ? 300 : 10 * i + 4),
                             PCL_NONE);
    for (uint32_t t = 2; t < RIG_MAX_TASKS; t++) {
        pcl_machine_step(&r.m, t); /* to its end: only the two are left */
        assert_int_equal(r.m.model[t].run, PCL_RUN_DEAD);
    }
    pcl_explore(&(struct pcl_explore_conf){.m = &r.m, .check = sound, .arg = &r}, &res);
    if (res.verdict != PCL_EXPLORE_OK || !res.exhausted)
        fail_msg("%s beside %u: %s, schedule %s", lock, n, res.why, res.schedule);
    assert_true(res.ends > 0);
    pcl_explore_fini(&res);
    rig_fini(&r);
}

static const struct rig_op low[] = {TAKE_RANGE(EXCLUSIVE, 5, 6), DROP, END};
static const struct rig_op low_beside[] = {TAKE_RANGE(EXCLUSIVE, 6, 8), DROP, END};
static const struct rig_op high[] = {TAKE_RANGE(EXCLUSIVE, 500, 600), DROP, END};
static const struct rig_op wide[] = {TAKE_RANGE(EXCLUSIVE, 95, 700), DROP, END};
static const struct rig_op try_wide[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE, .start = 4, .last = 600},
    DROP,
    END};
static const struct rig_op downgrade_high[] = {
    TAKE_RANGE(EXCLUSIVE, 500, 600), {.act = RIG_DOWNGRADE}, DROP, END};
static const struct rig_op killable[] = {
    {.act = RIG_TAKE, .mode = PCL_EXCLUSIVE, .killable = true, .start = 550, .last = 560},
    DROP,
    END};

static void every_interleaving_of_a_growing_tree_is_sound(void **state)
{
    (void)state;
    for (size_t l = 0; l < sizeof locks / sizeof locks[0]; l++)
        for (uint32_t n = 7; n <= 9; n++) { /* beside 8 the next range splits the root */
            explore_beside(locks[l], n, PCL_EXCLUSIVE, low, high);
            explore_beside(locks[l], n, PCL_EXCLUSIVE, low, low_beside);
            explore_beside(locks[l], n, PCL_EXCLUSIVE, high, wide);
            explore_beside(locks[l], n, PCL_EXCLUSIVE, high, try_wide);
            explore_beside(locks[l], n, PCL_EXCLUSIVE, downgrade_high, killable);
        }
}

/* Twelve ranges in two leaves, the right one full: one task splits it while the other, which
 * goes to what was its upper half, is on the way down. */
static void a_leaf_that_splits_behind_the_look_at_its_parent(void **state)
{
    static const struct rig_op splits[] = {TAKE_RANGE(SHARED, 107, 108), DROP, END};
    static const struct rig_op comes[] = {TAKE_RANGE(SHARED, 105, 106), DROP, END};

    (void)state;
    for (size_t l = 0; l < sizeof locks / sizeof locks[0]; l++)
        explore_beside(locks[l], 12, PCL_SHARED, splits, comes);
}

static pcl_ns granted_at(const struct rig *r, uint32_t body)
{
    for (size_t i = 0; i < r->n_log; i++)
        if (r->log[i].body == body && r->log[i].what == PCL_TR_GRANT)
            return r->log[i].t;
    return -1;
}

static void a_downgrade_lets_readers_in(void **state)
{
    static const struct rig_op holder[] = {TAKE_RANGE(EXCLUSIVE, 0, 9),
                                           {.act = RIG_SLEEP, .ns = 1000},
                                           {.act = RIG_DOWNGRADE},
                                           {.act = RIG_SLEEP, .ns = 1000},
                                           DROP,
                                           END};
    static const struct rig_op reader[] = {
        {.act = RIG_SLEEP, .ns = 100}, TAKE_RANGE(SHARED, 9, 12), DROP, END};
    static const struct rig_op writer[] = {
        {.act = RIG_SLEEP, .ns = 200}, TAKE_RANGE(EXCLUSIVE, 0, 0), DROP, END};
    static const struct rig_op *script[] = {holder, reader, writer};

    (void)state;
    for (size_t l = 0; l < sizeof locks / sizeof locks[0]; l++) {
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = locks[l], .n_tasks = 3, .script = script});
        rig_run(&r);
        assert_int_equal(granted_at(&r, 1), 1000);
        assert_int_equal(granted_at(&r, 2), 2000);
        rig_fini(&r);
    }
}

static void a_broken_tree_is_seen(void **state)
{
    const struct rig_op *script[RIG_MAX_TASKS];

    (void)state;
    for (int i = 0; i < RIG_MAX_TASKS; i++)
        script[i] = nothing;
    for (size_t l = 0; l < sizeof locks / sizeof locks[0]; l++) {
        const char *why = "";
        struct rig r;
        uint32_t node;

        init(&r, locks[l], script);
        node = try_take(&r, 0, PCL_EXCLUSIVE, 0, 9);
        r.R.node[node].last++;
        assert_false(r.R.ops->validate(&r.R, 0, &why));
        assert_string_equal(why, "an entry of the tree is not a range held");
        r.R.node[node].last--;
        assert_valid(&r);
        r.R.node[node + 1] = (struct pcl_range_node){.used = 1, .owner = 0, .word = {node + 1}};
        assert_false(r.R.ops->validate(&r.R, 0, &why));
        assert_string_equal(why, "a waiter is not in its holder's list");
        rig_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_agree_with_a_list_of_what_is_held),
        cmocka_unit_test(a_tree_of_several_levels_excludes_and_serves_everyone),
        cmocka_unit_test(every_interleaving_of_a_growing_tree_is_sound),
        cmocka_unit_test(a_leaf_that_splits_behind_the_look_at_its_parent),
        cmocka_unit_test(a_downgrade_lets_readers_in),
        cmocka_unit_test(a_broken_tree_is_seen),
    };

    return cmocka_run_group_tests_name("btree", tests, NULL, NULL);
}
