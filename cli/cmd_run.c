/*
 * pclsim run: one scenario or trace under one or more schemes. The study behind it (jobs, keys,
 * replications) is analysis' business; this file turns options into its specification and its
 * results into a summary.
 */
#include "cli.h"
#include "input.h"
#include "json.h"
#include "session.h"
#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct cli_list schemes, clones, set;
    const char *schemes_file, *machine, *replay, *max_think, *db;
    int fs, form;
    int64_t seed, reps, jobs;
    bool grid, check, dump, no_run_ahead, against;
};

/* The forms of --format, in the order of its words; the first two are those of all verbs. */
enum form { RUN_TABLE = CLI_TABLE, RUN_JSON = CLI_JSON, RUN_LOCKSTAT, RUN_PERF, RUN_PERF_CSV };

static const pcl_lockform_print lock_forms[] = {[RUN_LOCKSTAT] = pcl_lockstat_print,
                                                [RUN_PERF] = pcl_perf_lock_print,
                                                [RUN_PERF_CSV] = pcl_perf_lock_csv};

#define FS_WORDS "xfs|ext4|tmpfs|page-only|ext4-half-shared|ext4-exclusive-dio"
#define NOT_GIVEN (-1)
#define MAX_WAITS 4 /* schemes whose waits are shown below the table */
#define DEFAULT_MAX_THINK INT64_C(1000000000) /* 1 s: longer gaps are people, not programs */

static const struct cli_option options[] = {
    {"scheme", 's', CLI_COMMAS, offsetof(struct values, schemes), "A,B,...", "@scheme", 0, 0,
     "locking schemes, each optionally with overrides: v5.9:page=handoff; else the scenario's "
     "own, for a trace v5.8, v5.9-rc1 and v5.9"},
    {"schemes", 0, CLI_TEXT, offsetof(struct values, schemes_file), "FILE", "@file", 0, 0,
     "add the schemes of this file"},
    {"machine", 'm', CLI_TEXT, offsetof(struct values, machine), "NAME|FILE", "@machine", 0, 0,
     "machine profile; else the scenario's, for a trace server-2s"},
    {"fs", 0, CLI_CHOICE, offsetof(struct values, fs), "FS", FS_WORDS, 0, 0,
     "which locks an operation takes: xfs, ext4, tmpfs, page-only, or one of two older ext4; else the scenario's, for "
     "a "
     "trace xfs"},
    {"replay", 0, CLI_TEXT, offsetof(struct values, replay), "MODE", "think|open|asap", 0, 0,
     "of a trace: think (recorded think time between calls), open (recorded start times), asap "
     "(order only) or scaled:F (think time divided by F); else think"},
    {"max-think", 0, CLI_TEXT, offsetof(struct values, max_think), "TIME", NULL, 0, 0,
     "of a trace: cut longer think times to this; else 1s"},
    {"clone", 0, CLI_COMMAS, offsetof(struct values, clones), "K", NULL, 0, 0,
     "of a trace: replay K copies of its threads on the same files; a comma list runs one "
     "after "
     "the other"},
    {"against-trace", 0, CLI_FLAG, offsetof(struct values, against), NULL, NULL, 0, 0,
     "of a trace with lock events: put what it measured beside what is simulated, with the "
     "relative error of each row"},
    {"set", 0, CLI_LIST, offsetof(struct values, set), "[SECTION.]KEY=VALUE", NULL, 0, 0,
     "change a setting of the scenario, or machine.KEY of the machine; may be given several "
     "times"},
    {"grid", 0, CLI_FLAG, offsetof(struct values, grid), NULL, NULL, 0, 0,
     "run every point of the scenario's [grid]; else the scenario as it stands"},
    {"seed", 0, CLI_INT, offsetof(struct values, seed), "N", NULL, 0, INT64_MAX,
     "seed of all random streams; else the scenario's, for a trace 1"},
    {"reps", 0, CLI_INT, offsetof(struct values, reps), "N", NULL, 1, 1000000,
     "exactly N replications of each scheme; else the scenario's, for a trace 10"},
    {"jobs", 'j', CLI_INT, offsetof(struct values, jobs), "N", NULL, 1, 4096,
     "simulate so many runs at a time; else one per CPU. Results do not depend on it"},
    {"db", 0, CLI_TEXT, offsetof(struct values, db), "FILE", "@file", 0, 0,
     "store the results here; runs that it has already are taken from it. Without it nothing "
     "is "
     "stored"},
    {"check", 0, CLI_FLAG, offsetof(struct values, check), NULL, NULL, 0, 0,
     "check the laws of the simulation while it runs"},
    {"no-run-ahead", 0, CLI_FLAG, offsetof(struct values, no_run_ahead), NULL, NULL, 0, 0,
     "pass every event through the queue: slower, the same results"},
    {"dump", 0, CLI_FLAG, offsetof(struct values, dump), NULL, NULL, 0, 0,
     "print the effective scenario, schemes and machine, and run nothing"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM",
     "table|json|lockstat|perf|perf-csv", 0, 0,
     "form of the result: table, json, or each run's locks as /proc/lock_stat (lockstat) or "
     "perf lock contention (perf, perf-csv) shows them"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

/* --- options into a specification
 * ------------------------------------------------------------- */

/* Everything that must live as long as the study. */
struct request {
    struct cli_input input;
    struct pcl_schemes known;
    uint32_t *clones;
    char fs_set[32];
    struct pcl_study_spec spec;
};

static int read_replay(const struct cli_verb *verb, const struct values *v,
                       struct pcl_replay_opts *out)
{
    const char *why;

    *out = (struct pcl_replay_opts){.mode = PCL_REPLAY_THINK,
                                    .factor = 1.0,
                                    .clone = 1,
                                    .max_think = DEFAULT_MAX_THINK,
                                    .fs = v->fs >= 0 ? (enum pcl_fs)v->fs : PCL_FS_XFS};
    if (v->max_think && pcl_parse_time(v->max_think, &out->max_think, &why) != PCL_OK)
        return cli_usage(verb, "--max-think: %s, found '%s'", why, v->max_think);
    if (!v->replay || strcmp(v->replay, "think") == 0)
        return CLI_GO;
    if (strcmp(v->replay, "open") == 0) {
        out->mode = PCL_REPLAY_OPEN;
    } else if (strcmp(v->replay, "asap") == 0) {
        out->mode = PCL_REPLAY_ASAP;
    } else if (strncmp(v->replay, "scaled:", 7) == 0) {
        out->mode = PCL_REPLAY_SCALED;
        if (pcl_parse_real(v->replay + 7, &out->factor, &why) != PCL_OK || out->factor <= 0.0)
            return cli_usage(verb, "--replay: want a factor above 0 after scaled:, found '%s'",
                             v->replay + 7);
    } else {
        return cli_usage(verb, "--replay: want think, open, asap or scaled:F, found '%s'",
                         v->replay);
    }
    return CLI_GO;
}

static int read_clones(const struct cli_verb *verb, const struct values *v, struct request *r)
{
    const char *why;
    int64_t k;

    r->clones = pcl_xcalloc(v->clones.n + 1, sizeof(*r->clones));
    for (size_t i = 0; i < v->clones.n; i++) {
        if (pcl_parse_int(v->clones.v[i], 1, 1000000, &k, &why) != PCL_OK)
            return cli_usage(verb, "--clone: want a whole number from 1 to 1000000, found '%s'",
                             v->clones.v[i]);
        r->clones[i] = (uint32_t)k;
    }
    r->spec.clones = r->clones;
    r->spec.n_clones = v->clones.n;
    return CLI_GO;
}

/* The options that make sense for one kind of input only. */
static int read_kind(const struct cli_verb *verb, struct values *v, struct request *r)
{
    int code;

    if (r->input.trace) {
        if (v->grid)
            return cli_usage(verb, "--grid is for scenarios, '%s' is a trace", r->input.path);
        if (v->against && v->form != RUN_TABLE)
            return cli_usage(verb, "--against-trace: want the form table");
        if (v->against && r->input.trace->n_locks == 0)
            return cli_usage(verb, "--against-trace: '%s' has no lock events", r->input.path);
        r->spec.trace = r->input.trace;
        code = read_replay(verb, v, &r->spec.replay);
        return code == CLI_GO ? read_clones(verb, v, r) : code;
    }
    if (v->clones.n || v->replay || v->max_think || v->against)
        return cli_usage(verb, "--%s is for traces, '%s' is a scenario",
                         v->clones.n ? "clone"
                         : v->against ? "against-trace"
                         : v->replay ? "replay"
                                     : "max-think",
                         r->input.path);
    r->spec.scenario = r->input.path;
    r->spec.scenario_text = r->input.text;
    if (v->fs >= 0) {
        (void)snprintf(r->fs_set, sizeof(r->fs_set), "scenario.fs=%s",
                       pcl_fs_name((enum pcl_fs)v->fs));
        cli_list_add(&v->set, r->fs_set);
    }
    return CLI_GO;
}

static int read_request(const struct cli_verb *verb, const char *file, struct values *v,
                        struct request *r)
{
    struct pcl_err err = {0};
    int code;

    if (cli_input_load(file, &r->input, &err) != PCL_OK)
        return cli_report(&err);
    code = read_kind(verb, v, r);
    if (code != CLI_GO)
        return code;
    if (v->schemes_file) {
        if (pcl_schemes_default(&r->known, &err) != PCL_OK ||
            pcl_schemes_load(v->schemes_file, &r->known, &err) != PCL_OK)
            return cli_report(&err);
        r->spec.known = &r->known;
    }
    r->spec.schemes = cli_words(&v->schemes);
    r->spec.n_schemes = v->schemes.n;
    r->spec.machine = v->machine;
    r->spec.set = cli_words(&v->set);
    r->spec.n_set = v->set.n;
    r->spec.reps = v->reps >= 0 ? (uint32_t)v->reps : 0;
    r->spec.has_seed = v->seed >= 0;
    r->spec.seed = v->seed >= 0 ? (uint64_t)v->seed : 0;
    r->spec.no_grid = !v->grid;
    r->spec.check = v->check;
    r->spec.no_runahead = v->no_run_ahead;
    return CLI_GO;
}

static void end_request(struct request *r)
{
    cli_input_fini(&r->input);
    pcl_schemes_fini(&r->known);
    free(r->clones);
}

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

/* What the results mean for the exit code, said on standard error. */
static int judge(const struct cli_session *s)
{
    const struct pcl_scenario *scenario = s->study->scenario;
    bool expected = scenario && scenario->expect_violations;

    if (s->failed)
        fprintf(stderr, "pclsim: %zu of %zu runs failed; the first: %s\n", s->failed,
                s->study->n_jobs, s->first_failure);
    if (s->violated && !expected)
        fprintf(stderr, "pclsim: the oracle objected in %zu of %zu runs; the first: %s\n%s%s",
                s->violated, s->study->n_jobs, s->first_violation, s->first_steps ? "\n" : "",
                s->first_steps ? s->first_steps : "");
    if (s->law_broken || (s->violated && !expected))
        return CLI_BROKEN;
    return s->failed ? CLI_FAILED : CLI_DONE;
}

static int print_json(const struct values *v, const struct request *r, struct cli_session *s)
{
    const struct pcl_config_desc *c = &s->study->descs[0].config;
    json_t *o = json_pack(
        "{so so so so so so so so so}", "file", cli_json_text(r->input.path), "kind",
        cli_json_text(c->kind), "workload", cli_json_text(c->workload), "machine",
        cli_json_text(c->machine), "replay", cli_json_text(c->replay), "model",
        cli_json_text(c->build), "seed", cli_json_u64(s->study->seed), "replications",
        cli_json_u64(s->study->reps), "db", v->db ? cli_json_text(v->db) : json_null());

    json_object_set_new(o, "runs", s->runs);
    s->runs = NULL;
    return cli_json_print(o);
}

static int simulate(const struct values *v, const struct request *r,
                    const struct pcl_study *study)
{
    struct cli_session s = {.study = study,
                            .workers = v->jobs > 0 ? (unsigned)v->jobs : 0,
                            .want_json = v->form == RUN_JSON,
                            .print_locks = lock_forms[v->form]};
    size_t n_sums = study->n_points == 1 && study->n_schemes <= MAX_WAITS ? study->n_schemes : 0;
    bool watched = isatty(STDOUT_FILENO); /* a file gets the whole answer or none of it */
    struct pcl_dataset d;
    struct pcl_err err = {0};
    int code = CLI_DONE, judged;
    char *locks = NULL;
    size_t n_locks;

    pcl_dataset_init(&d);
    if (v->db && pcl_store_open(v->db, PCL_STORE_WRITE, &s.store, &err) != PCL_OK) {
        code = cli_report(&err);
        goto out;
    }
    if (s.print_locks) {
        s.locks = open_memstream(&locks, &n_locks);
        PCL_ASSERT(s.locks);
    }
    if (v->form == RUN_TABLE && n_sums)
        s.sums = pcl_xcalloc(n_sums, sizeof(*s.sums));
    if (v->form == RUN_TABLE && watched)
        cli_summary_head(stdout, study, r->input.trace);
    switch (cli_session_run(&s, &d, &err)) {
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
    else if (s.locks && fflush(s.locks) == 0)
        (void)fwrite(locks, 1, n_locks, stdout);
    else
        code = cli_summary_results(stdout, study, &d, s.sums, v->db);
    for (size_t i = 0; v->against && s.sums && i < n_sums; i++)
        pcl_lock_against_text(stdout, &s.sums[i], study->reps, r->input.trace->locks,
                              r->input.trace->n_locks);
    if (v->form == RUN_TABLE && study->scenario && study->scenario->expect_violations)
        print_first_violation(&s);
    judged = judge(&s);
    if (judged != CLI_DONE)
        code = judged;
out:
    json_decref(s.runs);
    for (size_t i = 0; s.sums && i < n_sums; i++)
        pcl_result_fini(&s.sums[i]);
    free(s.sums);
    free(s.first_steps);
    if (s.locks)
        (void)fclose(s.locks);
    free(locks);
    pcl_dataset_fini(&d);
    pcl_store_close(s.store);
    return code;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {
        .fs = NOT_GIVEN, .seed = NOT_GIVEN, .reps = NOT_GIVEN, .jobs = NOT_GIVEN};
    struct cli_list files = {0};
    struct request r = {0};
    struct pcl_study *study = NULL;
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code =
            cli_want_operands(verb, &files, 1, 1,
                              "a FILE: a scenario, a trace, or a name from 'pclsim workloads'");
    if (code == CLI_GO)
        code = read_request(verb, files.v[0], &v, &r);
    if (code != CLI_GO)
        goto out;
    if (pcl_study_new(&r.spec, &study, &err) != PCL_OK)
        code = cli_report(&err);
    else if (v.dump)
        code = cli_summary_dump(stdout, study);
    else
        code = simulate(&v, &r, study);
out:
    pcl_study_free(study);
    end_request(&r);
    cli_list_fini(&files);
    cli_list_fini(&v.schemes);
    cli_list_fini(&v.clones);
    cli_list_fini(&v.set);
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
        "inputs give equal results, whatever the number of jobs.\n\nWhen the oracle finds a "
        "violation in a scenario that does not say that it expects some, or a law of the "
        "simulation is broken, the exit code is 4.",
    .examples = "pclsim run hot-page --scheme v5.8,v5.9-rc1,v5.9 --db hot.db\n"
                "pclsim run app.strace --scheme v5.8,v5.9 --clone 1,32 --reps 10\n"
                "pclsim run hot-page --set tasks=200 --machine laptop --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
