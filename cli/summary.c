/*
 * Above the tables stands what they depend on: input, machine, seed, replications. Whoever
 * pastes a table into a mail then pastes the question with the answer.
 */
#include "summary.h"

#include "cli.h"

#include <pclsim/compare.h>
#include <pclsim/lockform.h>
#include <pclsim/sweeps.h>

#include <string.h>

#define WIDTH 72
#define INDENT 10
#define WAIT_ROWS 5 /* of who made whom wait */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void head_line(FILE *out, const char *what, const char *text)
{
    fprintf(out, "%-*s", INDENT, what);
    cli_wrap(out, text, INDENT, INDENT, WIDTH);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void trace_head(FILE *out, const struct pcl_trace *t)
{
    char line[640], span[32];
    uint64_t skipped = t->lines_read - t->lines_used;
    int n;

    n = snprintf(line, sizeof(line), "%.200s: %zu thread%s, %zu file%s, %s, %zu operation%s",
                 base_name(t->path), t->n_threads, plural(t->n_threads), t->n_inodes,
                 plural(t->n_inodes), pcl_format_ns(t->span_ns, span, sizeof(span)), t->n_ops,
                 plural(t->n_ops));
    if (t->synthesised && n > 0)
        n += snprintf(line + n, sizeof(line) - (size_t)n, ", %llu of them synthesised faults",
                      (unsigned long long)t->synthesised);
    if (skipped && n > 0)
        (void)snprintf(line + n, sizeof(line) - (size_t)n,
                       " (%llu of %llu lines skipped: see pclsim trace info)",
                       (unsigned long long)skipped, (unsigned long long)t->lines_read);
    head_line(out, "trace", line);
}

void cli_summary_head(FILE *out, const struct pcl_study *s, const struct pcl_trace *trace)
{
    struct pcl_run_desc first;
    const struct pcl_config_desc *c = &first.config;
    char line[640];
    int64_t cpus = pcl_profile_cpus(s->machine);

    pcl_study_desc(s, 0, &first);
    if (trace) {
        trace_head(out, trace);
        head_line(out, "replay", c->replay);
    } else {
        (void)snprintf(line, sizeof(line), "%s: %s", c->workload, c->title);
        head_line(out, "scenario", line);
    }
    if (cpus)
        (void)snprintf(line, sizeof(line), "%s (%lld CPUs)", c->machine, (long long)cpus);
    else
        (void)snprintf(line, sizeof(line), "%s (a CPU for each task)", c->machine);
    head_line(out, "machine", line);
    (void)snprintf(line, sizeof(line), "seed %llu, %u replication%s of each scheme",
                   (unsigned long long)s->seed, s->reps, plural(s->reps));
    head_line(out, "runs", line);
    fputc('\n', out);
    (void)fflush(out); /* before a long wait */
}

int cli_summary_results(FILE *out, const struct pcl_study *s, const struct pcl_dataset *d,
                        const struct pcl_result *sums, const char *db)
{
    struct pcl_compare_opts o = {.baseline = s->schemes[0].name, .brief = true};
    struct pcl_comparison *c = NULL;
    struct pcl_err err = {0};

    if (pcl_compare(d, &o, &c, &err) != PCL_OK)
        return cli_report(&err);
    pcl_compare_text(out, c, d, &o);
    pcl_sweeps_text(out, d);
    pcl_comparison_free(c);
    for (size_t i = 0; sums && i < s->n_schemes; i++)
        pcl_lock_waits_text(out, &sums[i], WAIT_ROWS);
    if (db)
        fprintf(out, "stored in %s; a figure: pclsim plot %s -o FILE.png\n", db, db);
    return CLI_DONE;
}

/* --- --dump
 * ------------------------------------------------------------------------------------- */

static void dump_point(FILE *out, const struct pcl_study *s, size_t point)
{
    size_t at = point * s->n_schemes * s->reps;
    struct pcl_run_desc run;
    const struct pcl_config_desc *c = &run.config;
    struct pcl_job job;

    pcl_study_desc(s, at, &run);
    pcl_study_job(s, at, &job);
    if (s->n_points > 1) {
        fputs("# point", out);
        for (size_t i = 0; i < c->n_params; i++)
            fprintf(out, " %s=%s", c->params[i].name, c->params[i].value);
        fputc('\n', out);
    }
    if (job.scenario)
        fprintf(out, "# scenario %s\n%s\n", c->workload, job.scenario->text);
    else
        fprintf(out, "# trace %s\n# sha256 %s\n# replay %s\n\n", c->workload, c->trace_sha256,
                c->replay);
    fprintf(out, "# machine %s\n%s\n", c->machine, c->machine_text);
}

int cli_summary_dump(FILE *out, const struct pcl_study *s)
{
    for (size_t i = 0; i < s->n_points; i++)
        dump_point(out, s, i);
    for (size_t i = 0; i < s->n_schemes; i++) {
        struct pcl_run_desc d;

        pcl_study_desc(s, i * s->reps, &d);
        fprintf(out, "# scheme %s\n%s\n", s->schemes[i].name, d.config.scheme_text);
    }
    return CLI_DONE;
}
