/*
 * HdrHistogram's percentile distribution, line by line as its C implementation prints it: steps
 * get finer towards 100 %, so that tails are seen.
 */
#include <math.h>

#include <pclsim/forms.h>

#define TICKS 5 /* lines per halving of what is missing to 100 % */

struct walk {
    FILE *out;
    const struct pcl_hist *h;
    uint64_t seen;
    double next; /* percentile of the next line */
};

static void line(const struct walk *w, double us, double percentile)
{
    double rest = 1.0 - percentile / 100.0;

    (void)fprintf(w->out, "%12.3f %12f %12llu ", us, percentile / 100.0,
                  (unsigned long long)w->seen);
    if (rest > 0.0)
        (void)fprintf(w->out, "%12.2f\n", 1.0 / rest);
    else
        (void)fprintf(w->out, "%12s\n", "inf");
}

static void bucket(int64_t lo, int64_t hi, uint64_t n, void *arg)
{
    struct walk *w = arg;
    double at, us;

    (void)lo;
    hi = hi > w->h->max ? w->h->max : hi;
    us = (double)hi / 1000.0;
    w->seen += n;
    at = 100.0 * (double)w->seen / (double)w->h->count;
    while (w->next <= at && w->next < 100.0) {
        double halvings = floor(log2(100.0 / (100.0 - w->next))) + 1.0;
        line(w, us, w->next);
        w->next += 100.0 / (TICKS * exp2(halvings));
        if (w->seen == w->h->count)
            break;
    }
    if (w->seen == w->h->count)
        line(w, us, 100.0);
}

/* Of n values, not of n - 1: as HdrHistogram has it. */
static double deviation(const struct pcl_hist *h)
{
    double n = (double)h->count, mean = pcl_hist_mean(h),
           var = n > 0 ? h->sum_sq / n - mean * mean : 0;

    return var > 0 ? sqrt(var) : 0.0;
}

void pcl_hgrm_print(FILE *out, const struct pcl_hist *h, const char *title)
{
    struct walk w = {.out = out, .h = h};

    (void)fprintf(out, "# %s; values in us\n", title);
    (void)fprintf(out, "%12s %12s %12s %12s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    if (h->count)
        pcl_hist_each(h, bucket, &w);
    (void)fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
                  pcl_hist_mean(h) / 1000.0, deviation(h) / 1000.0);
    (void)fprintf(out, "#[Max     = %12.3f, Total count    = %12llu]\n",
                  h->count ? (double)h->max / 1000.0 : 0.0, (unsigned long long)h->count);
    (void)fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", 58, 128);
}
