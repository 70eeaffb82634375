/*
 * What the series of one run says about the run: where its warm-up ended, how sure its means
 * are by themselves (batch means), and whether it has two modes. Of runs that could go on for
 * ever; a replay, and a scenario whose tasks end, are whole as they are: nothing is cut, and
 * one of them is one observation.
 *
 * A warm-up that is to be found out takes a pilot: a run of the same job with other draws.
 * Where MSER-5 cuts the pilot, the run itself begins to measure. The draws must be others: a
 * rule that looks at the values cuts behind a burst that came early, and what is left is too
 * good; the measured coverage of such intervals stands in docs/statistics.md. And since it is
 * the run that begins later, all its numbers are cut at one instant, after who waits and what
 * is cached has come about.
 *
 * A cut in the second half says that the pilot is too short for its warm-up: another one, of
 * other draws again, is twice as long, and so then is the run. After the last doubling the run
 * measures its second half and says that it found no steady state.
 */
#include <math.h>

#include "sim.h"
#include "steady.h"

#define DOUBLINGS 3 /* a run becomes at most 8 times as long as it was meant to be */
#define PILOT_SEED UINT64_C(0x70696c6f74) /* any number: pilots draw from other streams */

static const enum pcl_output of_run[] = {PCL_OUTPUT_THROUGHPUT, PCL_OUTPUT_LATENCY};

/* From one pilot. True when the span is settled. */
static bool look(struct pcl_sim *pilot, bool last, struct pcl_span *span)
{
    struct pcl_warmup up;

    if (pilot->n_alive == 0) /* it ends by itself: nothing to cut */
        return true;
    span->end = sim_end(pilot);
    span->ops = 0;
    pcl_windows_end(&pilot->windows, span->end);
    pcl_windows_warmup(&pilot->windows, &up);
    span->found = up.known && !up.refused;
    span->warmup = span->found ? up.cut : span->end / 2;
    return span->found || last;
}

static int find(const struct pcl_job *job, struct pcl_span *span, const volatile int *cancel,
                struct pcl_err *err)
{
    const struct pcl_span once = sim_span(job);
    struct pcl_job other = *job;

    other.check = false; /* the run itself is looked at */
    for (int k = 0;; k++) {
        struct pcl_result ignored;
        struct pcl_sim pilot;
        bool settled = false;
        int rc;

        *span = once;
        if (k > 0) {
            span->end = once.end > (PCL_NS_MAX >> k) ? PCL_NS_MAX - 1 : once.end << k;
            span->ops = once.ops > (UINT64_MAX >> k) ? UINT64_MAX : once.ops << k;
        }
        other.seed = pcl_mix64(job->seed ^ (PILOT_SEED + (uint64_t)k));
        pcl_result_init(&ignored);
        rc = sim_init(&pilot, &other, span, &ignored, err);
        if (rc == PCL_OK)
            rc = sim_run(&pilot, cancel, err);
        if (rc == PCL_OK)
            settled = look(&pilot, k == DOUBLINGS, span);
        sim_fini(&pilot);
        pcl_result_fini(&ignored);
        if (rc != PCL_OK || settled)
            return rc;
    }
}

int sim_find_span(const struct pcl_job *job, struct pcl_span *span, const volatile int *cancel,
                  struct pcl_err *err)
{
    if (job->scenario && job->scenario->warmup == PCL_WARMUP_AUTO)
        return find(job, span, cancel, err);
    *span = sim_span(job);
    return PCL_OK;
}

/* --- metrics ----------------------------------------------------------------------------- */

static void add(struct pcl_sim *s, const char *name, enum pcl_output o, const char *unit,
                double v)
{
    pcl_result_add(s->out, name, pcl_output_name(o), unit, PCL_BETTER_NONE, v);
}

static void batches(struct pcl_sim *s, enum pcl_output o)
{
    struct pcl_batches b;

    pcl_windows_batches(&s->windows, o, &b);
    add(s, "batch_count", o, "count", (double)b.n);
    add(s, "batch_se", o, pcl_output_unit(o), b.n ? b.se : (double)NAN);
    add(s, "batch_lag1", o, "ratio", b.lag1);
}

/* Order statistics of this one run: the shares of the sample between which the quantile lies,
 * had there been as many independent values as give the mean's error. Too few beyond it:
 * nothing. */
static void quantile_bounds(struct pcl_sim *s, const char *name, double q, double independent)
{
    const double z = 1.959963984540054; /* 95 % */
    double spread = z * sqrt(q * (1 - q) / independent);
    bool enough = independent * q * (1 - q) >= 5;
    char lo[40], hi[40];

    (void)snprintf(lo, sizeof(lo), "%s_lo", name);
    (void)snprintf(hi, sizeof(hi), "%s_hi", name);
    pcl_result_add(s->out, lo, "all", "ns", PCL_BETTER_NONE,
                   enough ? (double)pcl_hist_quantile(&s->all, q - spread) : (double)NAN);
    pcl_result_add(s->out, hi, "all", "ns", PCL_BETTER_NONE,
                   enough ? (double)pcl_hist_quantile(&s->all, q + spread) : (double)NAN);
}

static void quantiles(struct pcl_sim *s)
{
    double n = (double)s->all.count, mean = pcl_hist_mean(&s->all), independent = 0;
    struct pcl_batches b;

    pcl_windows_batches(&s->windows, PCL_OUTPUT_LATENCY, &b);
    if (b.n > 0 && b.se > 0)
        independent = fmin((s->all.sum_sq / n - mean * mean) / (b.se * b.se), n);
    pcl_result_add(s->out, "independent_ops", "all", "count", PCL_BETTER_NONE,
                   b.n > 0 && b.se > 0 ? independent : (double)NAN);
    quantile_bounds(s, "latency_p50", 0.5, independent);
    quantile_bounds(s, "latency_p99", 0.99, independent);
    quantile_bounds(s, "latency_p999", 0.999, independent);
}

static void modes(struct pcl_sim *s, enum pcl_output o)
{
    struct pcl_modes m;

    pcl_windows_modes(&s->windows, o, &m);
    add(s, "modes", o, "count", m.n ? (double)m.n : (double)NAN);
    if (m.n < 2)
        return;
    add(s, "mode_low", o, pcl_output_unit(o), m.low);
    add(s, "mode_high", o, pcl_output_unit(o), m.high);
    add(s, "mode_low_share", o, "ratio", m.low_share);
    add(s, "mode_low_dwell", o, "ns", (double)m.low_dwell);
    add(s, "mode_high_dwell", o, "ns", (double)m.high_dwell);
    add(s, "mode_switches", o, "count", (double)m.switches);
}

void sim_collect_series(struct pcl_sim *s)
{
    struct pcl_warmup up;

    if (!s->windows.w || s->n_alive == 0)
        return;
    pcl_windows_end(&s->windows, sim_end(s));
    pcl_windows_warmup(&s->windows, &up);
    pcl_result_add(s->out, "steady", "all", "ratio", PCL_BETTER_HIGHER,
                   s->job->scenario->warmup == PCL_WARMUP_AUTO ? s->warmup_found
                   : up.known                                  ? !up.refused
                                                               : (double)NAN);
    for (size_t i = 0; i < sizeof(of_run) / sizeof(of_run[0]); i++) {
        batches(s, of_run[i]);
        modes(s, of_run[i]);
    }
    quantiles(s);
    s->out->windows = s->windows;
    s->windows = (struct pcl_windows){0};
}
