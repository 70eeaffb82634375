/*
 * What the statistics remember of single locks: who was overtaken how often, wake-ups for
 * nothing, steals, ownership that moves between CPUs. Random histories against a count by hand,
 * and locks whose behaviour is known.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BODIES = 40, LOCKS = 3, STEPS = 20000 };

/* A history by hand: who waits where, since when, and passed by how many. */
struct by_hand {
    bool waits;
    uint32_t object;
    uint64_t since, passed;
    struct pcl_range_node node;
};

struct history {
    struct pcl_machine m;
    struct pcl_range_locks R;
    struct by_hand body[BODIES];
    uint64_t clock, longest;
    uint32_t random;
};

static uint32_t draw(struct history *h, uint32_t n)
{
    h->random = h->random * 1664525u + 1013904223u;
    return (h->random >> 8) % n;
}

static void begin_history(struct history *h, const char *lock)
{
    static struct pcl_profile ideal;

    memset(h, 0, sizeof(*h));
    h->m.n_bodies = BODIES;
    h->m.p = &ideal;
    h->m.task = pcl_xcalloc(BODIES, sizeof(*h->m.task));
    h->R.ops = pcl_range_lock_find(lock);
    assert_non_null(h->R.ops);
    h->R.m = &h->m;
    h->R.n_bodies = BODIES;
    h->R.op = pcl_xcalloc(BODIES, sizeof(*h->R.op));
    h->R.node = pcl_xcalloc(BODIES, sizeof(*h->R.node));
    h->R.notes = pcl_lock_notes_new(&h->m);
    pcl_lock_stats_init(&h->R.stats);
}

static void end_history(struct history *h)
{
    pcl_lock_stats_fini(&h->R.stats);
    pcl_lock_notes_free(h->R.notes);
    free(h->R.op);
    free(h->R.node);
    free(h->m.task);
}

static bool minds(const struct history *h, const struct by_hand *waiter,
                  const struct by_hand *b)
{
    if (h->R.ops->props & PCL_PROP_EXACT)
        return pcl_range_conflict(&waiter->node, &b->node);
    return waiter->node.mode == PCL_EXCLUSIVE || b->node.mode == PCL_EXCLUSIVE;
}

static void arrive(struct history *h, uint32_t b)
{
    struct by_hand *w = &h->body[b];

    pcl_range_let_go(&h->R, b); /* what it was granted last, if anything */
    w->object = draw(h, LOCKS);
    w->node = (struct pcl_range_node){
        .inst = w->object, .start = draw(h, 50), .mode = draw(h, 3) == 0};
    w->node.last = w->node.start + draw(h, 20);
    h->R.node[b] = w->node;
    h->R.op[b] = (struct pcl_range_op){.inst = w->object, .node = b};
    h->m.cur = b;
    pcl_lock_notes_begin(h->R.notes, &h->m, w->object);
}

static void begin_to_wait(struct history *h, uint32_t b)
{
    h->body[b].waits = true;
    h->body[b].since = h->clock++;
    h->body[b].passed = 0;
    h->R.op[b].contended = 1;
    h->m.cur = b;
    pcl_range_note(&h->R, &h->R.op[b], PCL_MORE);
    pcl_range_note(&h->R, &h->R.op[b], PCL_MORE); /* it goes on waiting */
}

static void end(struct history *h, uint32_t b, enum pcl_range_result result)
{
    struct by_hand *w = &h->body[b];

    for (uint32_t i = 0; i < BODIES && result == PCL_RANGE_GOT; i++) {
        struct by_hand *o = &h->body[i];

        if (i != b && o->waits && o->object == w->object &&
            (!w->waits || o->since < w->since) && minds(h, o, w))
            o->passed++;
    }
    if (result == PCL_RANGE_GOT && w->waits && w->passed > h->longest)
        h->longest = w->passed;
    w->waits = false;
    h->R.op[b].result = (uint8_t)result;
    h->m.cur = b;
    pcl_range_note(&h->R, &h->R.op[b], PCL_DONE);
}

static void longest_bypass_is_what_a_count_by_hand_gives(void **state)
{
    static const char *const locks[] = {"rwsem", "interval-tree"};
    struct history h;

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++)
        for (uint32_t crowd = 2; crowd <= BODIES; crowd += 19) {
            begin_history(&h, locks[i]);
            h.random = crowd;
            for (int step = 0; step < STEPS; step++) {
                uint32_t b = draw(&h, crowd);
                uint64_t waiting = 0;

                if (h.body[b].waits) {
                    end(&h, b, draw(&h, 5) ? PCL_RANGE_GOT : PCL_RANGE_KILLED);
                } else {
                    arrive(&h, b);
                    if (draw(&h, 3))
                        begin_to_wait(&h, b);
                    else
                        end(&h, b, PCL_RANGE_GOT);
                }
                assert_int_equal(h.R.stats.bypass_max, h.longest);
                for (uint32_t k = 0; k < BODIES; k++)
                    if (h.body[k].waits && h.body[k].passed > waiting)
                        waiting = h.body[k].passed;
                assert_int_equal(
                    pcl_lock_notes_longest_bypass(h.R.notes, h.R.ops->props & PCL_PROP_EXACT),
                    waiting);
            }
            assert_true(h.longest > 0);
            end_history(&h);
        }
}

static void bounces_are_counted_from_the_last_owners_cpu(void **state)
{
    static const struct {
        uint32_t cpu;
        bool waits;
        uint64_t acq, con; /* after it */
    } owners[] = {
        {3, false, 0, 0}, {3, true, 0, 0}, {4, false, 1, 0}, {5, true, 2, 1}, {5, true, 2, 1}};
    struct history h;

    (void)state;
    begin_history(&h, "rwsem");
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        h.m.cur_cpu = owners[i].cpu;
        arrive(&h, 0);
        h.body[0].object = h.R.op[0].inst = h.R.node[0].inst = 1;
        h.body[0].node.mode = h.R.node[0].mode = PCL_EXCLUSIVE;
        pcl_lock_notes_begin(h.R.notes, &h.m, 1);
        if (owners[i].waits)
            begin_to_wait(&h, 0);
        end(&h, 0, PCL_RANGE_GOT);
        assert_int_equal(h.R.stats.mode[PCL_EXCLUSIVE].acq_bounces, owners[i].acq);
        assert_int_equal(h.R.stats.mode[PCL_EXCLUSIVE].con_bounces, owners[i].con);
    }
    end_history(&h);
}

static uint32_t same_number(void *arg, uint32_t folio)
{
    (void)arg;
    return folio;
}

static void a_page_is_held_until_somebody_unlocks_it(void **state)
{
    struct pcl_page_locks L = {0};
    struct pcl_page_op op = {.what = PCL_PAGE_LOCK, .bit = PCL_PG_LOCKED, .folio = 7};
    struct history h;

    (void)state;
    begin_history(&h, "rwsem");
    L.m = &h.m;
    L.op = &op;
    L.notes = h.R.notes;
    L.pfn = same_number;
    pcl_lock_stats_init(&L.stats);
    h.m.eng.now = 1000;
    pcl_page_fresh(&L, 7, true); /* made for a read, unlocked by its interrupt */
    pcl_page_fresh(&L, 8, false);
    h.m.cur_cpu = 3;
    h.m.eng.now = 6000;
    pcl_page_begin(&L, PCL_PAGE_UNLOCK, 7, PCL_PG_WRITEBACK, false);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].hold.count, 0);
    pcl_page_begin(&L, PCL_PAGE_UNLOCK, 7, PCL_PG_LOCKED, false);
    assert_int_equal(L.stats.held, 1);
    pcl_page_begin(&L, PCL_PAGE_LOCK, 7, PCL_PG_LOCKED, false);
    h.m.at = 6500;
    pcl_page_note(&L, &op, PCL_DONE);
    h.m.eng.now = 6700;
    pcl_page_begin(&L, PCL_PAGE_UNLOCK, 7, PCL_PG_LOCKED, false);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].hold.count, 2);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].hold.max, 5000);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].hold.min, 200);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].acquisitions, 2);
    assert_int_equal(L.stats.mode[PCL_EXCLUSIVE].acq_bounces, 1);
    assert_int_equal(L.stats.held_max, 2);
    pcl_lock_stats_fini(&L.stats);
    end_history(&h);
}

/* --- locks whose behaviour is known ---------------------------------------------------------- */

enum { LOOPS = 2000, VISITS = 10 };

/* Task 0 takes and drops without pause; task 1 comes now and then, and sleeps. */
static struct pcl_lock_stats against_a_hog(const char *lock)
{
    static struct rig_op hog[LOOPS * 3 + 1], sleeper[VISITS * 3 + 1];
    const struct rig_op *script[] = {hog, sleeper};
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
        sleeper[3 * i] = (struct rig_op){.act = RIG_SLEEP, .ns = 20000};
        sleeper[3 * i + 1] = (struct rig_op)TAKE_PAGE(LOCK, 0);
        sleeper[3 * i + 2] = (struct rig_op)DROP;
    }
    sleeper[3 * VISITS] = (struct rig_op)END;
    rig_small_machine(&p, 2);
    rig_init(&r,
             &(struct rig_conf){.lock = lock, .n_tasks = 2, .script = script, .profile = &p});
    rig_run(&r);
    stats = r.L.stats;
    rig_fini(&r);
    return stats;
}

static void first_come_first_served_passes_nobody_by(void **state)
{
    struct pcl_lock_stats s = against_a_hog("fifo");

    (void)state;
    assert_int_equal(s.bypass_max, 0);
    assert_int_equal(s.steals, 0);
    assert_int_equal(s.wasted_wakes, 0);
    assert_true(s.sleeps >= VISITS);
    assert_true(s.mode[PCL_EXCLUSIVE].acq_bounces >= VISITS);
    assert_true(s.mode[PCL_EXCLUSIVE].con_bounces >= VISITS);
    assert_true(s.line_transfers >= VISITS);
}

static void a_hog_steals_from_a_sleeper_whose_wake_ups_are_wasted(void **state)
{
    struct pcl_lock_stats s = against_a_hog("unfair");

    (void)state;
    assert_true(s.bypass_max > 10);
    assert_true(s.steals >= s.bypass_max);
    assert_true(s.wasted_wakes < s.sleeps);
    assert_true(s.wasted_wakes > VISITS);
    assert_true(s.lost_retries >= s.wasted_wakes);
}

static void hand_off_bounds_what_a_sleeper_suffers(void **state)
{
    uint64_t unfair = against_a_hog("unfair").bypass_max;
    struct pcl_lock_stats hybrid = against_a_hog("hybrid"), handoff = against_a_hog("handoff");

    (void)state;
    assert_true(handoff.bypass_max < hybrid.bypass_max);
    assert_true(hybrid.bypass_max < unfair);
    assert_int_equal(handoff.wasted_wakes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_bypass_is_what_a_count_by_hand_gives),
        cmocka_unit_test(bounces_are_counted_from_the_last_owners_cpu),
        cmocka_unit_test(a_page_is_held_until_somebody_unlocks_it),
        cmocka_unit_test(first_come_first_served_passes_nobody_by),
        cmocka_unit_test(a_hog_steals_from_a_sleeper_whose_wake_ups_are_wasted),
        cmocka_unit_test(hand_off_bounds_what_a_sleeper_suffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
