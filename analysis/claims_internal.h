/*
 * An expect line, read: what claims_parse.c makes of the text and claims.c decides.
 */
#ifndef PCLSIM_CLAIMS_INTERNAL_H
#define PCLSIM_CLAIMS_INTERNAL_H

#include <pclsim/claims.h>

#define CLAIM_MAX_AT PCL_GRID_MAX

struct claim_at {
    const struct pcl_grid_axis *axis;
    const char *value; /* as the axis has it */
};

struct claim_factor {
    bool peak;
    bool exact; /* of one run in which nothing was drawn */
    char metric[40], object[40], scheme[128];
    const struct pcl_grid_axis *axis; /* of peak, argmax, argmin */
    struct claim_at at[CLAIM_MAX_AT];
    size_t n_at;
    unsigned pos; /* of its first letter in the expression */
};

enum claim_kind {
    CLAIM_QUOTIENT, /* or a single factor */
    CLAIM_DIFFERENCE,
    CLAIM_ARGMAX,
    CLAIM_ARGMIN
};

enum claim_rel { CLAIM_IN, CLAIM_LT, CLAIM_LE, CLAIM_GT, CLAIM_GE, CLAIM_EQ };

struct claim_line {
    enum claim_kind kind;
    struct claim_factor factor[2];
    size_t n_factors;
    enum claim_rel rel;
    double a, b; /* IN: the ends; else a */
};

/** Reads expect line i of a scenario's claim. */
int pcl_claim_parse(const struct pcl_scenario *s, size_t i, struct claim_line *out,
                    struct pcl_err *err);

/** Fills the table of a claim; front: "METRIC[/OBJECT], ...", "" for none. */
void pcl_claim_front(const char *front, const struct pcl_dataset *d,
                     struct pcl_claim_result *out);

/** For an explored scenario: fills out->explored from the results. */
void pcl_claim_explored(const struct pcl_dataset *d, struct pcl_claim_result *out);

#endif
