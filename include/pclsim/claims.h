/*
 * Claims: the [claim] section of a scenario states a proposition and what the results must
 * show.
 *
 *     expect.NAME = TERM REL
 *
 *     TERM    = FACTOR [at] [ ("/" | "-") FACTOR [at] ]
 *             | ("argmax" | "argmin") "(" METRIC "," key ")" [at]
 *     FACTOR  = METRIC | "peak" "(" METRIC "," key ")"
 *     METRIC  = name "(" scheme [ "," object ] ")"          object: "all" when left out
 *     at      = "at" key "=" value { "," key "=" value }
 *     REL     = "in" "[" a "," b "]"  |  ("<" | "<=" | ">" | ">=" | "==") x
 *
 * A number may carry % or a unit of time (metrics in ns). An `at` at the end of a quotient or
 * difference also holds for a first factor that has none. argmax gives the value of the grid axis `key` at which
 * the mean is largest, peak the largest mean itself.
 *
 * A line is true when the interval of the quantity lies inside the relation, false when the two
 * are disjoint, undecided otherwise. A claim is true when all lines are, false when any is.
 */
#ifndef PCLSIM_CLAIMS_H
#define PCLSIM_CLAIMS_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>
#include <pclsim/scenario.h>

enum pcl_verdict { PCL_VERDICT_TRUE, PCL_VERDICT_FALSE, PCL_VERDICT_UNDECIDED };

const char *pcl_verdict_name(enum pcl_verdict v); /* "true", "false", "undecided" */

/* One expect line, decided. */
struct pcl_claim_figure {
    const char *name, *expr;
    char text[160]; /* "0.42 [0.40, 0.44]", "64", "no samples" */
    enum pcl_verdict verdict;
    size_t reps; /* UNDECIDED: about so many replications in all would decide it; 0: not known */
};

#define PCL_FRONT_MAX 6

/* The table of a claim with `front`: means of metrics, a row for each configuration. */
struct pcl_claim_column {
    char name[40], object[40];
};

struct pcl_claim_row {
    const char *label; /* scheme, and the point of the grid */
    double value[PCL_FRONT_MAX];
    bool best; /* nobody is better in both the first and the last column */
};

struct pcl_claim_result {
    struct pcl_arena arena;
    const char *id, *proposition, *source, *note, *scenario;
    enum pcl_verdict verdict;
    struct pcl_claim_figure *figure;
    size_t n_figures;
    struct pcl_claim_column column[PCL_FRONT_MAX];
    struct pcl_claim_row *row;
    size_t n_columns, n_rows;
    const char **explored; /* a line for each scheme: what was looked at, what was found */
    size_t n_explored;
    size_t runs, failed;
    uint32_t reps;
};

/** Checks the expect lines of a scenario without results: grammar, keys that are no axis of the
 * grid, schemes that the scenario does not run. Errors carry file:line:col. */
int pcl_claim_check(const struct pcl_scenario *s, struct pcl_err *err);

/** Decides the claim of a scenario over the results of its plan (pcl_study_run). level 0 is
 * PCL_LEVEL. out is set on success only; end it with pcl_claim_result_fini. */
int pcl_claim_evaluate(const struct pcl_scenario *s, const struct pcl_dataset *d, double level,
                       struct pcl_claim_result *out, struct pcl_err *err);
void pcl_claim_result_fini(struct pcl_claim_result *r);

/** [{"id","verdict","proposition","figures":{name: text}}, ...], more keys may follow. */
void pcl_claims_json(FILE *out, const struct pcl_claim_result *r, size_t n);

/** For people, 72 columns. */
void pcl_claims_text(FILE *out, const struct pcl_claim_result *r, size_t n);

#endif
