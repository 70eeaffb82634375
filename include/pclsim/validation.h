/*
 * What was measured for real beside what was simulated of the same scenario: rows of means with
 * intervals and the relative error. Both sides are runs of one dataset, under the scheme
 * "measured" and under the scheme simulated, so that a store, a comparison and a figure hold
 * them like any two schemes.
 */
#ifndef PCLSIM_VALIDATION_H
#define PCLSIM_VALIDATION_H

#include <pclsim/dataset.h>
#include <pclsim/stats.h>

struct pcl_validation_row {
    char name[40], object[40], unit[12];
    struct pcl_ci measured, simulated;
    double error; /* simulated / measured - 1 */
    bool tie;     /* the difference is inside the measurement's own interval */
};

struct pcl_validation {
    const struct pcl_config_desc *desc; /* of the simulation */
    struct pcl_validation_row *row;
    size_t n_rows;
    size_t reps_measured, reps_simulated;
    double throughput_error, latency_error; /* medians of |error|, of throughput and of median
                                               latency over the operations; NaN: no row */
};

/** Throughput and latency of each operation that both sides have. PCL_ENOENT when there is
 * none. The result points into the dataset. */
int pcl_validation_make(const struct pcl_config *measured, const struct pcl_config *simulated,
                        struct pcl_validation *out, struct pcl_err *err);
void pcl_validation_fini(struct pcl_validation *v);

/** Text of at most 72 columns. where says on what was measured. */
void pcl_validation_text(FILE *out, const struct pcl_validation *v, const char *where);

/** Files measured run number i of a validation; the simulation's description gives all but the
 * scheme. stamp tells this measurement from others. */
void pcl_validation_describe(const struct pcl_run_desc *simulated, const char *where,
                             const char *stamp, uint32_t i, struct pcl_run_desc *out);

#endif
