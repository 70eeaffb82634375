/*
 * The explorer itself, on toys whose bugs are known: it must find each of them by a shortest
 * schedule, and find nothing in the toys that are right.
 */
#include "toy.h"

static struct pcl_explore_result explore(struct toy *t,
                                         bool (*check)(void *arg, const char **why))
{
    struct pcl_explore_result r;

    pcl_explore(&(struct pcl_explore_conf){.m = &t->m, .check = check, .arg = t}, &r);
    return r;
}

static bool two_when_over(void *arg, const char **why)
{
    struct toy *t = arg;

    *why = "an increment was lost";
    return t->m.model[0].run != PCL_RUN_DEAD || t->m.model[1].run != PCL_RUN_DEAD ||
           t->v->count == 2;
}

/* count++ as a load and a store. */
static void racy_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    switch (v->pc[b]++) {
    case 0:
        v->copy[b] = v->count;
        break;
    case 1:
        v->count = v->copy[b] + 1;
        break;
    default:
        pcl_exit(m);
    }
}

/* The same under a spinlock. */
static void locked_step(struct pcl_machine *m, uint32_t b)
{
    struct toy *t = m->owner;
    struct vars *v = t->v;

    switch (v->pc[b]++) {
    case 0:
        pcl_spin_lock(m, t->spin[0], PCL_LINE(SPIN, 0), false);
        break;
    case 1:
        v->copy[b] = v->count;
        break;
    case 2:
        v->count = v->copy[b] + 1;
        break;
    case 3:
        pcl_spin_unlock(m, t->spin[0], PCL_LINE(SPIN, 0), false);
        break;
    default:
        pcl_exit(m);
    }
}

static void finds_a_lost_update_by_a_shortest_schedule(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, racy_step);
    r = explore(&t, two_when_over);
    assert_int_equal(r.verdict, PCL_EXPLORE_VIOLATION);
    assert_false(r.exhausted);
    assert_string_equal(r.why, "an increment was lost");
    assert_string_equal(r.schedule, "0.1.0.0.1.1");
    pcl_explore_fini(&r);
    toy_fini(&t);
}

static void finds_nothing_under_a_lock(void **state)
{
    struct toy t;
    struct pcl_explore_result r;
    uint64_t before;

    (void)state;
    toy_init(&t, 2, locked_step);
    before = pcl_state_hash(&t.state);
    r = explore(&t, two_when_over);
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_true(r.exhausted);
    assert_int_equal(r.depth, 10); /* five steps each, in whatever order */
    assert_true(r.ends > 0);
    assert_string_equal(r.schedule, "");
    assert_int_equal(pcl_state_hash(&t.state), before);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* Two spinlocks, taken in opposite orders. */
static void crossed_step(struct pcl_machine *m, uint32_t b)
{
    struct toy *t = m->owner;
    uint32_t pc = t->v->pc[b]++;

    if (pc < 2)
        pcl_spin_lock(m, t->spin[pc ^ b], PCL_LINE(SPIN, pc ^ b), false);
    else if (pc < 4)
        pcl_spin_unlock(m, t->spin[pc & 1], PCL_LINE(SPIN, pc & 1), false);
    else
        pcl_exit(m);
}

static void finds_a_deadlock(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, crossed_step);
    r = explore(&t, NULL);
    assert_int_equal(r.verdict, PCL_EXPLORE_DEADLOCK);
    assert_string_equal(r.schedule, "0.1.0.1");
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* Body 0 waits for the flag, body 1 sets it and wakes; late: says that it sleeps only after it
 * has looked. */
static void wait_step(struct pcl_machine *m, uint32_t b, bool late)
{
    struct vars *v = ((struct toy *)m->owner)->v;
    uint32_t pc = v->pc[b]++;

    if (b == 1) {
        if (pc == 0)
            v->flag = 1;
        else if (pc == 1)
            pcl_wake(m, 0);
        else
            pcl_exit(m);
        return;
    }
    if (pc == (late ? 1u : 0u)) {
        pcl_set_state(m, PCL_TASK_UNINTERRUPTIBLE);
    } else if (pc == (late ? 0u : 1u)) {
        if (v->flag)
            v->pc[b] = 3;
    } else if (pc == 2) {
        v->pc[b] = 0;
        pcl_schedule(m);
    } else {
        pcl_exit(m);
    }
}

static void wait_right(struct pcl_machine *m, uint32_t b)
{
    wait_step(m, b, false);
}

static void wait_late(struct pcl_machine *m, uint32_t b)
{
    wait_step(m, b, true);
}

static void finds_a_lost_wake_up(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, wait_late);
    r = explore(&t, NULL);
    assert_int_equal(r.verdict, PCL_EXPLORE_DEADLOCK);
    assert_string_equal(r.schedule, "0.1.1.0.0.1"); /* looks, flag, wake, state, sleeps */
    pcl_explore_fini(&r);
    toy_fini(&t);

    toy_init(&t, 2, wait_right);
    r = explore(&t, NULL);
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_true(r.exhausted);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* Body 0 spins until the flag is set; body 1 sets it unless its time is up. */
static void polling_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    if (b == 0) {
        v->turn ^= 1; /* it does go on, only not to its end */
        if (v->flag)
            pcl_exit(m);
        return;
    }
    if (v->pc[1]++ == 0)
        v->flag = !pcl_expired(m, 1, 1000);
    else
        pcl_exit(m);
}

static void finds_what_goes_on_for_ever(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, polling_step);
    r = explore(&t, NULL);
    assert_int_equal(r.verdict, PCL_EXPLORE_ENDLESS);
    assert_true(r.exhausted);
    assert_string_equal(r.schedule, "1+");
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* Each body asks two questions about time; the answers end in count. */
static void asking_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;
    uint32_t pc = v->pc[b]++;

    if (pc < 2)
        v->copy[b] |= (uint32_t)pcl_expired(m, b, 1) << pc;
    else
        pcl_exit(m);
}

static void answers_every_question_both_ways(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, asking_step);
    r = explore(&t, NULL);
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_int_equal(r.ends, 16);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

static void says_when_it_has_not_seen_all(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 3, locked_step);
    pcl_explore(&(struct pcl_explore_conf){.m = &t.m, .max_states = 20}, &r);
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_false(r.exhausted);
    assert_in_range(r.states, 20, 30);
    pcl_explore_fini(&r);
    pcl_explore(&(struct pcl_explore_conf){.m = &t.m, .max_steps = 3}, &r);
    assert_false(r.exhausted);
    assert_int_equal(r.depth, 3);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

static bool count_steps(void *arg, uint32_t body, bool yes)
{
    uint32_t *n = arg;

    n[body]++;
    n[2] += yes;
    return n[0] < 4;
}

static void replays_a_schedule(void **state)
{
    struct toy t;
    uint32_t n[3] = {0};
    size_t at = 0;

    (void)state;
    toy_init(&t, 2, racy_step);
    assert_int_equal(pcl_explore_replay(&t.m, "0.1.0.1.0.1", count_steps, n, NULL), PCL_OK);
    assert_int_equal(t.v->count, 1);
    assert_int_equal(n[0], 3);
    assert_int_equal(n[1], 3);
    assert_int_equal(pcl_explore_replay(&t.m, "0", NULL, NULL, &at), PCL_EINVAL); /* ended */
    toy_fini(&t);

    toy_init(&t, 2, asking_step);
    assert_int_equal(pcl_explore_replay(&t.m, "0+.1.0", count_steps, n, NULL), PCL_OK);
    assert_int_equal(t.v->copy[0], 1);
    assert_int_equal(n[2], 1);
    toy_fini(&t);
}

static void refuses_what_is_no_schedule(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } bad[] = {{"x", 0},           {"0.", 0}, {"0..1", 2}, {"0.1.7", 4}, {"0 1", 0},
               {"99999999999", 0}, {"+", 0},  {"0++", 0},  {"0.1-", 2}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct toy t;
        size_t at = 77;

        toy_init(&t, 2, racy_step);
        assert_int_equal(pcl_explore_replay(&t.m, bad[i].text, NULL, NULL, &at), PCL_EINVAL);
        assert_int_equal(at, bad[i].at);
        toy_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_lost_update_by_a_shortest_schedule),
        cmocka_unit_test(finds_nothing_under_a_lock),
        cmocka_unit_test(finds_a_deadlock),
        cmocka_unit_test(finds_a_lost_wake_up),
        cmocka_unit_test(finds_what_goes_on_for_ever),
        cmocka_unit_test(answers_every_question_both_ways),
        cmocka_unit_test(says_when_it_has_not_seen_all),
        cmocka_unit_test(replays_a_schedule),
        cmocka_unit_test(refuses_what_is_no_schedule),
    };

    return cmocka_run_group_tests_name("explore", tests, NULL, NULL);
}
