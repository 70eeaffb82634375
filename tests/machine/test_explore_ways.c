/*
 * The ways of searching: with micro-steps taken together, under a bound of preemptions, stopped and
 * gone on with, by drawn schedules; and cycles in which everybody gets a turn. On toys again.
 */
#include "toy.h"

#include <unistd.h>

static struct pcl_explore_result explore(struct pcl_explore_conf conf)
{
    struct pcl_explore_result r;

    pcl_explore(&conf, &r);
    return r;
}

static bool three_when_over(void *arg, const char **why)
{
    struct toy *t = arg;

    *why = "an increment was lost";
    for (uint32_t b = 0; b < t->m.n_tasks; b++)
        if (t->m.model[b].run != PCL_RUN_DEAD)
            return true;
    return t->v->count == t->m.n_tasks;
}

/* count++ as a load and a store, with steps of its own around them. */
static void racy_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    switch (v->pc[b]++) {
    case 0:
    case 1:
    case 3:
        break; /* nothing that anybody sees */
    case 2:
        pcl_touch(m, PCL_LINE(LOCK, 0));
        v->copy[b] = v->count;
        break;
    case 4:
        pcl_touch(m, PCL_LINE(LOCK, 0));
        v->count = v->copy[b] + 1;
        break;
    default:
        pcl_touch(m, PCL_LINE(LOCK, 1));
        pcl_exit(m);
    }
}

static void taking_private_steps_together_finds_the_same_with_less(void **state)
{
    struct pcl_explore_result r[2];

    (void)state;
    for (int merge = 0; merge < 2; merge++) {
        struct toy t;

        toy_init(&t, 3, racy_step);
        r[merge] = explore((struct pcl_explore_conf){
            .m = &t.m, .check = three_when_over, .arg = &t, .merge = merge});
        assert_int_equal(r[merge].verdict, PCL_EXPLORE_VIOLATION);
        /* the schedule can be replayed and leads there */
        assert_int_equal(pcl_explore_replay(&t.m, r[merge].schedule, NULL, NULL, NULL), PCL_OK);
        assert_true(t.v->count < 3);
        toy_fini(&t);
    }
    assert_true(r[1].states * 2 < r[0].states);
    pcl_explore_fini(&r[0]);
    pcl_explore_fini(&r[1]);
}

static void a_bound_cuts_off_what_needs_more_preemptions(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 3; k++) {
        struct toy t;

        toy_init(&t, 3, racy_step);
        struct pcl_explore_result r =
            explore((struct pcl_explore_conf){.m = &t.m,
                                              .check = three_when_over,
                                              .arg = &t,
                                              .bounded = true,
                                              .preemptions = k});

        /* one preemption, between load and store, loses an update; none does not */
        assert_int_equal(r.verdict, k ? PCL_EXPLORE_VIOLATION : PCL_EXPLORE_OK);
        assert_int_equal(r.exhausted, k == 0);
        pcl_explore_fini(&r);
        toy_fini(&t);
    }
}

/* A lost update that takes two preemptions: 1 writes only while 0 stands between its two stores,
 * and 0 goes wrong only if it then goes on before 1 is done. */
static void two_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    switch (v->pc[b]++) {
    case 0:
        if (b == 0)
            v->flag = 1;
        else if (v->flag == 1)
            v->want[1] = 1;
        break;
    case 1:
        if (b == 0)
            v->inside = v->want[1];
        break;
    case 2:
        if (b == 0)
            v->flag = 0;
        else
            v->want[1] = 0;
        break;
    default:
        pcl_exit(m);
    }
}

static bool never_inside(void *arg, const char **why)
{
    *why = "seen half done";
    return !((struct toy *)arg)->v->inside;
}

static void the_least_bound_that_finds_it_is_the_number_that_it_needs(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 4; k++) {
        struct toy t;

        toy_init(&t, 2, two_step);
        struct pcl_explore_result r =
            explore((struct pcl_explore_conf){.m = &t.m,
                                              .check = never_inside,
                                              .arg = &t,
                                              .bounded = true,
                                              .preemptions = k});

        assert_int_equal(r.verdict, k >= 2 ? PCL_EXPLORE_VIOLATION : PCL_EXPLORE_OK);
        pcl_explore_fini(&r);
        toy_fini(&t);
    }
}

/* After you: who sees that the other wants to go first steps back and tries again. */
static void polite_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    switch (v->pc[b]) {
    case 0:
        v->want[b] = 1;
        v->pc[b] = 1;
        break;
    case 1:
        v->pc[b] = v->want[!b] ? 2 : 3;
        break;
    case 2:
        v->want[b] = 0;
        v->pc[b] = 0;
        break;
    case 3:
        v->want[b] = 0;
        v->pc[b] = 4;
        break;
    default:
        pcl_exit(m);
    }
}

/* The same with an order: 0 insists, 1 steps back and does not come again before 0 is through. */
static void decided_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    if (b == 0 ? v->pc[0] == 1 && v->want[1] : v->pc[1] == 0 && v->want[0])
        return; /* stays where it is, for as long as it takes */
    polite_step(m, b);
}

static void politeness_without_end_is_a_livelock(void **state)
{
    struct toy t;

    (void)state;
    toy_init(&t, 2, polite_step);
    struct pcl_explore_result r = explore((struct pcl_explore_conf){.m = &t.m});

    assert_int_equal(r.verdict, PCL_EXPLORE_LIVELOCK);
    assert_true(r.exhausted);
    pcl_explore_fini(&r);
    toy_fini(&t);

    toy_init(&t, 2, decided_step);
    r = explore((struct pcl_explore_conf){.m = &t.m});
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* Tries until its time is up: for ever only if time stands still. */
static void patient_step(struct pcl_machine *m, uint32_t b)
{
    struct vars *v = ((struct toy *)m->owner)->v;

    if (v->pc[b] == 0) {
        v->turn ^= 1;
        v->pc[b] = pcl_expired(m, b, 1000);
    } else {
        pcl_exit(m);
    }
}

static void waiting_for_time_to_pass_is_none(void **state)
{
    struct toy t;

    (void)state;
    toy_init(&t, 2, patient_step);
    struct pcl_explore_result r = explore((struct pcl_explore_conf){.m = &t.m});

    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_true(r.exhausted);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

/* --- stopped and gone on with ----------------------------------------------------------------- */

static int calls_left;
static volatile int stop_now;

static void stop_after_some(void *arg, const struct pcl_explore_progress *p)
{
    (void)arg, (void)p;
    if (calls_left-- == 0)
        stop_now = 1;
}

static void goes_on_where_it_was_stopped(void **state)
{
    char path[64];
    struct pcl_explore_result whole, part;
    unsigned stops = 0;

    (void)state;
    (void)snprintf(path, sizeof path, "explore-%d.place", (int)getpid());
    (void)remove(path);
    struct toy t;

    toy_init(&t, 3, racy_step);
    struct pcl_explore_conf conf = {.m = &t.m, .arg = &t, .checkpoint = path, .key = 7};

    whole = explore((struct pcl_explore_conf){.m = &t.m});
    conf.progress = stop_after_some;
    conf.cancel = &stop_now;
    for (;; stops++) {
        calls_left = 3;
        stop_now = 0;
        part = explore(conf);
        assert_int_equal(part.err.code, PCL_OK);
        assert_int_equal(part.resumed, stops > 0);
        if (!part.interrupted)
            break;
        pcl_explore_fini(&part);
    }
    assert_true(stops > 3);
    assert_true(part.exhausted);
    assert_int_equal(part.states, whole.states);
    assert_int_equal(part.steps, whole.steps);
    assert_int_equal(part.ends, whole.ends);
    assert_int_not_equal(access(path, F_OK), 0); /* done: nothing to go on from */
    pcl_explore_fini(&whole);
    pcl_explore_fini(&part);
    toy_fini(&t);
}

static void refuses_the_place_of_another_search(void **state)
{
    char path[64];
    struct toy t;

    (void)state;
    (void)snprintf(path, sizeof path, "explore-%d.place", (int)getpid());
    toy_init(&t, 3, racy_step);
    struct pcl_explore_conf conf = {.m = &t.m, .checkpoint = path, .key = 7, .max_states = 20};
    struct pcl_explore_result r = explore(conf);

    assert_false(r.exhausted);
    pcl_explore_fini(&r);
    conf.key = 8;
    r = explore(conf);
    assert_int_equal(r.err.code, PCL_EINVAL);
    assert_int_equal(r.states, 0);
    pcl_explore_fini(&r);

    FILE *f = fopen(path, "r+b");

    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), 200), 0);
    (void)fclose(f);
    conf.key = 7;
    r = explore(conf);
    assert_int_equal(r.err.code, PCL_EINVAL);
    pcl_explore_fini(&r);
    (void)remove(path);
    toy_fini(&t);
}

/* --- drawn ------------------------------------------------------------------------------------ */

static void drawn_schedules_find_it_too(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct toy t;
        struct pcl_explore_result r;

        toy_init(&t, 3, racy_step);
        pcl_explore_sample(
            &(struct pcl_explore_conf){.m = &t.m, .check = three_when_over, .arg = &t},
            &(struct pcl_sample_conf){
                .how = how ? PCL_SAMPLE_PCT : PCL_SAMPLE_RANDOM, .runs = 1000, .depth = 2,
                .seed = 1},
            &r);
        assert_int_equal(r.verdict, PCL_EXPLORE_VIOLATION);
        assert_false(r.exhausted);
        assert_int_equal(pcl_explore_replay(&t.m, r.schedule, NULL, NULL, NULL), PCL_OK);
        assert_true(t.v->count < 3);
        pcl_explore_fini(&r);
        toy_fini(&t);
    }
}

static void drawing_proves_nothing(void **state)
{
    struct toy t;
    struct pcl_explore_result r;

    (void)state;
    toy_init(&t, 2, two_step);
    pcl_explore_sample(&(struct pcl_explore_conf){.m = &t.m},
                       &(struct pcl_sample_conf){.runs = 10, .seed = 1}, &r);
    assert_int_equal(r.verdict, PCL_EXPLORE_OK);
    assert_false(r.exhausted);
    assert_int_equal(r.states, 10);
    assert_int_equal(r.ends, 10);
    pcl_explore_fini(&r);
    toy_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_private_steps_together_finds_the_same_with_less),
        cmocka_unit_test(a_bound_cuts_off_what_needs_more_preemptions),
        cmocka_unit_test(the_least_bound_that_finds_it_is_the_number_that_it_needs),
        cmocka_unit_test(politeness_without_end_is_a_livelock),
        cmocka_unit_test(waiting_for_time_to_pass_is_none),
        cmocka_unit_test(goes_on_where_it_was_stopped),
        cmocka_unit_test(refuses_the_place_of_another_search),
        cmocka_unit_test(drawn_schedules_find_it_too),
        cmocka_unit_test(drawing_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
