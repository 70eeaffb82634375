/*
 * Where a mean says little: configurations that have two modes. Either single runs switch
 * between them, which the runs have found in their own series (sim/engine/modes.c), or each run
 * stays in one of them and the replications fall into two groups.
 *
 * The groups are those of 2-means. Ten normal values show a gap of 12 standard deviations
 * within less often than once in a thousand, ten exponential ones four times in a thousand.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_internal.h"

#define ENOUGH 0.2 /* of the runs must have found modes: one in a hundred may by chance */
#define APART 12.0
#define MATTERS 0.1
enum {
    LEAST = 8, /* replications before groups are looked for */
    EACH = 2
};

static double mean_of(const struct pcl_config *c, const char *name, const char *object,
                      size_t *n)
{
    const struct pcl_series *s = pcl_config_series(c, name, object);
    double sum = 0;

    *n = 0;
    for (size_t i = 0; s && i < c->n_runs; i++)
        if (isfinite(s->value[i])) {
            sum += s->value[i];
            ++*n;
        }
    return *n ? sum / (double)*n : 0;
}

static bool within_runs(const struct pcl_config *c, const char *name, struct config_modes *out)
{
    const struct pcl_series *s = pcl_config_series(c, "modes", name);
    size_t n;

    for (size_t i = 0; s && i < c->n_runs; i++) {
        out->of += isfinite(s->value[i]);
        out->runs += s->value[i] >= 2;
    }
    if (out->runs == 0 || (double)out->runs < ENOUGH * (double)out->of)
        return false;
    out->low = mean_of(c, "mode_low", name, &n);
    out->high = mean_of(c, "mode_high", name, &n);
    out->low_share = mean_of(c, "mode_low_share", name, &n);
    out->low_dwell = mean_of(c, "mode_low_dwell", name, &n);
    out->high_dwell = mean_of(c, "mode_high_dwell", name, &n);
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The split of the sorted values that leaves least within; true when its parts are modes. */
static bool groups(const double *v, size_t n, struct config_modes *out)
{
    double total = 0, squares = 0, left = 0, most = -1, gap;

    for (size_t i = 0; i < n; i++)
        total += v[i] - v[0];
    for (size_t i = 0; i < n; i++)
        squares += pow(v[i] - v[0] - total / (double)n, 2);
    for (size_t k = 1; k < n; k++) {
        double a, b, between;

        left += v[k - 1] - v[0];
        a = left / (double)k;
        b = (total - left) / (double)(n - k);
        between = (double)k * (double)(n - k) / (double)n * (b - a) * (b - a);
        if (between > most) {
            most = between;
            out->low = v[0] + a;
            out->high = v[0] + b;
            out->runs = k;
        }
    }
    gap = out->high - out->low;
    return gap > APART * sqrt(fmax(squares - most, 0) / (double)n) &&
           gap > MATTERS * fmax(fabs(out->low), fabs(out->high)) && out->runs >= EACH &&
           n - out->runs >= EACH;
}

static bool between_runs(const struct pcl_config *c, const char *name, struct config_modes *out)
{
    const struct pcl_series *s = pcl_config_series(c, name, "all");
    double *v = pcl_xcalloc(c->n_runs + 1, sizeof(*v));
    bool two = false;

    *out = (struct config_modes){0};
    for (size_t i = 0; s && i < c->n_runs; i++)
        if (isfinite(s->value[i]))
            v[out->of++] = s->value[i];
    if (out->of >= LEAST) {
        qsort(v, out->of, sizeof(*v), by_value);
        two = groups(v, out->of, out);
    }
    free(v);
    return two;
}

void pcl_config_modes(const struct pcl_config *c, const char *name, struct config_modes *out)
{
    *out = (struct config_modes){0};
    out->within = within_runs(c, name, out);
    out->two = out->within || between_runs(c, name, out);
}
