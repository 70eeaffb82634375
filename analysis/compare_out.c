/*
 * The comparison for programs: JSON and CSV with raw units (ns, bytes) and full precision. What
 * is not known is null or empty, never NaN.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include <pclsim/display.h>

static const char *better_word(enum pcl_better b)
{
    return b == PCL_BETTER_LOWER ? "lower" : b == PCL_BETTER_HIGHER ? "higher" : "none";
}

static const char *mark_word(enum pcl_mark m)
{
    switch (m) {
    case PCL_MARK_SIGNIFICANT:
        return "significant";
    case PCL_MARK_SMALL:
        return "too small to matter";
    case PCL_MARK_NOT:
        return "not significant";
    case PCL_MARK_MODES:
        return "modes";
    case PCL_MARK_TOO_FEW:
        return "too few";
    case PCL_MARK_NONE:
        break;
    }
    return "none";
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* Whole numbers beyond 2^53 are strings: readers keep numbers as doubles. */
static json_t *integer(uint64_t v)
{
    char text[24];

    if (v <= UINT64_C(9007199254740992))
        return json_integer((json_int_t)v);
    (void)snprintf(text, sizeof(text), "%" PRIu64, v);
    return json_string(text);
}

/* User text may hold anything: invalid UTF-8 becomes null rather than a broken document. */
static json_t *string(const char *s)
{
    json_t *j = json_string(s);

    return j ? j : json_null();
}

static void put_ci(json_t *o, const char *prefix, const struct pcl_ci *ci)
{
    bool bounds = ci->kind == PCL_CI_INTERVAL || ci->kind == PCL_CI_EXACT;
    char key[40];

    (void)snprintf(key, sizeof(key), "%slo", prefix);
    (void)json_object_set_new(o, key, bounds ? number(ci->lo) : json_null());
    (void)snprintf(key, sizeof(key), "%shi", prefix);
    (void)json_object_set_new(o, key, bounds ? number(ci->hi) : json_null());
}

static json_t *cell_json(const struct pcl_cell *c, bool baseline)
{
    const struct pcl_paired *p = &c->against;
    bool rel = p->n > 0 && p->mean_a != 0;
    json_t *o = json_object();
    struct pcl_ci change = p->ratio;

    (void)json_object_set_new(o, "scheme", string(c->scheme));
    (void)json_object_set_new(o, "n", integer(c->value.n));
    (void)json_object_set_new(o, "mean", c->value.n ? number(c->value.mean) : json_null());
    put_ci(o, "", &c->value);
    (void)json_object_set_new(o, "exact", json_boolean(c->value.kind == PCL_CI_EXACT));
    (void)json_object_set_new(o, "one_run", json_boolean(c->one_run));
    (void)json_object_set_new(o, "modes", json_boolean(c->modes));
    if (baseline)
        return o;
    change.lo -= 1;
    change.hi -= 1;
    (void)json_object_set_new(o, "pairs", integer(p->n));
    (void)json_object_set_new(o, "change", rel ? number(p->ratio.mean - 1) : json_null());
    put_ci(o, "change_", &change);
    (void)json_object_set_new(o, "difference", p->n ? number(p->diff.mean) : json_null());
    put_ci(o, "difference_", &p->diff);
    (void)json_object_set_new(o, "p", p->tested ? number(p->p) : json_null());
    (void)json_object_set_new(o, "p_holm", c->p_holm >= 0 ? number(c->p_holm) : json_null());
    (void)json_object_set_new(o, "correlation", p->has_corr ? number(p->corr) : json_null());
    (void)json_object_set_new(o, "crn_gain",
                              p->has_corr && p->gain > 0 ? number(p->gain) : json_null());
    (void)json_object_set_new(o, "verdict", json_string(mark_word(c->mark)));
    (void)json_object_set_new(o, "worse", json_boolean(c->worse));
    return o;
}

static json_t *row_json(const struct pcl_compare_row *r, size_t n)
{
    json_t *o = json_object(), *cells = json_array();

    (void)json_object_set_new(o, "metric", string(r->name));
    (void)json_object_set_new(o, "object", string(r->object));
    (void)json_object_set_new(o, "unit", string(r->unit));
    (void)json_object_set_new(o, "better", json_string(better_word(r->better)));
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(cells, cell_json(&r->cell[i], i == 0));
    (void)json_object_set_new(o, "cells", cells);
    return o;
}

static json_t *block_json(const struct pcl_compare_block *b)
{
    const struct pcl_config_desc *d = &b->config[0]->desc;
    json_t *o = json_object(), *params = json_object(), *rows = json_array();
    json_t *seeds = json_array();

    (void)json_object_set_new(o, "workload", string(d->workload));
    (void)json_object_set_new(o, "kind", string(d->kind));
    (void)json_object_set_new(o, "title", string(d->title));
    (void)json_object_set_new(o, "label", string(d->label));
    for (size_t i = 0; i < d->n_params; i++)
        (void)json_object_set_new(params, d->params[i].name, string(d->params[i].value));
    (void)json_object_set_new(o, "params", params);
    (void)json_object_set_new(o, "machine", string(d->machine));
    (void)json_object_set_new(o, "model", string(d->build));
    (void)json_object_set_new(o, "trace_sha256", string(d->trace_sha256));
    (void)json_object_set_new(o, "replay", string(d->replay));
    (void)json_object_set_new(o, "varies", string(d->varies));
    for (size_t i = 0; i < b->config[0]->n_runs; i++)
        if (i == 0 || b->config[0]->run[i].seed != b->config[0]->run[i - 1].seed)
            (void)json_array_append_new(seeds, integer(b->config[0]->run[i].seed));
    (void)json_object_set_new(o, "seeds", seeds);
    (void)json_object_set_new(o, "baseline", string(d->scheme));
    (void)json_object_set_new(o, "failed_runs", integer(b->n_failed));
    (void)json_object_set_new(o, "no_page_contended", json_boolean(b->no_page_contended));
    (void)json_object_set_new(o, "no_lock_contended", json_boolean(b->no_lock_contended));
    for (size_t r = 0; r < b->n_rows; r++)
        (void)json_array_append_new(rows, row_json(&b->row[r], b->n_schemes));
    (void)json_object_set_new(o, "rows", rows);
    return o;
}

void pcl_compare_json(FILE *out, const struct pcl_comparison *c)
{
    json_t *o = json_object(), *blocks = json_array();

    (void)json_object_set_new(o, "level", number(c->level));
    (void)json_object_set_new(o, "practical", number(c->practical));
    (void)json_object_set_new(o, "correction", json_string("Holm"));
    (void)json_object_set_new(o, "tests", integer(c->n_tests));
    (void)json_object_set_new(o, "any_worse", json_boolean(c->any_worse));
    for (size_t b = 0; b < c->n_blocks; b++)
        (void)json_array_append_new(blocks, block_json(&c->block[b]));
    (void)json_object_set_new(o, "blocks", blocks);
    (void)json_dumpf(o, out, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    (void)fputc('\n', out);
    json_decref(o);
}

/* --- CSV -----------------------------------------------------------------------------------
 */

static void field(FILE *out, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        (void)fprintf(out, "%s,", s);
        return;
    }
    (void)fputc('"', out);
    for (; *s; s++) {
        if (*s == '"')
            (void)fputc('"', out);
        (void)fputc(*s, out);
    }
    (void)fputs("\",", out);
}

static void value(FILE *out, bool known, double v)
{
    if (known && isfinite(v))
        (void)fprintf(out, "%.10g", v);
    (void)fputc(',', out);
}

static void csv_cell(FILE *out, const struct pcl_compare_block *b,
                     const struct pcl_compare_row *r, size_t i)
{
    const struct pcl_config_desc *d = &b->config[0]->desc;
    const struct pcl_cell *c = &r->cell[i];
    const struct pcl_paired *p = &c->against;
    bool own = c->value.kind == PCL_CI_INTERVAL || c->value.kind == PCL_CI_EXACT;
    bool rel = p->ratio.kind == PCL_CI_INTERVAL || p->ratio.kind == PCL_CI_EXACT;
    struct pcl_config_desc bare = *d;
    char title[512];

    bare.label = "";
    field(out, d->workload);
    field(out, d->label);
    field(out, pcl_point_title(&bare, title, sizeof(title)));
    field(out, d->machine);
    field(out, r->name);
    field(out, r->object);
    field(out, r->unit);
    field(out, better_word(r->better));
    field(out, d->scheme);
    field(out, c->scheme);
    (void)fprintf(out, "%zu,", c->value.n);
    value(out, c->value.n > 0, c->value.mean);
    value(out, own, c->value.lo);
    value(out, own, c->value.hi);
    value(out, p->n > 0 && p->mean_a != 0, p->ratio.mean - 1);
    value(out, rel, p->ratio.lo - 1);
    value(out, rel, p->ratio.hi - 1);
    value(out, p->tested, p->p);
    value(out, c->p_holm >= 0, c->p_holm);
    value(out, p->has_corr, p->corr);
    field(out, mark_word(c->mark));
    (void)fprintf(out, "%s\n", c->worse ? "worse" : "");
}

void pcl_compare_csv(FILE *out, const struct pcl_comparison *c)
{
    (void)fputs(
        "workload,label,params,machine,metric,object,unit,better,baseline,scheme,n,mean,"
        "lo,hi,change,change_lo,change_hi,p,p_holm,correlation,verdict,worse\n",
        out);
    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t r = 0; r < c->block[b].n_rows; r++)
            for (size_t i = 0; i < c->block[b].n_schemes; i++)
                csv_cell(out, &c->block[b], &c->block[b].row[r], i);
}
