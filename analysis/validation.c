/*
 * Measured against simulated. The measurement has an interval of its own, from its repetitions:
 * an error inside it is no error that anybody can see.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include <pclsim/display.h>
#include <pclsim/validation.h>

static const char *const compared[] = {"throughput", "latency_p50", "latency_mean",
                                       "latency_p99"};
static const char *const said[] = {"throughput", "latency p50", "latency mean", "latency p99"};
#define N_COMPARED (sizeof(compared) / sizeof(compared[0]))

static void interval(const struct pcl_series *s, size_t n, struct pcl_ci *out)
{
    double *x = pcl_xcalloc(n + 1, sizeof(*x));
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        if (isfinite(s->value[i]))
            x[k++] = s->value[i];
    pcl_ci_mean(x, k, PCL_LEVEL, out);
    free(x);
}

static void add_row(struct pcl_validation *v, const struct pcl_config *m,
                    const struct pcl_series *a, const struct pcl_config *s,
                    const struct pcl_series *b)
{
    struct pcl_validation_row *r;

    v->row = pcl_xrealloc(v->row, v->n_rows + 1, sizeof(*v->row));
    r = &v->row[v->n_rows];
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->name, sizeof(r->name), "%s", a->name);
    (void)snprintf(r->object, sizeof(r->object), "%s", a->object);
    (void)snprintf(r->unit, sizeof(r->unit), "%s", a->unit);
    interval(a, m->n_runs, &r->measured);
    interval(b, s->n_runs, &r->simulated);
    if (r->measured.n == 0 || r->simulated.n == 0 || !(r->measured.mean > 0))
        return;
    r->error = r->simulated.mean / r->measured.mean - 1;
    r->tie = r->measured.kind == PCL_CI_INTERVAL &&
             fabs(r->simulated.mean - r->measured.mean) <= r->measured.half;
    v->n_rows++;
}

/* The operations first and all transactions last; where there is one kind of operation "all" is
 * it. */
static void add_metric(struct pcl_validation *v, const struct pcl_config *m,
                       const struct pcl_config *s, const char *name)
{
    size_t before = v->n_rows;
    const struct pcl_series *a, *b;

    for (size_t i = 0; i < m->n_series; i++) {
        a = &m->series[i];
        if (strcmp(a->name, name) != 0 || strcmp(a->object, "all") == 0)
            continue;
        b = pcl_config_series(s, name, a->object);
        if (b)
            add_row(v, m, a, s, b);
    }
    a = pcl_config_series(m, name, "all");
    b = pcl_config_series(s, name, "all");
    if (v->n_rows == before && a && b)
        add_row(v, m, a, s, b);
}

static double median_error(const struct pcl_validation *v, const char *name)
{
    double *e = pcl_xcalloc(v->n_rows + 1, sizeof(*e));
    double median = (double)NAN;
    size_t n = 0;

    for (size_t i = 0; i < v->n_rows; i++)
        if (strcmp(v->row[i].name, name) == 0)
            e[n++] = fabs(v->row[i].error);
    if (n > 0) {
        gsl_sort(e, 1, n);
        median = gsl_stats_median_from_sorted_data(e, 1, n);
    }
    free(e);
    return median;
}

int pcl_validation_make(const struct pcl_config *measured, const struct pcl_config *simulated,
                        struct pcl_validation *out, struct pcl_err *err)
{
    *out = (struct pcl_validation){.desc = &simulated->desc,
                                   .reps_measured = measured->n_runs,
                                   .reps_simulated = simulated->n_runs};
    for (size_t i = 0; i < N_COMPARED; i++)
        add_metric(out, measured, simulated, compared[i]);
    out->throughput_error = median_error(out, "throughput");
    out->latency_error = median_error(out, "latency_p50");
    if (out->n_rows == 0)
        return pcl_fail(err, PCL_ENOENT,
                        "no operation was completed on both sides: nothing to "
                        "compare");
    return PCL_OK;
}

void pcl_validation_fini(struct pcl_validation *v)
{
    free(v->row);
    v->row = NULL;
    v->n_rows = 0;
}

/* --- text
 * -------------------------------------------------------------------------------------- */

static const char *said_of(const char *name)
{
    for (size_t i = 0; i < N_COMPARED; i++)
        if (strcmp(compared[i], name) == 0)
            return said[i];
    return name;
}

/* "+- 2.3 %", or nothing when there is one repetition. */
static const char *width_of(const struct pcl_ci *ci, char *buf, size_t n)
{
    if (ci->kind == PCL_CI_INTERVAL && ci->mean > 0)
        (void)snprintf(buf, n, ci->half < ci->mean ? "%.1f %%" : "%.0f %%",
                       100 * ci->half / ci->mean);
    else
        (void)snprintf(buf, n, "-");
    return buf;
}

static void put_row(FILE *out, const struct pcl_validation_row *r)
{
    struct pcl_scale s = pcl_scale_for(r->unit, fmax(r->measured.mean, r->simulated.mean));
    char label[128], a[32], b[32], w[2][32];

    (void)snprintf(label, sizeof(label), "%s %s %s", r->object, said_of(r->name), s.unit);
    (void)fprintf(out, "%-29.29s%9s%9s%10s%8s%+6.0f%%%s\n", label,
                  pcl_show(r->measured.mean, &s, a, sizeof(a)),
                  width_of(&r->measured, w[0], sizeof(w[0])),
                  pcl_show(r->simulated.mean, &s, b, sizeof(b)),
                  width_of(&r->simulated, w[1], sizeof(w[1])), 100 * r->error,
                  r->tie ? "~" : "");
}

void pcl_validation_text(FILE *out, const struct pcl_validation *v, const char *where)
{
    char line[512];

    pcl_wrap(out, "Simulated against measured: ", 2, v->desc->title);
    (void)snprintf(line, sizeof(line), "%s; %zu run%s.", where, v->reps_measured,
                   v->reps_measured == 1 ? "" : "s");
    pcl_wrap(out, "measured: ", 2, line);
    (void)snprintf(line, sizeof(line), "machine %s, scheme %s, model %s; %zu replication%s.",
                   v->desc->machine, v->desc->scheme, v->desc->build, v->reps_simulated,
                   v->reps_simulated == 1 ? "" : "s");
    pcl_wrap(out, "simulated: ", 2, line);
    (void)fprintf(out, "\n%-29s%9s%9s%10s%8s%7s\n", "", "measured", "+-", "simulated", "+-",
                  "error");
    for (size_t i = 0; i < v->n_rows; i++)
        put_row(out, &v->row[i]);
    (void)fprintf(out,
                  "\nmedian error, whatever its sign: throughput %.0f %%, median latency "
                  "%.0f %%\n",
                  100 * v->throughput_error, 100 * v->latency_error);
    (void)fprintf(out,
                  "+-: 95 %% interval of the mean over runs; ~: the error lies inside the\n"
                  "measurement's own interval\n");
}

/* --- as runs of a store
 * --------------------------------------------------------------------------- */

void pcl_validation_describe(const struct pcl_run_desc *simulated, const char *where,
                             const char *stamp, uint32_t i, struct pcl_run_desc *out)
{
    char text[256];

    *out = *simulated;
    out->config.scheme = PCL_MEASURED;
    out->config.scheme_text = where;
    out->config.varies = "everything that varies on a real machine";
    out->replication = i;
    (void)snprintf(text, sizeof(text), "%s %s %s %u", PCL_MEASURED, simulated->key, stamp, i);
    pcl_sha256_hex(text, strlen(text), out->key);
}
