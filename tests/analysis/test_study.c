/* A study: what a grid expands to, and that finished runs are taken from the store. The plan
 * below stands in for the simulation: it makes up results that follow from the job alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pclsim/study.h>

static struct pcl_err err;

static double value_of(const struct pcl_job *job)
{
    uint32_t tasks = job->scenario ? job->scenario->groups[0].tasks : 2 * job->replay.clone;

    return 1000.0 * tasks + job->replication;
}

static size_t n_run;   /* jobs that the plan was given */
static size_t stop_at; /* the plan is cancelled before this job; 0 never */
static size_t fail_at; /* this job breaks a law; counts from 1 */
static int fail_code = PCL_ELAW;

int pcl_run_plan(const struct pcl_plan *p, struct pcl_err *e)
{
    int rc = PCL_OK;

    for (size_t i = 0; i < p->n && rc == PCL_OK; i++) {
        struct pcl_result r;
        struct pcl_job job;

        if (stop_at && i + 1 == stop_at) {
            rc = p->rest ? p->rest(p->arg) : PCL_OK;
            return rc == PCL_OK ? pcl_fail(e, PCL_EINTR, "interrupted") : rc;
        }
        p->job(i, &job, p->arg);
        n_run++;
        pcl_result_init(&r);
        r.seed = job.seed;
        r.replication = job.replication;
        r.fingerprint = job.replication + 1;
        r.failed = fail_at && i + 1 == fail_at;
        r.code = r.failed ? fail_code : PCL_OK;
        (void)snprintf(r.error, sizeof(r.error), "%s", r.failed ? "made up" : "");
        (void)pcl_result_add(&r, "throughput", "all", "op/s", PCL_BETTER_HIGHER, value_of(&job));
        rc = p->sink(i, &r, p->arg);
        pcl_result_fini(&r);
    }
    return rc == PCL_OK && p->rest ? p->rest(p->arg) : rc;
}

static const char scenario[] = "[scenario]\n"
                               "title = a test\n"
                               "machine = server-2s\n"
                               "duration = 10ms\n"
                               "reps = 3\n"
                               "seed = 7\n"
                               "schemes = v5.8, mine\n"
                               "[file f]\n"
                               "size = 4k\n"
                               "cached = all\n"
                               "[group users]\n"
                               "tasks = 4\n"
                               "mix = pagelock:1\n"
                               "think = exp:5us\n"
                               "hold = 1us\n"
                               "[scheme mine]\n"
                               "page = handoff\n"
                               "[grid]\n"
                               "tasks = 1, 8, 64\n"
                               "machine.wake_call = low, high\n";

static struct pcl_study *make(const struct pcl_study_spec *spec)
{
    struct pcl_study *s = NULL;

    if (pcl_study_new(spec, &s, &err) != PCL_OK)
        fail_msg("%s %s", err.file, err.msg);
    return s;
}

static struct pcl_study_spec basic(void)
{
    return (struct pcl_study_spec){.scenario = "test.ini", .scenario_text = scenario};
}

static struct pcl_job job_of(const struct pcl_study *s, size_t i)
{
    struct pcl_job j;

    pcl_study_job(s, i, &j);
    return j;
}

static struct pcl_run_desc desc_of(const struct pcl_study *s, size_t i)
{
    struct pcl_run_desc d;

    pcl_study_desc(s, i, &d);
    return d;
}

static int run_study(const struct pcl_study *s, struct pcl_store *store,
                     const struct pcl_study_hooks *hooks, struct pcl_dataset *out)
{
    return pcl_study_run(
        s, &(struct pcl_study_exec){.workers = 1, .store = store, .hooks = hooks, .out = out},
        &err);
}

static const char *param(const struct pcl_run_desc *d, const char *name)
{
    for (size_t i = 0; i < d->config.n_params; i++)
        if (strcmp(d->config.params[i].name, name) == 0)
            return d->config.params[i].value;
    return NULL;
}

static const char *param_of(const struct pcl_study *s, size_t i, const char *name)
{
    struct pcl_run_desc d = desc_of(s, i);

    return param(&d, name);
}

static void a_grid_times_schemes_times_replications(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study *s = make(&spec);

    (void)state;
    assert_int_equal(s->n_points, 6);
    assert_int_equal(s->n_schemes, 2);
    assert_int_equal(s->reps, 3);
    assert_int_equal(s->n_jobs, 36);
    assert_true(s->seed == 7);
    for (size_t i = 0; i < s->n_jobs; i++) {
        static const uint32_t tasks[] = {1, 8, 64};
        struct pcl_job job = job_of(s, i), *j = &job;
        struct pcl_run_desc desc = desc_of(s, i), *d = &desc;

        assert_int_equal(j->scenario->groups[0].tasks, tasks[i / 12]);
        assert_int_equal(atoi(param(d, "tasks")), tasks[i / 12]);
        assert_string_equal(param(d, "machine.wake_call"), i / 6 % 2 ? "high" : "low");
        assert_true((j->machine->wake_call < job_of(s, 6).machine->wake_call) ==
                    (i / 6 % 2 == 0));
        assert_string_equal(j->scheme->name, i / 3 % 2 ? "mine" : "v5.8");
        assert_string_equal(d->config.scheme, j->scheme->name);
        assert_int_equal(j->replication, i % 3);
        assert_true(j->seed == 7 && d->seed == 7); /* common random numbers */
        assert_string_equal(d->config.workload, "test");
        assert_string_equal(d->config.kind, "scenario");
        assert_string_equal(d->config.title, "a test");
        assert_string_equal(d->config.varies, "think times, wake-up latencies, page addresses (hash "
                                              "buckets), order of simultaneous events");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(desc_of(s, k).key, d->key);
    }
    pcl_study_free(s);
}

static void an_axis_may_be_a_parameter_of_an_own_scheme(void **state)
{
    static const char *const set[] = {"tasks=8"};
    struct pcl_study_spec spec = basic();
    char text[1000], *grid;
    struct pcl_study *s;

    (void)state;
    (void)snprintf(text, sizeof(text), "%s", scenario);
    grid = strstr(text, "machine.wake_call");
    assert_non_null(grid);
    (void)snprintf(grid, sizeof(text) - (size_t)(grid - text), "mine.page.break = 16, 64\n");
    spec.scenario_text = text;
    spec.set = set;
    spec.n_set = 1;
    spec.reps = 1;
    s = make(&spec);
    assert_int_equal(s->n_jobs, 4);
    assert_string_equal(desc_of(s, 0).config.scheme_text, desc_of(s, 2).config.scheme_text);
    assert_string_equal(job_of(s, 1).scheme->name, "mine");
    assert_string_equal(job_of(s, 3).scheme->name, "mine");
    assert_string_not_equal(desc_of(s, 1).config.scheme_text, desc_of(s, 3).config.scheme_text);
    assert_non_null(strstr(desc_of(s, 1).config.scheme_text, "16"));
    assert_non_null(strstr(desc_of(s, 3).config.scheme_text, "64"));
    pcl_study_free(s);
}

static void a_set_pins_its_axis(void **state)
{
    static const char *const set[] = {"users.tasks=16", "machine.hz=1000", "duration=20ms"};
    struct pcl_study_spec spec = basic();
    struct pcl_study *s;

    (void)state;
    spec.set = set;
    spec.n_set = 3;
    spec.reps = 2;
    spec.has_seed = true;
    spec.seed = 9;
    s = make(&spec);
    assert_int_equal(s->n_points, 2); /* the machine's axis is left */
    assert_int_equal(s->n_jobs, 8);
    assert_int_equal(job_of(s, 0).scenario->groups[0].tasks, 16);
    assert_true(job_of(s, 0).scenario->duration == 20000000);
    assert_true(job_of(s, 0).machine->hz == 1000 && job_of(s, 7).machine->hz == 1000);
    assert_true(s->seed == 9 && s->reps == 2);
    assert_string_equal(param_of(s, 0, "users.tasks"), "16");
    assert_string_equal(param_of(s, 0, "machine.hz"), "1000");
    pcl_study_free(s);
    spec.no_grid = true;
    spec.n_set = 0;
    s = make(&spec);
    assert_int_equal(s->n_points, 1);
    assert_int_equal(desc_of(s, 0).config.n_params, 0);
    assert_int_equal(job_of(s, 0).scenario->groups[0].tasks, 4);
    pcl_study_free(s);
}

static void refuses(const struct pcl_study_spec *spec, const char *what)
{
    struct pcl_study *s = NULL;

    assert_int_not_equal(pcl_study_new(spec, &s, &err), PCL_OK);
    if (!strstr(err.msg, what) && !strstr(err.hint, what))
        fail_msg("want \"%s\" in \"%s\" (%s)", what, err.msg, err.hint);
}

static void wrong_requests_are_refused(void **state)
{
    static const char *const twice[] = {"v5.8", "v5.8"}, *const unknown[] = {"v5.88"};
    static const char *const no_value[] = {"tasks"}, *const no_key[] = {"machine.nosuch=3"};
    static const char *const bad[] = {"tasks=x"}, *const machine[] = {"machine.hz="};
    struct pcl_study_spec spec = basic();

    (void)state;
    spec.schemes = twice;
    spec.n_schemes = 2;
    refuses(&spec, "named twice");
    spec.schemes = unknown;
    spec.n_schemes = 1;
    refuses(&spec, "v5.88");
    spec = basic();
    spec.n_set = 1;
    spec.set = no_value;
    refuses(&spec, "KEY=VALUE");
    spec.set = no_key;
    refuses(&spec, "nosuch");
    spec.set = bad;
    refuses(&spec, "x");
    spec.set = machine;
    refuses(&spec, "hz");
    spec = basic();
    spec.machine = "no-such-machine";
    refuses(&spec, "no-such-machine");
    spec = basic();
    spec.reps = UINT32_MAX;
    refuses(&spec, "more than");
    spec = (struct pcl_study_spec){.scenario = "no-such-scenario"};
    refuses(&spec, "no-such-scenario");
}

static struct pcl_trace trace = {.format = "strace",
                                 .path = (char[]){"/some/where/app.strace"},
                                 .sha256 = "00112233",
                                 .n_threads = 2,
                                 .n_inodes = 3,
                                 .n_ops = 1,
                                 .span_ns = 1900000000};

static void a_trace_has_a_point_per_number_of_clones(void **state)
{
    static const uint32_t clones[] = {1, 32};
    static const char *const set[] = {"tasks=4"}, *const machine[] = {"machine.hz=100"};
    struct pcl_study_spec spec = {.trace = &trace,
                                  .replay = {.mode = PCL_REPLAY_THINK,
                                             .clone = 1,
                                             .max_think = 1000000000,
                                             .fs = PCL_FS_XFS},
                                  .clones = clones,
                                  .n_clones = 2};
    struct pcl_study *s = make(&spec);

    (void)state;
    assert_int_equal(s->n_points, 2);
    assert_int_equal(s->n_schemes, 3);
    assert_int_equal(s->n_jobs, 2 * 3 * 10);
    assert_true(s->seed == 1);
    assert_string_equal(s->machine->name, "server-2s");
    assert_string_equal(desc_of(s, 0).config.label, "as recorded: 2 threads");
    assert_string_equal(desc_of(s, 30).config.label, "cloned to 64 threads");
    assert_int_equal(job_of(s, 30).replay.clone, 32);
    assert_string_equal(param_of(s, 30, "clone"), "32");
    assert_string_equal(desc_of(s, 0).config.workload, "app.strace");
    assert_string_equal(desc_of(s, 0).config.title,
                        "strace recording: 2 threads, 3 files, 1 operation in 1.90 s");
    assert_string_equal(desc_of(s, 0).config.replay,
                        "think, at most 1.00 s of think time, fs xfs");
    assert_null(s->scenario);
    pcl_study_free(s);

    spec.n_clones = 0;
    spec.replay.mode = PCL_REPLAY_SCALED;
    spec.replay.factor = 2;
    spec.replay.fs = PCL_FS_EXT4;
    spec.set = machine;
    spec.n_set = 1;
    s = make(&spec);
    assert_string_equal(desc_of(s, 0).config.label, "as recorded: 2 threads, scaled:2, ext4");
    assert_string_equal(param_of(s, 0, "replay"), "scaled:2");
    assert_string_equal(param_of(s, 0, "fs"), "ext4");
    assert_true(s->machine->hz == 100);
    pcl_study_free(s);
    spec.set = set;
    refuses(&spec, "a trace has no settings of its own");
}

/* --- running
 * ---------------------------------------------------------------------------------- */

struct seen {
    size_t n, reused, next;
    size_t progress_calls, last_done;
};

static int on_result(size_t job, const struct pcl_result *r, bool reused, void *arg)
{
    struct seen *s = arg;

    assert_int_equal(job, s->next); /* plan order */
    assert_non_null(r);
    s->next++;
    s->n++;
    s->reused += reused;
    return 0;
}

static void on_progress(const struct pcl_study_progress *p, void *arg)
{
    struct seen *s = arg;

    s->progress_calls++;
    assert_int_equal(p->done, s->last_done + 1);
    s->last_done = p->done;
    assert_int_equal(p->total, 36);
}

static void finished_runs_are_taken_from_the_store(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study *s = make(&spec);
    char path[] = "/tmp/pclsim-study-XXXXXX";
    struct seen seen = {0};
    struct pcl_study_hooks hooks = {.progress = on_progress, .result = on_result, .arg = &seen};
    struct pcl_dataset d, all;
    struct pcl_store *store;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(pcl_store_open(path, PCL_STORE_WRITE, &store, &err), PCL_OK);

    /* interrupted after 20 of 36 */
    n_run = 0;
    stop_at = 21;
    pcl_dataset_init(&d);
    assert_int_equal(run_study(s, store, &hooks, &d), PCL_EINTR);
    assert_int_equal(seen.n, 20);
    assert_int_equal(pcl_store_runs(store), 20);
    pcl_dataset_fini(&d);

    /* the rest, in which a run fails */
    stop_at = 0;
    fail_at = 3;
    seen = (struct seen){0};
    pcl_dataset_init(&d);
    assert_int_equal(run_study(s, store, &hooks, &d), PCL_OK);
    fail_at = 0;
    assert_int_equal(n_run, 36);
    assert_true(seen.n == 36 && seen.reused == 20 && seen.progress_calls == 36);
    assert_int_equal(d.n_configs, 12);
    assert_int_equal(pcl_dataset_count(&d).runs, 36);
    assert_int_equal(pcl_dataset_count(&d).failed, 1);
    assert_true(pcl_config_series(d.config[4], "throughput", "all")->value[2] == 8002);

    /* again: nothing runs, and the store holds the same */
    seen = (struct seen){0};
    pcl_dataset_init(&all);
    assert_int_equal(run_study(s, store, &hooks, &all), PCL_OK);
    assert_int_equal(n_run, 36);
    assert_int_equal(seen.reused, 36);
    assert_int_equal(pcl_dataset_count(&all).failed, 1);
    pcl_dataset_fini(&all);
    pcl_store_close(store);
    pcl_dataset_init(&all);
    assert_int_equal(pcl_store_read(path, &all, &err), PCL_OK);
    assert_int_equal(all.n_configs, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_string_equal(all.config[i]->desc.scheme, d.config[i]->desc.scheme);
        assert_true(pcl_same_point(all.config[i], d.config[i]));
    }
    pcl_dataset_fini(&all);
    pcl_dataset_fini(&d);
    pcl_study_free(s);
    assert_int_equal(unlink(path), 0);
}

static int stop(size_t job, const struct pcl_result *r, bool reused, void *arg)
{
    (void)r;
    (void)reused;
    (void)arg;
    return job == 4 ? PCL_EFAIL : 0;
}

static void a_study_needs_no_store_and_can_be_stopped(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study *s = make(&spec);
    struct pcl_study_hooks hooks = {.result = stop};

    (void)state;
    n_run = 0;
    assert_int_equal(run_study(s, NULL, NULL, NULL), PCL_OK);
    assert_int_equal(n_run, 36);
    n_run = 0;
    assert_int_equal(run_study(s, NULL, &hooks, NULL), PCL_EFAIL);
    assert_int_equal(n_run, 5);
    pcl_study_free(s);
}

/* --- sweeps ---------------------------------------------------------------------------------- */

struct tally {
    size_t n, reused, failed;
    char seen[64];
};

static void on_ended(size_t job, const struct pcl_study_outcome *o, void *arg)
{
    struct tally *t = arg;

    assert_int_equal(t->seen[job]++, 0);
    t->n++;
    t->reused += o->reused;
    t->failed += o->failed;
    if (o->failed && !o->reused)
        assert_string_equal(o->error, "made up");
}

static void a_failed_run_is_kept_and_run_again_when_asked(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study *s = make(&spec);
    char path[] = "/tmp/pclsim-study-XXXXXX";
    struct tally t = {0};
    struct pcl_study_hooks hooks = {.ended = on_ended, .arg = &t};
    struct pcl_study_exec e = {.hooks = &hooks, .keep_going = true};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(pcl_store_open(path, PCL_STORE_WRITE, &e.store, &err), PCL_OK);
    fail_at = 5;
    fail_code = PCL_EINVAL; /* it could not run at all */
    assert_int_equal(pcl_study_run(s, &e, &err), PCL_OK);
    fail_at = 0;
    assert_true(t.n == 36 && t.failed == 1 && t.reused == 0);
    t = (struct tally){0};
    n_run = 0;
    assert_int_equal(pcl_study_run(s, &e, &err), PCL_OK);
    assert_true(t.n == 36 && t.failed == 1 && t.reused == 36 && n_run == 0);
    t = (struct tally){0};
    e.retry_failed = true;
    assert_int_equal(pcl_study_run(s, &e, &err), PCL_OK);
    assert_true(t.n == 36 && t.failed == 0 && t.reused == 35 && n_run == 1);
    pcl_store_close(e.store);
    assert_int_equal(unlink(path), 0);
    fail_code = PCL_ELAW;
    pcl_study_free(s);
}

static void shards_are_disjoint_and_complete(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study_precision p = {.metric = "throughput"};
    struct pcl_study *s = make(&spec);

    (void)state;
    for (uint32_t n = 1; n < 40; n++)
        for (size_t i = 0; i < s->n_jobs; i++) {
            int whose = 0, together = 0;

            for (uint32_t k = 0; k < n; k++) {
                struct pcl_study_exec e = {.shard = k, .shards = n};

                whose += pcl_study_in_shard(s, &e, i);
                e.precision = &p;
                if (pcl_study_in_shard(s, &e, i) &&
                    pcl_study_in_shard(s, &e, i / (s->reps * s->n_schemes) * s->reps *
                                                  s->n_schemes))
                    together++;
            }
            assert_int_equal(whose, 1);
            assert_int_equal(together, 1); /* a point is in one part */
        }
    pcl_study_free(s);
}

/* The mock's throughput is 1000 * tasks + replication: relative to the mean, few tasks are noisy. */
static size_t precise(const struct pcl_study *s, double relative, size_t budget,
                      struct pcl_study_cell *cells)
{
    struct pcl_study_precision p = {.metric = "throughput",
                                    .object = "all",
                                    .rule = {.relative = relative, .least = 3, .most = s->reps},
                                    .budget = budget};
    struct pcl_study_exec e = {.precision = &p, .cells = cells};

    n_run = 0;
    assert_int_equal(pcl_study_run(s, &e, &err), PCL_OK);
    return n_run;
}

static void replications_go_where_intervals_are_wide(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study_cell c[12];
    struct pcl_study *s;
    size_t runs;

    (void)state;
    spec.most = 40;
    s = make(&spec);
    assert_true(s->reps == 40 && s->least == 3);
    runs = precise(s, 0.0015, 0, c);
    assert_true(c[0].end == PCL_CELL_CAPPED && c[0].reps == 40 && c[0].wanted > 40);
    assert_true(c[11].end == PCL_CELL_REACHED && c[11].reps == 3);
    assert_int_equal(runs, 2 * 2 * 40 + 8 * 3); /* only tasks = 1 is noisy */
    assert_true(precise(s, 0.0015, 0, c) == runs); /* the same again */
    runs = precise(s, 0.0015, 60, c);
    assert_true(runs <= 60);
    assert_true(c[0].end == PCL_CELL_UNPAID || c[2].end == PCL_CELL_UNPAID);
    pcl_study_free(s);
}

static void a_budget_below_the_minimum_is_refused(void **state)
{
    struct pcl_study_spec spec = basic();
    struct pcl_study_cell c[12];
    struct pcl_study_precision p = {.metric = "throughput",
                                    .object = "all",
                                    .rule = {.relative = 0.01, .least = 3, .most = 3},
                                    .budget = 35};
    struct pcl_study_exec e = {.precision = &p, .cells = c};
    struct pcl_study *s = make(&spec);

    (void)state;
    assert_int_equal(pcl_study_run(s, &e, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "at least 36"));
    pcl_study_free(s);
}

static void a_grid_has_the_points_that_its_condition_leaves(void **state)
{
    static const char *const vary[] = {"users.tasks=1,2,4..32", "hold=1us,2us"};
    static const char *const none[] = {"tasks=100"};
    struct pcl_study_spec spec = basic();
    char text[1200];
    struct pcl_study *s;

    (void)state;
    (void)snprintf(text, sizeof(text), "%swhere = tasks <= 8\nrepeat = 4\n", scenario);
    spec.scenario_text = text;
    s = make(&spec);
    assert_int_equal(s->n_points, 4);
    assert_int_equal(s->reps, 4);
    assert_int_equal(job_of(s, s->n_jobs - 1).scenario->groups[0].tasks, 8);
    pcl_study_free(s);
    spec.vary = vary;
    spec.n_vary = 2;
    s = make(&spec);
    assert_int_equal(s->n_points, 4 * 2 * 2); /* 1 2 4 8, machine, hold */
    assert_string_equal(param_of(s, s->n_jobs - 1, "hold"), "2us");
    pcl_study_free(s);
    spec.set = none;
    spec.n_set = 1;
    spec.n_vary = 0;
    refuses(&spec, "no point of the grid meets");
}

static int set_up(void **state)
{
    (void)state;
    return setenv("PCLSIM_DATA", PCLSIM_SOURCE_DIR, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_times_schemes_times_replications),
        cmocka_unit_test(a_set_pins_its_axis),
        cmocka_unit_test(an_axis_may_be_a_parameter_of_an_own_scheme),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_trace_has_a_point_per_number_of_clones),
        cmocka_unit_test(finished_runs_are_taken_from_the_store),
        cmocka_unit_test(a_study_needs_no_store_and_can_be_stopped),
        cmocka_unit_test(a_failed_run_is_kept_and_run_again_when_asked),
        cmocka_unit_test(shards_are_disjoint_and_complete),
        cmocka_unit_test(replications_go_where_intervals_are_wide),
        cmocka_unit_test(a_budget_below_the_minimum_is_refused),
        cmocka_unit_test(a_grid_has_the_points_that_its_condition_leaves),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
