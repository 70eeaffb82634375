/*
 * Neighbours in the history of the page lock, each pair with a schedule in which they differ.
 * The schedules are driven by hand: a task is stepped until it has come to a place, then
 * another.
 */
#include "by_hand.h"

enum { MANY = 70 };

static const struct rig_op lock_a[] = {TAKE_PAGE(LOCK, 0), DROP, END};
static const struct rig_op lock_b[] = {TAKE_PAGE(LOCK, 1), DROP, END};
static const struct rig_op try_a[] = {TAKE_PAGE(TRYLOCK, 0), DROP, END};
static const struct rig_op wait_a[] = {TAKE_PAGE(WAIT, 0), END};
static const struct rig_op drop_a[] = {TAKE_PAGE(WAIT_DROP, 0), END};
static const struct rig_op hog_a[] = {
    TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP,
    TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP, END};

/* --- A0 / A1 --- */

/* Two pages of one hash value: in the zones' tables they meet only if they are of one zone. */
static void zones_keep_pages_apart(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_b, lock_b};
    static const char *const locks[] = {"zone-hash", "bit-hash"};
    static const struct pcl_lock_param zones = {"zones", 2};
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        start(&r, locks[i], script, 3, &zones, 1);
        r.profile.ram = (int64_t)2 * 37 * 4096; /* one page in each zone: see the rig's pfn */
        take(&r, 1);
        fall_asleep(&r, 2);
        finish(&r, 0);
        assert_int_equal(r.L.stats.walk_foreign, i == 0 ? 0 : 1);
        rig_fini(&r);
    }
}

static void a_zones_table_goes_by_its_size(void **state)
{
    static const struct {
        int64_t ram, zones, fixed;
    } want[] = {{INT64_C(1) << 30, 1, 1024 * 24},      /* 262144 pages: 1024 buckets */
                {INT64_C(3) << 29, 1, 2048 * 24},      /* rounded up to a power of two */
                {INT64_C(64) << 30, 2, 2 * 4096 * 24}, /* no more than 4096 */
                {1 << 20, 1, 4 * 24}};                 /* no fewer than 4 */

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct pcl_lock_param zones = {"zones", want[i].zones};
        static const struct rig_op *script[] = {lock_a};
        struct pcl_lock_memory mem;
        struct pcl_profile p;
        struct rig r;

        pcl_profile_ideal(&p);
        p.ram = want[i].ram;
        rig_init(&r, &(struct rig_conf){.lock = "zone-hash",
                                        .profile = &p,
                                        .param = &zones,
                                        .n_params = 1,
                                        .n_tasks = 1,
                                        .script = script});
        r.L.ops->memory(&r.L, &mem);
        assert_int_equal(mem.fixed, want[i].fixed);
        rig_run(&r);
        rig_fini(&r);
    }
}

/* --- A1 / B1 --- */

/* Bucket lines that a lock and an unlock without any waiter touch. */
static unsigned bucket_lines_alone(const char *lock)
{
    static const struct rig_op *script[] = {lock_a};
    unsigned n = 0;
    struct rig r;

    start(&r, lock, script, 1, NULL, 0);
    while (r.m.model[0].run != PCL_RUN_DEAD) {
        go(&r, 0);
        for (uint32_t k = 0; k < r.m.n_access; k++)
            n += r.m.access[k] >> 56 == PCL_LINE_BUCKET;
    }
    rig_fini(&r);
    return n;
}

static void with_the_hint_a_lonely_unlock_touches_no_bucket(void **state)
{
    static const char *const with[] = {
        "waiters-bit", "fifo-tail",   "bookmark",          "unfair",        "handoff", "hybrid",
        "folio",       "unfair-head", "unfair-late-break", "atomic-handoff"};

    (void)state;
    assert_int_equal(bucket_lines_alone("zone-hash"), 1);
    assert_int_equal(bucket_lines_alone("bit-hash"), 1);
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        assert_int_equal(bucket_lines_alone(with[i]), 0);
}

/* --- B1 / B2 --- */

/* An exclusive waiter came first, then a shared one: who is awake after the unlock? */
static void shared_waiters_lost_their_place_at_the_head(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_a, wait_a};
    static const char *const locks[] = {"bit-hash", "waiters-bit", "fifo-tail", "bookmark"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct rig r;

        start(&r, locks[i], script, 3, NULL, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        fall_asleep(&r, 2);
        release(&r, 0);
        assert_false(asleep(&r, 1));
        assert_int_equal(asleep(&r, 2), i >= 2);
        finish(&r, 1);
        finish(&r, 2);
        rig_fini(&r);
    }
}

/* Somebody takes the bit between the clear and the walk: the walk is for nothing, and how long
 * it is depends on whether it goes on. */
static void a_walk_stops_at_a_bit_taken_again(void **state)
{
    static const struct rig_op *script[] = {lock_a, try_a, lock_a, lock_a, lock_a, lock_a};
    static const char *const locks[] = {"bit-hash", "waiters-bit", "fifo-tail", "bookmark"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct rig r;

        start(&r, locks[i], script, 6, NULL, 0);
        take(&r, 0);
        for (uint32_t b = 2; b < 6; b++)
            fall_asleep(&r, b);
        unlock_up_to(&r, 0, WT_LOCK);
        take(&r, 1);
        release(&r, 0);
        assert_int_equal(r.L.stats.walk_max, i < 2 ? 4 : 1);
        for (uint32_t b = 2; b < 6; b++)
            assert_true(asleep(&r, b));
        rig_fini(&r);
    }
}

/* --- B2 / B3, E / F --- */

/* Many wait for the bit to clear. Visits after which the walk first let go of the bucket. */
static uint32_t visits_in_one_go(const char *lock)
{
    static const struct rig_op *script[MANY + 1] = {lock_a};
    uint32_t visits = 0;
    struct rig r;

    for (int i = 1; i <= MANY; i++)
        script[i] = wait_a;
    start(&r, lock, script, MANY + 1, NULL, 0);
    take(&r, 0);
    for (uint32_t b = 1; b <= MANY; b++)
        fall_asleep(&r, b);
    unlock_up_to(&r, 0, WT_FIRST);
    while (r.m.spin[r.L.bucket[0].spin].holder == 0)
        go(&r, 0);
    visits = (uint32_t)r.L.stats.walk_visits;
    finish(&r, 0);
    assert_int_equal(r.L.stats.walk_visits, MANY);
    for (uint32_t b = 1; b <= MANY; b++)
        finish(&r, b);
    rig_fini(&r);
    return visits;
}

static void a_bookmark_lets_go_of_the_bucket_after_64_visits_and_one(void **state)
{
    (void)state;
    assert_int_equal(visits_in_one_go("waiters-bit"), MANY);
    assert_int_equal(visits_in_one_go("fifo-tail"), MANY);
    assert_int_equal(visits_in_one_go("bookmark"), 65);
    assert_int_equal(visits_in_one_go("unfair"), 65);
    assert_int_equal(visits_in_one_go("handoff"), 65);
    assert_int_equal(visits_in_one_go("hybrid"), 65);
    assert_int_equal(visits_in_one_go("folio"), MANY);
}

/* --- B3 / C --- */

static int dropped;

static void count_drop(void *arg, uint32_t folio)
{
    (void)arg;
    (void)folio;
    dropped++;
}

static void drop_gives_its_reference_away_before_it_sleeps(void **state)
{
    static const struct rig_op *script[] = {lock_a, drop_a};
    static const char *const locks[] = {"fifo-tail", "bookmark", "unfair", "handoff", "folio"};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct rig r;

        start(&r, locks[i], script, 2, NULL, 0);
        r.L.drop = count_drop;
        dropped = 0;
        take(&r, 0);
        fall_asleep(&r, 1);
        assert_int_equal(dropped, i >= 2);
        release(&r, 0);
        finish(&r, 1);
        assert_int_equal(dropped, 1);
        rig_fini(&r);
    }
}

/* One sleep is enough for DROP, though the page is locked again when it wakes up. */
static void drop_looks_no_more_after_its_sleep(void **state)
{
    static const struct rig_op *script[] = {hog_a, drop_a};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;

        start(&r, i ? "unfair" : "bookmark", script, 2, NULL, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        release(&r, 0);
        take(&r, 0);
        if (i)
            finish(&r, 1);
        else
            fall_asleep(&r, 1);
        rig_fini(&r);
    }
}

/* --- C / D / E --- */

/* How often a sleeper loses against one who takes and drops without pause; -1: for ever. */
static int losses(const char *lock)
{
    static const struct rig_op *script[] = {hog_a, lock_a};
    int n = 0;
    struct rig r;

    start(&r, lock, script, 2, NULL, 0);
    take(&r, 0);
    fall_asleep(&r, 1);
    for (;;) {
        release(&r, 0);
        if (r.flags[0] & PCL_PG_LOCKED)
            break; /* it is the sleeper's, who does not run yet */
        take(&r, 0);
        fall_asleep(&r, 1);
        if (++n == 6) { /* the hog's last time */
            n = -1;
            break;
        }
    }
    assert_int_equal(r.L.stats.handoffs, n >= 0);
    assert_int_equal(r.L.stats.lost_retries, n >= 0 ? n : 6);
    rig_fini(&r);
    return n;
}

static void a_sleeper_loses_for_ever_never_or_five_times(void **state)
{
    static const char *const for_ever[] = {"zone-hash",   "bit-hash",         "waiters-bit",
                                           "fifo-tail",   "bookmark",         "unfair",
                                           "unfair-head", "unfair-late-break"};

    (void)state;
    for (size_t i = 0; i < sizeof for_ever / sizeof for_ever[0]; i++)
        assert_int_equal(losses(for_ever[i]), -1);
    assert_int_equal(losses("handoff"), 0);
    assert_int_equal(losses("atomic-handoff"), 0);
    assert_int_equal(losses("hybrid"), 5);
    assert_int_equal(losses("folio"), 5);
}

/* --- not merged --- */

static void a_loser_goes_to_the_tail_or_to_the_head(void **state)
{
    static const struct rig_op *script[] = {hog_a, lock_a, lock_a};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;

        start(&r, i ? "unfair-head" : "unfair", script, 3, NULL, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        fall_asleep(&r, 2);
        release(&r, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        assert_int_equal(r.L.bucket[0].head, i ? 1 : 2);
        rig_fini(&r);
    }
}

/* Waiters of another page in front: only unfair breaks its walk over them. Then many of its
 * own: both do. */
static void a_walk_breaks_at_once_or_after_a_wake(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_b, lock_b, lock_b, lock_b,
                                            lock_b, wait_a, wait_a, wait_a, wait_a};
    static const struct pcl_lock_param brk = {"break", 2};
    static const struct {
        const char *lock;
        uint32_t foreign, own;
    } want[] = {{"unfair", 1, 2}, {"unfair-late-break", 0, 1}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;

        start(&r, want[i].lock, script, 10, &brk, 1);
        take(&r, 0);
        take(&r, 1);
        for (uint32_t b = 2; b < 10; b++)
            fall_asleep(&r, b);
        unlock_up_to(&r, 0, WT_FIRST);
        while (r.L.stats.walk_foreign < 4)
            go(&r, 0);
        assert_int_equal(r.L.stats.bookmarks, want[i].foreign);
        release(&r, 0);
        assert_int_equal(r.L.stats.bookmarks, want[i].own);
        rig_fini(&r);
    }
}

/* The unlocker has done its atomic and is about to take the bucket lock. */
static void nobody_barges_in_when_the_bit_changes_hands_under_the_bucket_lock(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_a, try_a};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;

        start(&r, i ? "atomic-handoff" : "handoff", script, 3, NULL, 0);
        take(&r, 0);
        fall_asleep(&r, 1);
        unlock_up_to(&r, 0, WT_LOCK);
        assert_int_equal(r.flags[0] & PCL_PG_LOCKED, i);
        go(&r, 2);
        assert_int_equal(holds(&r, 2), !i);
        finish(&r, 2);
        finish(&r, 0);
        finish(&r, 1);
        rig_fini(&r);
    }
}

/* --- ideas --- */

/* Sleepers of another page: in its way in a table of one bucket, not in a queue of its own. */
static void a_page_with_a_queue_of_its_own_meets_no_strangers(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_b, lock_b, lock_a};
    static const char *const locks[] = {"folio", "page-queue", "page-alloc-queue"};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct rig r;

        start(&r, locks[i], script, 4, NULL, 0);
        take(&r, 0);
        take(&r, 1);
        fall_asleep(&r, 2);
        fall_asleep(&r, 3);
        release(&r, 0);
        assert_int_equal(r.L.stats.walk_foreign, !i);
        assert_false(asleep(&r, 3));
        rig_fini(&r);
    }
}

/* The first to wait for a page makes its queue, the last to go frees it; a second waiter finds it. */
static void a_queue_comes_with_the_first_waiter_and_goes_with_the_last(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_a, lock_a, lock_b, lock_b};
    unsigned steps[2] = {0, 0};
    struct rig r;

    (void)state;
    start(&r, "page-alloc-queue", script, 5, NULL, 0);
    take(&r, 0);
    take(&r, 3);
    assert_int_equal(r.L.queue[0].owner, PCL_NONE);
    for (uint32_t b = 1; b <= 2; b++)
        for (; !asleep(&r, b); steps[b - 1]++)
            go(&r, b);
    assert_int_equal(r.L.queue[0].owner, 0);
    assert_int_equal(r.L.queue[1].owner, PCL_NONE); /* locked, but nobody waits */
    /* the first lets go of the lock, allocates, takes it again and searches again */
    assert_int_equal(steps[0], steps[1] + 4);
    fall_asleep(&r, 4);
    assert_int_equal(r.L.queue[1].owner, 0);
    release(&r, 0);
    assert_int_equal(r.L.queue[0].owner, 0); /* another waits still */
    take(&r, 1);
    release(&r, 1);
    assert_int_equal(r.L.queue[0].owner, PCL_NONE);
    assert_int_equal(r.L.queue[1].owner, 0);
    rig_fini(&r);
}

/* Steps that a lock and an unlock without waiters take, in other words: accesses. */
static unsigned steps_alone(const char *lock)
{
    static const struct rig_op *script[] = {lock_a};
    unsigned n = 0;
    struct rig r;

    start(&r, lock, script, 1, NULL, 0);
    for (; r.m.model[0].run != PCL_RUN_DEAD; n++)
        go(&r, 0);
    rig_fini(&r);
    return n;
}

static void lockdep_costs_accesses(void **state)
{
    (void)state;
    assert_int_equal(steps_alone("lockdep-page"), steps_alone("folio") + 5);
}

/* Does the second task sleep, if the first keeps the page for so long, on its CPU or asleep? */
static bool second_sleeps(const char *lock, int64_t spin_ns, int64_t owner, enum rig_act keep,
                          pcl_ns ns)
{
    const struct rig_op keeper[] = {
        TAKE_PAGE(LOCK, 0), {.act = keep, .ns = ns}, DROP, {.act = RIG_BURN, .ns = ns}, END};
    static const struct rig_op second[] = {
        {.act = RIG_BURN, .ns = 500}, TAKE_PAGE(LOCK, 0), DROP, END};
    const struct rig_op *script[] = {keeper, second};
    const struct pcl_lock_param param[] = {{"spin_ns", spin_ns}, {"owner", owner}};
    struct pcl_profile p;
    uint32_t slept;
    struct rig r;

    rig_small_machine(&p, 2);
    rig_init(&r, &(struct rig_conf){.lock = lock,
                                    .profile = &p,
                                    .param = param,
                                    .n_params = owner < 0 ? 1 : 2,
                                    .n_tasks = 2,
                                    .script = script});
    rig_run(&r);
    slept = r.m.task[1].voluntary;
    rig_fini(&r);
    return slept > 1; /* the end is one too */
}

static void spinning_saves_the_sleep_of_a_short_hold(void **state)
{
    (void)state;
    assert_true(second_sleeps("spin-sleep", 0, 0, RIG_BURN, 3000));
    assert_false(second_sleeps("spin-sleep", 10000, 0, RIG_BURN, 3000));
    assert_true(second_sleeps("spin-sleep", 10000, 0, RIG_BURN, 30000));
    assert_false(second_sleeps("mcs-page", 10000, -1, RIG_BURN, 3000));
    assert_true(second_sleeps("mcs-page", 10000, -1, RIG_BURN, 30000));
}

static void nobody_spins_beside_an_owner_who_sleeps(void **state)
{
    (void)state;
    assert_false(second_sleeps("spin-sleep", 10000000, 0, RIG_SLEEP, 30000));
    assert_true(second_sleeps("spin-sleep", 10000000, 1, RIG_SLEEP, 30000));
    assert_false(second_sleeps("spin-sleep", 10000000, 1, RIG_BURN, 30000));
}

/* --- a signal --- */

/* As it was until a8b169afbf06: a waiter that was woken and killed leaves without trying. */
static void a_signal_before_the_try_loses_a_wake_up(void **state)
{
    static const struct rig_op killable[] = {
        {.act = RIG_TAKE, .what = PCL_PAGE_LOCK, .killable = true}, DROP, END};
    static const struct rig_op kill_1[] = {KILL(1), END};
    static const struct rig_op *script[] = {lock_a, killable, kill_1, lock_a};

    (void)state;
    for (int64_t i = 0; i < 4; i++) {
        int64_t first = i % 2;
        struct pcl_lock_param param = {"signal_first", first};
        struct pcl_explore_result res;
        struct rig r;

        start(&r, i < 2 ? "waiters-bit" : "fifo-tail", script, 4, &param, 1);
        rig_explore(&r, 0, &res);
        uint64_t before = r.killed;

        assert_int_equal(res.verdict, first ? PCL_EXPLORE_DEADLOCK : PCL_EXPLORE_OK);
        assert_true(first || res.exhausted);
        if (first) {
            assert_int_equal(pcl_explore_replay(&r.m, res.schedule, NULL, NULL, NULL), PCL_OK);
            assert_int_equal(r.killed, before + 1);
            assert_true(asleep(&r, 3));
            assert_false(r.flags[0] & PCL_PG_LOCKED);
        }
        pcl_explore_fini(&res);
        rig_fini(&r);
    }
}

/* --- memory --- */

static void memory_is_that_of_the_structures(void **state)
{
    static const struct {
        const char *lock;
        int64_t fixed, fixed_dbg, per_waiter, per_page, per_page_dbg;
    } want[] = {
        {"bit-hash", 6144, 20480, 64, 0, 0},       {"waiters-bit", 6144, 20480, 56, 0, 0},
        {"fifo-tail", 6144, 20480, 56, 0, 0},      {"bookmark", 6144, 20480, 56, 0, 0},
        {"unfair", 6144, 20480, 56, 0, 0},         {"handoff", 6144, 20480, 56, 0, 0},
        {"hybrid", 6144, 20480, 56, 0, 0},         {"folio", 6144, 20480, 56, 0, 0},
        {"unfair-head", 6144, 20480, 56, 0, 0},    {"unfair-late-break", 6144, 20480, 56, 0, 0},
        {"atomic-handoff", 6144, 20480, 56, 0, 0}, {"page-queue", 0, 0, 56, 24, 80},
        {"lockdep-page", 6144, 20480, 56, 0, 48},  {"rw-page", 6144, 20480, 56, 8, 8},
        {"page-alloc-queue", 4096, 18432, 80, 0, 0}};
    static const struct rig_op *script[] = {lock_a};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct pcl_lock_memory mem;
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = want[i].lock, .n_tasks = 1, .script = script});
        r.L.ops->memory(&r.L, &mem);
        assert_int_equal(mem.fixed, want[i].fixed);
        assert_int_equal(mem.fixed_dbg, want[i].fixed_dbg);
        assert_int_equal(mem.per_waiter, want[i].per_waiter);
        assert_int_equal(mem.per_waiter_dbg, want[i].per_waiter);
        assert_int_equal(mem.per_page, want[i].per_page);
        assert_int_equal(mem.per_page_dbg, want[i].per_page_dbg);
        rig_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_keep_pages_apart),
        cmocka_unit_test(a_zones_table_goes_by_its_size),
        cmocka_unit_test(with_the_hint_a_lonely_unlock_touches_no_bucket),
        cmocka_unit_test(shared_waiters_lost_their_place_at_the_head),
        cmocka_unit_test(a_walk_stops_at_a_bit_taken_again),
        cmocka_unit_test(a_bookmark_lets_go_of_the_bucket_after_64_visits_and_one),
        cmocka_unit_test(drop_gives_its_reference_away_before_it_sleeps),
        cmocka_unit_test(drop_looks_no_more_after_its_sleep),
        cmocka_unit_test(a_sleeper_loses_for_ever_never_or_five_times),
        cmocka_unit_test(a_loser_goes_to_the_tail_or_to_the_head),
        cmocka_unit_test(a_walk_breaks_at_once_or_after_a_wake),
        cmocka_unit_test(nobody_barges_in_when_the_bit_changes_hands_under_the_bucket_lock),
        cmocka_unit_test(a_page_with_a_queue_of_its_own_meets_no_strangers),
        cmocka_unit_test(a_queue_comes_with_the_first_waiter_and_goes_with_the_last),
        cmocka_unit_test(lockdep_costs_accesses),
        cmocka_unit_test(spinning_saves_the_sleep_of_a_short_hold),
        cmocka_unit_test(nobody_spins_beside_an_owner_who_sleeps),
        cmocka_unit_test(a_signal_before_the_try_loses_a_wake_up),
        cmocka_unit_test(memory_is_that_of_the_structures),
    };

    return cmocka_run_group_tests_name("page-rows", tests, NULL, NULL);
}
