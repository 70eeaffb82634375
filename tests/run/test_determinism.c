/*
 * The same inputs give the same bytes: run after run, on one worker or several, with run-ahead
 * and without. Two schemes see the same draws. Locks that must be equal are equal event for
 * event. And the shipped scenarios still give what they gave: golden.txt, renewed with
 * PCLSIM_RENEW=1.
 */
#include "rig.h"

#define GOLDEN PCLSIM_SOURCE_DIR "/tests/run/golden.txt"

static char *text_of(const struct pcl_job *job)
{
    struct pcl_result r;
    char *text;

    run_ok(job, &r);
    text = result_text(&r);
    pcl_result_fini(&r);
    return text;
}

static void assert_same(const char *what, char *a, char *b)
{
    if (strcmp(a, b) != 0)
        fail_msg("%s:\n%s\nis not\n%s", what, a, b);
    free(b);
}

static void a_run_repeats_itself_and_run_ahead_changes_nothing(void **unused)
{
    char **names;
    size_t n = shipped_names(&names);

    (void)unused;
    for (size_t i = 0; i < n; i++) {
        struct setting s;

        setting_shipped(&s, names[i], "v5.9", NULL, 0);
        cut_short(s.scenario);
        char *first = text_of(&s.job);

        assert_same(names[i], first, text_of(&s.job));
        s.job.no_runahead = true;
        assert_same(names[i], first, text_of(&s.job));
        free(first);
        setting_fini(&s);
    }
    pcl_free_list(names, n);
}

struct sunk {
    const struct pcl_job *job;
    char *text[16];
    size_t n;
};

static void job_at(size_t i, struct pcl_job *out, void *arg)
{
    *out = ((const struct sunk *)arg)->job[i];
}

static int sink(size_t i, struct pcl_result *r, void *arg)
{
    struct sunk *s = arg;

    assert_null(s->text[i]);
    s->text[i] = result_text(r);
    s->n++;
    return PCL_OK;
}

static int run_plan(struct sunk *s, size_t n, unsigned workers, const volatile int *cancel,
                    struct pcl_err *err)
{
    struct pcl_plan p = {.n = n,
                         .workers = workers,
                         .job = job_at,
                         .sink = sink,
                         .arg = s,
                         .cancel = cancel};

    return pcl_run_plan(&p, err);
}

static void the_number_of_workers_changes_nothing(void **unused)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "range-tree", "fifo"};
    struct setting s[LENGTH(schemes)];
    struct pcl_job jobs[12];
    struct sunk one = {.job = jobs}, two = {.job = jobs};
    struct pcl_err err;

    (void)unused;
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        setting_shipped(&s[i], "truncate-read", schemes[i], NULL, 0);
        cut_short(s[i].scenario);
    }
    for (uint32_t i = 0; i < 12; i++) {
        jobs[i] = s[i % 4].job;
        jobs[i].replication = i / 4;
        jobs[i].check = i % 2;
    }
    must(run_plan(&one, 12, 1, NULL, &err), &err);
    must(run_plan(&two, 12, 2, NULL, &err), &err);
    assert_int_equal(one.n, 12);
    assert_int_equal(two.n, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_same("job", one.text[i], two.text[i]);
        free(one.text[i]);
    }
    for (size_t i = 0; i < LENGTH(schemes); i++)
        setting_fini(&s[i]);
}

static void an_interrupted_plan_hands_over_what_is_done(void **unused)
{
    struct setting s;
    struct pcl_job jobs[3];
    struct sunk got = {.job = jobs};
    volatile int cancel = 1;
    struct pcl_err err;
    struct pcl_result r;

    (void)unused;
    setting_shipped(&s, "mixed-rw", "v5.9", NULL, 0);
    for (int i = 0; i < 3; i++)
        jobs[i] = s.job;
    assert_int_equal(run_plan(&got, 3, 2, &cancel, &err), PCL_EINTR);
    assert_int_equal(got.n, 0);
    pcl_result_init(&r);
    assert_int_equal(pcl_run(&s.job, &r, &cancel, &err), PCL_EINTR);
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* --- equal locks
 * ------------------------------------------------------------------------------- */

#define TASKS(op, offsets, size)                                                               \
    "[scenario]\ntitle = t\nfs = xfs\nmachine = ideal\nops = 3000\nduration = 100s\n[file "    \
    "f]\n"                                                                                     \
    "size = 1M\ncached = all\n[group w]\ntasks = 16\nmix = " op ":1\noffsets = " offsets       \
    "\nsize = " size "\nthink = exp:3ms\nthink_on = sleep\nhold = 256us\n"

/* When everything was done, and how long it took: in one number. A page takes 1 us to copy. */
static uint64_t outcome(const char *text, const char *scheme)
{
    static const char *const set[] = {"machine.copy_page=1us"};
    struct setting s;
    struct pcl_result r;
    struct pcl_fp fp = {0};

    setting_text(&s, text, scheme, set, 1);
    run_ok(&s.job, &r);
    pcl_fp_add(&fp, (uint64_t)r.sim_ns);
    pcl_fp_add(&fp, (uint64_t)(metric(&r, "latency_mean", "all") * 1024));
    pcl_fp_add(&fp, (uint64_t)metric(&r, "latency_max", "all"));
    pcl_fp_add(&fp, (uint64_t)(metric(&r, "fairness", "all") * 1e9));
    pcl_result_fini(&r);
    setting_fini(&s);
    return pcl_fp_value(&fp);
}

/* Writes of a whole file, 256 pages, against one FIFO lock held for as long. */
static void a_range_lock_of_whole_files_is_one_fifo_mutex(void **unused)
{
    static const char whole[] = TASKS("write", "hot", "region");
    static const char mutex[] = TASKS("pagelock", "hot", "4k");
    uint64_t want = outcome(mutex, "fifo");

    (void)unused;
    assert_true(outcome(whole, "v5.9:iolock=interval-tree") == want);
    assert_true(outcome(mutex, "v5.9-rc1") == want); /* hand-off without costs is FIFO too */
    assert_true(outcome(whole, "v5.9:iolock=none") != want);
}

static void disjoint_ranges_are_no_lock(void **unused)
{
    static const char apart[] = TASKS("write", "partition", "64k");

    (void)unused;
    assert_true(outcome(apart, "v5.9:iolock=interval-tree") ==
                outcome(apart, "v5.9:iolock=none"));
    assert_true(outcome(apart, "v5.9:iolock=interval-tree") !=
                outcome(apart, "v5.9:iolock=rwsem"));
}

/* --- common random numbers
 * ------------------------------------------------------------------------ */

static void two_schemes_see_the_same_draws(void **unused)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "v5.9", "fifo"};
    double busy[LENGTH(schemes)];

    (void)unused;
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        static const char *const set[] = {"tasks=1", "ops=1000", "warmup=0"};
        struct setting s;
        struct pcl_result r;

        setting_shipped(&s, "closed-lock", schemes[i], set, LENGTH(set));
        run_ok(&s.job, &r);
        busy[i] = (double)r.sim_ns; /* alone: think and hold times are all there is */
        pcl_result_fini(&r);
        setting_fini(&s);
        assert_true(busy[i] == busy[0]);
    }
}

/* --- golden
 * ------------------------------------------------------------------------------------------ */

static void golden_rows(FILE *f, const char *path)
{
    const char *base = strrchr(path, '/');
    struct setting s;
    size_t n_schemes;

    setting_shipped(&s, path, "v5.9", NULL, 0);
    n_schemes = s.scenario->n_schemes;
    setting_fini(&s);
    for (size_t i = 0; i < n_schemes; i++) {
        struct pcl_scenario *sc;
        struct pcl_err err;
        struct pcl_result r;
        char scheme[128];

        must(pcl_scenario_load(path, NULL, 0, &sc, &err), &err);
        (void)snprintf(scheme, sizeof(scheme), "%s", sc->schemes[i]);
        bool own = sc->own.n > 0;

        pcl_scenario_free(sc);
        if (own) /* its schemes are not in the shipped list */
            continue;
        setting_shipped(&s, path, scheme, NULL, 0);
        cut_short(s.scenario);
        run_ok(&s.job, &r);
        fprintf(f, "%s %s %016llx %llu ops, mean %.0f ns, p99 %.0f ns, longest wait %.0f ns\n",
                base ? base + 1 : path, scheme, (unsigned long long)r.fingerprint,
                (unsigned long long)r.ops, metric(&r, "latency_mean", "all"),
                metric(&r, "latency_p99", "all"), metric(&r, "longest_wait", "all"));
        pcl_result_fini(&r);
        setting_fini(&s);
    }
}

static void shipped_scenarios_give_what_they_gave(void **unused)
{
    char **names, *text = NULL, *want = NULL;
    size_t n = shipped_names(&names), size = 0, want_size;
    FILE *f = open_memstream(&text, &size);

    (void)unused;
    for (size_t i = 0; i < n; i++)
        golden_rows(f, names[i]);
    assert_int_equal(fclose(f), 0);
    if (getenv("PCLSIM_RENEW")) {
        f = fopen(GOLDEN, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    assert_int_equal(pcl_read_file(GOLDEN, 1 << 20, &want, &want_size, NULL), PCL_OK);
    if (strcmp(text, want) != 0)
        fail_msg(
            "results moved; if they should, run this test with PCLSIM_RENEW=1 and say so in "
            "CHANGELOG.md. Now:\n%s",
            text);
    free(text);
    free(want);
    pcl_free_list(names, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_repeats_itself_and_run_ahead_changes_nothing),
        cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(an_interrupted_plan_hands_over_what_is_done),
        cmocka_unit_test(a_range_lock_of_whole_files_is_one_fifo_mutex),
        cmocka_unit_test(disjoint_ranges_are_no_lock),
        cmocka_unit_test(two_schemes_see_the_same_draws),
        cmocka_unit_test(shipped_scenarios_give_what_they_gave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
