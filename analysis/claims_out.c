/*
 * Verdicts for programs and for people. The figures stand beside every verdict: a claim is
 * worth what its numbers are.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include <pclsim/display.h>

#include "claims_internal.h"

static json_t *string(const char *s)
{
    json_t *j = json_string(s);

    return j ? j : json_null();
}

static json_t *front_json(const struct pcl_claim_result *r)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < r->n_rows; i++) {
        json_t *o = json_object(), *values = json_object();
        char name[90];

        for (size_t k = 0; k < r->n_columns; k++) {
            double v = r->row[i].value[k];

            (void)snprintf(name, sizeof(name), "%s/%s", r->column[k].name, r->column[k].object);
            (void)json_object_set_new(values, name, isfinite(v) ? json_real(v) : json_null());
        }
        (void)json_object_set_new(o, "configuration", string(r->row[i].label));
        (void)json_object_set_new(o, "means", values);
        (void)json_object_set_new(o, "front", json_boolean(r->row[i].best));
        (void)json_array_append_new(rows, o);
    }
    return rows;
}

static json_t *claim_json(const struct pcl_claim_result *r)
{
    json_t *o = json_object(), *figures = json_object(), *expected = json_object();
    json_t *verdicts = json_object();

    for (size_t i = 0; i < r->n_figures; i++) {
        const struct pcl_claim_figure *f = &r->figure[i];

        (void)json_object_set_new(figures, f->name, string(f->text));
        (void)json_object_set_new(expected, f->name, string(f->expr));
        (void)json_object_set_new(verdicts, f->name, string(pcl_verdict_name(f->verdict)));
    }
    (void)json_object_set_new(o, "id", string(r->id));
    (void)json_object_set_new(o, "verdict", string(pcl_verdict_name(r->verdict)));
    (void)json_object_set_new(o, "proposition", string(r->proposition));
    (void)json_object_set_new(o, "figures", figures);
    (void)json_object_set_new(o, "verdicts", verdicts);
    (void)json_object_set_new(o, "expected", expected);
    if (r->n_columns)
        (void)json_object_set_new(o, "front", front_json(r));
    if (r->n_explored) {
        json_t *list = json_array();

        for (size_t i = 0; i < r->n_explored; i++)
            (void)json_array_append_new(list, string(r->explored[i]));
        (void)json_object_set_new(o, "explored", list);
    }
    (void)json_object_set_new(o, "source", string(r->source));
    (void)json_object_set_new(o, "note", string(r->note));
    (void)json_object_set_new(o, "scenario", string(r->scenario));
    (void)json_object_set_new(o, "replications", json_integer(r->reps));
    (void)json_object_set_new(o, "runs", json_integer((json_int_t)r->runs));
    (void)json_object_set_new(o, "failed_runs", json_integer((json_int_t)r->failed));
    return o;
}

void pcl_claims_json(FILE *out, const struct pcl_claim_result *r, size_t n)
{
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(all, claim_json(&r[i]));
    (void)json_dumpf(all, out, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    (void)fputc('\n', out);
    json_decref(all);
}

/* A column is 14 wide; its metric stands above its object. Labels have lines of their own. */
static void front_text(FILE *out, const struct pcl_claim_result *r)
{
    (void)fputs("  * nobody is lower in both the first and the last column\n    ", out);
    for (size_t k = 0; k < r->n_columns; k++)
        (void)fprintf(out, " %14.14s", r->column[k].name);
    (void)fputs("\n    ", out);
    for (size_t k = 0; k < r->n_columns; k++)
        (void)fprintf(out, " %14.14s", r->column[k].object);
    (void)fputc('\n', out);
    for (size_t i = 0; i < r->n_rows; i++) {
        pcl_wrap(out, r->row[i].best ? "  * " : "    ", 6, r->row[i].label);
        (void)fputs("    ", out);
        for (size_t k = 0; k < r->n_columns; k++)
            if (isfinite(r->row[i].value[k]))
                (void)fprintf(out, " %14.0f", r->row[i].value[k]);
            else
                (void)fprintf(out, " %14s", "-");
        (void)fputc('\n', out);
    }
}

static void claim_text(FILE *out, const struct pcl_claim_result *r)
{
    char head[200], line[160];

    (void)snprintf(head, sizeof(head), "%s  %s  (%s, %u replication%s)", r->id,
                   pcl_verdict_name(r->verdict), r->scenario, (unsigned)r->reps,
                   r->reps == 1 ? "" : "s");
    pcl_wrap(out, "", 4, head);
    pcl_wrap(out, "    ", 4, r->proposition);
    if (r->source[0])
        pcl_wrap(out, "    source: ", 6, r->source);
    for (size_t i = 0; i < r->n_figures; i++) {
        const struct pcl_claim_figure *f = &r->figure[i];

        (void)snprintf(line, sizeof(line), "  %-10s%s: ", pcl_verdict_name(f->verdict),
                       f->name);
        pcl_wrap(out, line, 12, f->text);
        pcl_wrap(out, "            ", 14, f->expr);
    }
    if (r->failed) {
        (void)snprintf(line, sizeof(line), "%zu of %zu runs failed and are left out", r->failed,
                       r->runs);
        pcl_wrap(out, "    ", 4, line);
    }
    if (r->n_columns)
        front_text(out, r);
    for (size_t i = 0; i < r->n_explored; i++)
        pcl_wrap(out, "    explored: ", 8, r->explored[i]);
    if (r->n_explored)
        pcl_wrap(out, "    ", 4,
                 "memory is sequentially consistent here; the diagrams: pclsim explore");
    if (r->note[0])
        pcl_wrap(out, "    note: ", 6, r->note);
}

void pcl_claims_text(FILE *out, const struct pcl_claim_result *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)fputc('\n', out);
        claim_text(out, &r[i]);
    }
}
