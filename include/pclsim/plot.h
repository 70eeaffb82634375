/*
 * A figure of one metric: against a parameter as lines with error bars by scheme, or, when no
 * parameter varies, as one bar per scheme. Drawn by gnuplot from a template without numbers
 * (plots/figure-*.gp) and inline data, so that the script is the record of the figure.
 */
#ifndef PCLSIM_PLOT_H
#define PCLSIM_PLOT_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>

struct pcl_plot_opts {
    const char *out;       /* FILE.png, .svg, .pdf or .txt */
    const char *metric;    /* "name" or "name(object)"; NULL: throughput */
    const char *x;         /* parameter; NULL: the one that varies */
    const char *workload;  /* NULL: the only one */
    const char *const *at; /* "key=value": only configurations that have it */
    size_t n_at;
    double level;     /* 0: PCL_LEVEL */
    bool keep_script; /* leave OUT.gp beside the figure even when all went well */
};

/** Draws the figure. The file appears whole or not at all. When gnuplot is missing or fails,
 * returns PCL_EFAIL and leaves the script as OUT.gp. PCL_EINVAL when the dataset does not hold
 * what was asked for; the message lists what it holds. */
int pcl_plot(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct pcl_err *err);

/** The script alone, malloc'ed: what pcl_plot() would hand to gnuplot. */
int pcl_plot_script(const struct pcl_dataset *d, const struct pcl_plot_opts *o, char **script,
                    struct pcl_err *err);

#endif
