/*
 * pclsim claims: runs the scenarios that state a proposition and prints what came of it. Which
 * verdicts come out is the result, not a success or a failure of the command.
 */
#include "cli.h"
#include "input.h"
#include "session.h"

#include <pclsim/claims.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct values {
    bool quick;
    int form;
    const char *db;
    int64_t jobs, reps;
};

static const struct cli_option options[] = {
    {"quick", 0, CLI_FLAG, offsetof(struct values, quick), NULL, NULL, 0, 0,
     "fewer replications: a first impression, more often undecided"},
    {"reps", 0, CLI_INT, offsetof(struct values, reps), "N", NULL, 1, 1000000,
     "exactly N replications; else what the claim asks for"},
    {"jobs", 'j', CLI_INT, offsetof(struct values, jobs), "N", NULL, 1, 4096,
     "simulate so many runs at a time; else one per CPU"},
    {"db", 0, CLI_TEXT, offsetof(struct values, db), "FILE", "@file", 0, 0,
     "store the results here; runs that it has already are taken from it"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

/* The scenarios that state a claim. */
struct claims {
    struct pcl_scenario **v;
    size_t n;
};

static void add_claim(struct claims *c, struct pcl_scenario *s)
{
    c->v = pcl_xrealloc(c->v, c->n + 1, sizeof(struct pcl_scenario *));
    c->v[c->n++] = s;
}

static void claims_fini(struct claims *c)
{
    for (size_t i = 0; i < c->n; i++)
        pcl_scenario_free(c->v[i]);
    free(c->v);
}

static int by_id(const void *a, const void *b)
{
    const struct pcl_scenario *const *x = a, *const *y = b;
    const char *p = (*x)->claim.id, *q = (*y)->claim.id;
    size_t letters_p = strcspn(p, "0123456789"), letters_q = strcspn(q, "0123456789");
    size_t letters = letters_p < letters_q ? letters_p : letters_q;
    int order = strncmp(p, q, letters); /* C2 before C10 */

    if (order == 0 && letters_p == letters_q && strlen(p) != strlen(q))
        return strlen(p) < strlen(q) ? -1 : 1;
    return order ? order : strcmp(p, q);
}

static int find_in(const struct cli_folder *f, struct claims *all, struct pcl_err *err)
{
    char **paths;
    size_t n = cli_list_scenarios(f, &paths);
    struct pcl_scenario *s;
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < n; i++) {
        rc = pcl_scenario_load(paths[i], NULL, 0, &s, err);
        if (rc == PCL_OK && *s->claim.id)
            add_claim(all, s);
        else if (rc == PCL_OK)
            pcl_scenario_free(s);
    }
    pcl_free_list(paths, n);
    return rc;
}

/* All claims that can be found by name. */
static int find_all(struct claims *all, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (const struct cli_folder *f = cli_scenario_folders; rc == PCL_OK && f->path; f++)
        rc = find_in(f, all, err);
    if (rc == PCL_OK && all->n)
        qsort(all->v, all->n, sizeof(struct pcl_scenario *), by_id);
    return rc;
}

static const char *const *ids_of(const struct claims *c, const char **ids)
{
    for (size_t i = 0; i < c->n; i++)
        ids[i] = c->v[i]->claim.id;
    return ids;
}

static int unknown_id(const struct claims *all, const char *word, struct pcl_err *err)
{
    const char **ids = pcl_xcalloc(all->n + 1, sizeof(*ids));
    const char *near = pcl_nearest(word, ids_of(all, ids), all->n);

    (void)pcl_fail(err, PCL_ENOENT, "there is no claim '%s'", word);
    if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
    free(ids);
    return PCL_ENOENT;
}

/* One that the user named, an id or the file of a scenario, as a path to load. */
static int pick(const struct claims *all, const char *word, struct claims *picked,
                struct pcl_err *err)
{
    struct pcl_scenario *s;
    const char *path = NULL;
    int rc;

    for (size_t i = 0; !path && i < all->n; i++)
        if (strcasecmp(all->v[i]->claim.id, word) == 0)
            path = all->v[i]->path;
    if (!path && !strchr(word, '/') && !strstr(word, ".ini"))
        return unknown_id(all, word, err);
    rc = pcl_scenario_load(path ? path : word, NULL, 0, &s, err);
    if (rc != PCL_OK)
        return rc;
    add_claim(picked, s);
    if (!*s->claim.id)
        return pcl_fail(err, PCL_EINVAL, "'%s' has no [claim] section", word);
    return PCL_OK;
}

static int pick_all(const struct cli_list *words, struct claims *picked, struct pcl_err *err)
{
    struct claims all = {0};
    int rc;

    if (words->n == 0)
        return find_all(picked, err);
    rc = find_all(&all, err);
    for (size_t i = 0; rc == PCL_OK && i < words->n; i++)
        rc = pick(&all, words->v[i], picked, err);
    claims_fini(&all);
    return rc;
}

/* --- running
 * ------------------------------------------------------------------------------------ */

/* In an exploration nothing is drawn: another replication would say the same again. */
static int64_t reps_of(const struct pcl_scenario *scenario, const struct values *v)
{
    if (v->reps > 0)
        return v->reps;
    if (scenario->explore.on)
        return 1;
    return v->quick ? scenario->claim.quick_reps : scenario->claim.reps;
}

static int decide(const struct pcl_scenario *scenario, const struct values *v,
                  struct pcl_store *store, struct pcl_claim_result *out, struct pcl_err *err)
{
    char bound[64];
    const char *set[] = {bound};
    int64_t most = scenario->explore.preemptions, quick = scenario->explore.quick;
    struct pcl_study_spec spec = {.scenario = scenario->path,
                                  .reps = (uint32_t)reps_of(scenario, v),
                                  .explore = true,
                                  .set = set};
    struct cli_session s = {
        .exec = {.workers = v->jobs > 0 ? (unsigned)v->jobs : 0, .store = store}};
    struct pcl_study *study = NULL;
    struct pcl_dataset d;
    int rc;

    if (v->quick && scenario->explore.on && (most < 0 || most > quick)) {
        (void)snprintf(bound, sizeof bound, "explore.preemptions=%lld", (long long)quick);
        spec.n_set = 1;
    }
    pcl_dataset_init(&d);
    s.exec.out = &d;
    rc = pcl_claim_check(scenario, err);
    if (rc == PCL_OK)
        rc = pcl_study_new(&spec, &study, err);
    s.study = study;
    if (rc == PCL_OK)
        rc = cli_session_run(&s, err);
    if (rc == PCL_OK)
        rc = pcl_claim_evaluate(scenario, &d, 0.0, out, err);
    if (rc == PCL_OK && s.failed)
        fprintf(stderr, "pclsim: %s: %zu of %zu runs failed; the first: %s\n",
                scenario->claim.id, s.failed, study->n_jobs, s.first_failure);
    free(s.first_steps);
    pcl_study_free(study);
    pcl_dataset_fini(&d);
    return rc;
}

static int run_claims(const struct claims *c, const struct values *v)
{
    struct pcl_claim_result *r = pcl_xcalloc(c->n + 1, sizeof(*r));
    struct pcl_store *store = NULL;
    struct pcl_err err = {0};
    int code = CLI_DONE, rc = PCL_OK;
    size_t n = 0;

    if (v->db)
        rc = pcl_store_open(v->db, PCL_STORE_WRITE, &store, &err);
    while (rc == PCL_OK && n < c->n) {
        rc = decide(c->v[n], v, store, &r[n], &err);
        if (rc == PCL_OK && r[n++].failed)
            code = CLI_FAILED;
    }
    if (rc == PCL_EINTR)
        code = cli_code(rc);
    else if (rc != PCL_OK)
        code = cli_report(&err);
    else if (v->form == CLI_JSON)
        pcl_claims_json(stdout, r, n);
    else
        pcl_claims_text(stdout, r, n);
    for (size_t i = 0; i < n; i++)
        pcl_claim_result_fini(&r[i]);
    free(r);
    pcl_store_close(store);
    return code;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.jobs = -1, .reps = -1};
    struct cli_list words = {0};
    struct claims picked = {0};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = pick_all(&words, &picked, &err) == PCL_OK ? run_claims(&picked, &v)
                                                         : cli_report(&err);
    claims_fini(&picked);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_claims = {
    .name = "claims",
    .summary = "propositions and published effects, tested by simulation",
    .operands = "[ID...]",
    .actions = "",
    .complete = "@file",
    .about =
        "Runs the scenarios that state a proposition in a [claim] section and prints a verdict "
        "for each, with the numbers: true (the simulation showed it inside its intervals), "
        "false "
        "(it showed the contrary) or undecided (the precision was not reached). Without ID, "
        "all "
        "of them. ID may also be the file of a scenario of your own.\n\nThe exit code is 0 "
        "whenever every experiment ran, whatever the verdicts.",
    .examples = "pclsim claims S1\n"
                "pclsim claims --quick --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
