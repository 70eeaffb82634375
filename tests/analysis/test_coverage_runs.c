/*
 * The same question as test_coverage.c of the simulator itself: a scenario with a known answer
 * is run many times, with the lock, the queue of tasks, the windows and the metrics that users
 * get, and the 95 % intervals that hold the answer are counted.
 *
 *   replications   10 runs, Student's t over their means or quantiles
 *   one run        a run as long as the 10: batch means, order statistics
 *
 * With the argument "full" a thousand times each, printed as a table for docs/statistics.md.
 */
#include "../run/rig.h"

#include <pclsim/stats.h>

enum { RUNS = 10 };

/* An arrival per 10 us from 100 tasks. */
#define OPEN(hold, warmup)                                                                     \
    "[scenario]\ntitle = t\nfs = page-only\nmachine = ideal\nwarmup = " warmup                 \
    "\nduration = 1s\n[file f]\nsize = 4k\ncached = all\n[group g]\ntasks = 100"               \
    "\nmix = pagelock:1\noffsets = hot\nhold = exp:" hold                                      \
    "\nthink = exp:1ms\narrivals = open\n"
#define CLOSED                                                                                 \
    "[scenario]\ntitle = t\nfs = page-only\nmachine = ideal\nwarmup = 5ms\nduration = 1s\n"    \
    "[file f]\nsize = 4k\ncached = all\n[group g]\ntasks = 16\nmix = pagelock:1\n"             \
    "offsets = hot\nhold = exp:5us\nthink = exp:80us\n"

struct target {
    const char *metric;
    double want;
};

static struct test_case {
    const char *name, *text;
    pcl_ns each; /* length of a replication */
    struct target target[3];
} cases[] = {
    {"M/M/1, rho 0.5",
     OPEN("5us", "5ms"),
     100000000,
     {{"latency_mean", 10e3}, {"latency_p50", 6931}, {"latency_p99", 46052}}},
    {"M/M/1, rho 0.8",
     OPEN("8us", "20ms"),
     200000000,
     {{"latency_mean", 40e3}, {"latency_p50", 27726}, {"latency_p99", 184207}}},
    {"machine repairman, N 16", CLOSED, 40000000, {{"throughput", 0}}},
};

struct tally {
    unsigned made, held;
    double half;
};

static void count(struct tally *t, double lo, double hi, double want)
{
    if (!isfinite(lo) || !isfinite(hi))
        return;
    t->made++;
    t->held += lo <= want && want <= hi;
    t->half += (hi - lo) / 2 / want;
}

static void replications(struct setting *s, const struct test_case *c, uint32_t round,
                         struct tally *t)
{
    double x[3][RUNS];

    s->scenario->duration = c->each;
    for (uint32_t i = 0; i < RUNS; i++) {
        struct pcl_result r;

        s->job.replication = round * RUNS + i;
        run_ok(&s->job, &r);
        for (size_t k = 0; k < 3 && c->target[k].metric; k++)
            x[k][i] = metric(&r, c->target[k].metric, "all");
        pcl_result_fini(&r);
    }
    for (size_t k = 0; k < 3 && c->target[k].metric; k++) {
        struct pcl_ci ci;

        pcl_ci_mean(x[k], RUNS, 0.95, &ci);
        count(&t[k], ci.lo, ci.hi, c->target[k].want);
    }
}

static void one_run(struct setting *s, const struct test_case *c, uint32_t round,
                    struct tally *t)
{
    struct pcl_result r;

    s->scenario->duration = RUNS * c->each;
    s->job.replication = 1000000 + round;
    run_ok(&s->job, &r);
    for (size_t k = 0; k < 3 && c->target[k].metric; k++) {
        const char *name = c->target[k].metric;
        char lo[48], hi[48];

        (void)snprintf(lo, sizeof(lo), "%s_lo", name);
        (void)snprintf(hi, sizeof(hi), "%s_hi", name);
        if (pcl_result_find(&r, lo, "all")) {
            count(&t[k], metric(&r, lo, "all"), metric(&r, hi, "all"), c->target[k].want);
        } else {
            double n = metric(&r, "batch_count", name), mean = metric(&r, name, "all");
            double half = n < 2 ? (double)NAN
                                : metric(&r, "batch_se", name) * pcl_t_quantile(0.95, n - 1);

            count(&t[k], mean - half, mean + half, c->target[k].want);
        }
    }
    pcl_result_fini(&r);
}

/* False when the coverage of a mean is outside. */
static bool table(const struct test_case *c, uint32_t rounds, double low, double high)
{
    struct tally by[2][3] = {{{0}}};
    struct setting s;
    bool ok = true;

    setting_text(&s, c->text, "fifo", NULL, 0);
    for (uint32_t r = 0; r < rounds; r++) {
        replications(&s, c, r, by[0]);
        one_run(&s, c, r, by[1]);
    }
    setting_fini(&s);
    for (size_t k = 0; k < 3 && c->target[k].metric; k++)
        for (int m = 0; m < 2; m++) {
            const struct tally *t = &by[m][k];
            double share = 100.0 * t->held / t->made;
            bool out = k == 0 && (share < low || share > high);

            print_message("| %s, %s | %s | %.1f %% | %.1f %% | %u |%s\n", c->name,
                          c->target[k].metric, m ? "one run" : "replications", share,
                          100 * t->half / t->made, rounds - t->made, out ? " <-- outside" : "");
            ok = ok && !out;
        }
    return ok;
}

/* N tasks, one repairman: p(k) in proportion to N! / (N - k)! (S / Z)^k. Per second. */
static double repairman(int n, double z, double s)
{
    double p = 1, sum = 1;

    for (int k = 1; k <= n; k++) {
        p *= (n - k + 1) * s / z;
        sum += p;
    }
    return (1 - 1 / sum) / s * 1e9;
}

/* 95 % of 40 has a standard deviation of 3.4 points. */
static void intervals_of_runs_cover_what_they_promise(void **unused)
{
    (void)unused;
    assert_true(table(&cases[0], 40, 85, 100));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_of_runs_cover_what_they_promise),
    };
    bool ok = true;

    cases[2].target[0].want = repairman(16, 80e3, 5e3);
    if (argc < 2 || strcmp(argv[1], "full") != 0)
        return cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < LENGTH(cases); i++)
        ok = table(&cases[i], 1000, 93, 97) && ok;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
