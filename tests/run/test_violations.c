/*
 * What a timed run says of a violation: the steps of all who take part, in columns that fit
 * into a mail; waits beyond the scenario's bound; torn reads where the filesystem promises
 * whole ones.
 */
#include "rig.h"

#define TWO_PAGES "machine = guest-2vcpu\nduration = 20ms\n[file f]\nsize = 8k\ncached = all\n"
#define CROWD                                                                                  \
    "[group a]\ntasks = 6\nmix = pagelock:1\noffsets = hot\nhold = 30us\nthink = 1us\n"

static void run(const char *text, const char *scheme, bool check, const char *const *set,
                size_t n, struct pcl_result *r)
{
    struct setting s;
    struct pcl_err err;

    setting_text(&s, text, scheme, set, n);
    s.job.check = check;
    pcl_result_init(r);
    must(pcl_run(&s.job, r, NULL, &err), &err);
    setting_fini(&s);
}

static const struct pcl_violation *first_of(const struct pcl_result *r, const char *kind)
{
    for (size_t i = 0; i < r->n_violations; i++)
        if (strcmp(r->violations[i].kind, kind) == 0)
            return &r->violations[i];
    return NULL;
}

static void fits_into_a_mail(const char *steps)
{
    assert_non_null(steps);
    for (const char *p = steps; *p; p += strcspn(p, "\n"), p += *p == '\n')
        assert_true(strcspn(p, "\n") <= 72);
}

static void a_violation_carries_the_steps_of_its_parties(void **state)
{
    struct setting s;
    struct pcl_result r;
    struct pcl_err err;
    const struct pcl_violation *v;

    (void)state;
    setting_shipped(&s, "punch-race", "page-only", NULL, 0);
    s.job.check = true;
    pcl_result_init(&r);
    must(pcl_run(&s.job, &r, NULL, &err), &err);
    v = first_of(&r, "stale data");
    assert_non_null(v);
    fits_into_a_mail(v->steps);
    assert_non_null(strstr(v->steps, "> punch page"));
    assert_non_null(strstr(v->steps, "> read page"));
    for (size_t i = 0; i < r.n_violations; i++)
        fits_into_a_mail(r.violations[i].steps);
    pcl_result_fini(&r);
    setting_fini(&s);
}

static void a_ring_carries_the_steps_of_its_tasks(void **state)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = page-only\nviolations = expected\n" TWO_PAGES
        "[group ab]\nmix = pagepair:1\noffsets = hot\nhold = 1us\nthink = 1us\n"
        "[group ba]\nmix = pagepair:1\noffsets = hot\nregion = 4k..8k\nhold = 1us\nthink = "
        "1us\n";
    struct pcl_result r;
    const struct pcl_violation *v;

    (void)state;
    run(text, "v5.9-rc1", true, NULL, 0, &r);
    v = first_of(&r, "deadlock");
    assert_non_null(v);
    fits_into_a_mail(v->steps);
    assert_non_null(strstr(v->steps, "task 0, CPU"));
    assert_non_null(strstr(v->steps, "task 1, CPU"));
    assert_non_null(strstr(v->steps, "> pagepair page 0"));
    assert_non_null(strstr(v->steps, "> pagepair page 1"));
    pcl_result_fini(&r);
}

static void a_wait_beyond_the_bound_is_starvation(void **state)
{
    static const char text[] = "[scenario]\ntitle = t\nfs = xfs\n" TWO_PAGES CROWD;
    static const char *const bounds[] = {"starvation=100us", "starvation=100ms",
                                         "starvation=0"};

    (void)state;
    for (size_t i = 0; i < LENGTH(bounds); i++) {
        struct pcl_result r;
        const struct pcl_violation *v;

        run(text, "v5.8", i == 0, &bounds[i], 1, &r);
        v = first_of(&r, "starvation");
        assert_int_equal(v != NULL, i == 0);
        if (v) {
            fits_into_a_mail(v->steps);
            assert_non_null(strstr(v->text, "for the lock of page 0 of file 0, passed by "));
        }
        pcl_result_fini(&r);
    }
}

/* Whoever waits at the end has waited as well: it never gets what the other keeps. */
static void a_wait_without_an_end_counts(void **state)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = xfs\nstarvation = 5ms\n" TWO_PAGES
        "[group a]\ntasks = 2\nmix = pagelock:1\noffsets = hot\nhold = 100ms\nthink = 1us\n";
    struct pcl_result r;

    (void)state;
    run(text, "v5.9", false, NULL, 0, &r);
    assert_non_null(first_of(&r, "starvation"));
    assert_non_null(strstr(first_of(&r, "starvation")->text, "has waited"));
    pcl_result_fini(&r);
}

/* Under a range lock direct writes elsewhere go on: who waits until none is in flight, as behind an rwsem,
 * never sees that; with the range held to the end there is nothing to wait for. */
static void a_drain_beside_a_range_lock_starves(void **state)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = xfs\nmachine = server-2s\nduration = 50ms\n"
        "starvation = 5ms\nviolations = expected\n[file f]\nsize = 64m\n"
        "[group w]\ntasks = 16\nmix = dwrite:1\nsize = 4k\n"
        "[group p]\nmix = allocate:1\nsize = 4k\nthink = 1ms\n";
    struct pcl_result r;

    (void)state;
    run(text, "range-tree:path.dio-drain=yes", false, NULL, 0, &r);
    assert_non_null(first_of(&r, "starvation"));
    assert_non_null(strstr(first_of(&r, "starvation")->text, "dio-drain"));
    pcl_result_fini(&r);
    run(text, "range-tree", false, NULL, 0, &r);
    assert_null(first_of(&r, "starvation"));
    pcl_result_fini(&r);
    run(text, "v6.7:path.dio-drain=yes", false, NULL, 0, &r);
    assert_null(first_of(&r, "starvation"));
    pcl_result_fini(&r);
}

static void a_read_that_sees_half_a_write_is_torn(void **state)
{
    static const char text[] = "[scenario]\ntitle = t\nfs = xfs\nmachine = guest-2vcpu\n"
                               "duration = 20ms\n[file f]\nsize = 64k\ncached = all\n"
                               "[group r]\nmix = read:1\nsize = 64k\noffsets = hot\n"
                               "[group w]\nmix = write:1\nsize = 64k\noffsets = hot\n";
    static const char *const ext4[] = {"fs=ext4"};
    struct pcl_result r;

    (void)state;
    run(text, "page-only", true, NULL, 0, &r);
    assert_non_null(first_of(&r, "torn access"));
    assert_non_null(strstr(first_of(&r, "torn access")->text, "in one call task 0 (read) has"));
    fits_into_a_mail(first_of(&r, "torn access")->steps);
    pcl_result_fini(&r);
    run(text, "v6.7", true, NULL, 0, &r);
    assert_int_equal(r.total_violations, 0);
    pcl_result_fini(&r);
    run(text, "page-only", true, ext4, 1, &r); /* promises nothing */
    assert_int_equal(r.total_violations, 0);
    pcl_result_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_violation_carries_the_steps_of_its_parties),
        cmocka_unit_test(a_ring_carries_the_steps_of_its_tasks),
        cmocka_unit_test(a_wait_beyond_the_bound_is_starvation),
        cmocka_unit_test(a_drain_beside_a_range_lock_starves),
        cmocka_unit_test(a_wait_without_an_end_counts),
        cmocka_unit_test(a_read_that_sees_half_a_write_is_torn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
