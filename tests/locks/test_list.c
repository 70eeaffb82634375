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

#include "list_pool.h"

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
    second->use = LIST_FREE;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    assert_string_equal(why, "a node of the list is used for something else");
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_node_is_used_again_under_a_traversal),
        cmocka_unit_test(spinning_waiters_are_served_too),
        cmocka_unit_test(a_broken_list_is_seen),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
