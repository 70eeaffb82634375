/*
 * Batch means. One long run is cut into 30 batches (more gain nothing: Schmeiser 1982); when
 * neighbours are correlated by von Neumann's test, the batches grow and become fewer, to 10.
 * Where even these are correlated the run is too short to say how sure it is, and nothing is
 * said.
 *
 * Batches are equal times. The mean of a latency over them is a ratio of two sums, whose error
 * is that of the residuals num - mean * den (Cochran, Sampling Techniques, ch. 6).
 */
#include <math.h>

#include "windows_read.h"

static const size_t counts[] = {30, 20, 14, 10};

enum { MOST = 30 };

/* One-sided at 10 %, as in Fishman and Yarberry's LBATCH: what passes is good enough to use,
 * which is a weaker thing than independent. */
#define CRITICAL 1.2815515655446004

/* Residuals of b batches of `size` windows each, the last windows of the series; false: nothing
 * happened in all of them. */
static bool residuals(const struct pcl_windows *s, enum pcl_output o, size_t b, size_t size,
                      double *d, struct pcl_batches *out)
{
    size_t first = s->n - b * size;
    struct pcl_ratio all = pcl_windows_sum(s, o, first, s->n);
    double squares = 0;

    if (!(all.den > 0))
        return false;
    out->mean = all.num / all.den;
    for (size_t k = 0; k < b; k++) {
        struct pcl_ratio r = pcl_windows_sum(s, o, first + k * size, first + (k + 1) * size);

        d[k] = r.num - out->mean * r.den;
        squares += d[k] * d[k];
    }
    out->se = sqrt(squares * (double)b / (double)(b - 1)) / all.den;
    return true;
}

/* 1 - von Neumann's ratio / 2: the correlation of neighbours with a correction for the ends. */
static double neighbours(const double *d, size_t b)
{
    double steps = 0, squares = 0;

    for (size_t k = 0; k < b; k++) {
        squares += d[k] * d[k];
        if (k > 0)
            steps += (d[k] - d[k - 1]) * (d[k] - d[k - 1]);
    }
    return squares > 0 ? 1 - steps / (2 * squares) : 0;
}

void pcl_windows_batches(const struct pcl_windows *s, enum pcl_output o,
                         struct pcl_batches *out)
{
    double d[MOST];

    *out = (struct pcl_batches){0};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) && s->w; i++) {
        size_t b = counts[i], size = s->n / b;
        double k = (double)b;

        if (size == 0)
            continue;
        if (!residuals(s, o, b, size, d, out))
            return;
        out->lag1 = neighbours(d, b);
        if (out->lag1 <= CRITICAL * sqrt((k - 2) / (k * k - 1))) {
            out->n = b;
            return;
        }
    }
}
