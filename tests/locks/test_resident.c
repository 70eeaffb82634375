/*
 * The lock that holds a range's present pages: it excludes where pages are and nowhere else, holds
 * each page once, lets go what it has before it sleeps, and leaves to a path what the path has
 * locked.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096
#define FIRST 0, PAGE - 1
#define SECOND PAGE, 2 * PAGE - 1
#define BOTH 0, 2 * PAGE - 1

static void hand_init(struct rig *r, unsigned absent)
{
    static const struct rig_op nothing[] = {END};
    static const struct rig_op *script[] = {nothing, nothing, nothing};

    rig_init(r, &(struct rig_conf){.lock = "resident",
                                   .n_tasks = 3,
                                   .script = script,
                                   .absent = absent,
                                   .explore = true});
}

static uint32_t try_take(struct rig *r, uint32_t body, int64_t start, int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, 0, PCL_EXCLUSIVE, start, last, false);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
    return r->R.op[body].result == PCL_RANGE_GOT ? node : PCL_NONE;
}

static void release(struct rig *r, uint32_t node)
{
    r->m.cur = r->R.node[node].owner;
    pcl_range_begin_release(&r->R, PCL_RANGE_RELEASE, node);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
}

static bool locked(const struct rig *r, uint32_t page)
{
    return r->flags[RIG_FOLIO(0, page)] & PCL_PG_LOCKED;
}

static void excludes_where_pages_are(void **state)
{
    struct rig r;
    uint32_t a, b;

    (void)state;
    hand_init(&r, 0);
    a = try_take(&r, 0, FIRST);
    assert_int_not_equal(a, PCL_NONE);
    assert_true(locked(&r, 0) && !locked(&r, 1));
    assert_int_equal(try_take(&r, 1, BOTH), PCL_NONE);
    assert_false(locked(&r, 1)); /* a try that fails keeps nothing */
    b = try_take(&r, 1, SECOND);
    assert_int_not_equal(b, PCL_NONE);
    assert_int_equal(r.pages.stats.folios_max, 2);
    release(&r, a);
    release(&r, b);
    assert_false(locked(&r, 0) || locked(&r, 1));
    assert_int_equal(r.pages.stats.folios, 0);
    rig_fini(&r);
}

static void excludes_nobody_where_none_is(void **state)
{
    struct rig r;
    uint32_t a, b;

    (void)state;
    hand_init(&r, 1u << RIG_FOLIO(0, 0));
    a = try_take(&r, 0, FIRST);
    b = try_take(&r, 1, FIRST);
    assert_int_not_equal(a, PCL_NONE);
    assert_int_not_equal(b, PCL_NONE);
    r.absent = 0; /* it comes in: nobody's */
    assert_false(locked(&r, 0));
    uint32_t c = try_take(&r, 2, BOTH);

    assert_int_not_equal(c, PCL_NONE);
    release(&r, c);
    release(&r, b);
    release(&r, a);
    rig_fini(&r);
}

/* A body that holds a page through one request passes it over in the next. */
static void holds_a_page_once(void **state)
{
    struct rig r;
    uint32_t a, b;
    const char *why = "";

    (void)state;
    hand_init(&r, 0);
    a = try_take(&r, 0, FIRST);
    b = try_take(&r, 0, BOTH);
    assert_int_not_equal(b, PCL_NONE);
    assert_int_equal(r.pages.stats.folios, 2);
    assert_true(r.R.ops->validate(&r.R, 0, &why));
    release(&r, b);
    assert_true(locked(&r, 0) && !locked(&r, 1));
    release(&r, a);
    assert_false(locked(&r, 0));
    rig_fini(&r);
}

/* Who has locked a page once more, as paths do, has it when the range is gone. */
static void leaves_to_the_path_what_it_has_locked(void **state)
{
    struct rig r;
    uint32_t a;

    (void)state;
    hand_init(&r, 0);
    a = try_take(&r, 0, BOTH);
    pcl_pages_own(&r.pages, RIG_FOLIO(0, 1))->inner = PCL_INNER_LOCK;
    release(&r, a);
    assert_true(!locked(&r, 0) && locked(&r, 1));
    assert_null(pcl_pages_own(&r.pages, RIG_FOLIO(0, 1)));
    rig_fini(&r);
}

static void says_when_a_held_page_is_not_locked(void **state)
{
    struct rig r;
    const char *why = "";

    (void)state;
    hand_init(&r, 0);
    (void)try_take(&r, 0, BOTH);
    r.flags[RIG_FOLIO(0, 1)] &= (uint8_t)~PCL_PG_LOCKED;
    assert_false(r.R.ops->validate(&r.R, 0, &why));
    rig_fini(&r);
}

static const struct rig_op both[] = {TAKE_RANGE(EXCLUSIVE, 0, 2 * PAGE - 1), DROP, END};
static const struct rig_op first[] = {TAKE_RANGE(EXCLUSIVE, 0, PAGE - 1), DROP, END};
static const struct rig_op second[] = {TAKE_RANGE(EXCLUSIVE, PAGE, 2 * PAGE - 1), DROP, END};
/* The pages in falling order, one held while the other is waited for: what a path does that meets
 * a page that came late. */
static const struct rig_op falling[] = {TAKE_RANGE(EXCLUSIVE, PAGE, 2 * PAGE - 1),
                                        {.act = RIG_TAKE,
                                         .what = PCL_RANGE_ACQUIRE,
                                         .mode = PCL_EXCLUSIVE,
                                         .slot = 1,
                                         .start = 0,
                                         .last = PAGE - 1},
                                        {.act = RIG_DROP, .slot = 1},
                                        DROP,
                                        END};
static const struct rig_op killable[] = {{.act = RIG_TAKE,
                                          .what = PCL_RANGE_ACQUIRE,
                                          .mode = PCL_EXCLUSIVE,
                                          .last = 2 * PAGE - 1,
                                          .killable = true},
                                         DROP,
                                         END};
static const struct rig_op kill_1[] = {KILL(1), END};

static void explore(const struct rig_op *a, const struct rig_op *b, const struct rig_op *c)
{
    const struct rig_op *script[] = {a, b, c};

    rig_explore_all(&(struct rig_conf){
        .lock = "resident", .n_tasks = c ? 3 : 2, .script = script, .explore = true});
}

static void two_pages_all_interleavings(void **state)
{
    (void)state;
    explore(both, both, NULL);
    explore(both, second, first);
    explore(second, killable, kill_1);
}

static void nobody_sleeps_with_pages_of_one_request(void **state)
{
    (void)state;
    explore(falling, both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excludes_where_pages_are),
        cmocka_unit_test(excludes_nobody_where_none_is),
        cmocka_unit_test(holds_a_page_once),
        cmocka_unit_test(leaves_to_the_path_what_it_has_locked),
        cmocka_unit_test(says_when_a_held_page_is_not_locked),
        cmocka_unit_test(two_pages_all_interleavings),
        cmocka_unit_test(nobody_sleeps_with_pages_of_one_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
