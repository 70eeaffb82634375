/*
 * Axes: a unit in which the numbers read well, and whether the scale is linear or logarithmic.
 * On a logarithmic axis each tic carries its own unit ("10 us"), since nine decades have no
 * common one.
 */
#include <math.h>
#include <string.h>

#include "figure.h"

struct fig_range axis_none(void)
{
    return (struct fig_range){HUGE_VAL, -HUGE_VAL, HUGE_VAL};
}

void axis_see(struct fig_range *r, double v)
{
    if (!isfinite(v))
        return;
    r->lo = fmin(r->lo, v);
    r->hi = fmax(r->hi, v);
    if (v > 0)
        r->least = fmin(r->least, v);
}

static const char *decade_text(struct figure *f, const char *unit, int k)
{
    static const char *const times[] = {"ns", "us", "ms", "s"};
    static const char *const letters[] = {"", "k", "M", "G", "T", "P", "E"};
    int step = k >= 0 ? k / 3 : -((2 - k) / 3), part = k - 3 * step;

    if (strcmp(unit, "ns") == 0 && step >= 0) {
        if (step > 3) {
            part += 3 * (step - 3);
            step = 3;
        }
        return part < 4 ? fig_text(f, "%.0f %s", pow(10, part), times[step])
                        : fig_text(f, "1e%d s", part);
    }
    if (k < 0 && k >= -4)
        return fig_text(f, "%.*f", -k, pow(10, k));
    if (step < 0 || step > 6)
        return fig_text(f, "1e%d", k);
    return fig_text(f, "%.0f%s", pow(10, part), letters[step]);
}

void axis_decades(struct figure *f, struct fig_axis *a, const char *unit, double lo, double hi)
{
    int from = (int)floor(log10(lo) + 1e-9), to = (int)ceil(log10(hi) - 1e-9), step;

    if (to <= from)
        to = from + 1;
    step = (to - from + 9) / 10;
    a->log = true;
    a->lo = pow(10, from);
    a->hi = pow(10, to);
    a->tic = pcl_arena_alloc(&f->arena, (size_t)(to - from + 1), sizeof(*a->tic));
    a->n_tics = 0;
    for (int k = from; k <= to; k++)
        a->tic[a->n_tics++] =
            (struct fig_tic){pow(10, k), (k - from) % step == 0 ? decade_text(f, unit, k) : ""};
}

static const char *better_text(enum pcl_better b)
{
    return b == PCL_BETTER_LOWER    ? ", lower is better"
           : b == PCL_BETTER_HIGHER ? ", higher is better"
                                    : "";
}

double axis_metric(struct figure *f, struct fig_axis *a, const char *label, const char *unit,
                   enum pcl_better better, const struct fig_range *r, double most)
{
    struct pcl_scale scale = pcl_scale_for(unit, r->hi);
    const char *prefix = "";

    if (r->lo > 0 && r->hi / r->lo >= most) {
        axis_decades(f, a, unit, r->lo, r->hi);
        (void)snprintf(a->label, sizeof(a->label), "%s%s%s%s%s", label,
                       strcmp(unit, "ns") != 0 && scale.unit[0] ? " (" : "",
                       strcmp(unit, "ns") == 0  ? ""
                       : strcmp(unit, "B") == 0 ? "B"
                                                : scale.unit,
                       strcmp(unit, "ns") != 0 && scale.unit[0] ? ")" : "",
                       better_text(better));
        return 1;
    }
    for (double step = 1e18; scale.suffix && scale.div == 1 && step > 1; step /= 1000)
        if (r->hi >= step) {
            scale.div = step;
            prefix = step > 1e17   ? "E"
                     : step > 1e14 ? "P"
                     : step > 1e11 ? "T"
                     : step > 1e8  ? "G"
                     : step > 1e5  ? "M"
                                   : "k";
        }
    a->zero = r->lo >= 0;
    (void)snprintf(a->label, sizeof(a->label), "%s%s%s%s%s%s%s", label,
                   prefix[0] || scale.unit[0] ? " (" : "", prefix,
                   prefix[0] && scale.unit[0] ? " " : "", scale.unit,
                   prefix[0] || scale.unit[0] ? ")" : "", better_text(better));
    return scale.div;
}
