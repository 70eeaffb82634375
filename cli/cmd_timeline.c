/*
 * pclsim timeline: one run of a scenario or trace, instant by instant, for Perfetto.
 */
#include "cli.h"
#include "input.h"

#include <pclsim/study.h>
#include <pclsim/timeline.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct values {
    struct cli_list schemes, set;
    const char *schemes_file, *machine, *output, *from, *to, *max_bytes;
    int64_t seed, replication, clone;
};

#define NOT_GIVEN (-1)
#define MAX_BYTES "64M"

static const struct cli_option options[] = {
    {"output", 'o', CLI_TEXT, offsetof(struct values, output), "FILE", "@file", 0, 0,
     "write the timeline here; else to standard output"},
    {"from", 0, CLI_TEXT, offsetof(struct values, from), "TIME", NULL, 0, 0,
     "show what happens from this simulated time on; else from the start, warm-up included"},
    {"to", 0, CLI_TEXT, offsetof(struct values, to), "TIME", NULL, 0, 0,
     "show what happens up to this time, where the run stops; else to its end"},
    {"max-bytes", 0, CLI_TEXT, offsetof(struct values, max_bytes), "SIZE", NULL, 0, 0,
     "stop where the file would become larger; else " MAX_BYTES},
    {"scheme", 's', CLI_COMMAS, offsetof(struct values, schemes), "A,B,...", "@scheme", 0, 0,
     "locking schemes, each with tracks of its own; else the scenario's own, for a trace v5.9"},
    {"schemes", 0, CLI_TEXT, offsetof(struct values, schemes_file), "FILE", "@file", 0, 0,
     "add the schemes of this file"},
    {"machine", 'm', CLI_TEXT, offsetof(struct values, machine), "NAME|FILE", "@machine", 0, 0,
     "machine profile; else the scenario's, for a trace server-2s"},
    {"set", 0, CLI_LIST, offsetof(struct values, set), "[SECTION.]KEY=VALUE", NULL, 0, 0,
     "change a setting of the scenario, or machine.KEY of the machine; may be given several "
     "times"},
    {"clone", 0, CLI_INT, offsetof(struct values, clone), "K", NULL, 1, 1000000,
     "of a trace: replay K copies of its threads on the same files"},
    {"seed", 0, CLI_INT, offsetof(struct values, seed), "N", NULL, 0, INT64_MAX,
     "seed of all random streams; else the scenario's, for a trace 1"},
    {"replication", 0, CLI_INT, offsetof(struct values, replication), "N", NULL, 0, 1000000,
     "which replication to show, from 0; else the first"},
};

struct request {
    struct cli_input input;
    struct pcl_schemes known;
    struct pcl_study_spec spec;
    struct pcl_timeline_opts opts;
    uint32_t clone;
};

static int read_time(const struct cli_verb *verb, const char *option, const char *text,
                     pcl_ns *out)
{
    const char *why;

    if (text && pcl_parse_time(text, out, &why) != PCL_OK)
        return cli_usage(verb, "--%s: %s, found '%s'", option, why, text);
    return CLI_GO;
}

static int read_window(const struct cli_verb *verb, const struct values *v,
                       struct pcl_timeline_opts *out)
{
    const char *why, *max = v->max_bytes ? v->max_bytes : MAX_BYTES;
    int64_t bytes;
    int code;

    *out = (struct pcl_timeline_opts){.to = PCL_NS_MAX};
    code = read_time(verb, "from", v->from, &out->from);
    if (code == CLI_GO)
        code = read_time(verb, "to", v->to, &out->to);
    if (code == CLI_GO && out->from >= out->to)
        code =
            cli_usage(verb, "--to: want a time after --from, found '%s'", v->to ? v->to : "");
    if (code == CLI_GO && pcl_parse_size(max, false, &bytes, &why) != PCL_OK)
        code = cli_usage(verb, "--max-bytes: %s, found '%s'", why, max);
    else if (code == CLI_GO && bytes < 65536)
        code = cli_usage(verb, "--max-bytes: want 64k or more, found '%s'", max);
    else if (code == CLI_GO)
        out->max_bytes = (uint64_t)bytes;
    return code;
}

static int read_request(const struct cli_verb *verb, const char *file, struct values *v,
                        struct request *r)
{
    struct pcl_err err = {0};
    int code = read_window(verb, v, &r->opts);

    if (code != CLI_GO)
        return code;
    if (cli_input_load(file, &r->input, &err) != PCL_OK)
        return cli_report(&err);
    if (!r->input.trace && v->clone != NOT_GIVEN)
        return cli_usage(verb, "--clone is for traces, '%s' is a scenario", r->input.path);
    if (r->input.trace) {
        r->clone = v->clone > 0 ? (uint32_t)v->clone : 1;
        r->spec.trace = r->input.trace;
        r->spec.replay = (struct pcl_replay_opts){.mode = PCL_REPLAY_THINK,
                                                  .factor = 1.0,
                                                  .clone = r->clone,
                                                  .fs = PCL_FS_XFS,
                                                  .max_think = 1000000000};
        if (v->schemes.n == 0)
            cli_list_add(&v->schemes, "v5.9");
    } else {
        r->spec.scenario = r->input.path;
        r->spec.scenario_text = r->input.text;
    }
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
    r->spec.reps = 1;
    r->spec.has_seed = v->seed >= 0;
    r->spec.seed = v->seed >= 0 ? (uint64_t)v->seed : 0;
    r->spec.no_grid = true;
    return CLI_GO;
}

/* All jobs of the study into one file. */
static int watch(const struct pcl_study *study, const struct values *v, const struct request *r,
                 FILE *f, struct pcl_timeline_info *info, struct pcl_err *err)
{
    struct pcl_timeline *t = pcl_timeline_new(f, &r->opts);
    int rc = PCL_OK;

    for (size_t i = 0; i < study->n_jobs && rc == PCL_OK; i++) {
        struct pcl_run_desc desc;
        struct pcl_job job;
        struct pcl_result result;
        char title[512];
        pcl_study_job(study, i, &job);
        pcl_study_desc(study, i, &desc);
        job.replication = v->replication > 0 ? (uint32_t)v->replication : job.replication;
        (void)snprintf(title, sizeof(title), "%s, scheme %s, seed %llu, replication %u",
                       desc.config.workload, job.scheme->name,
                       (unsigned long long)job.seed, job.replication);
        pcl_result_init(&result);
        rc = pcl_timeline_run(t, &job, title, &result, cli_catch_signals(), err);
        pcl_result_fini(&result);
    }
    if (pcl_timeline_end(t, info) != PCL_OK && rc == PCL_OK)
        rc = pcl_fail(err, PCL_EIO, "cannot write '%s'",
                      v->output ? v->output : "standard output");
    return rc;
}

static void tell(const struct values *v, const struct pcl_timeline_info *info)
{
    char from[32], to[32], bytes[32];

    fprintf(stderr, "%s: %llu events, %s; simulated %s to %s\n", v->output,
            (unsigned long long)info->events,
            pcl_format_size((int64_t)info->bytes, bytes, sizeof(bytes)),
            pcl_format_ns(info->from, from, sizeof(from)),
            pcl_format_ns(info->to, to, sizeof(to)));
}

static int write_timeline(const struct pcl_study *study, const struct values *v,
                          const struct request *r)
{
    bool to_file = v->output && strcmp(v->output, "-") != 0;
    FILE *f = to_file ? fopen(v->output, "wb") : stdout;
    struct pcl_timeline_info info;
    struct pcl_err err = {0};
    int rc;

    if (!f) {
        (void)pcl_fail(&err, PCL_EIO, "cannot write '%s': %s", v->output, strerror(errno));
        return cli_report(&err);
    }
    rc = watch(study, v, r, f, &info, &err);
    if (to_file && fclose(f) != 0 && rc == PCL_OK)
        rc = pcl_fail(&err, PCL_EIO, "cannot write '%s': %s", v->output, strerror(errno));
    if (rc != PCL_OK)
        return cli_report(&err);
    if (to_file && info.to >= info.from)
        tell(v, &info);
    if (info.full)
        fprintf(stderr,
                "pclsim: note: the timeline is full before its end: a shorter window (--from, "
                "--to) or a larger --max-bytes shows more\n");
    else if (info.to < info.from)
        fprintf(stderr, "pclsim: note: the run ends before --from: the timeline is empty\n");
    return CLI_DONE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.seed = NOT_GIVEN, .replication = NOT_GIVEN, .clone = NOT_GIVEN};
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
    if (code == CLI_GO)
        code = pcl_study_new(&r.spec, &study, &err) == PCL_OK ? write_timeline(study, &v, &r)
                                                              : cli_report(&err);
    pcl_study_free(study);
    cli_input_fini(&r.input);
    pcl_schemes_fini(&r.known);
    cli_list_fini(&files);
    cli_list_fini(&v.schemes);
    cli_list_fini(&v.set);
    return code;
}

const struct cli_verb cli_verb_timeline = {
    .name = "timeline",
    .summary = "waits and holds of one run as Chrome trace JSON, for Perfetto",
    .operands = "FILE",
    .actions = "",
    .complete = "@workload",
    .about =
        "Simulates FILE once under each scheme and writes what happened, instant by instant, "
        "as Chrome "
        "trace-event JSON: the operations of each task, what it waited for, which locks were "
        "held how "
        "long, which task each CPU ran, and arrows from who woke to who was woken. Open it at "
        "ui.perfetto.dev or in chrome://tracing; nothing is sent anywhere.\n\nTime is "
        "simulated time "
        "since the start of the run, warm-up included. The run is the one that 'pclsim run' "
        "makes with "
        "the same seed: watching changes nothing. Equal runs give equal bytes. What is under "
        "way where "
        "the window begins or ends is cut there.",
    .examples =
        "pclsim timeline hot-page -o hot.json --to 2ms\n"
        "pclsim timeline hot-page --scheme v5.8,v5.9 --from 10ms --to 11ms -o two.json\n"
        "pclsim timeline app.strace --clone 8 --max-bytes 200M -o app.json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
