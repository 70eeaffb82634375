/*
 * Statistics over replications: Student-t intervals, paired comparison of two schemes on common
 * random numbers, and the correction for many cells. Replications are independent of one
 * another; values of equal replications of two schemes are not, and pairing makes use of it.
 *
 * No function returns NaN: what cannot be said has kind PCL_CI_NONE.
 */
#ifndef PCLSIM_STATS_H
#define PCLSIM_STATS_H

#include <pclsim/base.h>

#define PCL_LEVEL 0.95 /* confidence level of everything unless the caller says otherwise */

enum pcl_ci_kind {
    PCL_CI_NONE,     /* no value at all, or fewer than 2: mean is set if n is 1 */
    PCL_CI_EXACT,    /* 2 or more values, all identical: nothing varies */
    PCL_CI_INTERVAL, /* [lo, hi] */
    PCL_CI_UNBOUNDED /* a ratio whose denominator cannot be told from 0: mean set, no bounds */
};

struct pcl_ci {
    enum pcl_ci_kind kind;
    size_t n;
    double mean; /* or the ratio */
    double sd;   /* of the values; 0 unless INTERVAL */
    double lo, hi;
    double half; /* half-width; for a ratio the larger side */
};

/** Mean of n independent values with a Student-t interval. Values must be finite. */
void pcl_ci_mean(const double *x, size_t n, double level, struct pcl_ci *out);

/* B against A, by pairs. */
struct pcl_paired {
    size_t n;
    double mean_a, mean_b;
    struct pcl_ci diff;  /* b - a */
    struct pcl_ci ratio; /* mean b / mean a, Fieller's interval: excludes 1 exactly when the
                            paired t test of the difference is significant at 1 - level */
    bool has_corr;
    double corr; /* of the pairs; what common random numbers gained */
    double gain; /* by it: so many times as many unpaired replications would be as narrow; 0: any
                    number would not be, the difference does not vary */
    bool tested; /* p is set: INTERVAL, or EXACT with p 0 (they differ) or 1 (they do not) */
    double p;    /* two-sided paired t test of no difference */
    bool equal;  /* every pair is equal */
};

/** Compares n pairs. Values must be finite. a and b may be equal pointers. */
void pcl_paired(const double *a, const double *b, size_t n, double level,
                struct pcl_paired *out);

/** Holm's step-down: replaces p[i] by its adjusted value (at most 1), in place; p[i] < alpha
 * then holds for the rejected hypotheses. p[i] < 0 marks cells without a test, they stay.
 * Returns the number of tests. */
size_t pcl_holm(double *p, size_t n);

/* --- how many replications -------------------------------------------------------------------
 */

#define PCL_STOP_LEAST 10   /* replications before the first look */
#define PCL_STOP_MOST 1000  /* the cap */
#define PCL_STOP_RELATIVE 0.05

/* When to stop adding replications. 0 stands for the default in each. */
struct pcl_precision {
    double level;       /* PCL_LEVEL */
    double relative;    /* half-width over |mean|: PCL_STOP_RELATIVE */
    size_t least, most; /* PCL_STOP_LEAST (2 is the least), PCL_STOP_MOST */
};

enum pcl_stop_why {
    PCL_STOP_GO_ON,
    PCL_STOP_REACHED,
    PCL_STOP_CAPPED /* not reached, and there are as many as there may be: say so loudly */
};

struct pcl_stop {
    enum pcl_stop_why why;
    size_t at;        /* values that the last look saw; 0: there was no look yet */
    struct pcl_ci ci; /* over these; of pairs: the ratio */
    double relative;  /* half-width over |mean| then (of a ratio: the half-width); HUGE_VAL: none */
    size_t next;      /* GO_ON: look again when there are so many values; else the same as at */
    size_t wanted;    /* estimate of the values that the precision takes in all, may exceed the
                         cap; SIZE_MAX: no estimate */
};

/** Follows the rule over the values of replications 0, 1, 2 ... in this order: looks at the first
 * `least` of them, then at numbers that grow by 1.25 to 2 according to the estimate. The answer
 * depends on the values before the look that stopped it alone, so neither workers nor an
 * interruption change it, and values beyond it do no harm. Values must be finite. */
void pcl_stop_mean(const double *x, size_t n, const struct pcl_precision *p,
                   struct pcl_stop *out);

/** The same for the change from a to b: stops when the half-width of mean b / mean a is at most
 * `relative` (0.01: one percent of a). */
void pcl_stop_paired(const double *a, const double *b, size_t n, const struct pcl_precision *p,
                     struct pcl_stop *out);

/** Replications in all at which the half-width would be half, from an interval at that level
 * (an estimate: the spread stays as it is). SIZE_MAX where nothing can be said. */
size_t pcl_reps_for(const struct pcl_ci *ci, double level, double half);

/** t with P(|T| <= t) = level for df degrees of freedom. */
double pcl_t_quantile(double level, double df);

#endif
