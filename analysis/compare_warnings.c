/*
 * What a reader must know before the numbers: a run that never came to rest, a mean between two
 * modes, one run where there should be several.
 */
#include <math.h>
#include <string.h>

#include <pclsim/display.h>

#include "compare_internal.h"

#define MOSTLY 0.75 /* of the runs, before a given warm-up is doubted: MSER-5 errs in some */
#define LEAST 4

bool pcl_warmup_found(const struct pcl_config *c)
{
    return strstr(c->desc.scenario_text, "\nwarmup = auto") != NULL;
}

static void steady(FILE *out, const struct pcl_config *c)
{
    const struct pcl_series *s = pcl_config_series(c, "steady", "all");
    bool found = pcl_warmup_found(c);
    size_t n = 0, restless = 0;
    char text[400];

    for (size_t i = 0; s && i < c->n_runs; i++) {
        n += isfinite(s->value[i]);
        restless += s->value[i] <= 0;
    }
    if (restless == 0 || (!found && (n < LEAST || (double)restless < MOSTLY * (double)n)))
        return;
    (void)snprintf(
        text, sizeof(text),
        "! %s: NO STEADY STATE in %zu of %zu runs: %s; the numbers are of where it was, "
        "not of where it stays",
        c->desc.scheme, restless, n,
        found ? "8 times the duration was not enough, the second half is measured"
              : "MSER-5 would cut more than half of what was measured (too short a "
                "warm-up, or too much load)");
    pcl_wrap(out, "  ", 4, text);
}

static void shown(double v, const char *unit, char *buf, size_t n)
{
    struct pcl_scale scale = pcl_scale_for(unit, v);
    char number[32];

    (void)snprintf(buf, n, "%s %s", pcl_show(v, &scale, number, sizeof(number)), scale.unit);
}

static void modes(FILE *out, const struct pcl_config *c, const char *name, const char *unit)
{
    char low[48], high[48], in_low[32], in_high[32], text[400], label[64];
    struct config_modes m;

    pcl_config_modes(c, name, &m);
    if (!m.two)
        return;
    shown(m.low, unit, low, sizeof(low));
    shown(m.high, unit, high, sizeof(high));
    (void)pcl_metric_label(name, "all", label, sizeof(label));
    if (m.within)
        (void)snprintf(
            text, sizeof(text),
            "! %s is METASTABLE in %zu of %zu runs: %s %s for %s on end (%.0f%% of the "
            "time), %s for %s; M: no interval",
            c->desc.scheme, m.runs, m.of, label, low,
            pcl_format_ns((pcl_ns)m.low_dwell, in_low, sizeof(in_low)), 100 * m.low_share, high,
            pcl_format_ns((pcl_ns)m.high_dwell, in_high, sizeof(in_high)));
    else
        (void)snprintf(
            text, sizeof(text),
            "! %s is METASTABLE: %s about %s in %zu runs and about %s in %zu, nothing "
            "between; M: no interval",
            c->desc.scheme, label, low, m.runs, high, m.of - m.runs);
    pcl_wrap(out, "  ", 4, text);
}

/* Of a single run: what it says by itself. */
static void alone(FILE *out, const struct pcl_compare_block *b, size_t i)
{
    char text[400], label[64];
    size_t at;

    at = (size_t)snprintf(text, 200, "one run of %s, by itself:", b->config[i]->desc.scheme);
    at = at < 200 ? at : 199;
    for (size_t r = 0; r < b->n_rows; r++) {
        const struct pcl_compare_row *row = &b->row[r];
        const struct pcl_ci *v = &row->cell[i].value;

        if (row->cell[i].one_run && v->mean > 0 && at < sizeof(text))
            at += (size_t)snprintf(
                text + at, sizeof(text) - at, "%s %s +-%.2g%%", strchr(text, '%') ? "," : "",
                pcl_metric_label(row->name, row->object, label, sizeof(label)),
                100 * v->half / v->mean);
    }
    if (strchr(text, '%'))
        pcl_wrap(out, "  ", 4, text);
}

void pcl_compare_warnings(FILE *out, const struct pcl_compare_block *b)
{
    for (size_t i = 0; i < b->n_schemes; i++) {
        steady(out, b->config[i]);
        modes(out, b->config[i], "throughput", "op/s");
        modes(out, b->config[i], "latency_mean", "ns");
        if (b->n_schemes > 1)
            alone(out, b, i);
    }
}
