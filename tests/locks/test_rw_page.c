/*
 * rw-page beside its neighbour atomic-handoff: readers share, and both kinds get their turn.
 * The statistics' law of one owner for each page knows who may share.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two readers have the page when a writer comes; the reader behind him must not overtake him.
 */
static void readers_share_and_overtake_no_writer(void **state)
{
    static const struct rig_op first[] = {TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP, END};
    static const struct rig_op second[] = {AT(50), TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP,
                                           END};
    static const struct rig_op writer[] = {AT(100), TAKE_PAGE(LOCK, 0), AT(500), DROP, END};
    static const struct rig_op late1[] = {AT(200), TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP,
                                          END};
    static const struct rig_op late2[] = {AT(300), TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP,
                                          END};
    static const struct rig_op writer2[] = {AT(400), TAKE_PAGE(LOCK, 0), AT(500), DROP, END};
    static const struct rig_op late3[] = {AT(450), TAKE_PAGE(LOCK_SHARED, 0), DROP, END};
    static const struct rig_op *script[] = {first, second,  writer, late1,
                                            late2, writer2, late3};
    static const struct {
        const char *lock;
        pcl_ns granted[7];
    } want[] = {
        {"rw-page", {0, 50, 1050, 1550, 1550, 2550, 3050}},
        {"atomic-handoff", {0, 1000, 2000, 2500, 3500, 4500, 5000}},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = want[i].lock, .n_tasks = 7, .script = script});
        rig_run(&r);
        for (uint32_t b = 0; b < 7; b++)
            assert_int_equal(rig_granted(&r, b), want[i].granted[b]);
        assert_int_equal(r.L.stats.overlaps, 0);
        assert_int_equal(r.L.stats.held, 0);
        assert_int_equal(r.L.stats.held_max, i == 0 ? 2 : 1);
        assert_int_equal(r.L.stats.mode[PCL_SHARED].hold.count, i == 0 ? 5 : 0);
        assert_int_equal(r.L.stats.mode[PCL_EXCLUSIVE].hold.count, i == 0 ? 2 : 7);
        rig_fini(&r);
    }
}

static void a_trylock_fails_beside_the_other_kind_only(void **state)
{
    static const struct rig_op reader[] = {TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP, END};
    static const struct rig_op writer[] = {AT(1100), TAKE_PAGE(LOCK, 0), AT(1000), DROP, END};
    static const struct rig_op tries[] = {AT(100),
                                          TAKE_PAGE(TRYLOCK_SHARED, 0),
                                          DROP,
                                          TAKE_PAGE(TRYLOCK, 0),
                                          DROP,
                                          AT(1500),
                                          TAKE_PAGE(TRYLOCK_SHARED, 0),
                                          DROP,
                                          END};
    static const struct rig_op *script[] = {reader, writer, tries};
    struct rig r;

    (void)state;
    rig_init(&r, &(struct rig_conf){.lock = "rw-page", .n_tasks = 3, .script = script});
    rig_run(&r);
    assert_int_equal(r.granted, 3);
    assert_int_equal(r.busy, 2);
    rig_fini(&r);
}

/* Broken on purpose: an owner does not look whether anybody shares. */
static enum pcl_more minds_no_reader(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_LOCK && !op->shared && op->pc == 0) {
        (*L->flags)[op->folio] |= PCL_PG_LOCKED;
        return PCL_DONE;
    }
    return rig_lock("rw-page")->page->step(L, op);
}

static bool sound(const struct pcl_page_locks *L, const char **why)
{
    (void)L, (void)why;
    return true;
}

static void an_owner_beside_a_reader_breaks_the_law(void **state)
{
    static const struct rig_op reader[] = {TAKE_PAGE(LOCK_SHARED, 0), AT(1000), DROP, END};
    static const struct rig_op writer[] = {AT(100), TAKE_PAGE(LOCK, 0), AT(100), DROP, END};
    static const struct rig_op *script[] = {reader, writer};
    struct pcl_page_lock_ops broken = *rig_lock("rw-page")->page;
    struct rig r;

    (void)state;
    broken.step = minds_no_reader;
    broken.validate = sound;
    rig_init(&r, &(struct rig_conf){
                     .lock = "rw-page", .n_tasks = 2, .script = script, .page_ops = &broken});
    assert_non_null(rig_try_run(&r)); /* the rig sees it too */
    assert_int_equal(r.L.stats.overlaps, 1);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_share_and_overtake_no_writer),
        cmocka_unit_test(a_trylock_fails_beside_the_other_kind_only),
        cmocka_unit_test(an_owner_beside_a_reader_breaks_the_law),
    };

    return cmocka_run_group_tests_name("rw-page", tests, NULL, NULL);
}
