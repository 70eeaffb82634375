/*
 * A figure before it is drawn: series of points with intervals, axes, titles. figure.c makes it
 * from a dataset, script.c writes it down for gnuplot.
 */
#ifndef PCLSIM_FIGURE_H
#define PCLSIM_FIGURE_H

#include <pclsim/display.h>
#include <pclsim/plot.h>

struct fig_point {
    size_t cat;       /* index into categories */
    double y, lo, hi; /* in the shown unit */
};

struct fig_series {
    char name[256];
    struct fig_point *point; /* in the order of categories, at most one of each */
    size_t n;
};

struct fig_cat {
    const char *text; /* the parameter's value as the user wrote it */
    double x;
};

struct figure {
    struct pcl_arena arena;
    struct fig_series *series;
    size_t n_series;
    struct fig_cat *cat;
    size_t n_cats;
    bool bars; /* categories are no numbers, or there is only one */
    bool x_log, y_log, y_zero;
    char title[512], subtitle[512], xlabel[200], ylabel[200];
};

/** Chooses the results and computes means and intervals. */
int fig_make(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct figure *out,
             struct pcl_err *err);
void fig_free(struct figure *f);

/** The script: values, style and template. form is "png", "svg", "pdf" or "txt". */
int fig_script(const struct figure *f, const char *form, const char *out, char **script,
               struct pcl_err *err);

/** The form that a file name asks for, or NULL. */
const char *fig_form(const char *out);

#endif
