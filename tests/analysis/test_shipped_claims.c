/*
 * The shipped claims: their expect lines are understood, every point of their grids can be set up,
 * and the first and the last run keep the laws. What they come out as is not tested here: a verdict
 * is a result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/claims.h>
#include <pclsim/run.h>
#include <pclsim/study.h>

static struct pcl_err err;

static void must(int rc, const char *path)
{
    if (rc != PCL_OK)
        fail_msg("%s: %s", path, err.msg);
}

static void run(const struct pcl_study *s, size_t i, const char *path)
{
    struct pcl_job job;
    struct pcl_result r;

    pcl_study_job(s, i, &job);
    job.check = true;
    pcl_result_init(&r);
    must(pcl_run(&job, &r, NULL, &err), path);
    if (r.failed)
        fail_msg("%s: %s", path, r.error);
    if (r.ops == 0 && !job.explore)
        fail_msg("%s: nothing was done", path);
    pcl_result_fini(&r);
}

static void check(const char *path, const char *name)
{
    /* S4 is one walk after a second in which nothing happens; in C8 nothing is done any more after the
     * first millisecond; in S22 every hold is longer. */
    static const char *const brief[] = {"scenario.warmup=1ms", "scenario.duration=4ms"};
    static const char *const narrow[] = {"explore.preemptions=0", "explore.states=20000"};
    struct pcl_study_spec spec = {.scenario = path, .reps = 1, .explore = true};
    struct pcl_scenario *s;
    struct pcl_study *study;
    bool explored;

    must(pcl_scenario_load(path, NULL, 0, &s, &err), path);
    if (s->claim.n_expect == 0)
        fail_msg("%s claims nothing", path);
    must(pcl_claim_check(s, &err), path);
    explored = s->explore.on;
    pcl_scenario_free(s);
    if (explored) {
        spec.set = narrow;
        spec.n_set = 2;
    } else if (strcmp(name, "s4.ini") != 0 && strcmp(name, "c8.ini") != 0 &&
               strcmp(name, "s22.ini") != 0) {
        spec.set = brief;
        spec.n_set = 2;
    }
    must(pcl_study_new(&spec, &study, &err), path);
    run(study, 0, path);
    run(study, study->n_jobs - 1, path);
    pcl_study_free(study);
}

static size_t check_all(const char *dir)
{
    struct dirent *d;
    DIR *all = opendir(dir);
    size_t n = 0;

    assert_non_null(all);
    while ((d = readdir(all))) {
        const char *dot = strrchr(d->d_name, '.');
        char path[1024];

        if (!dot || strcmp(dot, ".ini") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
        check(path, d->d_name);
        n++;
    }
    (void)closedir(all);
    return n;
}

static void shipped_claims_can_be_judged(void **state)
{
    static char root[] = PCLSIM_SOURCE_DIR;

    (void)state;
    assert_int_equal(setenv("PCLSIM_DATA", root, 1), 0);
    assert_true(check_all(PCLSIM_SOURCE_DIR "/workloads/published") >= 6);
    assert_true(check_all(PCLSIM_SOURCE_DIR "/workloads/claims") >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shipped_claims_can_be_judged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
