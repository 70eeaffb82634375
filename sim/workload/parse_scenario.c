/*
 * [scenario]: what is run, where and for how long; and [claim]: what it is to show. The expect
 * lines of a claim stay text here: they speak of results, which analysis knows.
 */
#include "reader.h"

#include <string.h>

/* 63 years: the sum of a warm-up, a duration and a last wait stays inside 63 bits. */
#define LONGEST ((pcl_ns)2000000000 * 1000000000)
#define MOST_REPS 1000000

/* --- schemes = A, B:role=lock, ... -------------------------------------------------------- */

static int read_schemes(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_scenario *s = obj;
    struct pcl_list l = {.text = e->value};
    size_t room = 1;

    for (const char *c = e->value; *c; c++)
        room += *c == ',';
    s->schemes = pcl_arena_alloc(&r->s->arena, room, sizeof *s->schemes);
    s->n_schemes = 0;
    while (pcl_list_next(r, &l, ',')) {
        struct pcl_scheme probe = {.title = ""};
        struct pcl_err why;
        size_t at = 0;

        if (!*l.item)
            return pcl_fail_value(r, e, l.start,
                                  "%s: want schemes between commas, found nothing", e->key);
        if (pcl_scheme_apply(&probe, l.item, &at, &why) != PCL_OK) {
            (void)pcl_fail_value(r, e, l.start + at, "%s: %s", e->key, why.msg);
            return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
        }
        for (size_t i = 0; i < s->n_schemes; i++)
            if (strcmp(s->schemes[i], l.item) == 0)
                return pcl_fail_value(r, e, l.start, "%s: '%s' is listed twice", e->key,
                                      l.item);
        s->schemes[s->n_schemes++] = l.item;
    }
    return PCL_OK;
}

static void write_schemes(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)obj;
    for (size_t i = 0; i < s->n_schemes; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", s->schemes[i]);
}

/* "auto" or a time. */
static int read_warmup(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    static const struct pcl_key as_time = {"warmup", PCL_KEY_TIME, PCL_AT(pcl_scenario, warmup),
                                           0, LONGEST, NULL, "0", "", 0, 0};
    struct pcl_scenario *s = obj;

    if (strcmp(e->value, "auto") != 0) {
        if (e->value[0] && !strchr("0123456789.", e->value[0]))
            return pcl_fail_value(r, e, 0, "warmup: want auto, or a time such as 4ms, found '%s'",
                                  e->value);
        return pcl_key_read(r, &as_time, e, obj);
    }
    s->warmup = PCL_WARMUP_AUTO;
    return PCL_OK;
}

static void write_warmup(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)obj;
    if (s->warmup == PCL_WARMUP_AUTO)
        (void)fputs("auto", out);
    else
        pcl_write_time(out, s->warmup);
}

/* --- the table --------------------------------------------------------------------------- */

#define S(field) PCL_AT(pcl_scenario, field)

static const struct pcl_key scenario_rows[] = {
    {"title", PCL_KEY_TEXT, S(title), 0, 0, NULL, NULL, "one line for figures and tables", 0,
     0},
    {"source", PCL_KEY_TEXT, S(source), 0, 0, NULL, "",
     "where the numbers of the scenario come from", 0, 0},
    {"fs", PCL_KEY_WORD, S(fs), 0, 0,
     "xfs|ext4|tmpfs|page-only|ext4-half-shared|ext4-exclusive-dio", "xfs",
     "personality: which locks each operation takes, in which mode; `page-only` has page locks "
     "and nothing else",
     0, 0},
    {"machine", PCL_KEY_NAME, S(machine), 0, 0, NULL, "server-2s",
     "machine profile when `--machine` names none", 0, 0},
    {"cpus", PCL_KEY_COUNT, S(cpus), 0, 65536, NULL, "0",
     "tasks are confined to the first so many CPUs of the machine; 0: all", 0, 0},
    {"duration", PCL_KEY_TIME, S(duration), 0, LONGEST, NULL, "0",
     "simulated time that is measured; required unless `ops` is given, then a limit of 1 h", 0,
     0},
    {"warmup", PCL_KEY_OWN, S(warmup), 0, LONGEST, "TIME|auto", "0",
     "simulated time before it that is not measured; `auto`: each run finds out by MSER-5, and "
     "`duration` or `ops` then includes it",
     read_warmup, write_warmup},
    {"ops", PCL_KEY_COUNT, S(ops), 0, INT64_MAX, NULL, "0",
     "stop after so many completed transactions; 0: run for `duration`", 0, 0},
    {"memory_limit", PCL_KEY_SIZE, S(memory_limit), 0, PCL_OFF_MAX, NULL, "0",
     "page-cache bytes before folios are evicted; 0: no limit", 0, 0},
    {"seed", PCL_KEY_COUNT, S(seed), 0, INT64_MAX, NULL, "1",
     "of all random draws; with the replication's number it fixes a run", 0, 0},
    {"reps", PCL_KEY_COUNT, S(reps), 1, MOST_REPS, NULL, "10",
     "replications when `--reps` says nothing", 0, 0},
    {"schemes", PCL_KEY_OWN, S(schemes), 0, 0, "NAME[:KEY=value], ...",
     "v5.9", "schemes to compare when `--scheme` names none, the first is the baseline",
     read_schemes, write_schemes},
    {"starvation", PCL_KEY_TIME, S(starvation), 0, LONGEST, NULL, "0",
     "a longer wait for one lock is a violation, told with who waited and how many later requests "
     "were granted meanwhile; 0: no wait is",
     0, 0},
    {"violations", PCL_KEY_WORD, S(expect_violations), 0, 0, "never|expected", "never",
     "`expected`: violations are the subject of the scenario, not a failure", 0, 0},
};

const struct pcl_key_table pcl_scenario_keys = {
    .kind = "scenario",
    .summary = "What is run, on what, for how long. Once in a file.",
    .key = scenario_rows,
    .n = sizeof scenario_rows / sizeof scenario_rows[0],
    .size = sizeof(struct pcl_scenario),
};

int pcl_read_scenario(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    struct pcl_scenario *s = r->s;
    int rc = pcl_key_read_section(r, &pcl_scenario_keys, sec, s, NULL);

    if (rc != PCL_OK)
        return rc;
    if (s->duration == 0 && s->ops == 0) {
        if (pcl_ini_entry(sec, "duration"))
            return pcl_fail_in(r, sec, "duration", "duration: want more than 0");
        return pcl_fail_section(r, sec,
                                "[scenario] needs duration, or ops: when does a run end?");
    }
    if (s->duration == 0)
        s->duration = (pcl_ns)3600 * 1000000000;
    return PCL_OK;
}

/* --- [claim] ----------------------------------------------------------------------------- */

static int read_id(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_scenario *s = obj;

    if (!pcl_name_ok(e->value) || strlen(e->value) >= sizeof s->claim.id)
        return pcl_fail_value(r, e, 0, "%s: want a name of at most %zu letters, found '%s'",
                              e->key, sizeof s->claim.id - 1, e->value);
    (void)snprintf(s->claim.id, sizeof s->claim.id, "%s", e->value);
    return PCL_OK;
}

static void write_id(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)obj;
    (void)fputs(s->claim.id, out);
}

static const struct pcl_key claim_rows[] = {
    {"id", PCL_KEY_OWN, S(claim.id), 0, 0, "NAME", NULL,
     "short name of the claim, for `pclsim claims ID`", read_id, write_id},
    {"proposition", PCL_KEY_TEXT, S(claim.proposition), 0, 0, NULL, NULL,
     "what is claimed, one sentence", 0, 0},
    {"source", PCL_KEY_TEXT, S(claim.source), 0, 0, NULL, "", "who claims it, where", 0, 0},
    {"note", PCL_KEY_TEXT, S(claim.note), 0, 0, NULL, "",
     "what a reader of the verdict must know", 0, 0},
    {"front", PCL_KEY_TEXT, S(claim.front), 0, 0, NULL, "",
     "`METRIC[/OBJECT], ...`: a table of these means below the verdicts, up to 6, with a star where "
     "no scheme is lower in both the first and the last",
     0, 0},
    {"reps", PCL_KEY_COUNT, S(claim.reps), 2, MOST_REPS, NULL, "10",
     "replications of a full claim run", 0, 0},
    {"quick_reps", PCL_KEY_COUNT, S(claim.quick_reps), 2, MOST_REPS, NULL, "3",
     "replications with `--quick`", 0, 0},
};

const struct pcl_key_table pcl_claim_keys = {
    .kind = "claim",
    .summary =
        "A proposition and what the results must show for it to be true. At most once in a "
        "file.\nBesides these keys any number of `expect.NAME = EXPR` (see below).",
    .key = claim_rows,
    .n = sizeof claim_rows / sizeof claim_rows[0],
    .size = sizeof(struct pcl_scenario),
};

static int read_expect(struct pcl_reader *r, const struct pcl_ini_entry *e)
{
    static const char prefix[] = "expect.";
    struct pcl_claim *c = &r->s->claim;
    const char *name = e->key + sizeof prefix - 1;

    if (strncmp(e->key, prefix, sizeof prefix - 1) != 0)
        return 0;
    if (!pcl_name_ok(name))
        return pcl_fail_key(r, e, "want expect.NAME, a name of letters, digits and . _ - +");
    if (!e->value[0] || pcl_is_comment(e->value))
        return pcl_fail_value(r, e, 0, "%s: want an expectation, found %s", e->key,
                              e->value[0] ? "a comment" : "nothing");
    if (c->n_expect == PCL_EXPECT_MAX)
        return pcl_fail_key(r, e, "a claim has at most %d expectations", PCL_EXPECT_MAX);
    (void)snprintf(c->expect[c->n_expect].name, sizeof c->expect[0].name, "%s", name);
    c->expect[c->n_expect].expr = pcl_arena_strdup(&r->s->arena, e->value);
    c->expect[c->n_expect].line = e->line;
    c->expect[c->n_expect].col = e->value_col;
    c->n_expect++;
    return 1;
}

int pcl_read_claim(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    int rc = pcl_key_read_section(r, &pcl_claim_keys, sec, r->s, read_expect);

    if (rc == PCL_OK && r->s->claim.n_expect == 0)
        return pcl_fail_section(r, sec, "[claim] needs at least one expect.NAME = ...");
    return rc;
}

void pcl_write_claim(FILE *out, const struct pcl_scenario *s)
{
    (void)fputs("\n[claim]\n", out);
    pcl_key_write(out, &pcl_claim_keys, s, s);
    for (size_t i = 0; i < s->claim.n_expect; i++)
        (void)fprintf(out, "expect.%s = %s\n", s->claim.expect[i].name,
                      s->claim.expect[i].expr);
}

/* --- [explore] --------------------------------------------------------------------------- */

static int read_preemptions(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_scenario *s = obj;
    const char *why = "";

    if (strcmp(e->value, "any") == 0)
        s->explore.preemptions = -1;
    else if (pcl_parse_int(e->value, 0, 1000, &s->explore.preemptions, &why) != PCL_OK)
        return pcl_fail_value(r, e, 0, "%s: want any, or a number from 0 to 1000, found '%s'",
                              e->key, e->value);
    return PCL_OK;
}

static void write_preemptions(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)obj;
    if (s->explore.preemptions < 0)
        (void)fputs("any", out);
    else
        (void)fprintf(out, "%lld", (long long)s->explore.preemptions);
}

static const struct pcl_key explore_rows[] = {
    {"each", PCL_KEY_COUNT, S(explore.each), 1, 1000, NULL, "1",
     "transactions of each task; then it ends", 0, 0},
    {"preemptions", PCL_KEY_OWN, S(explore.preemptions), 0, 0, "any|NUMBER", "any",
     "how often a task that could go on may be left for another", read_preemptions,
     write_preemptions},
    {"quick", PCL_KEY_COUNT, S(explore.quick), 0, 1000, NULL, "2",
     "preemptions at most under `pclsim claims --quick`", 0, 0},
    {"overtaken", PCL_KEY_COUNT, S(explore.overtaken), 0, 250, NULL, "0",
     "a task that waits for a lock while more later requests than this are granted is starved, a "
     "violation; 0: nobody counts",
     0, 0},
    {"states", PCL_KEY_COUNT, S(explore.states), 1, 1000000000, NULL, "20000000",
     "give up, and say so, beyond so many states", 0, 0},
};

const struct pcl_key_table pcl_explore_keys = {
    .kind = "explore",
    .summary =
        "All interleavings of the tasks are looked at instead of one timed run: by `pclsim "
        "explore`, and by `pclsim claims` when the file states a claim. At most once in a file.",
    .key = explore_rows,
    .n = sizeof explore_rows / sizeof explore_rows[0],
    .size = sizeof(struct pcl_scenario),
};

int pcl_read_explore(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    r->s->explore.on = true;
    return pcl_key_read_section(r, &pcl_explore_keys, sec, r->s, NULL);
}

void pcl_write_explore(FILE *out, const struct pcl_scenario *s)
{
    (void)fputs("\n[explore]\n", out);
    pcl_key_write(out, &pcl_explore_keys, s, s);
}
