/*
 * Schemes against a baseline: the table for people and mail (ASCII, 72 columns), and the same
 * as JSON and CSV. Each cell is a paired comparison over replications; Holm's correction covers
 * all tested cells of the output.
 */
#ifndef PCLSIM_COMPARE_H
#define PCLSIM_COMPARE_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>
#include <pclsim/stats.h>

enum pcl_mark {
    PCL_MARK_NONE = ' ', /* the baseline itself, or a value that neither has */
    PCL_MARK_SIGNIFICANT = '*',
    PCL_MARK_SMALL = '.', /* significant, but less than what matters */
    PCL_MARK_NOT = '~',
    PCL_MARK_MODES = 'M', /* one of the two has two modes: there is no interval */
    PCL_MARK_TOO_FEW = '?'
};

#define PCL_PRACTICAL 0.01

struct pcl_compare_opts {
    const char *baseline;       /* scheme; NULL: the first of the dataset */
    const char *const *metrics; /* "name" or "name(object)"; none: the usual ones */
    size_t n_metrics;
    double level;        /* 0: PCL_LEVEL */
    double practical;    /* a smaller relative change does not matter; 0: PCL_PRACTICAL, below 0:
                            any change matters */
    const char *db;      /* named in the footer; NULL: no such line */
    const char *command; /* the command that made it, footer; NULL: no such line */
    bool brief;          /* text: no header and no footer */
    bool mail; /* text: says also what it stands on; memory and the worst regression are shown
                  whatever metrics were chosen */
};

/* One scheme in one row. */
struct pcl_cell {
    const char *scheme;
    struct pcl_ci value;       /* its own mean and interval */
    struct pcl_paired against; /* the baseline; n is 0 for the baseline itself */
    double p_holm;             /* < 0: not tested */
    enum pcl_mark mark;
    bool worse;   /* significant, large enough to matter, in the wrong direction */
    bool one_run; /* value's interval is of one run by itself: batch means, order statistics */
    bool modes;   /* two modes in place of an interval */
};

struct pcl_compare_row {
    char name[40], object[40], unit[12];
    enum pcl_better better;
    struct pcl_cell *cell; /* [n_schemes] of the block, the baseline first */
};

/* One parameter point. */
struct pcl_compare_block {
    const struct pcl_config **config; /* [n_schemes], the baseline first */
    size_t n_schemes;
    struct pcl_compare_row *row;
    size_t n_rows;
    bool no_page_contended; /* measured, and 0 everywhere */
    bool no_lock_contended;
    size_t n_failed; /* runs that failed here */
};

struct pcl_comparison {
    struct pcl_arena arena;
    struct pcl_compare_block *block;
    size_t n_blocks;
    double level, practical;
    size_t n_tests; /* cells under Holm's correction */
    bool any_worse; /* some cell is significantly worse */
};

/** Builds the comparison. d must outlive it. PCL_EINVAL when the baseline or a metric is
 * unknown (with the known ones named), or the dataset is empty. */
int pcl_compare(const struct pcl_dataset *d, const struct pcl_compare_opts *o,
                struct pcl_comparison **out, struct pcl_err *err);
void pcl_comparison_free(struct pcl_comparison *c);

void pcl_compare_text(FILE *out, const struct pcl_comparison *c, const struct pcl_dataset *d,
                      const struct pcl_compare_opts *o);
/** True when some cell is significantly worse, by this share of the baseline at least. */
bool pcl_compare_worse_by(const struct pcl_comparison *c, double share);

/** As Markdown tables, one for each parameter point. */
void pcl_compare_md(FILE *out, const struct pcl_comparison *c, const struct pcl_dataset *d,
                    const struct pcl_compare_opts *o);
void pcl_compare_json(FILE *out, const struct pcl_comparison *c);
void pcl_compare_csv(FILE *out, const struct pcl_comparison *c);

/** Splits "name(object)" or "name"; object is "" when not given. False when malformed. */
bool pcl_metric_spec(const char *spec, char name[40], char object[40]);

/** What a metric is called in tables: "latency_p99" of "write" is "write p99",
 * "ctx_switches_per_op" is "ctx switches/op". */
const char *pcl_metric_label(const char *name, const char *object, char *buf, size_t n);

#endif
