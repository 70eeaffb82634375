/*
 * Verdicts for programs and for people. The figures stand beside every verdict: a claim is
 * worth what its numbers are.
 */
#include <jansson.h>
#include <string.h>

#include <pclsim/display.h>

#include "claims_internal.h"

static json_t *string(const char *s)
{
    json_t *j = json_string(s);

    return j ? j : json_null();
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
