/*
 * pclsim sweep: the whole grid of a scenario, on all cores, in parts, or under mpirun, into a
 * store. The same command on the same store goes on where the last one ended, so there is one
 * way to begin, to continue and to add.
 */
#include "cli.h"
#include "dry_run.h"
#include "request.h"
#include "session.h"

#include <pclsim/display.h>
#include <pclsim/ranks.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct cli_request_values req;
    struct cli_list vary;
    const char *precision, *shard;
    int64_t max_reps, budget;
    int of, form;
    bool dry_run, retry_failed;
};

enum { OF_MEAN, OF_CHANGE };
enum { FORM_TABLE, FORM_CSV };

#define MOST_REPS 100000
#define MOST_SHOWN 12 /* cells that are named when the precision is not reached */

static const struct cli_option options[] = {
    CLI_REQUEST_OPTIONS(struct values, req),
    {"vary", 'v', CLI_LIST, offsetof(struct values, vary), "KEY=A,B,...", NULL, 0, 0,
     "an axis of the grid: KEY as for --set, values between commas; 1,2,4..64 goes on "
     "doubling, "
     "10,20..50 adding; in place of that axis in the scenario's [grid]; may be given several "
     "times. Of a trace: clone"},
    {"db", 0, CLI_TEXT, offsetof(struct values, req.db), "FILE", "@file", 0, 0,
     "the store; what it has already is not run again. Else NAME.db in the current folder, "
     "NAME "
     "being the scenario's"},
    {"precision", 'p', CLI_TEXT, offsetof(struct values, precision), "METRIC[/OBJECT]:PERCENT",
     NULL, 0, 0,
     "add replications to each point until the 95% intervals of this metric are at most so "
     "wide (half of it, relative to the mean): throughput:1%, latency_p99/read:5%. "
     "--reps is then the least number"},
    {"precision-of", 0, CLI_CHOICE, offsetof(struct values, of), "WHAT", "mean|change", 0, 0,
     "whose interval: each scheme's mean, or its change against the first scheme, by pairs; "
     "else mean"},
    {"max-reps", 0, CLI_INT, offsetof(struct values, max_reps), "N", NULL, 2, MOST_REPS,
     "with --precision: at most N replications of a point; else 1000"},
    {"budget", 0, CLI_INT, offsetof(struct values, budget), "N", NULL, 1, INT64_MAX,
     "with --precision: at most N runs in all, spent where intervals are widest"},
    {"shard", 0, CLI_TEXT, offsetof(struct values, shard), "I/N", NULL, 0, 0,
     "do part I of N only, 1/4 to 4/4; each into a store of its own, then pclsim merge"},
    {"retry-failed", 0, CLI_FLAG, offsetof(struct values, retry_failed), NULL, NULL, 0, 0,
     "run again what the store has as failed"},
    {"dry-run", 'n', CLI_FLAG, offsetof(struct values, dry_run), NULL, NULL, 0, 0,
     "list what would be run, with an estimate of the time, and run nothing for the store"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|csv", 0, 0,
     "of --dry-run: a line for each point and scheme, or csv with a line for each run"},
    {"csv", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, FORM_CSV, 0,
     "short for --format csv"},
};

/* One sweep from the command line to its end. */
struct sweep {
    const struct cli_verb *verb;
    struct values v;
    struct cli_list files;
    struct cli_request r;
    struct pcl_study *study;
    struct pcl_study_precision precision;
    char metric[80];
    struct pcl_ranks *ranks; /* NULL: this process is alone */
    struct cli_session s;
    struct pcl_err err;
};

/* --- options ---------------------------------------------------------------------------------
 */

static int read_shard(struct sweep *w)
{
    const char *slash = w->v.shard ? strchr(w->v.shard, '/') : NULL;
    char first[16];
    int64_t i, n;

    if (!w->v.shard)
        return CLI_GO;
    if (slash && slash - w->v.shard < 16) {
        (void)snprintf(first, sizeof(first), "%.*s", (int)(slash - w->v.shard), w->v.shard);
        if (pcl_parse_int(slash + 1, 1, 1000000, &n, NULL) == PCL_OK &&
            pcl_parse_int(first, 1, n, &i, NULL) == PCL_OK) {
            w->s.exec.shard = (uint32_t)(i - 1);
            w->s.exec.shards = (uint32_t)n;
            return CLI_GO;
        }
    }
    return cli_usage(w->verb, "--shard: want I/N with I from 1 to N, such as 1/4, found '%s'",
                     w->v.shard);
}

static int read_precision(struct sweep *w)
{
    const char *text = w->v.precision, *colon = text ? strrchr(text, ':') : NULL;
    struct pcl_study_precision *p = &w->precision;
    char *slash;

    if (!text && (w->v.max_reps > 0 || w->v.budget > 0 || w->v.of == OF_CHANGE))
        return cli_usage(w->verb, "--%s is for --precision",
                         w->v.max_reps > 0 ? "max-reps"
                         : w->v.budget > 0 ? "budget"
                                           : "precision-of");
    if (!text)
        return CLI_GO;
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof(w->metric) ||
        pcl_parse_real(colon + 1, &p->rule.relative, NULL) != PCL_OK ||
        !(p->rule.relative > 0 && p->rule.relative < 1))
        return cli_usage(w->verb,
                         "--precision: want METRIC:PERCENT or METRIC/OBJECT:PERCENT, such as "
                         "throughput:1%%, found '%s'",
                         text);
    if (w->s.exec.shards && w->v.budget > 0)
        return cli_usage(w->verb, "--budget is for the whole grid, not for a --shard");
    (void)snprintf(w->metric, sizeof(w->metric), "%.*s", (int)(colon - text), text);
    slash = strchr(w->metric, '/');
    if (slash)
        *slash++ = '\0';
    p->metric = w->metric;
    p->object = slash && *slash ? slash : "all";
    p->change = w->v.of == OF_CHANGE;
    p->budget = w->v.budget > 0 ? (size_t)w->v.budget : 0;
    p->rule.most = w->v.max_reps > 0 ? (size_t)w->v.max_reps : PCL_STOP_MOST;
    if (w->v.req.reps > 0 && (size_t)w->v.req.reps > p->rule.most)
        return cli_usage(w->verb, "--reps %lld is more than --max-reps %zu",
                         (long long)w->v.req.reps, p->rule.most);
    w->r.spec.most = (uint32_t)p->rule.most;
    w->s.exec.precision = p;
    return CLI_GO;
}

/* A trace varies in the number of clones. */
static int vary_clones(struct sweep *w)
{
    for (size_t i = 0; i < w->v.vary.n; i++) {
        char *save = NULL, *word;

        if (strncmp(w->v.vary.v[i], "clone=", 6) != 0)
            return cli_usage(w->verb, "--vary: a trace varies in clone only, found '%s'",
                             w->v.vary.v[i]);
        for (word = strtok_r(w->v.vary.v[i] + 6, ",", &save); word;
             word = strtok_r(NULL, ",", &save))
            cli_list_add(&w->v.req.clones, word);
    }
    return CLI_GO;
}

/* Is the file a trace? Vary means clones then, which are read with the request. */
static int read_input(struct sweep *w)
{
    bool clones = false;
    int code;

    for (size_t i = 0; i < w->v.vary.n; i++)
        clones = clones || strncmp(w->v.vary.v[i], "clone=", 6) == 0;
    code = clones ? vary_clones(w) : CLI_GO;
    if (code == CLI_GO)
        code = cli_request_read(w->verb, w->files.v[0], &w->v.req, &w->r);
    if (code != CLI_GO || clones)
        return code;
    if (w->r.input.trace)
        return vary_clones(w);
    w->r.spec.vary = cli_words(&w->v.vary);
    w->r.spec.n_vary = w->v.vary.n;
    return CLI_GO;
}

static int read_options(struct sweep *w, int argc, char **argv)
{
    int code = cli_parse(w->verb, argc, argv, &w->v, &w->files);

    if (code == CLI_GO)
        code =
            cli_want_operands(w->verb, &w->files, 1, 1,
                              "a FILE: a scenario, a trace, or a name from 'pclsim workloads'");
    if (code == CLI_GO && w->v.form != FORM_TABLE && !w->v.dry_run)
        code = cli_usage(w->verb, "--format is for --dry-run");
    if (code == CLI_GO)
        code = read_shard(w);
    if (code == CLI_GO)
        code = read_input(w);
    return code == CLI_GO ? read_precision(w) : code;
}

/* NAME.db, for a command without --db. */
static int name_store(struct sweep *w)
{
    struct pcl_run_desc d;
    char name[160];

    if (w->v.req.db)
        return CLI_GO;
    if (strcmp(w->files.v[0], "-") == 0)
        return cli_usage(w->verb, "standard input has no name: want --db FILE");
    pcl_study_desc(w->study, 0, &d);
    (void)snprintf(name, sizeof(name), "%s.db", d.config.workload);
    cli_list_add(&w->files, name);
    w->v.req.db = w->files.v[w->files.n - 1];
    return CLI_GO;
}

/* --- what is said ----------------------------------------------------------------------------
 */

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_head(const struct sweep *w)
{
    const struct pcl_study *s = w->study;
    struct pcl_run_desc d;
    char line[640];

    pcl_study_desc(s, 0, &d);
    (void)snprintf(line, sizeof(line), "%s: %s", d.config.workload, d.config.title);
    fputs("sweep     ", stdout);
    cli_wrap(stdout, line, 10, 10, 72);
    printf("machine   %s\n", d.config.machine);
    printf("grid      %zu point%s, %zu scheme%s, ", s->n_points, plural(s->n_points),
           s->n_schemes, plural(s->n_schemes));
    if (w->s.exec.precision)
        printf("%u to %u replications, seed %llu\n", s->least, s->reps,
               (unsigned long long)s->seed);
    else
        printf("%u replication%s, seed %llu: %zu run%s\n", s->reps, plural(s->reps),
               (unsigned long long)s->seed, s->n_jobs, plural(s->n_jobs));
    (void)fflush(stdout);
}

static bool mine(const struct sweep *w, size_t cell)
{
    return pcl_study_in_shard(w->study, &w->s.exec, cell * w->study->reps);
}

static void print_cell(const struct sweep *w, size_t i)
{
    static const char *const why[] = {[PCL_CELL_OPEN] = "stopped with its point",
                                      [PCL_CELL_REACHED] = "",
                                      [PCL_CELL_CAPPED] = "at most so many: --max-reps",
                                      [PCL_CELL_UNPAID] = "the budget is spent",
                                      [PCL_CELL_BROKEN] =
                                          "a run failed, or has no such metric"};
    const struct pcl_study_cell *c = &w->s.exec.cells[i];
    struct pcl_run_desc d;
    char point[256], wide[24] = "no interval", need[48] = "";

    pcl_study_desc(w->study, i * w->study->reps, &d);
    if (isfinite(c->relative))
        (void)snprintf(wide, sizeof(wide), "+-%.2g%%", 100 * c->relative);
    if (c->wanted != SIZE_MAX && c->wanted > c->reps)
        (void)snprintf(need, sizeof(need), ", would take about %zu", c->wanted);
    printf("  %s%s%s: %s after %zu (%s%s)\n",
           *d.config.label     ? d.config.label
           : d.config.n_params ? pcl_point_title(&d.config, point, sizeof(point))
                               : "",
           *d.config.label || d.config.n_params ? ", " : "", d.config.scheme, wide, c->reps,
           why[c->end], need);
}

/* Returns whether the precision was reached everywhere. */
static bool print_precision(const struct sweep *w)
{
    size_t cells = w->study->n_points * w->study->n_schemes, all = 0, open = 0;
    const struct pcl_study_precision *p = &w->precision;

    for (size_t i = 0; i < cells; i++)
        if (mine(w, i)) {
            all++;
            open += w->s.exec.cells[i].end != PCL_CELL_REACHED;
        }
    printf("precision %s%s%s of the %s +-%.3g%%: reached in %zu of %zu cells\n", p->metric,
           strcmp(p->object, "all") == 0 ? "" : "/",
           strcmp(p->object, "all") == 0 ? "" : p->object, p->change ? "change" : "mean",
           100 * p->rule.relative, all - open, all);
    if (open == 0)
        return true;
    printf("\n*** PRECISION NOT REACHED in %zu cell%s: their intervals are wider ***\n", open,
           plural(open));
    for (size_t i = 0, shown = 0; i < cells && shown < MOST_SHOWN; i++)
        if (mine(w, i) && w->s.exec.cells[i].end != PCL_CELL_REACHED) {
            print_cell(w, i);
            shown++;
        }
    if (open > MOST_SHOWN)
        printf("  and %zu more\n", open - MOST_SHOWN);
    fputc('\n', stdout);
    return false;
}

static int print_end(struct sweep *w)
{
    const struct cli_session *s = &w->s;
    const char *db = w->v.req.db;
    bool reached;
    int code;

    printf("runs      %zu: %zu new, %zu from the store", s->finished, s->finished - s->reused,
           s->reused);
    if (s->failed)
        printf(", %zu FAILED", s->failed);
    fputc('\n', stdout);
    reached = !s->exec.precision || print_precision(w);
    if (s->exec.shards)
        printf("stored in %s; when all parts are done: pclsim merge ALL.db %s ...\n", db, db);
    else
        printf(
            "stored in %s; tables: pclsim compare %s; a figure: pclsim plot %s -o FILE.png\n",
            db, db, db);
    code = cli_session_judge(s);
    if (s->failed)
        fprintf(stderr, "pclsim: they are rows of the store; to run them again: "
                        "--retry-failed\n");
    return code == CLI_DONE && !reached ? CLI_PRECISION : code;
}

/* --- the sweep -------------------------------------------------------------------------------
 */

/* What all ranks must have in common. */
static void identify(const struct pcl_study *s, char out[65])
{
    struct pcl_sha256 h;
    char key[65];

    pcl_sha256_init(&h);
    for (size_t i = 0; i < s->n_jobs; i += s->reps) {
        pcl_study_key(s, i, key);
        pcl_sha256_add(&h, key, sizeof(key));
    }
    pcl_sha256_end(&h, out);
}

static int run_here(struct sweep *w)
{
    int rc = pcl_store_collect(w->s.exec.store, &w->err);

    if (w->ranks) { /* the others open theirs once what an earlier sweep left is gone */
        int agreed = pcl_ranks_agree(w->ranks, rc, "collected", &w->err), last;

        if (agreed != PCL_OK)
            return agreed;
        rc = cli_session_run(&w->s, &w->err);
        last = pcl_ranks_dismiss(w->ranks, rc == PCL_OK ? &w->err : NULL);
        rc = rc == PCL_OK ? last : rc;
        last = pcl_store_collect(w->s.exec.store, rc == PCL_OK ? &w->err : NULL);
        return rc == PCL_OK ? last : rc;
    }
    return rc == PCL_OK ? cli_session_run(&w->s, &w->err) : rc;
}

static int lead(struct sweep *w)
{
    size_t cells = w->study->n_points * w->study->n_schemes;
    int code, rc;

    (void)cli_catch_signals(); /* whoever reads the head may interrupt */
    w->s.study = w->study;
    w->s.brief = true;
    w->s.exec.workers = cli_request_workers(&w->v.req);
    w->s.exec.keep_going = true;
    w->s.exec.retry_failed = w->v.retry_failed;
    w->s.exec.ranks = w->ranks;
    w->s.exec.cells = pcl_xcalloc(cells, sizeof(*w->s.exec.cells));
    rc = pcl_store_open(w->v.req.db, PCL_STORE_WRITE, &w->s.exec.store, &w->err);
    if (rc == PCL_OK) {
        print_head(w);
        rc = run_here(w);
    } else if (w->ranks) {
        (void)pcl_ranks_agree(w->ranks, rc, "collected", &w->err);
    }
    code = rc == PCL_OK ? print_end(w) : rc == PCL_EINTR ? cli_code(rc) : cli_report(&w->err);
    if (rc != PCL_OK && rc != PCL_EINTR && w->s.finished)
        fprintf(stderr, "pclsim: %zu of %zu runs had ended; the same command goes on\n",
                w->s.finished, w->s.total);
    pcl_store_close(w->s.exec.store);
    free(w->s.exec.cells);
    return code;
}

/* A rank that is not the first: what goes wrong here, the first one says. */
static int follow(struct sweep *w)
{
    if (pcl_ranks_agree(w->ranks, PCL_OK, "collected", &w->err) != PCL_OK)
        return CLI_FAILED;
    return pcl_ranks_serve(w->ranks, w->study, w->s.exec.precision, w->v.req.db,
                           cli_catch_signals()) == PCL_OK
               ? CLI_DONE
               : CLI_FAILED;
}

static int dry_run(struct sweep *w)
{
    struct pcl_err err;

    w->s.exec.retry_failed = w->v.retry_failed;
    w->s.exec.workers = cli_request_workers(&w->v.req);
    if (access(w->v.req.db, F_OK) == 0 &&
        pcl_store_open(w->v.req.db, PCL_STORE_READ, &w->s.exec.store, &err) != PCL_OK &&
        err.code != PCL_EINVAL) /* an empty file is no store yet */
        return cli_report(&err);
    int code = cli_dry_run(stdout, w->study, &w->s.exec, w->v.form == FORM_CSV);

    pcl_store_close(w->s.exec.store);
    return code;
}

static int prepare(struct sweep *w)
{
    int rc = pcl_study_new(&w->r.spec, &w->study, &w->err);
    char id[65] = "";

    if (rc == PCL_OK) {
        w->precision.rule.least = w->study->least;
        w->precision.rule.most = w->study->reps;
        identify(w->study, id);
    }
    if (w->ranks)
        rc = pcl_ranks_agree(w->ranks, rc, id, &w->err);
    if (rc != PCL_OK)
        return pcl_ranks_number(w->ranks) == 0 ? cli_report(&w->err) : CLI_USAGE;
    return name_store(w);
}

/* Every rank reads the same words; one of them complains about them. */
static int hush(const struct sweep *w)
{
    if (pcl_ranks_number(w->ranks) == 0)
        return -1;
    (void)fflush(stderr);
    int kept = dup(STDERR_FILENO);

    if (kept < 0 || !freopen("/dev/null", "w", stderr))
        return -1;
    return kept;
}

static void speak(int kept)
{
    if (kept < 0)
        return;
    (void)fflush(stderr);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
}

static int sweep(const struct cli_verb *verb, int argc, char **argv)
{
    struct sweep w = {.verb = verb,
                      .v = {.req = CLI_REQUEST_NONE, .max_reps = -1, .budget = -1}};
    int code, kept;
    /* of several processes without MPI each must have a part of its own */
    bool fine = !pcl_ranks_launched() || pcl_ranks_start(&w.ranks, &w.err) == PCL_OK;

    kept = hush(&w);
    code = read_options(&w, argc, argv);
    speak(kept);
    if (code == CLI_GO && !fine && !w.s.exec.shards)
        code = cli_report(&w.err);
    if (code == CLI_GO)
        code = prepare(&w);
    if (code == CLI_GO && w.v.dry_run)
        code = pcl_ranks_number(w.ranks) == 0 ? dry_run(&w) : CLI_DONE;
    else if (code == CLI_GO)
        code = pcl_ranks_number(w.ranks) == 0 ? lead(&w) : follow(&w);
    pcl_study_free(w.study);
    cli_request_fini(&w.r);
    cli_request_values_fini(&w.v.req);
    cli_list_fini(&w.v.vary);
    cli_list_fini(&w.files);
    pcl_ranks_end(w.ranks);
    return code;
}

const struct cli_verb cli_verb_sweep = {
    .name = "sweep",
    .summary = "a grid of parameters x schemes x replications, into a store",
    .operands = "FILE",
    .actions = "",
    .complete = "@workload",
    .about =
        "Runs every point of FILE's [grid], and of --vary, under each scheme, and stores the "
        "results. The same command on the same store goes on where the last one ended: what is "
        "stored is never run again, and more replications, points or schemes add to it. "
        "Ctrl-C ends it cleanly.\n\nResults depend neither on the number of jobs, nor on how "
        "the "
        "grid is cut into --shards, nor on mpirun. Under mpirun or srun the first process "
        "hands "
        "out the runs and the others do them.\n\nA failed run is a row of the store and not "
        "the "
        "end; the exit code is then 2. With --precision it is 3 when an interval stayed wider.",
    .examples = "pclsim sweep hot-page --vary tasks=1,2,4..64 --db hot.db\n"
                "pclsim sweep study.ini --dry-run\n"
                "pclsim sweep study.ini --precision throughput:1% --budget 5000\n"
                "pclsim sweep study.ini --shard 2/4 --db part2.db\n"
                "mpirun -n 64 pclsim sweep study.ini --db study.db\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = sweep,
};
