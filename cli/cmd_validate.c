/*
 * pclsim validate: one scenario carried out for real on this host and simulated on the machine
 * that calibrate made of it, side by side.
 */
#include "cli.h"
#include "json.h"

#include <pclsim/calibrate.h>
#include <pclsim/lockform.h>
#include <pclsim/plot.h>
#include <pclsim/real.h>
#include <pclsim/record.h>
#include <pclsim/study.h>
#include <pclsim/validation.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct values {
    const char *dir, *machine, *db, *scheme, *time, *space, *plot;
    struct cli_list set;
    int64_t reps;
    int form;
};

static const struct cli_option options[] = {
    {"dir", 0, CLI_TEXT, offsetof(struct values, dir), "DIR", "@file", 0, 0,
     "directory on the file system to measure (XFS, ext4 or tmpfs); required"},
    {"machine", 'm', CLI_TEXT, offsetof(struct values, machine), "NAME", "@machine", 0, 0,
     "machine to simulate, a name or a file; else ./host.ini, which is made by a short "
     "calibration "
     "if it is not there"},
    {"scheme", 's', CLI_TEXT, offsetof(struct values, scheme), "NAME", "@scheme", 0, 0,
     "scheme to simulate; else that of the running kernel"},
    {"set", 0, CLI_LIST, offsetof(struct values, set), "KEY=VALUE", NULL, 0, 0,
     "override a key of the scenario, on both sides"},
    {"reps", 0, CLI_INT, offsetof(struct values, reps), "N", NULL, 1, 1000,
     "runs of each side; else 5"},
    {"time", 0, CLI_TEXT, offsetof(struct values, time), "TIME", NULL, 0, 0,
     "real time that the runs may take together; else 2m"},
    {"space", 0, CLI_TEXT, offsetof(struct values, space), "SIZE", NULL, 0, 0,
     "bytes that the files may take in DIR; else 1G"},
    {"db", 0, CLI_TEXT, offsetof(struct values, db), "FILE", "@file", 0, 0,
     "store both sides there, the measurement as scheme measured"},
    {"plot", 0, CLI_TEXT, offsetof(struct values, plot), "FILE", "@file", 0, 0,
     "draw both sides: FILE.png, .svg, .pdf or .txt"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

struct work {
    const struct values *v;
    enum pcl_fs fs;
    const char *fs_name;
    char scheme[64], where[200], stamp[40];
    int64_t space;
    pcl_ns time;
    struct cli_list set; /* the user's and ours */
    struct pcl_store *store;
    struct pcl_dataset data;
    const volatile int *cancel;
    bool refused; /* the scenario is sound, but cannot be carried out here */
};

/* --- what is run
 * -------------------------------------------------------------------------------- */

/* The scheme that is the running kernel's: the page lock by release, VMA locks in faults
 * since 6.6 (of files; 6.4 had them for anonymous memory alone). */
static void scheme_of_kernel(const char *release, char *out, size_t n)
{
    static const struct {
        int major, minor;
        const char *scheme;
    } since[] = {
        {6, 7, "v6.7"}, {5, 9, "v5.9"}, {5, 0, "v5.8"}, {4, 14, "v4.14"}, {4, 10, "v4.10"}};
    int a = 0, b = 0;

    (void)sscanf(release, "%d.%d", &a, &b);
    for (size_t i = 0; i < CLI_N(since); i++)
        if (a > since[i].major || (a == since[i].major && b >= since[i].minor)) {
            bool vma = a > 6 || (a == 6 && b >= 6);

            (void)snprintf(out, n, "%s%s", since[i].scheme, vma ? ":path.vma-lock=yes" : "");
            return;
        }
    (void)snprintf(out, n, "v4.9");
}

static void note_host(struct work *w)
{
    struct utsname u;
    struct timespec t;
    struct tm tm;
    char day[16] = "";

    if (uname(&u) != 0)
        (void)snprintf(u.release, sizeof(u.release), "?");
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (gmtime_r(&t.tv_sec, &tm))
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    (void)snprintf(w->where, sizeof(w->where), "%s, Linux %.60s, %ld CPUs, on %s", w->fs_name,
                   u.release, sysconf(_SC_NPROCESSORS_ONLN), day);
    (void)snprintf(w->stamp, sizeof(w->stamp), "%lld.%09ld", (long long)t.tv_sec, t.tv_nsec);
    if (w->v->scheme)
        (void)snprintf(w->scheme, sizeof(w->scheme), "%s", w->v->scheme);
    else
        scheme_of_kernel(u.release, w->scheme, sizeof(w->scheme));
}

/* A short calibration of DIR, kept as ./host.ini: the machine when none is named. */
static int need_machine(struct work *w, struct pcl_err *err)
{
    struct pcl_calibrate_opts o = {.dir = {w->v->dir},
                                   .n_dirs = 1,
                                   .rounds = 3,
                                   .seconds = 60,
                                   .name = "host",
                                   .cancel = w->cancel};
    struct pcl_calibration c = {0};
    int rc = PCL_OK;

    if (w->v->machine || access("host.ini", R_OK) == 0)
        return PCL_OK;
    (void)fprintf(stderr, "pclsim: no --machine and no host.ini here: calibrating first\n");
    rc = pcl_calibrate(&o, &c, err);
    if (rc == PCL_OK)
        rc = pcl_calibration_write(&c, "host.ini", err);
    if (rc == PCL_OK)
        (void)fprintf(stderr, "pclsim: host.ini written\n");
    pcl_calibration_fini(&c);
    return rc;
}

/* On the simulated side each operation is followed by a reading of the clock, which is work. */
static void override_clock(const struct pcl_scenario *s, struct cli_list *out)
{
    double clock = pcl_real_clock_ns();

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct pcl_group *g = &s->groups[i];
        double ops = g->n_list ? (double)g->n_list : (double)g->ops_per_transaction;
        char word[160];

        if (g->think.kind != PCL_DIST_CONST || g->open || (g->think.a > 0 && !g->think_on_cpu))
            continue;
        (void)snprintf(word, sizeof(word), "group %s.think=%" PRId64 "ns", g->name,
                       g->think.a + (int64_t)(clock * ops * (g->refault ? 2 : 1)));
        cli_list_add(out, word);
    }
}

static int measure(struct work *w, const struct pcl_scenario *s,
                   const struct pcl_run_desc *like, struct pcl_err *err)
{
    pcl_ns each = s->warmup + s->duration;
    struct pcl_real_opts o = {.dir = w->v->dir,
                              .scenario = s,
                              .seed = s->seed,
                              .space = w->space,
                              .cancel = w->cancel};
    int rc = PCL_OK;

    if (each > w->time / w->v->reps)
        return pcl_fail(err, PCL_EINVAL,
                        "%" PRId64 " runs of %.1f s take longer than --time allows; want fewer "
                        "--reps, a shorter duration or more --time",
                        w->v->reps, (double)each / 1e9);
    for (uint32_t i = 0; i < w->v->reps && rc == PCL_OK; i++) {
        struct pcl_run_desc desc;
        struct pcl_result r;

        o.replication = i;
        pcl_result_init(&r);
        rc = pcl_real_run(&o, &r, err);
        pcl_validation_describe(like, w->where, w->stamp, i, &desc);
        if (rc == PCL_OK && w->store)
            rc = pcl_store_put(w->store, &desc, &r, err);
        if (rc == PCL_OK)
            pcl_dataset_add(&w->data, &desc, &r);
        pcl_result_fini(&r);
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "\rmeasured %u of %" PRId64 " runs ", i + 1, w->v->reps);
    }
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%40s\r", "");
    return rc;
}

/* --- output
 * --------------------------------------------------------------------------------------- */

static json_t *ci_json(const struct pcl_ci *ci)
{
    return json_pack("{sf sf si}", "mean", ci->mean, "half_width",
                     ci->kind == PCL_CI_INTERVAL ? ci->half : 0.0, "n", (int)ci->n);
}

static int print_json(const struct work *w, const struct pcl_validation *v)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < v->n_rows; i++) {
        const struct pcl_validation_row *r = &v->row[i];

        json_array_append_new(
            rows, json_pack("{ss ss ss so so sf sb}", "metric", r->name, "object", r->object,
                            "unit", r->unit, "measured", ci_json(&r->measured), "simulated",
                            ci_json(&r->simulated), "relative_error", r->error, "tie", r->tie));
    }
    return cli_json_print(json_pack(
        "{so so ss ss ss so sf sf}", "scenario", cli_json_text(v->desc->workload), "title",
        cli_json_text(v->desc->title), "measured_on", w->where, "machine", v->desc->machine,
        "scheme", v->desc->scheme, "rows", rows, "throughput_median_error", v->throughput_error,
        "latency_median_error", v->latency_error));
}

static int draw(const struct work *w, struct pcl_err *err)
{
    static const char *const y[] = {"throughput", "latency_p50"};
    struct pcl_plot_opts o = {.kind = PCL_PLOT_BARS, .out = w->v->plot, .y = y, .n_y = 2};

    return pcl_plot(&w->data, &o, err);
}

static int report(struct work *w, struct pcl_err *err)
{
    const struct pcl_config *measured = NULL, *simulated = NULL;
    struct pcl_validation v;
    int code = CLI_DONE, rc;

    for (size_t i = 0; i < w->data.n_configs; i++) {
        const struct pcl_config *c = w->data.config[i];

        if (strcmp(c->desc.scheme, PCL_MEASURED) == 0)
            measured = c;
        else
            simulated = c;
    }
    if (!measured || !simulated)
        return pcl_fail(err, PCL_EFAIL, "nothing was compared");
    rc = pcl_validation_make(measured, simulated, &v, err);
    if (rc == PCL_OK && w->v->form == CLI_JSON)
        code = print_json(w, &v);
    else if (rc == PCL_OK)
        pcl_validation_text(stdout, &v, w->where);
    if (rc == PCL_OK && w->v->plot)
        rc = draw(w, err);
    pcl_validation_fini(&v);
    return rc == PCL_OK && code != CLI_DONE ? PCL_EIO : rc;
}

/* --- lock events ------------------------------------------------------------------------- */

#define RECORDED INT64_C(100000000) /* ns: what a buffer holds of busy locks */

/* Once more, shortly, while the kernel's lock events are recorded; then as long in the model.
 * The events slow the run down: this is why the runs that were compared above had none. */
static void against_events(struct work *w, const struct pcl_scenario *s,
                           const struct pcl_study *study)
{
    struct pcl_scenario real_part = *s, part = *study->scenario;
    struct pcl_real_opts o = {.dir = w->v->dir,
                              .scenario = &real_part,
                              .seed = s->seed,
                              .replication = (uint32_t)w->v->reps,
                              .space = w->space,
                              .cancel = w->cancel};
    struct pcl_job job;
    struct pcl_record *record = NULL;
    struct pcl_trace *trace = NULL;
    struct pcl_result real, simulated;
    struct pcl_err err = {0};
    int rc = pcl_record_begin(&record, &err);

    real_part.warmup = part.warmup = 0;
    real_part.duration = part.duration = RECORDED < s->duration ? RECORDED : s->duration;
    pcl_result_init(&real);
    pcl_result_init(&simulated);
    if (rc == PCL_OK) {
        rc = pcl_real_run(&o, &real, &err);
        if (rc == PCL_OK)
            rc = pcl_record_end(record, &trace, &err);
        else
            pcl_record_drop(record);
    }
    if (rc == PCL_OK) {
        pcl_study_job(study, 0, &job);
        job.scenario = &part;
        rc = pcl_run(&job, &simulated, w->cancel, &err);
    }
    if (rc == PCL_OK && trace->n_locks > 0)
        pcl_lock_against_text(stdout, &simulated, 1, trace->locks, trace->n_locks);
    else
        printf("\nno lock waits to compare: %s\n",
               rc == PCL_OK ? "none was recorded" : err.msg);
    pcl_trace_free(trace);
    pcl_result_fini(&real);
    pcl_result_fini(&simulated);
}

/* --- the verb ---------------------------------------------------------------------------- */

static int both(struct work *w, const char *name, struct pcl_err *err)
{
    const char *scheme = w->scheme;
    struct pcl_study_spec spec = {.scenario = name,
                                  .schemes = &scheme,
                                  .n_schemes = 1,
                                  .machine = w->v->machine ? w->v->machine : "./host.ini",
                                  .reps = (uint32_t)w->v->reps,
                                  .no_grid = true};
    struct pcl_study_exec exec = {.store = w->store, .cancel = w->cancel, .out = &w->data};
    struct pcl_scenario *s = NULL;
    struct pcl_study *study = NULL;
    struct pcl_run_desc like;
    struct cli_list simulated = {0};
    int rc = pcl_scenario_load(name, cli_words(&w->set), w->set.n, &s, err);

    if (rc == PCL_OK) {
        rc = pcl_real_can(s, w->fs, err);
        w->refused = rc != PCL_OK;
    }
    if (rc == PCL_OK)
        rc = need_machine(w, err);
    if (rc != PCL_OK)
        goto out;
    for (size_t i = 0; i < w->set.n; i++)
        cli_list_add(&simulated, w->set.v[i]);
    override_clock(s, &simulated);
    spec.set = cli_words(&simulated);
    spec.n_set = simulated.n;
    rc = pcl_study_new(&spec, &study, err);
    if (rc == PCL_OK) {
        pcl_study_desc(study, 0, &like);
        rc = measure(w, s, &like, err);
        w->refused = rc == PCL_EINVAL;
    }
    if (rc == PCL_OK)
        rc = pcl_study_run(study, &exec, err);
    if (rc == PCL_OK)
        rc = report(w, err);
    if (rc == PCL_OK && w->v->form != CLI_JSON)
        against_events(w, s, study);
out:
    pcl_study_free(study);
    pcl_scenario_free(s);
    cli_list_fini(&simulated);
    return rc;
}

static int prepare(const struct cli_verb *verb, struct work *w, struct pcl_err *err)
{
    const struct values *v = w->v;
    const char *why;
    char word[64];

    if (!v->dir)
        return cli_usage(verb, "want --dir DIR, a directory on the file system to measure");
    if (pcl_parse_time(v->time, &w->time, &why) != PCL_OK)
        return cli_usage(verb, "--time: %s, found '%s'", why, v->time);
    if (pcl_parse_size(v->space, false, &w->space, &why) != PCL_OK)
        return cli_usage(verb, "--space: %s, found '%s'", why, v->space);
    if (pcl_host_fs(v->dir, &w->fs, &w->fs_name, err) != PCL_OK)
        return cli_report(err);
    if (w->fs == PCL_N_FS) {
        (void)pcl_fail(err, PCL_EFAIL,
                       "%s lies on %s, which is not modelled: nothing to compare", v->dir,
                       w->fs_name);
        return cli_report(err);
    }
    for (size_t i = 0; i < v->set.n; i++)
        cli_list_add(&w->set, v->set.v[i]);
    (void)snprintf(word, sizeof(word), "scenario.fs=%s", w->fs_name);
    cli_list_add(&w->set, word);
    note_host(w);
    return CLI_GO;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.time = "2m", .space = "1G", .reps = 5};
    struct cli_list words = {0};
    struct work w = {.v = &v};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &words), rc = PCL_OK;

    pcl_dataset_init(&w.data);
    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 1, 1, "scenario");
    if (code == CLI_GO)
        code = prepare(verb, &w, &err);
    if (code != CLI_GO)
        goto out;
    w.cancel = cli_catch_signals();
    if (v.db)
        rc = pcl_store_open(v.db, PCL_STORE_WRITE, &w.store, &err);
    if (rc == PCL_OK)
        rc = both(&w, words.v[0], &err);
    if (rc == PCL_OK)
        code = CLI_DONE;
    else
        code = cli_signal() ? 128 + cli_signal() : cli_report(&err);
    if (w.refused && !cli_signal()) /* nothing was compared */
        code = CLI_FAILED;
out:
    pcl_store_close(w.store);
    pcl_dataset_fini(&w.data);
    cli_list_fini(&w.set);
    cli_list_fini(&v.set);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_validate = {
    .name = "validate",
    .summary = "run a scenario for real on this host and simulate the same",
    .operands = "SCENARIO",
    .actions = "",
    .complete = "@workload",
    .about =
        "Carries a scenario out with real threads, system calls and page faults on files in "
        "DIR, "
        "some runs of it, and simulates the same on the machine of this host; prints "
        "throughput "
        "and latencies of both with their intervals and the relative error. The operations and "
        "offsets are those that the simulator draws. The files have no name and take no more "
        "than "
        "--space; nothing is left in DIR, however it ends. Reading the clock once an operation "
        "is "
        "part of the simulation too.\n\nScenarios made for this stand in validate/ (pclsim "
        "workloads). Operations that a program cannot ask for (migrate, reclaim, pagelock), "
        "and "
        "those that DIR's file system lacks, are refused with exit code 2: nothing was "
        "compared.",
    .examples =
        "pclsim validate validate/faults --dir .\n"
        "pclsim validate validate/readers-writer --dir /mnt/xfs --db v.db --plot v.png\n"
        "pclsim validate mine.ini --dir /dev/shm --set readers.tasks=8 --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
