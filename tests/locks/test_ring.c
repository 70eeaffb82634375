/*
 * Two tasks take two pages in opposite order, the one inside the other. No page lock forbids the
 * ring that this may close; whether a given moment closes it is up to who may overtake whom:
 *
 *   ab sleeps for a | ba has b | ba comes for a just after the third task has unlocked it
 *
 * Handed over, a is ab's by then though ab still sleeps, and ba waits for ab, who will wait for ba.
 * Where ba may steal a, it has both pages and both tasks come to their end.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INNER(w, folio)                                                                        \
    {                                                                                          \
        .act = RIG_TAKE, .what = PCL_PAGE_##w, .object = (folio), .slot = 1                    \
    }
#define DROP_INNER                                                                             \
    {                                                                                          \
        .act = RIG_DROP, .slot = 1                                                             \
    }

static const struct rig_op ab[] = {TAKE_PAGE(LOCK, 0), INNER(LOCK, 1), DROP_INNER, DROP, END};
static const struct rig_op ba[] = {TAKE_PAGE(LOCK, 1), INNER(LOCK, 0), DROP_INNER, DROP, END};
static const struct rig_op third[] = {TAKE_PAGE(LOCK, 0), DROP, END};

enum { AB, BA, THIRD };

static void start(struct rig *r, const char *lock, unsigned n_tasks)
{
    static const struct rig_op *script[] = {ab, ba, third};
    struct pcl_lock_param param[2];
    unsigned n = 0;

    for (const struct pcl_lock_param_info *i = rig_params(rig_lock(lock)); i && i->name; i++) {
        if (strcmp(i->name, "bits") == 0)
            param[n++] = (struct pcl_lock_param){"bits", 0};
        if (strcmp(i->name, "unfairness") == 0)
            param[n++] = (struct pcl_lock_param){"unfairness", 1};
    }
    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .param = param,
                                   .n_params = n,
                                   .n_tasks = n_tasks,
                                   .script = script,
                                   .explore = true});
}

static bool has(const struct rig *r, uint32_t task, uint32_t page)
{
    for (int i = 0; i < RIG_SLOTS; i++)
        if (r->actor[task].hold[i].held && r->actor[task].hold[i].object == page)
            return true;
    return false;
}

static bool sleeps_for(const struct rig *r, uint32_t task, uint32_t page)
{
    return r->m.model[task].run == PCL_RUN_ASLEEP && r->L.waiter[task].queued &&
           r->L.waiter[task].folio == page;
}

static bool is_ring(const struct rig *r)
{
    return has(r, AB, 0) && sleeps_for(r, AB, 1) && has(r, BA, 1) && sleeps_for(r, BA, 0);
}

/* Alone the two may close the ring under every lock, in as few steps as it takes. */
static void the_explorer_finds_the_ring(void **state)
{
    static const char *const locks[] = {"handoff", "atomic-handoff", "unfair", "hybrid", "folio"};

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        struct pcl_explore_result res;
        struct rig r;

        start(&r, locks[i], 2);
        rig_explore(&r, 0, &res);
        assert_int_equal(res.verdict, PCL_EXPLORE_DEADLOCK);
        rig_fini(&r);
        start(&r, locks[i], 2);
        assert_int_equal(pcl_explore_replay(&r.m, res.schedule, NULL, NULL, NULL), PCL_OK);
        assert_true(is_ring(&r));
        rig_fini(&r);
        pcl_explore_fini(&res);
    }
}

static bool go_on(struct rig *r, uint32_t task)
{
    if (!pcl_machine_can_step(&r->m, task))
        return false;
    pcl_machine_step(&r->m, task);
    return true;
}

/* The moment of the drawing, then everybody as far as he comes, ba first. */
static void play(struct rig *r, const char *lock)
{
    start(r, lock, 3);
    while (!has(r, THIRD, 0))
        assert_true(go_on(r, THIRD));
    while (!sleeps_for(r, AB, 0))
        assert_true(go_on(r, AB));
    while (!has(r, BA, 1))
        assert_true(go_on(r, BA));
    while (has(r, THIRD, 0) || r->actor[THIRD].busy)
        assert_true(go_on(r, THIRD));
    while (go_on(r, BA) || go_on(r, AB) || go_on(r, THIRD))
        continue;
}

static void stealing_opens_what_a_hand_off_closes(void **state)
{
    static const struct {
        const char *lock;
        bool ring;
    } rows[] = {{"handoff", true}, {"atomic-handoff", true}, {"fifo", true},
                {"unfair", false}, {"hybrid", false},        {"folio", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;

        play(&r, rows[i].lock);
        if (is_ring(&r) != rows[i].ring)
            fail_msg("%s: ring %d", rows[i].lock, is_ring(&r));
        for (uint32_t b = 0; b < 3; b++)
            assert_int_equal(r.m.model[b].run == PCL_RUN_DEAD, !rows[i].ring || b == THIRD);
        rig_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_explorer_finds_the_ring),
        cmocka_unit_test(stealing_opens_what_a_hand_off_closes),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
