/*
 * The page locks' own promises and traps: what the hint bit must cover, whom an unlock wakes,
 * how often a sleeper may lose, what a killed waiter does to those behind it. Some cases break
 * a lock on purpose, to see that the explorer or the validator objects.
 */
#include "rig.h"
#include "wait_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pcl_lock_param one_bucket[] = {{"bits", 0}, {"unfairness", 1}};

/* Those whose walks take a break, and all that have the hint. */
static const char *const table_locks[] = {"unfair", "handoff", "hybrid"};
static const char *const hinted[] = {"waiters-bit", "fifo-tail",   "bookmark",
                                     "unfair",      "unfair-head", "unfair-late-break",
                                     "handoff",     "hybrid",      "folio"};

enum { N_HINTED = sizeof hinted / sizeof hinted[0] };

static unsigned n_params(const char *lock)
{
    return strcmp(lock, "hybrid") == 0 || strcmp(lock, "folio") == 0 ? 2 : 1;
}

static void explore(const char *lock, const struct pcl_page_lock_ops *ops,
                    const struct rig_op **script, uint32_t n, uint8_t flags,
                    struct pcl_explore_result *res)
{
    struct rig r;

    rig_init(&r, &(struct rig_conf){.lock = lock,
                                    .param = one_bucket,
                                    .n_params = n_params(lock),
                                    .n_tasks = n,
                                    .script = script,
                                    .explore = true,
                                    .page_ops = ops});
    r.flags[0] = flags;
    rig_explore(&r, 0, res);
    rig_fini(&r);
}

static const struct rig_op lock_a[] = {TAKE_PAGE(LOCK, 0), DROP, END};
static const struct rig_op lock_b[] = {TAKE_PAGE(LOCK, 1), DROP, END};
static const struct rig_op killable[] = {
    {.act = RIG_TAKE, .what = PCL_PAGE_LOCK, .killable = true}, DROP, END};
static const struct rig_op kill_1[] = {KILL(1), END};
static const struct rig_op wait_writeback[] = {
    {.act = RIG_TAKE, .what = PCL_PAGE_WAIT, .bit = PCL_PG_WRITEBACK}, END};
static const struct rig_op end_writeback[] = {{.act = RIG_CLEAR}, END};

/* --- broken on purpose
 * --------------------------------------------------------------------------- */

static const struct pcl_page_lock_ops *whole; /* the lock that a broken copy is made from */

/* Clears the hint whenever a walk is over, "I have woken my waiter". */
static enum pcl_more clears_too_early(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc != WT_CLEAR)
        return whole->step(L, op);
    pcl_rmw(L->m, wt_folio_line(op));
    *wt_flags(L, op) &= (uint8_t)~PCL_PG_WAITERS;
    op->pc = WT_UNLOCK;
    return PCL_MORE;
}

static void a_hint_cleared_too_early_is_seen(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_a, lock_a};
    struct pcl_explore_result res;

    (void)state;
    for (size_t i = 0; i < N_HINTED; i++) {
        struct pcl_page_lock_ops broken;

        whole = rig_lock(hinted[i])->page;
        broken = *whole;
        broken.step = clears_too_early;
        explore(hinted[i], &broken, script, 3, 0, &res);
        assert_int_equal(res.verdict, PCL_EXPLORE_VIOLATION);
        assert_string_equal(res.why, "a waiter sleeps on a folio whose PG_waiters is clear");
        pcl_explore_fini(&res);

        broken.validate = rig_lock("fifo")->page->validate; /* says yes: it has no queues */
        explore(hinted[i], &broken, script, 3, 0, &res);
        assert_int_equal(res.verdict, PCL_EXPLORE_DEADLOCK);
        pcl_explore_fini(&res);
    }
}

/* Queues, and sets the hint only after its last look at the bit and outside the bucket lock. */
static enum pcl_more hints_too_late(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    enum { LATE_HINT = 60 };
    uint8_t flags = *wt_flags(L, op), pc = op->pc;
    bool queued = L->waiter[L->m->cur].queued;

    if (pc == LATE_HINT) {
        wt_set_waiters(L, op);
        op->pc = op->scratch;
        op->scratch = 0;
        return PCL_MORE;
    }
    enum pcl_more more = whole->step(L, op);

    if (pc < WT_LOCK && !(flags & PCL_PG_WAITERS) && (*wt_flags(L, op) & PCL_PG_WAITERS))
        *wt_flags(L, op) &= (uint8_t)~PCL_PG_WAITERS; /* not yet */
    if (pc < WT_LOCK && queued && L->m->spin[L->bucket[op->bucket].spin].holder != L->m->cur &&
        L->waiter[L->m->cur].queued && !op->credit) {
        op->credit = 1;
        op->scratch = op->pc;
        op->pc = LATE_HINT;
    }
    return more;
}

static void a_hint_set_too_late_is_seen(void **state)
{
    static const struct rig_op *script[] = {lock_a, lock_a};
    struct pcl_page_lock_ops broken;
    struct pcl_explore_result res;

    (void)state;
    whole = rig_lock("handoff")->page;
    broken = *whole;
    broken.step = hints_too_late;
    broken.validate = rig_lock("fifo")->page->validate;
    explore("handoff", &broken, script, 2, 0, &res);
    assert_int_equal(res.verdict, PCL_EXPLORE_DEADLOCK);
    pcl_explore_fini(&res);
}

/* --- what a walk must leave in order
 * ------------------------------------------------------------- */

/* Waiters for another bit of the same folio, and for another folio of the bucket, are passed
 * over and not forgotten. */
static void other_bits_and_folios_keep_their_hint(void **state)
{
    static const struct rig_op *bits[] = {lock_a, lock_a, wait_writeback, end_writeback};
    static const struct rig_op *folios[] = {lock_a, lock_b, lock_a};
    struct pcl_explore_result res;

    (void)state;
    for (size_t i = 0; i < N_HINTED; i++) {
        explore(hinted[i], NULL, bits, 4, PCL_PG_WRITEBACK, &res);
        if (res.verdict != PCL_EXPLORE_OK || !res.exhausted)
            fail_msg("%s: %s, %s", hinted[i], res.why, res.schedule);
        pcl_explore_fini(&res);
        explore(hinted[i], NULL, folios, 3, 0, &res);
        if (res.verdict != PCL_EXPLORE_OK || !res.exhausted)
            fail_msg("%s: %s, %s", hinted[i], res.why, res.schedule);
        pcl_explore_fini(&res);
    }
}

static pcl_ns granted(const struct rig *r, uint32_t body)
{
    for (size_t i = 0; i < r->n_log; i++)
        if (r->log[i].body == body && r->log[i].what == PCL_TR_GRANT)
            return r->log[i].t;
    return -1;
}


/* One unlock wakes everybody who waits for the bit to clear in front of the first who wants to
 * own it, and that one; those behind it wait for the next unlock. */
static void an_unlock_wakes_up_to_the_first_owner(void **state)
{
    static const struct rig_op holder[] = {TAKE_PAGE(LOCK, 0), AT(1000), DROP, END};
    static const struct rig_op wait1[] = {AT(100), TAKE_PAGE(WAIT, 0), END};
    static const struct rig_op wait2[] = {AT(200), TAKE_PAGE(WAIT_DROP, 0), END};
    static const struct rig_op owner[] = {AT(300), TAKE_PAGE(LOCK, 0), AT(500), DROP, END};
    static const struct rig_op wait3[] = {AT(400), TAKE_PAGE(WAIT, 0), END};
    static const struct rig_op *script[] = {holder, wait1, wait2, owner, wait3};
    static const char *const locks[] = {"fifo", "unfair", "handoff", "hybrid"};

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        struct rig r;

        rig_init(&r, &(struct rig_conf){.lock = locks[i], .n_tasks = 5, .script = script});
        rig_run(&r);
        assert_int_equal(granted(&r, 1), 1000);
        assert_int_equal(granted(&r, 2), 1000);
        assert_int_equal(granted(&r, 3), 1000);
        assert_int_equal(granted(&r, 4), 1500);
        rig_fini(&r);
    }
}

/* The next write-back may have begun when the walk for the last one does. */
static void an_unlock_leaves_a_bit_alone_that_was_cleared_before(void **state)
{
    static const struct rig_op *script[] = {end_writeback};
    static const char *const locks[] = {"fifo",      "waiters-bit",      "bit-hash",  "unfair",
                                        "mcs-page",  "page-alloc-queue", "rw-page",   "page-queue",
                                        "spin-sleep", "atomic-handoff",  "lockdep-page"};

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++)
        for (uint8_t cleared = 0; cleared <= PCL_PG_WRITEBACK; cleared += PCL_PG_WRITEBACK) {
            struct rig r;

            rig_init(&r, &(struct rig_conf){.lock = locks[i], .n_tasks = 1, .script = script});
            r.L.cleared = cleared;
            r.flags[0] = PCL_PG_WRITEBACK | PCL_PG_LOCKED;
            rig_run(&r);
            if ((r.flags[0] & PCL_PG_WRITEBACK) != cleared || !(r.flags[0] & PCL_PG_LOCKED))
                fail_msg("%s: flags are %x", locks[i], r.flags[0]);
            rig_fini(&r);
        }
}

/* Ten sleepers on another folio of the same bucket: each walk visits them all. */
static void colliding_folios_lengthen_the_walk(void **state)
{
    static const struct rig_op holder_b[] = {TAKE_PAGE(LOCK, 1), AT(100000), DROP, END};
    static const struct rig_op sleeper_b[] = {AT(100), TAKE_PAGE(LOCK, 1), DROP, END};
    static const struct rig_op holder_a[] = {AT(200), TAKE_PAGE(LOCK, 0), AT(1000), DROP, END};
    static const struct rig_op sleeper_a[] = {AT(300), TAKE_PAGE(LOCK, 0), AT(90000), DROP,
                                              END};
    const struct rig_op *script[13] = {holder_b, holder_a, sleeper_a};

    (void)state;
    for (int i = 3; i < 13; i++)
        script[i] = sleeper_b;
    for (size_t i = 0; i < sizeof table_locks / sizeof table_locks[0]; i++) {
        const struct pcl_lock_param param[] = {{"bits", 0}, {"break", 4}};
        struct rig r;

        for (unsigned n = 1; n <= 2; n++) {
            rig_init(&r, &(struct rig_conf){.lock = table_locks[i],
                                            .n_tasks = 13,
                                            .script = script,
                                            .param = param,
                                            .n_params = n});
            pcl_machine_run(&r.m, 1500, NULL);
            assert_int_equal(granted(&r, 2), 1200);
            assert_true(r.L.stats.walk_foreign >= 10);
            assert_true(r.L.stats.walk_max >= 11);
            assert_int_equal(r.L.stats.bookmarks > 0, n == 2);
            rig_run(&r);
            rig_fini(&r);
        }
    }
}

/* --- losing
 * ---------------------------------------------------------------------------------------- */

enum { LOOPS = 3000, VISITS = 20 };

/* Task 0 takes and drops without pause; task 1 comes now and then, and sleeps. Waited: its
 * longest wait. */
static struct pcl_lock_stats against_a_hog(const char *lock, int64_t unfairness, pcl_ns *waited)
{
    static struct rig_op hog[LOOPS * 3 + 1], sleeper[VISITS * 4 + 1];
    const struct rig_op *script[] = {hog, sleeper};
    struct pcl_lock_param param = {"unfairness", unfairness};
    struct pcl_lock_stats stats;
    struct pcl_profile p;
    struct rig r;

    for (int i = 0; i < LOOPS; i++) {
        hog[3 * i] = (struct rig_op)TAKE_PAGE(LOCK, 0);
        hog[3 * i + 1] = (struct rig_op){.act = RIG_BURN, .ns = 1000 + 37 * i % 1000};
        hog[3 * i + 2] = (struct rig_op)DROP;
    }
    hog[3 * LOOPS] = (struct rig_op)END;
    for (int i = 0; i < VISITS; i++) {
        sleeper[4 * i] = (struct rig_op)AT(20000);
        sleeper[4 * i + 1] = (struct rig_op)TAKE_PAGE(LOCK, 0);
        sleeper[4 * i + 2] = (struct rig_op){.act = RIG_BURN, .ns = 500};
        sleeper[4 * i + 3] = (struct rig_op)DROP;
    }
    sleeper[4 * VISITS] = (struct rig_op)END;
    rig_small_machine(&p, 2);
    rig_init(&r, &(struct rig_conf){.lock = lock,
                                    .n_tasks = 2,
                                    .script = script,
                                    .profile = &p,
                                    .param = &param,
                                    .n_params = unfairness < 0 ? 0 : 1});
    rig_run(&r);
    *waited = 0;
    pcl_ns from = 0;

    for (size_t i = 0; i < r.n_log; i++) {
        if (r.log[i].body != 1)
            continue;
        if (r.log[i].what == PCL_TR_RELEASE)
            from = r.log[i].t;
        else if (r.log[i].t - from - 20000 > *waited)
            *waited = r.log[i].t - from - 20000;
    }
    stats = r.L.stats;
    rig_fini(&r);
    return stats;
}

static void a_hybrid_sleeper_loses_a_bounded_number_of_times(void **state)
{
    pcl_ns waited, before = 0;

    (void)state;
    for (int64_t k = 0; k <= 6; k += 3) {
        struct pcl_lock_stats s = against_a_hog("hybrid", k, &waited);

        assert_in_range(s.lost_retries, (uint64_t)k, (uint64_t)k * VISITS);
        assert_true(s.handoffs > 0);
        assert_true(waited > before);
        before = waited;
    }
}

static void an_unfair_sleeper_starves_and_a_handed_one_does_not(void **state)
{
    pcl_ns unfair, handoff;
    struct pcl_lock_stats s = against_a_hog("unfair", -1, &unfair);

    (void)state;
    assert_true(s.lost_retries > 6 * VISITS);
    s = against_a_hog("handoff", -1, &handoff);
    assert_int_equal(s.lost_retries, 0);
    assert_true(unfair > 10 * handoff);
}

/* --- killed
 * ----------------------------------------------------------------------------------------- */

/* An exclusive waiter is woken without being handed the lock, sees a signal before it sees the
 * wake, and leaves without trying: the next one sleeps before a free page. This follows from
 * the 5.9 source as well as from the model; handoff, where WOKEN is ownership, and unfair,
 * which tries before it looks for a signal, do not have it. */
static void a_killed_hybrid_waiter_may_swallow_a_wake(void **state)
{
    static const struct rig_op *script[] = {lock_a, killable, kill_1, lock_a};
    static const char *const locks[] = {"hybrid", "folio"};

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        struct pcl_explore_result res;
        struct rig r;

        explore(locks[i], NULL, script, 4, 0, &res);
        assert_int_equal(res.verdict, PCL_EXPLORE_DEADLOCK);
        if (getenv("PCLSIM_EXPLORE_STATS"))
            print_message("%s: %s\n", locks[i], res.schedule);
        rig_init(&r, &(struct rig_conf){.lock = locks[i],
                                        .param = one_bucket,
                                        .n_params = 2,
                                        .n_tasks = 4,
                                        .script = script,
                                        .explore = true});
        assert_int_equal(pcl_explore_replay(&r.m, res.schedule, NULL, NULL, NULL), PCL_OK);
        assert_int_equal(r.killed, 1);
        assert_int_equal(r.L.waiter[1].flags, PCL_W_WOKEN); /* told, and left all the same */
        assert_int_equal(r.m.model[3].run, PCL_RUN_ASLEEP);
        assert_false(r.flags[0] & PCL_PG_LOCKED);
        assert_true(r.flags[0] & PCL_PG_WAITERS);
        rig_fini(&r);
        pcl_explore_fini(&res);
    }
}

/* With the first attempt already handed over there is nothing to swallow. */
static void without_unfair_tries_a_killed_hybrid_waiter_is_harmless(void **state)
{
    static const struct rig_op *script[] = {lock_a, killable, kill_1, lock_a};
    static const struct pcl_lock_param param[] = {{"bits", 0}, {"unfairness", 0}};

    (void)state;
    rig_explore_all(&(struct rig_conf){.lock = "hybrid",
                                       .param = param,
                                       .n_params = 2,
                                       .n_tasks = 4,
                                       .script = script,
                                       .explore = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hint_cleared_too_early_is_seen),
        cmocka_unit_test(a_hint_set_too_late_is_seen),
        cmocka_unit_test(other_bits_and_folios_keep_their_hint),
        cmocka_unit_test(an_unlock_wakes_up_to_the_first_owner),
        cmocka_unit_test(an_unlock_leaves_a_bit_alone_that_was_cleared_before),
        cmocka_unit_test(colliding_folios_lengthen_the_walk),
        cmocka_unit_test(a_hybrid_sleeper_loses_a_bounded_number_of_times),
        cmocka_unit_test(an_unfair_sleeper_starves_and_a_handed_one_does_not),
        cmocka_unit_test(a_killed_hybrid_waiter_may_swallow_a_wake),
        cmocka_unit_test(without_unfair_tries_a_killed_hybrid_waiter_is_harmless),
    };

    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
