/*
 * What a recording measured of its locks beside what the replay of it makes of them. The recording
 * was slowed by its tracepoints and made on another machine than the one simulated: large errors
 * are to be expected, and worth knowing.
 *
 *   class      mode quantity      measured  simulated      error
 *   iolock     S    acquired          4454       4456      +0.0%
 */
#include <math.h>
#include <string.h>

#include <pclsim/lockform.h>

static const struct pcl_lock_row *find(const struct pcl_result *r, const char *name, char mode)
{
    for (size_t i = 0; i < r->n_locks; i++)
        if (strcmp(r->locks[i].name, name) == 0 && r->locks[i].mode == mode)
            return &r->locks[i];
    return NULL;
}

static double per(double total, double n)
{
    return n > 0 ? total / n : (double)NAN;
}

static void put_value(FILE *out, double v)
{
    if (isnan(v))
        fprintf(out, " %11s", "-");
    else
        fprintf(out, " %11.*f", v == floor(v) || v >= 1000 ? 0 : 2, v);
}

static void put(FILE *out, const struct pcl_trace_lock *m, const char *what, double measured,
                double simulated)
{
    if ((isnan(measured) || measured <= 0.0) && (isnan(simulated) || simulated <= 0.0))
        return;
    fprintf(out, "%-12s %c    %-13s", m->name, m->mode, what);
    put_value(out, measured);
    put_value(out, simulated);
    if (isnan(measured) || isnan(simulated) || measured <= 0.0)
        fprintf(out, " %10s\n", "-");
    else
        fprintf(out, " %+9.1f%%\n", (simulated / measured - 1.0) * 100.0);
}

static void put_class(FILE *out, const struct pcl_trace_lock *m, const struct pcl_lock_row *s,
                      uint32_t reps)
{
    double n = (double)reps, nan = (double)NAN;

    put(out, m, "acquired", m->all ? (double)m->acquisitions : nan,
        s ? (double)s->acquisitions / n : nan);
    put(out, m, "waited", (double)m->contentions, s ? (double)s->contentions / n : nan);
    put(out, m, "wait mean us", per((double)m->wait_total / 1e3, (double)m->contentions),
        s ? per((double)s->wait_total / 1e3, (double)s->contentions) : nan);
    put(out, m, "wait max us", m->contentions ? (double)m->wait_max / 1e3 : nan,
        s && s->contentions ? (double)s->wait_max / 1e3 : nan);
    put(out, m, "hold mean us", per((double)m->hold_total / 1e3, (double)m->holds),
        s ? per((double)s->hold_total / 1e3, (double)s->acquisitions) : nan);
}

void pcl_lock_against_text(FILE *out, const struct pcl_result *sum, uint32_t reps,
                           const struct pcl_trace_lock *measured, size_t n)
{
    bool absent = false;

    fprintf(out, "\nmeasured by the recording, and simulated under %s\n", sum->scheme);
    fprintf(out, "%-12s %-4s %-13s %11s %11s %10s\n", "class", "mode", "quantity", "measured",
            "simulated", "error");
    for (size_t i = 0; i < n; i++) {
        const struct pcl_lock_row *s = find(sum, measured[i].name, measured[i].mode);
        absent = absent || !s;
        put_class(out, &measured[i], s, reps);
    }
    if (absent)
        fprintf(out, "-: not measured, or of a class that the replay does not take\n");
}
