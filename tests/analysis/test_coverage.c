/*
 * Do 95 % intervals cover 95 %? Queues with a known answer are run a thousand times, each time
 * an interval is made, and the times that it holds the answer are counted. The queues are
 * generated with the engine's draws and recorded in its windows, as a run records itself; those
 * of test_coverage_runs.c go through the simulator proper.
 *
 *   replications: 10 runs, each after a fixed warm-up, Student's t
 *
 *   MSER-5: the same, each after the warm-up that MSER-5 finds in a pilot of other draws
 *
 *   MSER-5, own: each run cut by MSER-5 of its own values; why pilots have other draws
 *
 *   batch means: one run as long as the 10, batches that pass von Neumann's test
 *
 *   sequential: replications until +- 5 %, at least 10, at most 200
 *
 *   sequential, many: the same of runs of an eighth of the length, until +- 3 % (the repairman:
 * 0.5 %), so that it takes many
 *
 * With the argument "full" all of it is run and printed as a table for docs/statistics.md;
 * without, a tenth, with wider bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include <pclsim/dist.h>
#include <pclsim/run.h>
#include <pclsim/stats.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

enum {
    REPS = 10,      /* replications of an interval */
    MOST_REPS = 200 /* of a sequential one */
};

/* --- queues ------------------------------------------------------------------------------ */

enum law {
    LAW_EXP,
    LAW_LOGNORMAL, /* squared coefficient of variation 4 */
    LAW_PARETO     /* exponent 1.5: finite mean, infinite variance */
};

struct queue {
    const char *name;
    int closed;      /* 0: Poisson arrivals; else so many tasks that think */
    enum law law;    /* of service */
    int64_t service; /* mean, ns */
    int64_t between; /* mean time between arrivals, or mean think time */
    enum pcl_output output;
    double want;
    pcl_ns warmup, length; /* of one replication */
    bool bar;              /* 93 to 97 % are demanded */
};

static int64_t pareto(uint64_t bits, int64_t mean)
{
    double u = ((double)(bits >> 11) + 0.5) * 0x1p-53;

    return (int64_t)((double)mean / 3 / pow(u, 1 / 1.5)); /* mean = 3 x the least value */
}

static int64_t service(const struct queue *q, struct pcl_stream s, uint64_t i)
{
    const struct pcl_dist lognormal = {.kind = PCL_DIST_LOGNORMAL, .a = q->service, .s = 2};

    switch (q->law) {
    case LAW_EXP:
        return pcl_exp_from_bits(pcl_bits(s, i, 0), q->service);
    case LAW_LOGNORMAL:
        return pcl_dist_draw(&lognormal, s, i);
    case LAW_PARETO:
        break;
    }
    return pareto(pcl_bits(s, i, 0), q->service);
}

/* Lindley: who comes while the server is busy begins when it is free. */
static void run_open(const struct queue *q, uint32_t rep, pcl_ns from, pcl_ns end,
                     struct pcl_windows *w)
{
    struct pcl_stream a = pcl_stream(11, rep, 0, PCL_DRAW_ARRIVAL);
    struct pcl_stream s = pcl_stream(11, rep, 1, PCL_DRAW_HOLD);
    pcl_ns now = 0, free_at = 0;

    for (uint64_t i = 0; free_at < end; i++) {
        now += pcl_exp_from_bits(pcl_bits(a, i, 0), q->between);
        free_at = (now > free_at ? now : free_at) + service(q, s, i);
        if (free_at >= from && free_at < end)
            pcl_windows_add(w, free_at, free_at - now, true);
    }
}

/* Tasks that think and then want one server, in the order in which they come. */
static void run_closed(const struct queue *q, uint32_t rep, pcl_ns from, pcl_ns end,
                       struct pcl_windows *w)
{
    struct pcl_stream z = pcl_stream(11, rep, 0, PCL_DRAW_THINK);
    struct pcl_stream s = pcl_stream(11, rep, 1, PCL_DRAW_HOLD);
    pcl_ns due[64], free_at = 0; /* when each task's think time is over */
    uint64_t i = 0;

    for (int t = 0; t < q->closed; t++)
        due[t] = pcl_exp_from_bits(pcl_bits(z, i++, 0), q->between);
    while (free_at < end) {
        int first = 0;
        pcl_ns came;

        for (int t = 1; t < q->closed; t++)
            first = due[t] < due[first] ? t : first;
        came = due[first];
        free_at = (came > free_at ? came : free_at) + service(q, s, i);
        due[first] = free_at + pcl_exp_from_bits(pcl_bits(z, i, 0), q->between);
        i++;
        if (free_at >= from && free_at < end)
            pcl_windows_add(w, free_at, free_at - came, true);
    }
}

static void run_queue(const struct queue *q, uint32_t rep, pcl_ns from, pcl_ns end,
                      struct pcl_windows *w)
{
    pcl_windows_init(w, from);
    (q->closed ? run_closed : run_open)(q, rep, from, end, w);
    pcl_windows_end(w, end);
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

/* --- intervals --------------------------------------------------------------------------- */

/* The output from a window on to the end. */
static double mean_from(const struct pcl_windows *w, enum pcl_output o, size_t first)
{
    double tx = 0, ops = 0, time = 0;

    for (size_t i = first; i < w->n; i++) {
        tx += (double)w->w[i].transactions;
        ops += (double)w->w[i].ops;
        time += (double)w->w[i].time;
    }
    return o == PCL_OUTPUT_LATENCY
               ? time / ops
               : tx * 1e9 / ((double)(w->n - first) * (double)(UINT64_C(1) << w->shift));
}

static double replication(const struct queue *q, uint32_t rep, pcl_ns length)
{
    struct pcl_windows w;
    double x;

    run_queue(q, rep, q->warmup, q->warmup + length, &w);
    x = mean_from(&w, q->output, 0);
    pcl_windows_fini(&w);
    return x;
}

struct count {
    unsigned n, covered,
        none;    /* intervals made; those that hold the answer; none could be made */
    double half; /* sum of half-width over answer */
    double size; /* sum of replications */
};

static void note(struct count *c, const struct queue *q, double lo, double hi, double size)
{
    c->n++;
    c->covered += lo <= q->want && q->want <= hi;
    c->half += (hi - lo) / 2 / q->want;
    c->size += size;
}

static void by_replications(const struct queue *q, uint32_t round, struct count *c)
{
    struct pcl_ci ci;
    double x[REPS];

    for (uint32_t i = 0; i < REPS; i++)
        x[i] = replication(q, round * REPS + i, q->length);
    pcl_ci_mean(x, REPS, 0.95, &ci);
    note(c, q, ci.lo, ci.hi, REPS);
}

/* The warm-up of a run from its start; the run becomes longer until it is not refused. */
static pcl_ns warmup_of(const struct queue *q, uint32_t rep, uint32_t again, pcl_ns *end,
                        struct count *c)
{
    for (*end = q->warmup + q->length;; *end *= 2, rep += again) {
        struct pcl_windows w;
        struct pcl_warmup up;

        run_queue(q, rep, 0, *end, &w);
        pcl_windows_warmup(&w, &up);
        pcl_windows_fini(&w);
        if (!up.refused)
            return up.cut;
        c->none++;
    }
}

static void by_mser(const struct queue *q, uint32_t round, struct count *c, bool own)
{
    struct pcl_ci ci;
    double x[REPS];

    for (uint32_t i = 0; i < REPS; i++) {
        uint32_t rep = round * REPS + i;
        struct pcl_windows w;
        pcl_ns end, cut = warmup_of(q, own ? rep : 10000000 + rep, own ? 0 : 1000000, &end, c);

        run_queue(q, rep, cut, end, &w);
        x[i] = mean_from(&w, q->output, 0);
        pcl_windows_fini(&w);
    }
    pcl_ci_mean(x, REPS, 0.95, &ci);
    note(c, q, ci.lo, ci.hi, REPS);
}

static void by_pilot(const struct queue *q, uint32_t round, struct count *c)
{
    by_mser(q, round, c, false);
}

static void by_own_cut(const struct queue *q, uint32_t round, struct count *c)
{
    by_mser(q, round, c, true);
}

static void by_batches(const struct queue *q, uint32_t round, struct count *c)
{
    struct pcl_windows w;
    struct pcl_batches b;
    double half;

    run_queue(q, 1000000 + round, q->warmup, q->warmup + REPS * q->length, &w);
    pcl_windows_batches(&w, q->output, &b);
    pcl_windows_fini(&w);
    if (b.n == 0) {
        c->none++;
        return;
    }
    half = b.se * pcl_t_quantile(0.95, (double)(b.n - 1));
    note(c, q, b.mean - half, b.mean + half, 1);
}

static void until(const struct queue *q, uint32_t round, struct count *c, double relative,
                  pcl_ns length)
{
    struct pcl_precision p = {.relative = relative, .most = MOST_REPS};
    double x[MOST_REPS];
    struct pcl_stop s = {.next = 0};
    size_t n = 0;

    do {
        pcl_stop_mean(x, n, &p, &s);
        while (s.why == PCL_STOP_GO_ON && n < s.next) {
            x[n] = replication(q, 2000000 + round * MOST_REPS + (uint32_t)n, length);
            n++;
        }
    } while (s.why == PCL_STOP_GO_ON);
    if (s.why == PCL_STOP_CAPPED)
        c->none++;
    note(c, q, s.ci.lo, s.ci.hi, (double)s.at);
}

static void by_precision(const struct queue *q, uint32_t round, struct count *c)
{
    until(q, round, c, 0.05, q->length);
}

static void by_many(const struct queue *q, uint32_t round, struct count *c)
{
    until(q, round, c, q->closed == 16 ? 0.005 : 0.03, q->length / 8);
}

/* Not an interval: how often one mode is taken for two. */
static double false_modes(const struct queue *q, uint32_t rounds, pcl_ns length)
{
    unsigned two = 0;

    for (uint32_t r = 0; r < rounds; r++) {
        struct pcl_windows w;
        struct pcl_modes m[2];

        run_queue(q, 3000000 + r, q->warmup, q->warmup + length, &w);
        pcl_windows_modes(&w, PCL_OUTPUT_THROUGHPUT, &m[0]);
        pcl_windows_modes(&w, PCL_OUTPUT_LATENCY, &m[1]);
        pcl_windows_fini(&w);
        two += m[0].n == 2 || m[1].n == 2;
    }
    return 100.0 * two / rounds;
}

/* --- the cases --------------------------------------------------------------------------- */

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define LONG (200 * MS) /* for sequences of many: they take an hour otherwise */
#define CUSTOMERS(n) ((n)*10 * US)

static struct queue queues[] = {
    {"M/M/1, rho 0.5", 0, LAW_EXP, 5 * US, 10 * US, PCL_OUTPUT_LATENCY, 10e3, CUSTOMERS(1000),
     CUSTOMERS(10000), true},
    {"M/M/1, rho 0.8", 0, LAW_EXP, 8 * US, 10 * US, PCL_OUTPUT_LATENCY, 40e3, CUSTOMERS(2000),
     CUSTOMERS(20000), true},
    {"M/M/1, rho 0.9", 0, LAW_EXP, 9 * US, 10 * US, PCL_OUTPUT_LATENCY, 90e3, CUSTOMERS(6000),
     CUSTOMERS(80000), true},
    {"M/G/1, lognormal, scv 4, rho 0.5", 0, LAW_LOGNORMAL, 5 * US, 10 * US, PCL_OUTPUT_LATENCY,
     5e3 + 1e-4 * 25e6 * 5 / (2 * 0.5), CUSTOMERS(2000), CUSTOMERS(80000), true},
    {"machine repairman, N 16", 16, LAW_EXP, 5 * US, 80 * US, PCL_OUTPUT_THROUGHPUT, 0, 5 * MS,
     40 * MS, true},
    {"one task, Pareto 1.5", 1, LAW_PARETO, 5 * US, 5 * US, PCL_OUTPUT_THROUGHPUT, 1e5, 1 * MS,
     100 * MS, false},
};

struct method {
    const char *name;
    void (*run)(const struct queue *q, uint32_t round, struct count *c);
    bool bar;
};

static const struct method methods[] = {
    {"replications", by_replications, true}, {"MSER-5", by_pilot, false},
    {"MSER-5, own", by_own_cut, false},      {"batch means", by_batches, true},
    {"sequential", by_precision, false},     {"sequential, many", by_many, false}};

static struct count coverage(const struct queue *q, const struct method *m, uint32_t rounds)
{
    struct count c = {0};

    for (uint32_t r = 0; r < rounds; r++)
        m->run(q, r, &c);
    return c;
}

static unsigned line(const struct queue *q, const struct method *m, uint32_t rounds, double low,
                     double high)
{
    struct count c = coverage(q, m, rounds);
    double share = c.n ? 100.0 * c.covered / c.n : 0;
    bool out = q->bar && m->bar && (share < low || share > high);

    print_message("| %s | %s | %.1f %% | %.1f %% | %.1f | %u |%s\n", q->name, m->name, share,
                  100 * c.half / c.n, c.size / c.n, c.none, out ? " <-- outside" : "");
    return out;
}

static void modes_line(const struct queue *q)
{
    print_message("| %s |", q->name);
    for (int k = 1; k <= 100; k *= 10)
        print_message(" %.1f %% |", false_modes(q, 1000, q->length * k / 10));
    print_message("\n");
}

static int modes_table(void)
{
    for (size_t i = 0; i < LENGTH(queues); i++)
        modes_line(&queues[i]);
    return EXIT_SUCCESS;
}

/* only: the name of a method, or NULL for all. */
static int full(const char *only)
{
    unsigned bad = 0;

    for (size_t i = 0; i < LENGTH(queues); i++)
        for (size_t k = 0; k < LENGTH(methods); k++)
            if ((!only || strcmp(only, methods[k].name) == 0) &&
                (methods[k].run != by_many || queues[i].length <= LONG))
                bad += line(&queues[i], &methods[k], 1000, 93, 97);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* 95 % of 150 has a standard deviation of 1.8 points. */
static void intervals_cover_what_they_promise(void **state)
{
    static const size_t quick[] = {0, 4};

    (void)state;
    for (size_t i = 0; i < LENGTH(quick); i++)
        for (size_t k = 0; k < LENGTH(methods); k++)
            assert_int_equal(line(&queues[quick[i]], &methods[k], 150, 89, 99.9), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_cover_what_they_promise),
    };

    queues[4].want = repairman(16, 80e3, 5e3);
    if (argc > 1 && strcmp(argv[1], "full") == 0)
        return full(argc > 2 ? argv[2] : NULL);
    if (argc > 1 && strcmp(argv[1], "modes") == 0)
        return modes_table();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
