/*
 * pclsim run: one scenario or trace under one or more schemes. The study behind it (jobs, keys,
 * replications) is analysis' business; this file turns its results into a summary.
 */
#include "cli.h"
#include "json.h"
#include "request.h"
#include "session.h"
#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct cli_request_values req;
    int form;
    bool dump, against;
    const char *histogram;
};

/* The forms of --format, in the order of its words; the first two are those of all verbs. */
enum form {
    RUN_TABLE = CLI_TABLE,
    RUN_JSON = CLI_JSON,
    RUN_LOCKSTAT,
    RUN_PERF,
    RUN_PERF_CSV,
    RUN_CSV,
    RUN_FIO,
    RUN_HGRM,
    RUN_N_FORMS
};

/* All metrics of a run, a line each. */
static void csv_rows(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f)
{
    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct pcl_metric *m = &r->metrics[i];
        (void)fprintf(out, "\"%s\",\"%s\",%u,%s,%s,%s,", f->title, r->scheme, r->replication,
                      m->name, m->object, m->unit);
        if (m->value == m->value) /* else not defined in this run: an empty field */
            (void)fprintf(out, "%.17g", m->value);
        (void)fputc('\n', out);
    }
}

static const pcl_lockform_print row_forms[RUN_N_FORMS] = {[RUN_LOCKSTAT] = pcl_lockstat_print,
                                                          [RUN_PERF] = pcl_perf_lock_print,
                                                          [RUN_PERF_CSV] = pcl_perf_lock_csv,
                                                          [RUN_CSV] = csv_rows};

#define MAX_WAITS 4 /* schemes whose waits are shown below the table */

static const struct cli_option options[] = {
    CLI_REQUEST_OPTIONS(struct values, req),
    {"db", 0, CLI_TEXT, offsetof(struct values, req.db), "FILE", "@file", 0, 0,
     "store the results here; runs that it has already are taken from it. Without it nothing "
     "is stored"},
    {"against-trace", 0, CLI_FLAG, offsetof(struct values, against), NULL, NULL, 0, 0,
     "of a trace with lock events: put what it measured beside what is simulated, with the "
     "relative error of each row"},
    {"dump", 0, CLI_FLAG, offsetof(struct values, dump), NULL, NULL, 0, 0,
     "print the effective scenario, schemes and machine, and run nothing"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM",
     "table|json|lockstat|perf|perf-csv|csv|fio-json|hgrm", 0, 0,
     "form of the result: table, json; each run's locks as /proc/lock_stat (lockstat) or "
     "perf lock contention (perf, perf-csv) shows them; all metrics of each run (csv); each "
     "run as a "
     "job of fio's JSON+ (fio-json); a histogram as HdrHistogram's percentile text (hgrm)"},
    {"histogram", 0, CLI_TEXT, offsetof(struct values, histogram), "NAME[:OBJECT]", NULL, 0, 0,
     "of --format hgrm: latency:OPERATION, wait:LOCK or hold:LOCK; else latency, of all "
     "operations"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

/* --- results
 * ------------------------------------------------------------------------------------ */

/* Violations that the scenario expects are no failure, and still worth a look. */
static void print_first_violation(const struct cli_session *s)
{
    char text[1200];

    if (!*s->first_violation)
        return;
    (void)snprintf(text, sizeof(text), "The oracle objected in %zu of %zu runs; the first: %s",
                   s->violated, s->study->n_jobs, s->first_violation);
    (void)putchar('\n');
    cli_wrap(stdout, text, 0, 0, 72);
    if (s->first_steps)
        printf("\n%s", s->first_steps);
}

static int print_json(const struct values *v, const struct cli_request *r,
                      struct cli_session *s)
{
    struct pcl_run_desc first;
    const struct pcl_config_desc *c = &first.config;
    json_t *o;

    pcl_study_desc(s->study, 0, &first);
    o = json_pack("{so so so so so so so so so}", "file", cli_json_text(r->input.path), "kind",
                  cli_json_text(c->kind), "workload", cli_json_text(c->workload), "machine",
                  cli_json_text(c->machine), "replay", cli_json_text(c->replay), "model",
                  cli_json_text(c->build), "seed", cli_json_u64(s->study->seed), "replications",
                  cli_json_u64(s->study->reps), "db",
                  v->req.db ? cli_json_text(v->req.db) : json_null());

    json_object_set_new(o, "runs", s->runs);
    s->runs = NULL;
    return cli_json_print(o);
}

static void want_forms(struct cli_session *s, const struct values *v)
{
    const char *name = v->histogram ? v->histogram : "latency", *colon = strchr(name, ':');
    size_t n = s->study->n_points * s->study->n_schemes;

    if (v->form == RUN_FIO)
        s->fio = pcl_fio_new();
    if (v->form != RUN_HGRM)
        return;
    (void)snprintf(s->hist_name, sizeof(s->hist_name), "%.*s",
                   (int)(colon ? colon - name : (ptrdiff_t)strlen(name)), name);
    (void)snprintf(s->hist_object, sizeof(s->hist_object), "%s", colon ? colon + 1 : "all");
    s->hists = pcl_xcalloc(n, sizeof(*s->hists));
    for (size_t i = 0; i < n; i++)
        pcl_hist_init(&s->hists[i]);
}

/* One table by scheme and point; viewers take a file with one of them. */
static int print_hists(const struct cli_session *s)
{
    uint64_t samples = 0;

    for (size_t i = 0; i < s->study->n_points * s->study->n_schemes; i++) {
        char title[512], text[720];
        struct pcl_job job;
        pcl_study_job(s->study, i * s->study->reps, &job);
        (void)snprintf(text, sizeof(text), "%s, scheme %s, %s of %s",
                       cli_session_title(s, i * s->study->reps, title, sizeof(title)),
                       job.scheme->name, s->hist_name, s->hist_object);
        if (i > 0)
            (void)putchar('\n');
        pcl_hgrm_print(stdout, &s->hists[i], text);
        samples += s->hists[i].count;
    }
    if (samples > 0)
        return CLI_DONE;
    fprintf(stderr,
            "pclsim: note: no run has a sample of %s of %s (want latency, latency:OPERATION, "
            "wait:LOCK or hold:LOCK)\n",
            s->hist_name, s->hist_object);
    return CLI_DONE;
}

static int simulate(const struct values *v, const struct cli_request *r,
                    const struct pcl_study *study)
{
    struct cli_session s = {.study = study,
                            .exec = {.workers = cli_request_workers(&v->req)},
                            .want_json = v->form == RUN_JSON,
                            .print_locks = row_forms[v->form],
                            .joined = v->form == RUN_CSV};
    size_t n_sums =
        study->n_points == 1 && study->n_schemes <= MAX_WAITS ? study->n_schemes : 0;
    bool watched = isatty(STDOUT_FILENO); /* a file gets the whole answer or none of it */
    struct pcl_dataset d;
    struct pcl_err err = {0};
    int code = CLI_DONE, judged;
    char *locks = NULL;
    size_t n_locks;

    pcl_dataset_init(&d);
    s.exec.out = &d;
    if (v->req.db &&
        pcl_store_open(v->req.db, PCL_STORE_WRITE, &s.exec.store, &err) != PCL_OK) {
        code = cli_report(&err);
        goto out;
    }
    if (s.print_locks) {
        s.locks = open_memstream(&locks, &n_locks);
        PCL_ASSERT(s.locks);
    }
    if (v->form == RUN_CSV)
        (void)fputs("workload,scheme,replication,metric,object,unit,value\n", s.locks);
    want_forms(&s, v);
    if (v->form == RUN_TABLE && n_sums)
        s.sums = pcl_xcalloc(n_sums, sizeof(*s.sums));
    if (v->form == RUN_TABLE && watched)
        cli_summary_head(stdout, study, r->input.trace);
    switch (cli_session_run(&s, &err)) {
    case PCL_OK:
        break;
    case PCL_EINTR:
        code = cli_code(PCL_EINTR);
        goto out;
    default:
        code = cli_report(&err);
        goto out;
    }
    if (v->form == RUN_TABLE && !watched)
        cli_summary_head(stdout, study, r->input.trace);
    if (v->form == RUN_JSON)
        (void)print_json(v, r, &s);
    else if (s.fio)
        (void)pcl_fio_print(stdout, s.fio); /* main sees write errors */
    else if (s.hists)
        code = print_hists(&s);
    else if (s.locks && fflush(s.locks) == 0)
        (void)fwrite(locks, 1, n_locks, stdout);
    else
        code = cli_summary_results(stdout, study, &d, s.sums, v->req.db);
    for (size_t i = 0; v->against && s.sums && i < n_sums; i++)
        pcl_lock_against_text(stdout, &s.sums[i], study->reps, r->input.trace->locks,
                              r->input.trace->n_locks);
    if (v->form == RUN_TABLE && study->scenario && study->scenario->expect_violations)
        print_first_violation(&s);
    judged = cli_session_judge(&s);
    if (judged != CLI_DONE)
        code = judged;
out:
    json_decref(s.runs);
    for (size_t i = 0; s.sums && i < n_sums; i++)
        pcl_result_fini(&s.sums[i]);
    free(s.sums);
    pcl_fio_free(s.fio);
    for (size_t i = 0; s.hists && i < study->n_points * study->n_schemes; i++)
        pcl_hist_fini(&s.hists[i]);
    free(s.hists);
    free(s.first_steps);
    if (s.locks)
        (void)fclose(s.locks);
    free(locks);
    pcl_dataset_fini(&d);
    pcl_store_close(s.exec.store);
    return code;
}

/* The options that make sense for one kind of input only. */
static int check_kind(const struct cli_verb *verb, const struct values *v,
                      const struct cli_request *r)
{
    if (!v->against)
        return CLI_GO;
    if (!r->input.trace)
        return cli_usage(verb, "--against-trace is for traces, '%s' is a scenario",
                         r->input.path);
    if (v->form != RUN_TABLE)
        return cli_usage(verb, "--against-trace: want the form table");
    if (r->input.trace->n_locks == 0)
        return cli_usage(verb, "--against-trace: '%s' has no lock events", r->input.path);
    return CLI_GO;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.req = CLI_REQUEST_NONE};
    struct cli_list files = {0};
    struct cli_request r = {0};
    struct pcl_study *study = NULL;
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code =
            cli_want_operands(verb, &files, 1, 1,
                              "a FILE: a scenario, a trace, or a name from 'pclsim workloads'");
    if (code == CLI_GO)
        code = cli_request_read(verb, files.v[0], &v.req, &r);
    if (code == CLI_GO)
        code = check_kind(verb, &v, &r);
    if (code != CLI_GO)
        goto out;
    r.spec.no_grid = true;
    if (pcl_study_new(&r.spec, &study, &err) != PCL_OK)
        code = cli_report(&err);
    else if (v.dump)
        code = cli_summary_dump(stdout, study);
    else
        code = simulate(&v, &r, study);
out:
    pcl_study_free(study);
    cli_request_fini(&r);
    cli_request_values_fini(&v.req);
    cli_list_fini(&files);
    return code;
}

const struct cli_verb cli_verb_run = {
    .name = "run",
    .summary = "one scenario or trace under one or more schemes",
    .operands = "FILE",
    .actions = "",
    .complete = "@workload",
    .about =
        "Simulates FILE under each scheme and prints a summary. FILE is a scenario, a recorded "
        "trace (strace text, also gzipped; - is standard input), or the name of a shipped one "
        "(see pclsim workloads). What it is shows in its content, not in its name.\n\nAll "
        "schemes of one replication see the same arrivals, think times and offsets, and equal "
        "inputs give equal results, whatever the number of jobs.\n\nA [grid] of the scenario "
        "is "
        "left out, and what varies in it has its first value: pclsim sweep runs it "
        "all.\n\nWhen the oracle finds a "
        "violation in a scenario that does not say that it expects some, or a law of the "
        "simulation is broken, the exit code is 4.",
    .examples = "pclsim run hot-page --scheme v5.8,v5.9-rc1,v5.9 --db hot.db\n"
                "pclsim run app.strace --scheme v5.8,v5.9 --clone 1,32 --reps 10\n"
                "pclsim run hot-page --set tasks=200 --machine laptop --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
