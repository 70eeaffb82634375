/*
 * Range locks that are lists: nodes are used again only when nobody can stand on them, spinning
 * and sleeping waiters come to the same end, and a broken list is seen.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "list_node.h"

static const struct rig_op twice[] = {TAKE_RANGE(EXCLUSIVE, 0, 9), DROP,
                                      TAKE_RANGE(EXCLUSIVE, 5, 14), DROP, END};
static const struct rig_op thrice[] = {TAKE_RANGE(EXCLUSIVE, 0, 4),
                                       DROP,
                                       TAKE_RANGE(EXCLUSIVE, 10, 14),
                                       DROP,
                                       TAKE_RANGE(EXCLUSIVE, 5, 9),
                                       DROP,
                                       END};
static const struct rig_op beside[] = {TAKE_RANGE(EXCLUSIVE, 20, 29), DROP, END};
static const struct rig_op over[] = {TAKE_RANGE(EXCLUSIVE, 7, 22), DROP, END};

/* With batches of one node every release is soon followed by a reuse. */
static void no_node_is_used_again_under_a_traversal(void **state)
{
    static const struct pcl_lock_param pool[] = {{"pool", 1}};
    static const struct rig_op *const pairs[][2] = {
        {twice, twice}, {thrice, beside}, {thrice, over}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct rig_op *script[] = {pairs[i][0], pairs[i][1]};

        rig_explore_all(&(struct rig_conf){.lock = "range-list",
                                           .param = pool,
                                           .n_params = 1,
                                           .n_tasks = 2,
                                           .script = script,
                                           .explore = true});
    }
}

static void spinning_waiters_are_served_too(void **state)
{
    static const struct pcl_lock_param spin[] = {{"sleep", 0}};
    static const struct rig_op *script[] = {twice, over, beside};

    (void)state;
    rig_explore_all(&(struct rig_conf){.lock = "range-list",
                                       .param = spin,
                                       .n_params = 1,
                                       .n_tasks = 2,
                                       .script = script,
                                       .explore = true});
    rig_explore_all(&(struct rig_conf){.lock = "range-list",
                                       .param = spin,
                                       .n_params = 1,
                                       .n_tasks = 2,
                                       .script = script + 1,
                                       .explore = true});
}

static void neighbours_in_a_skip_list_do_not_tear_it(void **state)
{
    static const struct pcl_lock_param pool[] = {{"pool", 1}};
    static const struct rig_op a[] = {TAKE_RANGE(EXCLUSIVE, 0, 9), DROP, END};
    static const struct rig_op b[] = {TAKE_RANGE(EXCLUSIVE, 10, 19), DROP, END};
    static const struct rig_op two[] = {TAKE_RANGE(EXCLUSIVE, 10, 19), DROP,
                                        TAKE_RANGE(EXCLUSIVE, 5, 7), DROP, END};
    static const struct rig_op *const pairs[][2] = {
        {a, b}, {two, two}, {two, beside}, {thrice, over}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct rig_op *script[] = {pairs[i][0], pairs[i][1]};

        rig_explore_all(&(struct rig_conf){.lock = "skip-list",
                                           .param = pool,
                                           .n_params = 1,
                                           .n_tasks = 2,
                                           .script = script,
                                           .explore = true});
    }
}

/* Reader [0,9] comes in before a node that stands between it and writer [5,14]: each has passed
 * where the other came in, and validation must part them. With and without the gate. */
static void readers_and_writers_that_miss_each_other_are_parted(void **state)
{
    static const struct rig_op between[] = {TAKE_RANGE(SHARED, 2, 3), DROP, END};
    static const struct rig_op reader[] = {TAKE_RANGE(SHARED, 0, 9), DROP, END};
    static const struct rig_op writer[] = {TAKE_RANGE(EXCLUSIVE, 5, 14), DROP, END};
    static const struct rig_op killable[] = {{.act = RIG_TAKE,
                                              .what = PCL_RANGE_ACQUIRE,
                                              .mode = PCL_EXCLUSIVE,
                                              .start = 5,
                                              .last = 14,
                                              .killable = true},
                                             DROP,
                                             END};
    static const struct rig_op killer[] = {KILL(1), END};
    static const struct rig_op *const scripts[][3] = {{between, writer, reader},
                                                      {reader, killable, killer}};

    (void)state;
    for (int64_t gate = 0; gate < 2; gate++)
        for (size_t i = 0; i < 2; i++) {
            const struct pcl_lock_param param[] = {{"gate", gate}, {"spin_ns", 0}};
            const struct rig_op *script[] = {scripts[i][0], scripts[i][1], scripts[i][2]};

            rig_explore_all(&(struct rig_conf){.lock = "range-list-rw",
                                               .param = param,
                                               .n_params = 2,
                                               .n_tasks = 3,
                                               .script = script,
                                               .explore = true});
        }
}

enum { READS = 100, HOLD = 1000, APART = 200 };

/* When a writer gets in that comes while two readers relieve each other for ever. */
static pcl_ns writer_among_readers(int64_t gate)
{
    static struct rig_op word[2][READS * 4 + 2];
    static const struct rig_op writer[] = {
        {.act = RIG_SLEEP, .ns = 100}, TAKE_RANGE(EXCLUSIVE, 0, 9), DROP, END};
    const struct rig_op *script[] = {word[0], word[1], writer};
    const struct pcl_lock_param param[] = {{"gate", gate}};
    struct rig r;
    pcl_ns t;

    for (int k = 0; k < 2; k++) {
        struct rig_op *w = word[k];

        *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = k ? (HOLD + APART) / 2 : 0};
        for (int i = 0; i < READS; i++) {
            *w++ = (struct rig_op)TAKE_RANGE(SHARED, 0, 9);
            *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = HOLD};
            *w++ = (struct rig_op)DROP;
            *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = APART};
        }
        *w = (struct rig_op)END;
    }
    rig_init(&r, &(struct rig_conf){.lock = "range-list-rw",
                                    .param = param,
                                    .n_params = 1,
                                    .n_tasks = 3,
                                    .script = script});
    rig_run(&r);
    t = rig_granted(&r, 2);
    rig_fini(&r);
    return t;
}

static void readers_starve_a_writer_unless_there_is_a_gate(void **state)
{
    (void)state;
    assert_true(writer_among_readers(0) > (READS - 1) * (HOLD + APART));
    for (int64_t gate = 1; gate <= 8; gate++) /* an attempt ends with a reader's release */
        assert_in_range(writer_among_readers(gate), gate, (gate + 2) * HOLD);
}

static uint32_t take(struct rig *r, uint32_t body, int64_t start, int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, 0, PCL_EXCLUSIVE, start, last, false);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
    assert_int_equal(r->R.op[body].result, PCL_RANGE_GOT);
    return node;
}

static void a_broken_list_is_seen(void **state)
{
    static const struct rig_op nothing[] = {END};
    static const struct rig_op *script[] = {nothing, nothing, nothing};
    struct rig r;
    const char *why = "";
    uint32_t a, b;

    (void)state;
    rig_init(&r, &(struct rig_conf){
                     .lock = "range-list", .n_tasks = 3, .script = script, .explore = true});
    a = take(&r, 0, 0, 9);
    b = take(&r, 1, 10, 19);
    assert_true(r.R.ops->validate(&r.R, 0, &why));
    struct list_node *first = list_node(&r.R, r.R.node[a].link[5]);
    struct list_node *second = list_node(&r.R, r.R.node[b].link[5]);

    first->start = 15;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "the list is out of order");
    first->start = 0;
    second->next |= LIST_MARK;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "a request is held and not in the list");
    second->next &= ~LIST_MARK;
    second->pool.use = POOL_FREE;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "a node of the list is used for something else");
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_node_is_used_again_under_a_traversal),
        cmocka_unit_test(spinning_waiters_are_served_too),
        cmocka_unit_test(neighbours_in_a_skip_list_do_not_tear_it),
        cmocka_unit_test(readers_and_writers_that_miss_each_other_are_parted),
        cmocka_unit_test(readers_starve_a_writer_unless_there_is_a_gate),
        cmocka_unit_test(a_broken_list_is_seen),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
