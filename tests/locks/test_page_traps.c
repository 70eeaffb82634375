/*
 * What is easily got wrong about the page lock, each with a schedule that shows it. The numbers are
 * those of docs/locks.md, "What is easily got wrong", which says where the others are tested.
 */
#include "by_hand.h"

static const struct rig_op lock_a[] = {TAKE_PAGE(LOCK, 0), DROP, END};
static const struct rig_op wait_a[] = {TAKE_PAGE(WAIT, 0), END};
static const struct rig_op twice_a[] = {TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP, END};

/* 5: who waited to see the page unlocked is woken, and runs only when it is locked again. Up to 5.8
 * it looks, and sleeps again; from 5.9 on the wake-up is enough. */
static void a_shared_wake_up_does_not_mean_that_the_bit_is_clear(void **state)
{
    static const struct rig_op *script[] = {twice_a, wait_a};
    static const struct {
        const char *lock;
        bool looks;
    } want[] = {{"zone-hash", true},  {"bit-hash", true}, {"waiters-bit", true},
                {"fifo-tail", true},  {"bookmark", true}, {"unfair", true},
                {"handoff", false},   {"hybrid", false},  {"folio", false},
                {"unfair-head", true}};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct rig r;

        start(&r, want[i].lock, script, 2, NULL, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        release(&r, 0);
        assert_false(asleep(&r, 1));
        take(&r, 0);
        if (want[i].looks)
            fall_asleep(&r, 1);
        else
            finish(&r, 1);
        assert_true(r.flags[0] & PCL_PG_LOCKED);
        rig_fini(&r);
    }
}

/* 10: the walk holds the bucket for each of its wake-ups; who wants the bucket spins until the last. */
static void wake_ups_are_made_under_the_bucket_lock(void **state)
{
    static const struct rig_op *script[] = {lock_a, wait_a, wait_a, wait_a, lock_a};
    struct rig r;

    (void)state;
    start(&r, "folio", script, 5, NULL, 0);
    take(&r, 0);
    for (uint32_t b = 1; b <= 3; b++)
        fall_asleep(&r, b);
    while (r.m.spin[r.L.bucket[0].spin].holder != 4) /* it has found the page locked */
        go(&r, 4);
    fall_asleep(&r, 4);
    unlock_up_to(&r, 0, WT_FIRST);
    for (uint32_t b = 1; b <= 4; b++) {
        assert_int_equal(r.m.spin[r.L.bucket[0].spin].holder, 0);
        assert_true(asleep(&r, b));
        while (asleep(&r, b))
            go(&r, 0);
    }
    rig_fini(&r);
}

/* 11: at a bookmark others have the bucket. Who queues then, although the page is free no more, is
 * met by the same walk; and the other walker's bookmark is passed over and does not count. */
static void a_walk_with_bookmarks_may_chase_its_own_tail(void **state)
{
    static const struct rig_op *script[] = {lock_a, wait_a, wait_a, wait_a, wait_a, lock_a, lock_a};
    static const struct pcl_lock_param brk = {"break", 2};
    struct rig r;

    (void)state;
    start(&r, "bookmark", script, 7, &brk, 1);
    take(&r, 0);
    for (uint32_t b = 1; b <= 4; b++)
        fall_asleep(&r, b);
    unlock_up_to(&r, 0, WT_BREAK_LOCK);
    assert_int_equal(r.L.stats.walk_visits, 3);
    assert_int_equal(r.L.bucket[0].len, 2); /* the bookmark and the fourth waiter */
    take(&r, 5);
    fall_asleep(&r, 6); /* behind both */
    assert_int_equal(r.L.stats.walk_visits, 3);
    release(&r, 0);
    assert_int_equal(r.L.stats.walk_visits, 4); /* it finds the page taken again, and stops there */
    assert_true(asleep(&r, 4));
    release(&r, 5);
    assert_false(asleep(&r, 4));
    assert_false(asleep(&r, 6));
    finish(&r, 4);
    finish(&r, 6);
    rig_fini(&r);
}

static void a_strangers_bookmark_does_not_count_towards_a_break(void **state)
{
    static const struct rig_op lock_b[] = {TAKE_PAGE(LOCK, 1), DROP, END};
    static const struct rig_op wait_b[] = {TAKE_PAGE(WAIT, 1), END};
    static const struct rig_op *script[] = {lock_a, lock_b, wait_a, wait_a,
                                            wait_a, wait_b, wait_b, wait_b};
    static const struct pcl_lock_param brk = {"break", 2};
    struct rig r;

    (void)state;
    start(&r, "bookmark", script, 8, &brk, 1);
    take(&r, 0);
    take(&r, 1);
    for (uint32_t b = 2; b <= 7; b++)
        fall_asleep(&r, b);
    unlock_up_to(&r, 0, WT_BREAK_LOCK); /* all of a's are awake; the queue: bookmark, b's three */
    assert_int_equal(r.L.bucket[0].len, 4);
    release(&r, 1); /* a visit of the bookmark and three of its own: the third is the last */
    assert_int_equal(r.L.stats.walk_visits, 7);
    assert_int_equal(r.L.stats.bookmarks, 1);
    finish(&r, 0);
    rig_fini(&r);
}

/* 12: two tasks take the page in turns, in no time but that of a wake-up. What that costs shows
 * under hand-off, for which the page stays locked until its new owner runs, and not where whoever
 * runs may have the page. Without a cost of waking up the two are the same. */
static pcl_ns turns(const char *lock, pcl_ns idle_exit)
{
    enum { TURNS = 50 };
    static struct rig_op take_turns[3 * TURNS + 1];
    const struct rig_op *script[] = {take_turns, take_turns};
    struct pcl_profile p;
    pcl_ns end;
    struct rig r;

    for (int i = 0; i < TURNS; i++) {
        take_turns[3 * i] = (struct rig_op)TAKE_PAGE(LOCK, 0);
        take_turns[3 * i + 1] = (struct rig_op){.act = RIG_BURN, .ns = 1000};
        take_turns[3 * i + 2] = (struct rig_op)DROP;
    }
    take_turns[3 * TURNS] = (struct rig_op)END;
    rig_small_machine(&p, 2);
    p.hz = 0;
    p.wake_idle_shallow = p.wake_idle_deep = idle_exit;
    rig_init(&r, &(struct rig_conf){
                     .lock = lock, .profile = &p, .n_tasks = 2, .script = script, .blind = true});
    rig_run(&r);
    end = r.m.eng.now;
    rig_fini(&r);
    return end;
}

static void a_hand_off_keeps_the_page_through_the_wake_up(void **state)
{
    pcl_ns fair = turns("handoff", 20000) - turns("handoff", 0);
    pcl_ns unfair = turns("unfair", 20000) - turns("unfair", 0);

    (void)state;
    assert_true(fair > 90 * 20000); /* all but the first few of 100 turns */
    assert_true(unfair < 10 * 20000);
}

/* 20: which buckets the pages of a file share. Struct pages that lie side by side spread well. */
static void struct_pages_side_by_side_spread_over_the_buckets(void **state)
{
    static const struct rig_op *script[] = {lock_a};
    static const struct {
        uint32_t pages, used, most;
    } want[] = {{256, 228, 2}, {4096, 256, 18}};
    struct rig r;

    (void)state;
    rig_init(&r, &(struct rig_conf){.lock = "folio", .n_tasks = 1, .script = script});
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        uint32_t n[256] = {0}, used = 0, most = 0;

        for (uint32_t pfn = 0; pfn < want[i].pages; pfn++) {
            uint32_t in = ++n[wt_bucket(&r.L, pfn)];

            used += in == 1;
            most = in > most ? in : most;
        }
        assert_int_equal(used, want[i].used);
        assert_int_equal(most, want[i].most);
    }
    rig_run(&r);
    rig_fini(&r);
}

/* The same pages under the other hashes: without one, 256 in a row have a bucket each, and pages
 * that lie 256 apart share one. */
static void the_hash_is_a_parameter(void **state)
{
    static const struct rig_op *script[] = {lock_a};
    uint32_t bucket[3][2];

    (void)state;
    for (int64_t hash = 0; hash < 3; hash++) {
        struct pcl_lock_param param = {.name = "hash", .value = hash};
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = "folio",
                                        .param = &param,
                                        .n_params = 1,
                                        .n_tasks = 1,
                                        .script = script});
        bucket[hash][0] = wt_bucket(&r.L, 7);
        bucket[hash][1] = wt_bucket(&r.L, 256 + 7);
        rig_run(&r);
        rig_fini(&r);
    }
    assert_int_equal(bucket[2][0], 7);
    assert_int_equal(bucket[2][1], 7);
    assert_int_not_equal(bucket[0][0], bucket[0][1]);
    assert_int_not_equal(bucket[0][0], bucket[1][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_wake_up_does_not_mean_that_the_bit_is_clear),
        cmocka_unit_test(wake_ups_are_made_under_the_bucket_lock),
        cmocka_unit_test(a_walk_with_bookmarks_may_chase_its_own_tail),
        cmocka_unit_test(a_strangers_bookmark_does_not_count_towards_a_break),
        cmocka_unit_test(a_hand_off_keeps_the_page_through_the_wake_up),
        cmocka_unit_test(struct_pages_side_by_side_spread_over_the_buckets),
        cmocka_unit_test(the_hash_is_a_parameter),
    };

    return cmocka_run_group_tests_name("page-traps", tests, NULL, NULL);
}
