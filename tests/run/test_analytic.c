/*
 * Cases with a closed form, each inside the interval of its replications: queues before one
 * lock (M/M/1, M/G/1), before CPUs and device channels (M/M/c, M/D/c), closed loops (machine
 * repairman, networks of equal locks). Nothing costs anything but what the scenario names.
 *
 * An open group of N tasks is N Poisson streams, together one; a task whose operation has not
 * ended makes its next arrival wait, which changes the order of service but not the mean: the
 * server never idles while anybody waits, and does not look at service times.
 */
#include "rig.h"

#define OPEN(tasks, hold, arrivals, ops)                                                       \
    "[scenario]\ntitle = t\nfs = page-only\nmachine = ideal\nwarmup = 5ms\nops = " ops         \
    "\nduration = 100s\n[file f]\nsize = 4k\ncached = all\n[group g]\ntasks = " tasks          \
    "\nmix = pagelock:1\noffsets = hot\nhold = " hold "\nthink = exp:" arrivals                \
    "\narrivals = open\n"

static const char *const response[][2] = {{"latency_mean", "all"}, {"throughput", "all"}};

/* Wq = lambda E[S^2] / (2 (1 - rho)); 100 tasks, an arrival per 10 us in all. */
static void one_lock(const char *name, const char *text, double mean, double second)
{
    struct setting s;
    double x[2][REPS], lambda = 1e-4, rho = lambda * mean;

    setting_text(&s, text, "fifo", NULL, 0);
    replicate(&s, response, 2, x);
    assert_estimates(name, x[0], REPS, mean + lambda * second / (2 * (1 - rho)), 0.1);
    assert_estimates("  its arrivals per second", x[1], REPS, 1e5, 0.02);
    setting_fini(&s);
}

static void one_lock_is_a_queue_with_one_server(void **unused)
{
    (void)unused;
    one_lock("M/M/1, rho 0.5", OPEN("100", "exp:5us", "1ms", "20000"), 5000, 2 * 25e6);
    one_lock("M/M/1, rho 0.8", OPEN("100", "exp:8us", "1ms", "60000"), 8000, 2 * 64e6);
    one_lock("M/D/1, rho 0.8", OPEN("100", "8us", "1ms", "40000"), 8000, 64e6);
    one_lock("M/U/1, rho 0.5", OPEN("100", "uniform:0us-10us", "1ms", "20000"), 5000, 1e8 / 3);
    one_lock("M/G/1 lognormal cv 2, rho 0.5", OPEN("100", "lognormal:5us,2", "1ms", "80000"),
             5000, 25e6 * 5);
}

/* One task with open arrivals is a queue by itself. */
static void one_task_is_a_queue_with_one_server(void **unused)
{
    struct setting s;
    double x[2][REPS];

    (void)unused;
    setting_text(&s, OPEN("1", "exp:5us", "10us", "20000"), "v5.9", NULL, 0);
    replicate(&s, response, 2, x);
    assert_estimates("M/M/1 of one task, rho 0.5", x[0], REPS, 10000, 0.1);
    setting_fini(&s);
}

/* Probability of waiting in M/M/c with a = lambda / mu. */
static double erlang_c(int c, double a)
{
    double b = 1; /* Erlang B by recursion */

    for (int k = 1; k <= c; k++)
        b = a * b / (k + a * b);
    return b / (1 - a / c * (1 - b));
}

/* Tasks compute on c CPUs, each with a page of its own. Many tasks, so that few meet
 * themselves. */
static void cpus_are_the_servers_of_a_common_queue(void **unused)
{
    static const int cs[] = {1, 2, 4};

    (void)unused;
    for (size_t i = 0; i < LENGTH(cs); i++) {
        char cpus[40], think[40], name[40];
        const char *set[] = {
            cpus,  "machine.sched=cfs", "machine.slice=1000s", "machine.wake_gran=1000s",
            think, "f.size=8M",         "offsets=partition"};
        struct setting s;
        double x[2][REPS], a = 0.75 * cs[i], mean = 5000;

        (void)snprintf(cpus, sizeof(cpus), "machine.cpus_per_llc=%d", cs[i]);
        (void)snprintf(think, sizeof(think), "think=exp:%dns", 2000 * 5000 * 4 / 3 / cs[i]);
        (void)snprintf(name, sizeof(name), "M/M/%d on CPUs, rho 0.75", cs[i]);
        setting_text(&s, OPEN("2000", "exp:5us", "1ms", "30000"), "fifo", set, LENGTH(set));
        s.scenario->warmup = 2000000;
        replicate(&s, response, 2, x);
        assert_estimates(name, x[0], REPS, mean + erlang_c(cs[i], a) * mean / (cs[i] - a), 0.1);
        setting_fini(&s);
    }
}

/* Direct reads of one block each; the device's c channels with a constant latency are M/D/c,
 * for c = 1 Pollaczek-Khinchine, and with one channel and a lognormal latency M/G/1. */
static void device_channels_are_servers(void **unused)
{
    static const struct {
        const char *cv;
        double square;
    } cases[] = {{"machine.dev_read_cv=0", 1}, {"machine.dev_read_cv=50", 1.25}};

    (void)unused;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *set[] = {"machine.dev_read=5us",
                             "machine.dev_channels=1",
                             cases[i].cv,
                             "mix=dread:1",
                             "fs=ext4",
                             "cached=0",
                             "f.size=400k",
                             "offsets=partition"};
        struct setting s;
        double x[2][REPS];

        setting_text(&s, OPEN("100", "0", "1ms", "30000"), "v5.9", set, LENGTH(set));
        for (size_t g = 0; g < s.scenario->n_groups; g++)
            s.scenario->groups[g].size = (struct pcl_dist){.kind = PCL_DIST_CONST, .a = 4096};
        replicate(&s, response, 2, x);
        assert_estimates(i ? "M/G/1 of the device, cv 0.5" : "M/D/1 of the device", x[0], REPS,
                         5000 + 1e-4 * 25e6 * cases[i].square / (2 * 0.5), 0.05);
        setting_fini(&s);
    }
}

/* --- closed loops
 * -------------------------------------------------------------------------------- */

/* Machine repairman: N tasks think Z and hold one lock S. Birth-death chain: p(k) in proportion
 * to N! / (N - k)! (S / Z)^k. */
static double repairman(int n, double z, double s)
{
    double p = 1, sum = 1;

    for (int k = 1; k <= n; k++) {
        p *= (n - k + 1) * s / z;
        sum += p;
    }
    return (1 - 1 / sum) / s; /* per ns */
}

/* N tasks over L equal locks picked at random: exact MVA with a think station. */
static double mva(int n, int l, double z, double s)
{
    double q = 0, x = 0; /* tasks at each lock */

    for (int k = 1; k <= n; k++) {
        double r = s * (1 + q);

        x = k / (z + r);
        q = x / l * r;
    }
    return x;
}

static void closed(const char *tasks, const char *locks, double want_x, int n)
{
    const char *set[] = {tasks, locks, "ops=40000"};
    static const char *const of[][2] = {{"throughput", "all"}, {"latency_mean", "all"}};
    struct setting s;
    double x[2][REPS];
    char name[80];

    setting_shipped(&s, "closed-lock", "fifo", set, LENGTH(set));
    replicate(&s, of, 2, x);
    (void)snprintf(name, sizeof(name), "closed loop, %s, %s: throughput", tasks, locks);
    assert_estimates(name, x[0], REPS, want_x * 1e9, 0.02);
    /* response time by Little's law over the whole loop */
    assert_estimates("  time at the lock", x[1], REPS, n / want_x - 1000, 0.05);
    setting_fini(&s);
}

static void a_closed_loop_over_one_lock_is_the_machine_repairman(void **unused)
{
    (void)unused;
    closed("tasks=1", "locks.size=4k", repairman(1, 1000, 200), 1);
    closed("tasks=4", "locks.size=4k", repairman(4, 1000, 200), 4);
    closed("tasks=64", "locks.size=4k", repairman(64, 1000, 200), 64);
}

static void a_closed_loop_over_many_locks_has_a_product_form(void **unused)
{
    (void)unused;
    closed("tasks=64", "locks.size=16k", mva(64, 4, 1000, 200), 64);
    closed("tasks=16", "locks.size=64k", mva(16, 16, 1000, 200), 16);
}

/* The bounds of any lock: min(N / (Z + S), 1 / S). */
static void no_lock_beats_the_bounds(void **unused)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "v5.9", "fifo"};

    (void)unused;
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        const char *set[] = {"ops=20000", "tasks=12"};
        struct setting s;
        struct pcl_result r;

        setting_shipped(&s, "closed-lock", schemes[i], set, LENGTH(set));
        run_ok(&s.job, &r);
        double x = metric(&r, "throughput", "all");

        assert_true(x < 1.03 * 1e9 / 200 && x < 1.03 * 12e9 / 1200);
        assert_true(x > 0.7e9 / 200 * 0.9);
        pcl_result_fini(&r);
        setting_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lock_is_a_queue_with_one_server),
        cmocka_unit_test(one_task_is_a_queue_with_one_server),
        cmocka_unit_test(cpus_are_the_servers_of_a_common_queue),
        cmocka_unit_test(device_channels_are_servers),
        cmocka_unit_test(a_closed_loop_over_one_lock_is_the_machine_repairman),
        cmocka_unit_test(a_closed_loop_over_many_locks_has_a_product_form),
        cmocka_unit_test(no_lock_beats_the_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
