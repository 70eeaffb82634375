/*
 * Runs of scenarios written as text: parse, resolve, run, look up metrics; and intervals over
 * replications. Seeds are fixed: what passes once passes always.
 */
#ifndef PCLSIM_TEST_RUN_RIG_H
#define PCLSIM_TEST_RUN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <math.h>

#include <pclsim/fingerprint.h>

#include <pclsim/run.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A scenario with all that a job needs. */
struct setting {
    struct pcl_scenario *scenario;
    struct pcl_profile machine;
    struct pcl_scheme scheme;
    struct pcl_job job;
};

static inline void must(int rc, const struct pcl_err *err)
{
    if (rc == PCL_OK)
        return;
    pcl_err_print(stderr, err);
    fail();
}

static inline void setting_use(struct setting *s, const char *scheme, const char *const *set,
                               size_t n)
{
    struct pcl_schemes known = {0};
    struct pcl_err err;

    must(pcl_schemes_load(PCLSIM_SOURCE_DIR "/workloads/schemes.ini", &known, &err), &err);
    must(pcl_scheme_resolve(&known, scheme, &s->scheme, &err), &err);
    pcl_schemes_fini(&known);
    must(pcl_profile_load(s->scenario->machine, &s->machine, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const char *key = pcl_set_machine_key(set[i]), *value = key ? strchr(key, '=') : NULL;
        char name[64];

        if (!key)
            continue;
        assert_non_null(value);
        (void)snprintf(name, sizeof(name), "%.*s", (int)(value - key), key);
        must(pcl_profile_set(&s->machine, name, value + 1, NULL, 0, 0, &err), &err);
    }
    s->job = (struct pcl_job){
        .scenario = s->scenario, .scheme = &s->scheme, .machine = &s->machine, .seed = 1};
}

/* From text, or a shipped name. The setting must not move afterwards. */
static inline void setting_text(struct setting *s, const char *text, const char *scheme,
                                const char *const *set, size_t n)
{
    struct pcl_err err;

    must(pcl_scenario_parse("test.ini", text, set, n, &s->scenario, &err), &err);
    setting_use(s, scheme, set, n);
}

static inline void setting_shipped(struct setting *s, const char *name, const char *scheme,
                                   const char *const *set, size_t n)
{
    struct pcl_err err;

    must(pcl_scenario_load(name, set, n, &s->scenario, &err), &err);
    setting_use(s, scheme, set, n);
}

static inline void setting_fini(struct setting *s)
{
    pcl_scenario_free(s->scenario);
}

static inline void run_ok(const struct pcl_job *job, struct pcl_result *out)
{
    struct pcl_err err;

    pcl_result_init(out);
    must(pcl_run(job, out, NULL, &err), &err);
    if (out->failed)
        fail_msg("%s", out->error);
}

static inline double metric(const struct pcl_result *r, const char *name, const char *object)
{
    for (size_t i = 0; i < r->n_metrics; i++)
        if (strcmp(r->metrics[i].name, name) == 0 && strcmp(r->metrics[i].object, object) == 0)
            return r->metrics[i].value;
    fail_msg("no metric %s of %s", name, object);
    return (double)NAN;
}

static inline const struct pcl_lock_row *lock_row(const struct pcl_result *r, const char *name,
                                                  char mode)
{
    for (size_t i = 0; i < r->n_locks; i++)
        if (strcmp(r->locks[i].name, name) == 0 && r->locks[i].mode == mode)
            return &r->locks[i];
    return NULL;
}

/* All of a result that must not depend on where and how it was made; malloc'ed. */
static inline char *result_text(const struct pcl_result *r)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    fprintf(f, "%s seed %llu rep %u failed %d %s sim %lld ops %llu events %llu fp %016llx\n",
            r->scheme, (unsigned long long)r->seed, r->replication, r->failed, r->error,
            (long long)r->sim_ns, (unsigned long long)r->ops, (unsigned long long)r->events,
            (unsigned long long)r->fingerprint);
    for (size_t i = 0; i < r->n_metrics; i++)
        fprintf(f, "%s %s %.17g\n", r->metrics[i].name, r->metrics[i].object,
                r->metrics[i].value);
    for (size_t i = 0; i < r->n_hists; i++)
        fprintf(f, "%s %s %llu %lld\n", r->hists[i].name, r->hists[i].object,
                (unsigned long long)r->hists[i].h.count,
                (long long)pcl_hist_quantile(&r->hists[i].h, 0.9));
    for (size_t i = 0; i < r->n_locks; i++)
        fprintf(f, "%s %c %llu %llu %lld %lld\n", r->locks[i].name, r->locks[i].mode,
                (unsigned long long)r->locks[i].acquisitions,
                (unsigned long long)r->locks[i].contentions, (long long)r->locks[i].wait_total,
                (long long)r->locks[i].hold_total);
    for (size_t i = 0; i < r->n_violations; i++)
        fprintf(f, "%lld %s %s\n", (long long)r->violations[i].at, r->violations[i].kind,
                r->violations[i].text);
    assert_int_equal(fclose(f), 0);
    return text;
}

/* The shipped scenarios of workloads/, sorted, cut short: long enough for locks to be fought
 * for. */
static inline size_t shipped_names(char ***paths)
{
    static char root[] = PCLSIM_SOURCE_DIR;

    assert_int_equal(setenv("PCLSIM_DATA", root, 1), 0);
    size_t n = pcl_list_data("workloads", ".ini", paths), kept = 0;

    for (size_t i = 0; i < n; i++) {
        const char *base = strrchr((*paths)[i], '/');

        if (base && strcmp(base, "/schemes.ini") == 0)
            free((*paths)[i]);
        else
            (*paths)[kept++] = (*paths)[i];
    }
    assert_true(kept >= 6);
    return kept;
}

static inline void cut_short(struct pcl_scenario *s)
{
    if (s->warmup > 1000000)
        s->warmup = 1000000;
    if (s->duration > 4000000)
        s->duration = 4000000;
    if (s->ops > 5000)
        s->ops = 5000;
}

/* --- intervals ------------------------------------------------------------------------------
 */

enum { REPS = 12 };

/* The want lies in the 99 % interval of the replications' values, and that is narrow. */
static inline void assert_estimates(const char *what, const double *x, size_t n, double want,
                                    double narrow)
{
    double mean = 0, var = 0, half;

    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean) / (double)(n - 1);
    half = gsl_cdf_tdist_Pinv(0.995, (double)n - 1) * sqrt(var / (double)n);
    print_message("    %-44s %12.6g theory %12.6g +- %.2g\n", what, mean, want, half);
    if (!(fabs(mean - want) <= half))
        fail_msg("%s: %g is not in %g +- %g", what, want, mean, half);
    if (!(half <= narrow * want))
        fail_msg("%s: +- %g is too wide to say much about %g", what, half, want);
}

/* REPS replications; values of one metric each. */
static inline void replicate(struct setting *s, const char *const (*of)[2], size_t n,
                             double x[][REPS])
{
    for (uint32_t rep = 0; rep < REPS; rep++) {
        struct pcl_result r;

        s->job.replication = rep;
        run_ok(&s->job, &r);
        for (size_t i = 0; i < n; i++)
            x[i][rep] = metric(&r, of[i][0], of[i][1]);
        pcl_result_fini(&r);
    }
}

#endif
