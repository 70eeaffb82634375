/*
 * The comparison as a table for people and mail: every row names metric, unit and the better
 * direction, then the baseline and per scheme value, change, half-width and verdict. As many
 * schemes stand side by side as 72 columns allow, the rest follow below.
 *
 *                           v5.9-rc1            v5.9
 *   metric   better  v5.8   value change  +-    value change  +-
 *   label    higher  402k    211k -47.5%  2.4 *  399k  -0.7%  1.1 ~
 *   ^ label  ^ better ^ base ^ value ^ change ^ half ^ mark
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/display.h>

#include "compare_internal.h"

struct widths {
    int label, base;
    int value, change, half; /* of one scheme; the largest of those side by side */
};

/* --- cells ---------------------------------------------------------------------------------
 */

static void change_text(const struct pcl_paired *p, struct cell_text *t)
{
    const struct pcl_ci *r = &p->ratio;

    t->mark = PCL_MARK_NONE;
    if (p->n == 0)
        return;
    if (p->diff.kind == PCL_CI_EXACT)
        (void)snprintf(t->half, sizeof(t->half), "exact");
    if (r->kind == PCL_CI_INTERVAL) {
        (void)pcl_show_change(r->mean, p->diff.kind == PCL_CI_EXACT ? -1 : r->half, t->change,
                              sizeof(t->change));
        if (p->diff.kind != PCL_CI_EXACT)
            (void)pcl_show_half(r->mean, r->half, t->half, sizeof(t->half));
    } else if (p->mean_a != 0) {
        (void)pcl_show_change(r->mean, -1, t->change, sizeof(t->change));
        if (r->kind == PCL_CI_UNBOUNDED && p->diff.kind != PCL_CI_EXACT)
            (void)snprintf(t->half, sizeof(t->half), "wide");
    } else { /* from nothing to something has no percentage */
        (void)snprintf(t->change, sizeof(t->change), "%s",
                       p->mean_b > 0   ? "from 0"
                       : p->mean_b < 0 ? "below 0"
                                       : "0.0%");
    }
}

void pcl_compare_row_text(const struct pcl_compare_row *row, size_t n, struct row_text *out)
{
    static const char *const better[] = {
        [PCL_BETTER_NONE] = "-", [PCL_BETTER_LOWER] = "lower", [PCL_BETTER_HIGHER] = "higher"};
    struct pcl_scale scale;
    double max = 0;
    char label[64];

    for (size_t i = 0; i < n; i++)
        max = fmax(max, fabs(row->cell[i].value.mean));
    scale = pcl_scale_for(row->unit, max);
    (void)pcl_metric_label(row->name, row->object, label, sizeof(label));
    (void)snprintf(out->label, sizeof(out->label), "%.34s%s%s", label, scale.unit[0] ? " " : "",
                   scale.unit);
    out->better = better[row->better];
    for (size_t i = 0; i < n; i++) {
        const struct pcl_cell *c = &row->cell[i];
        struct cell_text *t = &out->cell[i];

        if (c->value.n > 0)
            (void)pcl_show(c->value.mean, &scale, t->value, sizeof(t->value));
        else
            (void)snprintf(t->value, sizeof(t->value), "-");
        if (i > 0)
            change_text(&c->against, t);
        t->mark = (char)c->mark;
        if (c->mark == PCL_MARK_MODES)
            (void)snprintf(t->half, sizeof(t->half), "modes");
        t->worse = c->worse;
    }
}

/* --- layout --------------------------------------------------------------------------------
 */

static int larger(int a, size_t b)
{
    return a > (int)b ? a : (int)b;
}

static int group_width(const struct widths *w)
{
    return w->value + 1 + w->change + 1 + w->half + 2;
}

static int total_width(const struct widths *w, size_t n)
{
    return w->label + 8 + w->base + (int)n * (2 + group_width(w));
}

static struct widths widths_of(const struct row_text *row, size_t n_rows, size_t from,
                               size_t to)
{
    struct widths w = {6, 5, 5, 6, 4};

    for (size_t r = 0; r < n_rows; r++) {
        w.label = larger(w.label, strlen(row[r].label));
        w.base = larger(w.base, strlen(row[r].cell[0].value));
        for (size_t i = from; i < to; i++) {
            w.value = larger(w.value, strlen(row[r].cell[i].value));
            w.change = larger(w.change, strlen(row[r].cell[i].change));
            w.half = larger(w.half, strlen(row[r].cell[i].half));
        }
    }
    return w;
}

/* A scheme's name, or a mark that stands for a long one; too long names go into a legend. */
static const char *short_name(const char *name, size_t i, int room, char buf[24])
{
    if ((int)strlen(name) <= room)
        return name;
    (void)snprintf(buf, 24, "[%zu]", i);
    return buf;
}

static void put_line(FILE *out, char *line)
{
    size_t n = strlen(line);

    while (n > 0 && line[n - 1] == ' ')
        n--;
    line[n] = '\0';
    (void)fprintf(out, "%s\n", line);
}

struct table {
    const struct pcl_compare_block *b;
    const struct row_text *row;
    struct widths w;
    size_t from, to;
};

static void put_heads(FILE *out, const struct table *t)
{
    const struct widths *w = &t->w;
    int g = group_width(w);
    char line[512], buf[24];
    int at;

    for (size_t i = t->from - 1; i < t->to; i++) {
        size_t k = i < t->from ? 0 : i;
        const char *name = t->b->config[k]->desc.scheme;

        if (short_name(name, k, k == 0 ? w->base : g - 2, buf) == buf) {
            char first[32];

            (void)snprintf(first, sizeof(first), "  [%zu] ", k);
            pcl_wrap(out, first, 6, name);
        }
    }
    at = snprintf(line, sizeof(line), "%*s", w->label + 8 + w->base, "");
    for (size_t i = t->from; i < t->to; i++) {
        const char *name = short_name(t->b->config[i]->desc.scheme, i, g - 2, buf);
        int left = (g - 2 - (int)strlen(name)) / 2;

        at += snprintf(line + at, sizeof(line) - (size_t)at, "  %*s%-*s", left, "", g - left,
                       name);
    }
    put_line(out, line);
    at = snprintf(line, sizeof(line), "%-*s %-6s %*s", w->label, "metric", "better", w->base,
                  short_name(t->b->config[0]->desc.scheme, 0, w->base, buf));
    for (size_t i = t->from; i < t->to; i++)
        at += snprintf(line + at, sizeof(line) - (size_t)at, "  %*s %*s %*s  ", w->value,
                       "value", w->change, "change", w->half, "+-%");
    put_line(out, line);
}

static void put_row(FILE *out, const struct table *t, const struct row_text *r)
{
    const struct widths *w = &t->w;
    char line[512];
    int at = snprintf(line, sizeof(line), "%-*s %-6s %*s", w->label, r->label, r->better,
                      w->base, r->cell[0].value);

    for (size_t i = t->from; i < t->to; i++) {
        const struct cell_text *c = &r->cell[i];

        at += snprintf(line + at, sizeof(line) - (size_t)at, "  %*s %*s %*s %c", w->value,
                       c->value, w->change, c->change, w->half, c->half, c->mark);
        if (c->worse && t->to - t->from == 1 && at + 6 <= PCL_COLUMNS)
            at += snprintf(line + at, sizeof(line) - (size_t)at, " worse");
    }
    put_line(out, line);
}

/* A block without a second scheme: values with their own intervals. */
static void put_single(FILE *out, const struct pcl_compare_block *b)
{
    bool one = false;

    (void)fprintf(out, "%-30s %-6s %12s  %s\n", "metric", "better", "mean", "+-");
    for (size_t r = 0; r < b->n_rows; r++) {
        const struct pcl_ci *v = &b->row[r].cell[0].value;
        struct pcl_scale scale = pcl_scale_for(b->row[r].unit, v->mean);
        struct cell_text cell[1] = {{{0}, {0}, {0}, 0, false}};
        struct row_text t = {.cell = cell};
        char half[32] = "?";

        pcl_compare_row_text(&b->row[r], 1, &t);
        if (b->row[r].cell[0].modes)
            (void)snprintf(half, sizeof(half), "modes");
        else if (v->kind == PCL_CI_EXACT)
            (void)snprintf(half, sizeof(half), "exact");
        else if (v->kind == PCL_CI_INTERVAL)
            (void)pcl_show(v->half, &scale, half, sizeof(half));
        one = one || b->row[r].cell[0].one_run;
        (void)fprintf(out, "%-30.30s %-6s %12s  %s\n", t.label, t.better, cell[0].value, half);
    }
    if (one)
        pcl_wrap(
            out, "  ", 2,
            "+- of one run by itself: batch means, and order statistics of quantiles; ? is not "
            "known from one run");
}

static void put_block(FILE *out, const struct pcl_compare_block *b)
{
    size_t n = b->n_schemes;
    struct row_text *row = pcl_xcalloc(b->n_rows + 1, sizeof(*row));
    struct table t = {.b = b, .row = row};
    int name;

    for (size_t r = 0; r < b->n_rows; r++) {
        row[r].cell = pcl_xcalloc(n, sizeof(*row[r].cell));
        pcl_compare_row_text(&b->row[r], n, &row[r]);
    }
    if (b->n_rows == 0)
        (void)fputs("  no run has a value here\n", out);
    for (t.from = 1; b->n_rows > 0 && t.from < n; t.from = t.to) {
        t.to = t.from + 1;
        while (t.to < n) {
            struct widths w = widths_of(row, b->n_rows, t.from, t.to + 1);

            if (total_width(&w, t.to + 1 - t.from) > PCL_COLUMNS)
                break;
            t.to++;
        }
        t.w = widths_of(row, b->n_rows, t.from, t.to);
        /* give the baseline's name the columns that are left over, if they do */
        name = (int)strlen(b->config[0]->desc.scheme);
        if (name > t.w.base &&
            name - t.w.base + total_width(&t.w, t.to - t.from) <= PCL_COLUMNS)
            t.w.base = name;
        if (t.from > 1)
            (void)fputc('\n', out);
        put_heads(out, &t);
        for (size_t r = 0; r < b->n_rows; r++)
            put_row(out, &t, &row[r]);
    }
    if (n == 1 && b->n_rows > 0)
        put_single(out, b);
    for (size_t r = 0; r < b->n_rows; r++)
        free(row[r].cell);
    free(row);
}

static void put_remarks(FILE *out, const struct pcl_compare_block *b)
{
    const char *what = strcmp(b->config[0]->desc.kind, "trace") == 0 ? "recording" : "workload";
    char text[200];

    pcl_compare_warnings(out, b);
    if (b->no_page_contended) {
        (void)snprintf(text, sizeof(text),
                       "no page is contended in this %s: the page lock makes no difference%s",
                       what, b->no_lock_contended ? "; nor is any other lock contended" : "");
        pcl_wrap(out, "  ", 2, text);
    }
    if (b->n_failed) {
        (void)snprintf(text, sizeof(text), "%zu run%s failed and %s left out", b->n_failed,
                       b->n_failed == 1 ? "" : "s", b->n_failed == 1 ? "is" : "are");
        pcl_wrap(out, "  ", 2, text);
    }
}

/* --- titles --------------------------------------------------------------------------------
 */

static const char *param_of(const struct pcl_config *c, const char *name)
{
    const char *v = pcl_config_param(c, name);

    return v ? v : "";
}

static bool varies(const struct pcl_comparison *c, const char *name)
{
    for (size_t b = 1; b < c->n_blocks; b++)
        if (strcmp(param_of(c->block[b].config[0], name),
                   param_of(c->block[0].config[0], name)) != 0)
            return true;
    return false;
}

/* Lists the parameters of a block that vary between blocks, or those that do not. */
static const char *list_params(const struct pcl_comparison *c, size_t block, bool varying,
                               char *buf, size_t n)
{
    const struct pcl_config_desc *d = &c->block[block].config[0]->desc;
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < d->n_params && at < n; i++)
        if (varies(c, d->params[i].name) == varying)
            at += (size_t)snprintf(buf + at, n - at, "%s%s = %s", at ? ", " : "",
                                   d->params[i].name, d->params[i].value);
    return buf;
}

/* What tells a block from the others; without a head above it, all that was chosen. */
static const char *block_title(const struct pcl_comparison *c, size_t block, bool brief,
                               char *buf, size_t n)
{
    const struct pcl_config_desc *d = &c->block[block].config[0]->desc;

    if (d->label[0] || (brief && c->n_blocks == 1))
        return pcl_point_title(d, buf, n);
    (void)list_params(c, block, true, buf, n);
    if (!buf[0] && c->n_blocks > 1)
        (void)snprintf(buf, n, "otherwise as the scenario stands");
    return buf;
}

/* --- head and foot -------------------------------------------------------------------------
 */

/* Blocks that a common head describes. */
static bool same_head(const struct pcl_config_desc *a, const struct pcl_config_desc *b)
{
    return strcmp(a->workload, b->workload) == 0 && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->title, b->title) == 0 && strcmp(a->machine, b->machine) == 0 &&
           strcmp(a->build, b->build) == 0 && strcmp(a->varies, b->varies) == 0 &&
           strcmp(a->trace_sha256, b->trace_sha256) == 0;
}

/* A time whose number and unit stay together. */
static void time_text(pcl_ns ns, char buf[32])
{
    char *blank;

    (void)pcl_format_ns(ns, buf, 32);
    blank = strchr(buf, ' ');
    if (blank)
        *blank = PCL_HARD_BLANK;
}

/* "10 replications, seed 1, warm-up 100 ms, measured 1.00 s" over blocks [from, to). */
static void runs_text(const struct pcl_comparison *c, size_t from, size_t to, char *buf,
                      size_t n)
{
    size_t least = SIZE_MAX, most = 0;
    pcl_ns warm_lo = PCL_NS_MAX, warm_hi = 0, sim_lo = PCL_NS_MAX, sim_hi = 0;
    bool many_seeds = false, first = true, found = false;
    uint64_t seed = 0;
    char lo[32], hi[32], a[32], z[32], reps[64], warm[96];

    for (size_t b = from; b < to; b++)
        for (size_t i = 0; i < c->block[b].n_schemes; i++) {
            const struct pcl_config *g = c->block[b].config[i];
            size_t done = 0;

            found = found || pcl_warmup_found(g);
            for (size_t r = 0; r < g->n_runs; r++) {
                many_seeds = many_seeds || (!first && g->run[r].seed != seed);
                seed = g->run[r].seed;
                first = false;
                done += !g->run[r].failed;
                if (g->run[r].failed)
                    continue;
                warm_lo = g->run[r].warmup_ns < warm_lo ? g->run[r].warmup_ns : warm_lo;
                warm_hi = g->run[r].warmup_ns > warm_hi ? g->run[r].warmup_ns : warm_hi;
                sim_lo = g->run[r].sim_ns < sim_lo ? g->run[r].sim_ns : sim_lo;
                sim_hi = g->run[r].sim_ns > sim_hi ? g->run[r].sim_ns : sim_hi;
            }
            least = done < least ? done : least;
            most = done > most ? done : most;
        }
    (void)snprintf(reps, sizeof(reps), "%zu", most);
    if (least != most)
        (void)snprintf(reps, sizeof(reps), "%zu to %zu", least, most);
    time_text(warm_lo, lo);
    time_text(warm_hi, hi);
    (void)snprintf(warm, sizeof(warm), "%s%s%s%s%s", warm_hi ? "warm-up " : "no warm-up",
                   strcmp(lo, hi) != 0 ? lo : "", strcmp(lo, hi) != 0 ? " to " : "",
                   warm_hi ? hi : "", found ? " (MSER-5)" : "");
    time_text(sim_lo, a);
    time_text(sim_hi, z);
    if (sim_lo > sim_hi)
        (void)snprintf(buf, n, "%s replications", reps);
    else
        (void)snprintf(buf, n, "%s replication%s, %s%llu, %s, measured %s%s%s", reps,
                       most == 1 && least == 1 ? "" : "s",
                       many_seeds ? "several seeds, last " : "seed ", (unsigned long long)seed,
                       warm, a, strcmp(a, z) != 0 ? " to " : "", strcmp(a, z) != 0 ? z : "");
}

/* For readers who have nothing but the mail: what exactly was simulated, and what it stands on. */
static void put_origin(FILE *out, const struct pcl_config_desc *d, bool measured)
{
    char text[400], scenario[65], machine[65];

    pcl_sha256_hex(d->scenario_text, strlen(d->scenario_text), scenario);
    pcl_sha256_hex(d->machine_text, strlen(d->machine_text), machine);
    if (d->scenario_text[0]) {
        (void)snprintf(text, sizeof(text), "effective scenario (of the first point) sha256 %.12s..", scenario);
        pcl_wrap(out, "", 2, text);
    }
    (void)snprintf(text, sizeof(text),
                   "A simulation%s: machine profile %s (sha256 %.12s..) comes from constants whose "
                   "sources are in it ('pclsim machines show'); %s",
                   measured ? "" : ", not a measurement", d->machine, machine,
                   measured ? "the scheme measured is a real machine, run beside it"
                            : "this store holds no validation of it against a real one");
    pcl_wrap(out, "", 2, text);
}

static bool any_measured(const struct pcl_comparison *c, size_t from, size_t to)
{
    for (size_t b = from; b < to; b++)
        for (size_t i = 0; i < c->block[b].n_schemes; i++)
            if (c->block[b].config[i] &&
                strcmp(c->block[b].config[i]->desc.scheme, PCL_MEASURED) == 0)
                return true;
    return false;
}

static void put_head(FILE *out, const struct pcl_comparison *c, size_t from, size_t to, bool mail)
{
    const struct pcl_config_desc *d = &c->block[from].config[0]->desc;
    char text[1024], runs[320], holm[64], matters[80] = "";
    bool measured = any_measured(c, from, to);

    if (c->practical > 0)
        (void)snprintf(matters, sizeof(matters), ", .%csignificant but under %.3g%%",
                       PCL_HARD_BLANK, 100 * c->practical);
    (void)snprintf(text, sizeof(text), "%s (pclsim, model %s): %s %s%s%.12s%s",
                   measured ? "Measured and simulated" : "Simulated", d->build, d->kind, d->workload, d->trace_sha256[0] ? " (sha256 " : "", d->trace_sha256,
                   d->trace_sha256[0] ? "..)" : "");
    pcl_wrap(out, "", 2, text);
    if (d->title[0])
        pcl_wrap(out, "  ", 2, d->title);
    if (mail)
        put_origin(out, d, measured);
    runs_text(c, from, to, runs, sizeof(runs));
    (void)snprintf(text, sizeof(text), "machine %s, %s", d->machine, runs);
    pcl_wrap(out, "", 2, text);
    if (d->replay[0])
        pcl_wrap(out, "replay: ", 2, d->replay);
    else if (list_params(c, from, false, text, sizeof(text))[0])
        pcl_wrap(out, "with ", 2, text);
    (void)snprintf(
        text, sizeof(text),
        "replications differ in: %s; with the same replication number all schemes "
        "see the same%s",
        d->varies[0] ? d->varies : "nothing",
        strcmp(d->kind, "trace") == 0
            ? ". Intervals cover these differences, not other recordings; a replay ends "
              "by itself, no warm-up is cut"
            : "");
    pcl_wrap(out, "", 2, text);
    (void)snprintf(holm, sizeof(holm), "Holm-corrected over %zu cells; ", c->n_tests);
    (void)snprintf(text, sizeof(text),
                   "change: %.4g%% paired Student-t intervals; * significant%s, ~ not, ? fewer "
                   "than 2 replications; %sexact: nothing varies",
                   100 * c->level, matters, c->n_tests ? holm : "");
    pcl_wrap(out, "", 2, text);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* What pairing gained: correlations, and the replications that it saved. */
static void put_correlation(FILE *out, const struct pcl_comparison *c)
{
    size_t n = 0, m = 0, cells = 0;
    double *v, *gain;
    char text[200];

    for (size_t b = 0; b < c->n_blocks; b++)
        cells += c->block[b].n_rows * c->block[b].n_schemes;
    v = pcl_xcalloc(cells + 1, sizeof(*v));
    gain = pcl_xcalloc(cells + 1, sizeof(*gain));
    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t r = 0; r < c->block[b].n_rows; r++)
            for (size_t i = 1; i < c->block[b].n_schemes; i++) {
                const struct pcl_paired *p = &c->block[b].row[r].cell[i].against;

                if (p->has_corr)
                    v[n++] = p->corr;
                if (p->has_corr && p->gain > 0)
                    gain[m++] = p->gain;
            }
    if (n > 0) {
        int at;

        qsort(v, n, sizeof(*v), by_value);
        qsort(gain, m, sizeof(*gain), by_value);
        at = snprintf(text, sizeof(text),
                      "common random numbers: pairs correlate by %.2f to %.2f, median %.2f",
                      v[0], v[n - 1], v[n / 2]);
        if (m > 0)
            (void)snprintf(text + at, sizeof(text) - (size_t)at,
                           ": worth %.2g times the replications in the median row",
                           gain[m / 2]);
        pcl_wrap(out, "", 2, text);
    }
    free(gain);
    free(v);
}

/* Costs next to gains: what each scheme does worst. */
static void put_worst(FILE *out, const struct pcl_comparison *c)
{
    char text[600], label[64], change[32], title[256];

    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t i = 1; i < c->block[b].n_schemes; i++) {
            const struct pcl_compare_block *k = &c->block[b];
            const struct pcl_compare_row *worst = NULL;
            double most = 0;
            size_t n = 0;

            for (size_t r = 0; r < k->n_rows; r++) {
                const struct pcl_cell *cell = &k->row[r].cell[i];
                const struct pcl_paired *p = &cell->against;
                double ratio = p->mean_a == 0 ? HUGE_VAL : p->mean_b / p->mean_a;
                double factor = ratio > 0 ? fabs(log(ratio)) : HUGE_VAL;

                if (!cell->worse)
                    continue;
                n++;
                if (!worst || factor > most + 1e-9) { /* of equals the first */
                    worst = &k->row[r];
                    most = factor;
                }
            }
            if (!worst)
                continue;
            if (worst->cell[i].against.mean_a == 0)
                (void)snprintf(change, sizeof(change), "from 0");
            else
                (void)pcl_show_change(worst->cell[i].against.mean_b /
                                          worst->cell[i].against.mean_a,
                                      -1, change, sizeof(change));
            (void)block_title(c, b, false, title, sizeof(title));
            (void)snprintf(text, sizeof(text), "%s%s%s is worse in %zu row%s, most in %s (%s)",
                           c->n_blocks > 1 ? title : "", c->n_blocks > 1 ? ": " : "",
                           worst->cell[i].scheme, n, n == 1 ? "" : "s",
                           pcl_metric_label(worst->name, worst->object, label, sizeof(label)),
                           change);
            pcl_wrap(out, "", 2, text);
        }
}

/* Whoever shows a few metrics still says what else got worse. */
static void put_worst_of_all(FILE *out, const struct pcl_dataset *d,
                             const struct pcl_compare_opts *o)
{
    struct pcl_compare_opts all = *o;
    struct pcl_comparison *c;
    struct pcl_err err = {0};

    all.n_metrics = 0;
    if (pcl_compare(d, &all, &c, &err) != PCL_OK)
        return;
    pcl_wrap(out, "", 2, c->any_worse ? "Of all usual metrics, those shown and those not:"
                                      : "Of all usual metrics, none is significantly worse.");
    put_worst(out, c);
    pcl_comparison_free(c);
}

static void put_foot(FILE *out, const struct pcl_comparison *c, const struct pcl_dataset *d,
                     const struct pcl_compare_opts *o)
{
    char hash[65], text[1400];

    if (o->mail && o->n_metrics)
        put_worst_of_all(out, d, o);
    else
        put_worst(out, c);
    put_correlation(out, c);
    pcl_dataset_hash(d, hash);
    (void)snprintf(text, sizeof(text), "result hash %.16s%s%s", hash, o->db ? ", store " : "",
                   o->db ? o->db : "");
    pcl_wrap(out, "", 2, text);
    if (o->command)
        pcl_wrap(out, "cmd: ", 5, o->command);
}

void pcl_compare_text(FILE *out, const struct pcl_comparison *c, const struct pcl_dataset *d,
                      const struct pcl_compare_opts *o)
{
    char title[512];
    size_t to;

    for (size_t b = 0; b < c->n_blocks; b++) {
        const struct pcl_compare_block *k = &c->block[b];
        bool head = b == 0 || !same_head(&c->block[b - 1].config[0]->desc, &k->config[0]->desc);

        for (to = b + 1; to < c->n_blocks; to++)
            if (!same_head(&k->config[0]->desc, &c->block[to].config[0]->desc))
                break;
        if (head && !o->brief) {
            if (b > 0)
                (void)fputc('\n', out);
            put_head(out, c, b, to, o->mail);
        }
        if (!o->brief || b > 0)
            (void)fputc('\n', out);
        if (block_title(c, b, o->brief, title, sizeof(title))[0])
            pcl_wrap(out, "", 2, title);
        put_block(out, k);
        put_remarks(out, k);
    }
    if (!o->brief) {
        (void)fputc('\n', out);
        put_foot(out, c, d, o);
    }
}
