/*
 * What locks that go unit by unit have to say of a wide range: time, memory, and whether that was
 * seen or is extrapolated. Means over the replications.
 */
#include <math.h>
#include <string.h>

#include <pclsim/display.h>
#include <pclsim/sweeps.h>

static const double worth_telling = 1 << 20; /* bytes of index nodes */

static double mean_of(const struct pcl_config *c, const char *name, const char *role)
{
    const struct pcl_series *s = pcl_config_series(c, name, role);
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; s && i < c->n_runs; i++)
        if (isfinite(s->value[i])) {
            sum += s->value[i];
            n++;
        }
    return n ? sum / (double)n : (double)NAN;
}

/* A time or size beyond what an integer holds is that at least. */
static int64_t whole(double v)
{
    return v < 9.2e18 ? (int64_t)v : INT64_MAX;
}

static const char *time_of(double ns, char *buf, size_t n)
{
    return pcl_format_ns(whole(ns), buf, n);
}

static const char *bytes_of(double bytes, char *buf, size_t n)
{
    return pcl_format_size(whole(bytes), buf, n);
}

static void one(FILE *out, const struct pcl_config *c, const char *role)
{
    double rest = mean_of(c, "lock_rest", role), end = mean_of(c, "memory_end", role);
    double wait = mean_of(c, "others_wait", role);
    char time[32], size[32], after[32], at[32], others[32], text[640], first[200];
    char from[80];
    int n;

    (void)snprintf(from, sizeof(from), ", extrapolated from the first %s,",
                   time_of(mean_of(c, "lock_seen", role), time, sizeof(time)));
    n = snprintf(text, sizeof(text),
                     "locking the widest range takes %s%s and %s of index nodes",
                     time_of(mean_of(c, "lock_time", role), time, sizeof(time)),
                     rest > 0 ? from : "",
                     bytes_of(mean_of(c, "sweep_bytes", role), size, sizeof(size)));

    if (isfinite(end))
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "; the machine's memory ends after %s, at %s",
                      time_of(end, after, sizeof(after)),
                      bytes_of(mean_of(c, "memory_end_at", role), at, sizeof(at)));
    else
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", for which there is memory");
    if (wait > 0)
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "; others wait for up to %s",
                       time_of(wait, others, sizeof(others)));
    (void)snprintf(first, sizeof(first), "%s, %s: ", c->desc.scheme, role);
    pcl_wrap(out, first, 2, text);
}

void pcl_sweeps_text(FILE *out, const struct pcl_dataset *d)
{
    for (size_t i = 0; i < d->n_configs; i++)
        for (size_t k = 0; k < d->config[i]->n_series; k++) {
            const struct pcl_series *s = &d->config[i]->series[k];

            if (strcmp(s->name, "sweep_bytes") == 0 &&
                mean_of(d->config[i], s->name, s->object) > worth_telling)
                one(out, d->config[i], s->object);
        }
}
