/*
 * Two modes or one. A lock that convoys now and then has a fast mode and a slow one; its mean
 * is somewhere between, where the system never is, and an interval about it misleads.
 *
 * The means of up to 64 batches are split in two so that the parts vary least within (2-means,
 * exact in one dimension). They are two modes when all of this holds:
 *
 *   apart    the parts' means differ by SEPARATION standard deviations within; the halves of a
 *            normal sample differ by 2.6, those of a uniform one by 3.5
 *   a gap    hardly any batch lies half-way between: a queue that wanders between low and high
 *            passes all the levels between
 *   both     each part has a tenth of the batches
 *   stays    the series changes sides less often than it would in random order (runs test)
 *   matters  the parts' means differ by a tenth
 *
 * How often one mode is taken for two is measured in the tests, on queues that wander much.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "windows_read.h"

enum {
    MOST = 64, /* batches */
    LEAST = 20
};

#define SEPARATION 5.0
#define BETWEEN 0.05 /* of all batches may lie in the middle half between the modes */
#define EACH 0.1
#define STAYS (-3.0) /* standard deviations */
#define MATTERS 0.1

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct split {
    size_t low;             /* values in the low part */
    double mean[2], within; /* standard deviation within the parts */
};

/* v: sorted. */
static struct split split_best(const double *v, size_t n)
{
    struct split best = {0};
    double total = 0, squares = 0, left = 0, most = -1;

    for (size_t i = 0; i < n; i++)
        total += v[i] - v[0];
    for (size_t i = 0; i < n; i++) {
        double y = v[i] - v[0] - total / (double)n;

        squares += y * y;
    }
    for (size_t k = 1; k < n; k++) {
        double a, b, between;

        left += v[k - 1] - v[0];
        a = left / (double)k;
        b = (total - left) / (double)(n - k);
        between = (double)k * (double)(n - k) / (double)n * (b - a) * (b - a);
        if (between > most) {
            most = between;
            best = (struct split){
                k, {v[0] + a, v[0] + b}, sqrt(fmax(squares - between, 0) / (double)n)};
        }
    }
    return best;
}

/* Standard deviations by which the number of runs is off that of a random order. */
static double stickiness(const bool *high, size_t n, size_t n_high, size_t *switches)
{
    double a = (double)n_high, b = (double)(n - n_high), N = (double)n;
    double mean = 2 * a * b / N, var = 2 * a * b * (2 * a * b - N) / (N * N * (N - 1));

    *switches = 0;
    for (size_t i = 1; i < n; i++)
        *switches += high[i] != high[i - 1];
    return var > 0 ? ((double)*switches - mean) / sqrt(var) : 0;
}

static bool two(const double *x, const double *sorted, size_t n, bool *high,
                struct pcl_modes *out)
{
    struct split s = split_best(sorted, n);
    double gap = s.mean[1] - s.mean[0];
    size_t between = 0, least = s.low < n - s.low ? s.low : n - s.low;
    double sticks;

    for (size_t i = 0; i < n; i++) {
        high[i] = x[i] >= sorted[s.low];
        between += x[i] > s.mean[0] + gap / 4 && x[i] < s.mean[1] - gap / 4;
    }
    sticks = stickiness(high, n, n - s.low, &out->switches);
    out->low = s.mean[0];
    out->high = s.mean[1];
    out->low_share = (double)s.low / (double)n;
    return gap > SEPARATION * s.within && (double)between <= BETWEEN * (double)n &&
           (double)least >= EACH * (double)n && sticks <= STAYS &&
           gap > MATTERS * fmax(fabs(s.mean[0]), fabs(s.mean[1]));
}

void pcl_modes_of(const double *x, size_t n, bool *high, struct pcl_modes *out)
{
    double *sorted = pcl_xcalloc(n, sizeof(*sorted));
    bool *side = pcl_xcalloc(n, sizeof(*side));

    *out = (struct pcl_modes){0};
    memcpy(sorted, x, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_value);
    if (n >= LEAST && sorted[0] < sorted[n - 1] && two(x, sorted, n, side, out))
        out->n = 2;
    else
        *out = (struct pcl_modes){.n = n >= LEAST};
    if (high)
        memcpy(high, side, n * sizeof(*side));
    free(sorted);
    free(side);
}

/* Mean lengths of stays, in values. */
static void dwell(const bool *high, size_t n, pcl_ns each, struct pcl_modes *out)
{
    size_t stays[2] = {0, 0}, values[2] = {0, 0};

    for (size_t i = 0; i < n; i++) {
        stays[high[i]] += i == 0 || high[i] != high[i - 1];
        values[high[i]]++;
    }
    out->low_dwell = stays[0] ? each * (pcl_ns)values[0] / (pcl_ns)stays[0] : 0;
    out->high_dwell = stays[1] ? each * (pcl_ns)values[1] / (pcl_ns)stays[1] : 0;
}

void pcl_windows_modes(const struct pcl_windows *s, enum pcl_output o, struct pcl_modes *out)
{
    size_t size = (s->n + MOST - 1) / MOST, n = 0;
    bool high[MOST];
    double x[MOST];

    *out = (struct pcl_modes){0};
    for (size_t at = size ? s->n % size : 0; s->w && size && at + size <= s->n; at += size) {
        struct pcl_ratio r = pcl_windows_sum(s, o, at, at + size);

        if (!(r.den > 0))
            return; /* nothing ends for so long: too little happens */
        x[n++] = r.num / r.den;
    }
    if (n == 0)
        return;
    pcl_modes_of(x, n, high, out);
    if (out->n == 2)
        dwell(high, n, (pcl_ns)((uint64_t)size << s->shift), out);
}
