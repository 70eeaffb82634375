/*
 * pclsim explore: all interleavings of a scenario's tasks under each scheme; the shortest one that
 * shows a race, as columns.
 */
#include "cli.h"
#include "json.h"

#include <pclsim/race.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct values {
    struct cli_list schemes, set;
    const char *schemes_file, *resume, *replay;
    int form;
    int64_t each, preemptions, states, random, pct, depth, seed;
};

#define NOT_GIVEN (-1)
#define WIDTH 72

static const struct cli_option options[] = {
    {"scheme", 's', CLI_COMMAS, offsetof(struct values, schemes), "A,B,...", "@scheme", 0, 0,
     "locking schemes, each optionally with overrides: v5.9:page=handoff; else the scenario's "
     "own"},
    {"schemes", 0, CLI_TEXT, offsetof(struct values, schemes_file), "FILE", "@file", 0, 0,
     "add the schemes of this file"},
    {"set", 0, CLI_LIST, offsetof(struct values, set), "[SECTION.]KEY=VALUE", NULL, 0, 0,
     "change a setting of the scenario; may be given several times"},
    {"each", 0, CLI_INT, offsetof(struct values, each), "N", NULL, 1, 1000,
     "transactions of each task; else what the scenario's [explore] says, or 1"},
    {"preemptions", 'k', CLI_INT, offsetof(struct values, preemptions), "K", NULL, 0, 1000,
     "leave a task that could go on at most K times; else any number of times"},
    {"states", 0, CLI_INT, offsetof(struct values, states), "N", NULL, 1, 1000000000,
     "give up beyond N states; else 20 million"},
    {"random", 0, CLI_INT, offsetof(struct values, random), "N", NULL, 1, INT64_MAX,
     "try N schedules drawn at random in place of a search"},
    {"pct", 0, CLI_INT, offsetof(struct values, pct), "N", NULL, 1, INT64_MAX,
     "try N schedules drawn by priorities that change --depth - 1 times"},
    {"depth", 0, CLI_INT, offsetof(struct values, depth), "D", NULL, 1, 64,
     "of --pct: orderings that the race is thought to need; else 3"},
    {"seed", 0, CLI_INT, offsetof(struct values, seed), "N", NULL, 0, INT64_MAX,
     "seed of what is drawn, the scenario's operations included; else the scenario's"},
    {"resume", 0, CLI_TEXT, offsetof(struct values, resume), "FILE", "@file", 0, 0,
     "leave one's place here when the search is stopped, and go on from it; one scheme only"},
    {"replay", 0, CLI_TEXT, offsetof(struct values, replay), "SCHEDULE", NULL, 0, 0,
     "draw what happens under this schedule, and search nothing; one scheme only"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

struct request {
    const struct values *v;
    const char *file;
    struct pcl_scenario *scenario;
    struct pcl_schemes known;
    struct pcl_profile *machine;
    struct pcl_sample_conf sample;
    const char *const *specs;
    size_t n_specs;
    json_t *list;
    bool found; /* a counterexample */
    bool headed;
    struct timespec shown;
    bool drawn;
};

/* --- progress --------------------------------------------------------------------------------- */

static double since(const struct timespec *t)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) * 1e-9;
}

/* How many states are left is not known before the end: the present level's are. */
static void progress(void *arg, const struct pcl_explore_progress *p, int64_t bound)
{
    struct request *r = arg;
    char states[32], level[32], what[64] = "all interleavings";

    if (!isatty(STDERR_FILENO) || since(&r->shown) < 0.5)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &r->shown);
    r->drawn = true;
    if (r->sample.runs)
        (void)snprintf(what, sizeof what, "%" PRIu64 " schedules", r->sample.runs);
    else if (bound >= 0)
        (void)snprintf(what, sizeof what, "up to %" PRId64 " preemptions", bound);
    (void)fprintf(stderr, "\r%s: %s %s, %s to go at depth %" PRIu32 "\033[K", what,
                  pcl_format_count((double)p->states, states, sizeof states),
                  r->sample.runs ? "tried" : "states",
                  pcl_format_count((double)p->level, level, sizeof level), p->depth);
    (void)fflush(stderr);
}

static void clear_progress(struct request *r)
{
    if (r->drawn)
        (void)fputs("\r\033[K", stderr);
    r->drawn = false;
}

/* --- one scheme ------------------------------------------------------------------------------- */

static struct pcl_race_conf conf_of(struct request *r, const struct pcl_job *job)
{
    const struct values *v = r->v;
    const struct pcl_explore_spec *x = &r->scenario->explore;

    return (struct pcl_race_conf){.job = job,
                                  .each = v->each > 0 ? v->each : x->each,
                                  .preemptions = v->preemptions >= 0 ? v->preemptions
                                                                     : x->preemptions,
                                  .states = v->states > 0 ? v->states : x->states,
                                  .sample = r->sample.runs ? &r->sample : NULL,
                                  .checkpoint = v->resume,
                                  .progress = progress,
                                  .arg = r,
                                  .cancel = cli_catch_signals()};
}

static const char *bound_text(int64_t bound, char *buf, size_t n)
{
    if (bound < 0)
        (void)snprintf(buf, n, "all interleavings");
    else
        (void)snprintf(buf, n, "all interleavings of up to %" PRId64 " preemption%s", bound,
                       bound == 1 ? "" : "s");
    return buf;
}

/* The one sentence that says what is known, and no more than that. */
static void verdict(const struct pcl_race_result *x, const struct pcl_race_conf *conf, char *buf,
                    size_t n)
{
    char states[32], bound[64];

    (void)pcl_format_count((double)x->states, states, sizeof states);
    if (*x->kind)
        (void)snprintf(buf, n, "%s: %s", x->kind, x->text);
    else if (conf->sample)
        (void)snprintf(buf, n, "no violation in %s schedules drawn; that proves nothing", states);
    else if (x->exhausted == -2)
        (void)snprintf(buf, n, "given up after %s states, no violation so far", states);
    else
        (void)snprintf(buf, n, "exhausted, %s: %s states, no violation%s",
                       bound_text(x->exhausted, bound, sizeof bound), states,
                       x->exhausted == x->preemptions ? "" : " (given up beyond that)");
}

static int print_text(struct request *r, const struct pcl_race_conf *conf,
                      const struct pcl_race_result *x, const char *spec, struct pcl_err *err)
{
    char text[1100];

    verdict(x, conf, text, sizeof text);
    if (!r->headed)
        printf("%s\n", r->scenario->title);
    r->headed = true;
    printf("\n%s\n", spec);
    printf("  ");
    cli_wrap(stdout, text, 2, 2, WIDTH);
    if (!*x->kind)
        return PCL_OK;
    if (!conf->sample && x->preemptions >= 0)
        printf("  fewest preemptions that show it: %" PRId64 "\n", x->preemptions);
    printf("\n");
    int rc = pcl_race_print(conf, x->found.schedule, stdout, WIDTH, err);

    printf("\nagain: pclsim explore %s --scheme %s --each %" PRId64 " --replay %s\n", r->file, spec,
           conf->each, x->found.schedule);
    return rc;
}

static json_t *as_json(const struct pcl_race_conf *conf, const struct pcl_race_result *x,
                       const char *spec)
{
    char text[1100];

    verdict(x, conf, text, sizeof text);
    return json_pack(
        "{so so so so so so so so so so}", "scheme", cli_json_text(spec), "verdict",
        cli_json_text(text), "violation", *x->kind ? cli_json_text(x->kind) : json_null(), "text",
        *x->kind ? cli_json_text(x->text) : json_null(), "states", cli_json_u64(x->states),
        "tasks", cli_json_u64(x->tasks), "preemptions",
        x->preemptions < 0 ? json_null() : cli_json_i64(x->preemptions), "exhausted",
        json_boolean(x->exhausted == -1), "exhausted_preemptions",
        x->exhausted < 0 ? json_null() : cli_json_i64(x->exhausted), "schedule",
        *x->kind ? cli_json_text(x->found.schedule) : json_null());
}

static int explore(struct request *r, const char *spec, struct pcl_err *err)
{
    struct pcl_scheme scheme;
    struct pcl_race_result x = {.exhausted = -2};
    int rc = pcl_scheme_resolve(&r->known, spec, &scheme, err);

    if (rc != PCL_OK)
        return rc;
    struct pcl_job job = {.scenario = r->scenario,
                          .scheme = &scheme,
                          .machine = r->machine,
                          .seed = r->v->seed >= 0 ? (uint64_t)r->v->seed : r->scenario->seed};
    struct pcl_race_conf conf = conf_of(r, &job);

    if (r->v->replay)
        return pcl_race_print(&conf, r->v->replay, stdout, WIDTH, err);
    rc = pcl_race_search(&conf, &x, err);
    clear_progress(r);
    if (rc == PCL_OK && x.found.interrupted)
        rc = pcl_fail(err, PCL_EINTR, "interrupted after %" PRIu64 " states%s", x.states,
                      r->v->resume ? "; the same command goes on from there"
                                   : "; --resume FILE would keep the place");
    if (rc == PCL_OK && r->list)
        json_array_append_new(r->list, as_json(&conf, &x, spec));
    else if (rc == PCL_OK)
        rc = print_text(r, &conf, &x, spec, err);
    r->found |= *x.kind != '\0';
    pcl_race_fini(&x);
    return rc;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int explore_all(struct request *r)
{
    struct pcl_err err = {0};
    int rc = PCL_OK;

    if (r->v->form == CLI_JSON)
        r->list = json_array();
    for (size_t i = 0; i < r->n_specs && rc == PCL_OK; i++) {
        rc = explore(r, r->specs[i], &err);
        (void)fflush(stdout);
    }
    if (rc == PCL_EINTR && cli_signal()) {
        (void)fprintf(stderr, "pclsim: %s\n", err.msg);
        json_decref(r->list);
        return cli_code(PCL_EINTR);
    }
    if (rc != PCL_OK) {
        json_decref(r->list);
        return cli_report(&err);
    }
    if (r->list)
        (void)cli_json_print(json_pack("{so so}", "scenario", cli_json_text(r->scenario->name),
                                       "schemes", r->list));
    else if (!r->v->replay)
        printf("\nMemory is sequentially consistent in this model; a task makes one access\n"
               "to shared state at a time.\n");
    return r->found && !r->scenario->expect_violations ? CLI_BROKEN : CLI_DONE;
}

static int load(struct request *r, struct pcl_err *err)
{
    const struct values *v = r->v;
    int rc = pcl_scenario_load(r->file, cli_words(&v->set), v->set.n, &r->scenario, err);

    if (rc == PCL_OK)
        rc = pcl_schemes_default(&r->known, err);
    if (rc == PCL_OK && v->schemes_file)
        rc = pcl_schemes_load(v->schemes_file, &r->known, err);
    if (rc != PCL_OK)
        return rc;
    for (size_t i = 0; i < r->scenario->own.n; i++)
        (void)pcl_schemes_add(&r->known, &r->scenario->own.v[i]);
    r->specs = v->schemes.n ? cli_words(&v->schemes) : (const char *const *)r->scenario->schemes;
    r->n_specs = v->schemes.n ? v->schemes.n : r->scenario->n_schemes;
    r->machine = pcl_xcalloc(1, sizeof *r->machine);
    pcl_profile_ideal(r->machine);
    return PCL_OK;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.each = NOT_GIVEN,
                       .preemptions = NOT_GIVEN,
                       .states = NOT_GIVEN,
                       .seed = NOT_GIVEN,
                       .depth = 3};
    struct cli_list files = {0};
    struct request r = {.v = &v};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &files, 1, 1,
                                 "a SCENARIO: a file, or a name from 'pclsim workloads'");
    if (code == CLI_GO && v.random && v.pct)
        code = cli_usage(verb, "want --random or --pct, not both");
    if (code != CLI_GO)
        goto out;
    r.file = files.v[0];
    r.sample = (struct pcl_sample_conf){.how = v.pct ? PCL_SAMPLE_PCT : PCL_SAMPLE_RANDOM,
                                        .runs = (uint64_t)(v.pct ? v.pct : v.random),
                                        .depth = v.pct ? (uint32_t)v.depth : 1,
                                        .seed = v.seed >= 0 ? (uint64_t)v.seed : 1};
    if (load(&r, &err) != PCL_OK)
        code = cli_report(&err);
    else if ((v.resume || v.replay) && r.n_specs != 1)
        code = cli_usage(verb, "--%s is for one scheme: name it with --scheme",
                         v.replay ? "replay" : "resume");
    else
        code = explore_all(&r);
out:
    if (r.scenario)
        pcl_scenario_free(r.scenario);
    pcl_schemes_fini(&r.known);
    free(r.machine);
    cli_list_fini(&files);
    cli_list_fini(&v.schemes);
    cli_list_fini(&v.set);
    return code;
}

const struct cli_verb cli_verb_explore = {
    .name = "explore",
    .summary = "all interleavings of a few tasks; a race as a diagram",
    .operands = "SCENARIO",
    .actions = "",
    .complete = "@workload",
    .about =
        "Looks at every order in which the tasks of SCENARIO can make their accesses to shared "
        "state, each task making its first few transactions (see [explore] in docs/scenario.md), "
        "under each scheme. The oracle says whether anybody sees what he must not; deadlocks, and "
        "tasks that go on for ever, are found as well.\n\nBounds of 0 to 3 preemptions are "
        "searched first, so that what is found needs as few as possible; the schedule printed is a "
        "shortest one under its bound. It is drawn with one column for each task, and can be drawn "
        "again with --replay. When nothing is found, the answer names what was looked at: all "
        "interleavings, or those of up to so many preemptions. For what is too big to exhaust, "
        "--random and --pct draw schedules; they can find a race and prove nothing.\n\nThe exit "
        "code is 4 when a race was found, unless the scenario says that it expects violations.",
    .examples = "pclsim explore claims/c1\n"
                "pclsim explore claims/c1 --scheme v6.7 -k 2\n"
                "pclsim explore punch-race --scheme page-only --pct 10000 --set readers.tasks=2\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
