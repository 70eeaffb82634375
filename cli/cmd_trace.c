/*
 * pclsim trace: what a recording holds and what it measured; converted, cut, multiplied, merged.
 */
#include "cli.h"
#include "input.h"

#include <pclsim/lockform.h>
#include <pclsim/trace_canon.h>
#include <pclsim/trace_info.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct values {
    int form, to, files;
    const char *output, *from, *until, *shift, *speed;
    int64_t sample, threads;
    struct cli_list tids, names;
    bool separate, synthesise;
};

enum to { TO_TEXT, TO_BINARY };
enum files { FILES_SHARED, FILES_OWN };

static const struct cli_option options[] = {
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM",
     "table|json|lockstat|perf|perf-csv", 0, 0,
     "of info and locks: table or json; of locks also as /proc/lock_stat (lockstat) or perf lock "
     "contention (perf, perf-csv) shows them"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
    {"output", 'o', CLI_TEXT, offsetof(struct values, output), "FILE", "@file", 0, 0,
     "write the trace here; else to standard output"},
    {"to", 0, CLI_CHOICE, offsetof(struct values, to), "FORM", "text|binary", 0, 0,
     "form of the trace that is written; else text"},
    {"from", 0, CLI_TEXT, offsetof(struct values, from), "TIME", NULL, 0, 0,
     "of slice: operations that start at TIME or later"},
    {"until", 0, CLI_TEXT, offsetof(struct values, until), "TIME", NULL, 0, 0,
     "of slice: operations that start before TIME"},
    {"tid", 0, CLI_COMMAS, offsetof(struct values, tids), "N,...", NULL, 0, 0,
     "of slice: only these threads"},
    {"file", 0, CLI_LIST, offsetof(struct values, names), "PART", NULL, 0, 0,
     "of slice: only files whose path contains PART; may be given several times"},
    {"sample", 0, CLI_INT, offsetof(struct values, sample), "N", NULL, 1, UINT32_MAX,
     "of slice: one file of N, chosen by its path, with all its operations"},
    {"threads", 0, CLI_INT, offsetof(struct values, threads), "K", NULL, 1, 1000000,
     "of scale: K clones of every thread"},
    {"files", 0, CLI_CHOICE, offsetof(struct values, files), "WHICH", "shared|own", 0, 0,
     "of scale: clones work on the same files (shared), or each on copies of its own"},
    {"shift", 0, CLI_TEXT, offsetof(struct values, shift), "SIZE", NULL, 0, 0,
     "of scale: clone k works k times SIZE further on in its files"},
    {"speed", 0, CLI_TEXT, offsetof(struct values, speed), "F", NULL, 0, 0,
     "of scale: divide times by F"},
    {"synthesise-faults", 0, CLI_FLAG, offsetof(struct values, synthesise), NULL, NULL, 0, 0,
     "of strace: add the page faults that it cannot see, by a model (each mapping is touched once when it "
     "is made); they are counted and marked"},
    {"separate", 0, CLI_FLAG, offsetof(struct values, separate), NULL, NULL, 0, 0,
     "of merge: files of the same path are different files"},
};

/* Further forms of locks, those of run. */
static const pcl_lockform_print lock_forms[] = {
    NULL, NULL, pcl_lockstat_print, pcl_perf_lock_print, pcl_perf_lock_csv};

static int info(const struct pcl_trace *t, const struct values *v)
{
    if (v->form > CLI_JSON) {
        (void)fprintf(stderr, "pclsim: trace info: want the form table or json\n");
        return CLI_USAGE;
    }
    if (v->form == CLI_JSON)
        (void)pcl_trace_info_json(stdout, t); /* main sees write errors */
    else
        pcl_trace_info_text(stdout, t);
    return CLI_DONE;
}

/* What was measured, as the result of a run is kept. */
static void print_rows(const struct pcl_trace *t, pcl_lockform_print print)
{
    const struct pcl_lockform form = {.title = "measured by the recording"};
    struct pcl_result r;

    pcl_result_init(&r);
    (void)snprintf(r.scheme, sizeof(r.scheme), "as recorded");
    for (size_t i = 0; i < t->n_locks; i++) {
        const struct pcl_trace_lock *m = &t->locks[i];
        struct pcl_lock_row *l = pcl_result_add_lock(&r, m->name, m->mode);
        l->acquisitions = m->acquisitions;
        l->contentions = m->contentions;
        l->trylock_failures = m->trylock_failures;
        l->wait_min = m->wait_min;
        l->wait_max = m->wait_max;
        l->wait_total = m->wait_total;
        l->hold_min = m->hold_min;
        l->hold_max = m->hold_max;
        l->hold_total = m->hold_total;
    }
    print(stdout, &r, &form);
    pcl_result_fini(&r);
}

static int locks(const struct pcl_trace *t, const struct values *v)
{
    if (lock_forms[v->form])
        print_rows(t, lock_forms[v->form]);
    else if (v->form == CLI_JSON)
        (void)pcl_trace_locks_json(stdout, t);
    else
        pcl_trace_locks_text(stdout, t);
    return CLI_DONE;
}

/* --- what writes a trace ------------------------------------------------------------------ */

/* Streams in, a sink out; at the most MAX_INPUTS files are merged at a time. */
#define MAX_INPUTS 256

struct job {
    const struct cli_verb *verb;
    const struct values *v;
    struct pcl_trace_stream *in[MAX_INPUTS];
    size_t n_in;
    struct pcl_trace_sink *out;
};

static int convert(struct job *j, struct pcl_err *err)
{
    const struct pcl_slice all = {.until = PCL_NS_MAX};

    return pcl_trace_slice(j->in[0], &all, j->out, err);
}

static int bad_value(struct pcl_err *err, const char *option, const char *why, const char *text)
{
    return pcl_fail(err, PCL_EINVAL, "--%s: %s, found '%s'", option, why, text);
}

static int slice(struct job *j, struct pcl_err *err)
{
    const struct values *v = j->v;
    struct pcl_slice how = {.until = PCL_NS_MAX,
                            .n_tids = v->tids.n,
                            .files = cli_words(&v->names),
                            .n_files = v->names.n,
                            .sample = v->sample > 1 ? (uint32_t)v->sample : 0};
    int64_t *tids = pcl_xcalloc(v->tids.n + 1, sizeof(*tids));
    const char *why;
    int rc = PCL_OK;

    how.tids = tids;
    if (v->from && pcl_parse_time(v->from, &how.from, &why) != PCL_OK)
        rc = bad_value(err, "from", why, v->from);
    if (v->until && pcl_parse_time(v->until, &how.until, &why) != PCL_OK)
        rc = bad_value(err, "until", why, v->until);
    for (size_t i = 0; i < v->tids.n; i++) {
        if (pcl_parse_int(v->tids.v[i], 0, INT64_MAX, &tids[i], &why) != PCL_OK)
            rc = bad_value(err, "tid", why, v->tids.v[i]);
    }
    if (rc == PCL_OK)
        rc = pcl_trace_slice(j->in[0], &how, j->out, err);
    free(tids);
    return rc;
}

static int scale(struct job *j, struct pcl_err *err)
{
    const struct values *v = j->v;
    struct pcl_scale how = {.clones = v->threads > 0 ? (uint32_t)v->threads : 1,
                            .own_files = v->files == FILES_OWN,
                            .speed = 1.0};
    const char *why;

    if (v->shift && pcl_parse_size(v->shift, false, &how.shift, &why) != PCL_OK)
        return bad_value(err, "shift", why, v->shift);
    if (v->speed && (pcl_parse_real(v->speed, &how.speed, &why) != PCL_OK || how.speed <= 0.0))
        return bad_value(err, "speed", "want a factor above 0", v->speed);
    return pcl_trace_scale(j->in[0], &how, j->out, err);
}

static int merge(struct job *j, struct pcl_err *err)
{
    return pcl_trace_merge(j->in, j->n_in, j->v->separate, j->out, err);
}

static int open_inputs(struct job *j, const struct cli_list *words, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (size_t i = 1; i < words->n && rc == PCL_OK; i++) {
        struct pcl_trace_input *in;
        char *path = NULL;
        rc = cli_find_input(words->v[i], &path, err);
        if (rc == PCL_OK)
            rc = pcl_trace_input_open(path, &in, err);
        if (rc == PCL_OK && j->v->synthesise)
            pcl_trace_input_synthesise(in);
        if (rc == PCL_OK)
            rc = pcl_trace_stream_from(in, &j->in[j->n_in], err);
        if (rc == PCL_EIO)
            rc = err->code = PCL_EINVAL; /* a folder, no permission */
        j->n_in += rc == PCL_OK;
        free(path);
    }
    return rc;
}

static int write_trace(struct job *j, const struct cli_list *words,
                       int (*fn)(struct job *j, struct pcl_err *err))
{
    struct pcl_err err = {0};
    FILE *f = stdout;
    int rc = open_inputs(j, words, &err);

    if (rc == PCL_OK && j->v->output && strcmp(j->v->output, "-") != 0) {
        f = fopen(j->v->output, "wb");
        if (!f)
            rc = pcl_fail(&err, PCL_EIO, "cannot write '%s': %s", j->v->output,
                          strerror(errno));
    }
    if (rc == PCL_OK) {
        j->out = pcl_trace_sink_new(f, j->v->to == TO_BINARY);
        rc = fn(j, &err);
        if (pcl_trace_sink_end(j->out, rc == PCL_OK) != PCL_OK && rc == PCL_OK && f != stdout)
            rc = pcl_fail(&err, PCL_EIO, "cannot write '%s'", j->v->output);
    }
    if (f && f != stdout && fclose(f) != 0 && rc == PCL_OK)
        rc = pcl_fail(&err, PCL_EIO, "cannot write '%s'", j->v->output);
    for (size_t i = 0; i < j->n_in; i++)
        pcl_trace_stream_close(j->in[i]);
    return rc == PCL_OK ? CLI_DONE : cli_report(&err);
}

/* --- the actions -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*show)(const struct pcl_trace *t, const struct values *v);
    int (*write)(struct job *j, struct pcl_err *err);
    size_t most; /* files */
} actions[] = {{"info", info, NULL, 1},    {"locks", locks, NULL, 1},
               {"convert", NULL, convert, 1}, {"slice", NULL, slice, 1},
               {"scale", NULL, scale, 1},  {"merge", NULL, merge, MAX_INPUTS}};

#define ACTIONS "info, locks, convert, slice, scale or merge, and a FILE"

static int show(const char *file, int (*fn)(const struct pcl_trace *t, const struct values *v),
                const struct values *v)
{
    struct cli_input in;
    struct pcl_err err = {0};
    int code;

    if (cli_trace_load(file, v->synthesise, &in, &err) != PCL_OK)
        return cli_report(&err);
    code = fn(in.trace, v);
    cli_input_fini(&in);
    return code;
}

static int act(const struct cli_verb *verb, const struct cli_list *words, const struct values *v)
{
    struct job *j;
    int code;

    for (size_t i = 0; i < CLI_N(actions); i++) {
        if (strcmp(words->v[0], actions[i].name) != 0)
            continue;
        code = cli_want_operands(verb, words, 2, 1 + actions[i].most, "an action and a FILE");
        if (code != CLI_GO)
            return code;
        if (actions[i].show)
            return show(words->v[1], actions[i].show, v);
        j = pcl_xcalloc(1, sizeof(*j));
        j->verb = verb;
        j->v = v;
        code = write_trace(j, words, actions[i].write);
        free(j);
        return code;
    }
    return cli_usage(verb, "want " ACTIONS ", found '%s'", words->v[0]);
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.form = CLI_TABLE, .sample = 1, .threads = 1};
    struct cli_list words = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 2, 1 + MAX_INPUTS, ACTIONS);
    if (code == CLI_GO)
        code = act(verb, &words, &v);
    cli_list_fini(&words);
    cli_list_fini(&v.tids);
    cli_list_fini(&v.names);
    return code;
}

const struct cli_verb cli_verb_trace = {
    .name = "trace",
    .summary = "what a recording holds and measured; convert, slice, scale and merge recordings",
    .operands = "ACTION FILE...",
    .actions = "info locks convert slice scale merge",
    .complete = "@workload",
    .about =
        "'info FILE' prints what a recorded trace holds: lines read, used, and skipped for "
        "which reason, threads, files, operations, and an estimate of how much the recording tool "
        "slowed the program down. The numbers of lines add up: read is used plus all that was "
        "skipped.\n\n'locks FILE' prints the waits and holds that the lock events of a recording "
        "(ftrace, trace-cmd or perf script text with lock:contention_* and xfs:xfs_ilock*) "
        "measured, by lock class and mode.\n\n'convert' writes a recording in pclsim's own form, "
        "'slice' a part of it (by time, thread, file), 'scale' more threads than there were, "
        "'merge' several recordings as one, their threads side by side. Any format can be read; "
        "pclsim's own is read and written without holding it in memory.\n\nFILE is a path (- is "
        "standard input, gzip and zstd are unpacked) or a shipped name. "
        "The format is recognised by content. An operation that is not modelled is a counted "
        "skip, never an error.",
    .examples = "strace -f -ttt -T -y -o app.strace ./app\n"
                "pclsim trace info app.strace\n"
                "pclsim trace info fio-falloc.strace.gz --json\n"
                "pclsim trace locks fault-punch.trace-cmd.txt.gz\n"
                "pclsim trace convert app.ftrace --to binary -o app.trace\n"
                "pclsim trace slice app.trace --from 2s --until 5s --file /var/db -o part.trace\n"
                "pclsim trace scale app.trace --threads 16 --shift 1M -o many.trace\n"
                "pclsim trace merge job1.iolog job2.iolog -o jobs.trace\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
