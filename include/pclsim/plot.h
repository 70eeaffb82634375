/*
 * Figures from results. Each kind turns a dataset into panels of points with intervals; gnuplot
 * draws them from templates without numbers (plots, *.gp) and inline data, so that the script
 * is the record of the figure. One template serves png, svg, pdf and text.
 */
#ifndef PCLSIM_PLOT_H
#define PCLSIM_PLOT_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>
#include <pclsim/store.h>

enum pcl_plot_kind {
    PCL_PLOT_AUTO, /* lines when a number varies over three values or more, else bars */
#define PCL_PLOT_KIND(id, name, what) PCL_PLOT_##id,
#include <pclsim/plot_kinds.def>
#undef PCL_PLOT_KIND
    PCL_N_PLOT_KINDS
};

struct pcl_plot_opts {
    enum pcl_plot_kind kind;
    const char *out; /* FILE.png, .svg, .pdf, .txt, or .gp: the script alone. NULL: text, for
                        pcl_plot_print() */
    const char *const
        *y; /* "name" or "name(object)", a panel each; none: what suits the kind */
    size_t n_y;
    const char *x; /* parameter; of pareto: the metric of bytes. NULL: the one that varies */
    const char *const *by; /* parameters that make a line; none: scheme and what else varies */
    size_t n_by;
    const char *facet; /* parameter: a panel for each of its values */
    const char *const
        *where; /* "key=value", also != < <= > >=: only configurations that have it */
    size_t n_where;
    double level; /* 0: PCL_LEVEL */
    bool script;  /* leave OUT.gp beside the figure even when all went well */
    struct pcl_store
        *store; /* where d came from, for kinds that need histograms; may be NULL */
};

/** "lines", "bars" ... and what each shows; NULL for AUTO. */
const char *pcl_plot_kind_name(enum pcl_plot_kind k);
const char *pcl_plot_kind_what(enum pcl_plot_kind k);

/** Draws the figure. The file appears whole or not at all. When gnuplot is missing or fails,
 * returns PCL_EFAIL and leaves the script, data inside, as OUT.gp. PCL_EINVAL when the dataset
 * does not hold what was asked for; the message lists what it holds. */
int pcl_plot(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct pcl_err *err);

/** The same as text of at most 72 columns, printed on out; o->out is not looked at. A script
 * that cannot be drawn is left in $TMPDIR or /tmp; the message says where. */
int pcl_plot_print(FILE *out, const struct pcl_dataset *d, const struct pcl_plot_opts *o,
                   struct pcl_err *err);

/** The script alone, malloc'ed: what pcl_plot() would hand to gnuplot. */
int pcl_plot_script(const struct pcl_dataset *d, const struct pcl_plot_opts *o, char **script,
                    struct pcl_err *err);

#endif
