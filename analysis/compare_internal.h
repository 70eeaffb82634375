/*
 * What the files of the comparison share.
 */
#ifndef PCLSIM_COMPARE_INTERNAL_H
#define PCLSIM_COMPARE_INTERNAL_H

#include <pclsim/compare.h>

/* Two modes of an output, over the replications of a configuration. */
struct config_modes {
    bool two;
    bool within;     /* runs switch between them; else each run is in one of them */
    size_t runs, of; /* runs that showed both modes, or those in the low one; of so many */
    double low, high;
    double low_share, low_dwell, high_dwell; /* within: of the time; ns */
};

/** Looks at throughput or latency_mean of "all". */
void pcl_config_modes(const struct pcl_config *c, const char *name, struct config_modes *out);

/** True when each run found its own warm-up. */
bool pcl_warmup_found(const struct pcl_config *c);

/** What a reader must know before the numbers of a block: no steady state, modes, one run. */
void pcl_compare_warnings(FILE *out, const struct pcl_compare_block *b);

/* A row as tables show it: numbers in one unit, the baseline first. */
struct cell_text {
    char value[24], change[24], half[16];
    char mark;
    bool worse;
};

struct row_text {
    char label[48];
    const char *better;
    struct cell_text *cell; /* the baseline first */
};

/** Fills out, whose cell has room for n. */
void pcl_compare_row_text(const struct pcl_compare_row *row, size_t n, struct row_text *out);

#endif
