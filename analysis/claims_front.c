/*
 * The table below a claim's verdicts: a row for each configuration, the means of the columns that
 * `front` names, and a star where nobody is better in both the first and the last of them, the
 * smaller the better in each (the Pareto front).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "claims_internal.h"

/* Splits "latency_mean, contentions/iolock" into names and objects; returns the number. */
static size_t read_columns(const char *text, struct pcl_claim_column *col)
{
    size_t n = 0;

    while (*text && n < PCL_FRONT_MAX) {
        size_t len = strcspn(text, ","), used;

        while (*text == ' ')
            text++, len--;
        for (used = len; used && text[used - 1] == ' ';)
            used--;
        (void)snprintf(col[n].name, sizeof(col[n].name), "%.*s", (int)used, text);
        char *slash = strchr(col[n].name, '/');

        (void)snprintf(col[n].object, sizeof(col[n].object), "%s", slash ? slash + 1 : "all");
        if (slash)
            *slash = '\0';
        n++;
        text += len;
        text += *text == ',';
    }
    return n;
}

static double mean_of(const struct pcl_config *c, const struct pcl_claim_column *col)
{
    const struct pcl_series *s = pcl_config_series(c, col->name, col->object);
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; s && i < c->n_runs; i++)
        if (isfinite(s->value[i])) {
            sum += s->value[i];
            n++;
        }
    return n ? sum / (double)n : (double)NAN;
}

static char *label_of(struct pcl_arena *a, const struct pcl_config *c)
{
    char text[300];
    int at = snprintf(text, sizeof(text), "%s", c->desc.scheme);

    for (size_t i = 0; i < c->desc.n_params && at < (int)sizeof(text); i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s=%s", i ? ", " : " at ",
                       c->desc.params[i].name, c->desc.params[i].value);
    return pcl_arena_strdup(a, text);
}

static bool beats(const struct pcl_claim_row *a, const struct pcl_claim_row *b, size_t last)
{
    return a->value[0] <= b->value[0] && a->value[last] <= b->value[last] &&
           (a->value[0] < b->value[0] || a->value[last] < b->value[last]);
}

void pcl_claim_front(const char *front, const struct pcl_dataset *d,
                     struct pcl_claim_result *out)
{
    out->n_columns = read_columns(front, out->column);
    if (!out->n_columns)
        return;
    out->row = pcl_arena_alloc(&out->arena, d->n_configs + 1, sizeof(*out->row));
    out->n_rows = d->n_configs;
    for (size_t i = 0; i < d->n_configs; i++) {
        out->row[i].label = label_of(&out->arena, d->config[i]);
        for (size_t k = 0; k < out->n_columns; k++)
            out->row[i].value[k] = mean_of(d->config[i], &out->column[k]);
    }
    for (size_t i = 0; i < out->n_rows; i++) {
        size_t last = out->n_columns - 1;

        out->row[i].best = isfinite(out->row[i].value[0]) && isfinite(out->row[i].value[last]);
        for (size_t k = 0; k < out->n_rows; k++)
            if (beats(&out->row[k], &out->row[i], last))
                out->row[i].best = false;
    }
}
