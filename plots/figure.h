/*
 * A figure before it is drawn: panels of series of points with intervals, axes, titles. pick.c
 * chooses the results, figure_*.c make panels of them, axis.c chooses units and tics, script.c
 * writes all of it down for gnuplot, plot.c has it drawn.
 */
#ifndef PCLSIM_FIGURE_H
#define PCLSIM_FIGURE_H

#include <pclsim/display.h>
#include <pclsim/plot.h>

enum {
    FIG_MAX_NAMES = 24, /* more lines than this nobody can tell apart */
    FIG_MAX_PANELS = 12
};

/* NaN in y: a gap. What a template does with them stands in its head. */
struct fig_point {
    double x, xlo, xhi, y, lo, hi;
    const char *text; /* NULL: "" */
};

struct fig_series {
    struct fig_point *point;
    size_t n;
};

struct fig_tic {
    double at;
    const char *text;
};

struct fig_axis {
    char label[200];
    bool log;
    double lo, hi; /* lo == hi: left to gnuplot */
    bool zero;     /* begins at 0, ends where gnuplot likes */
    struct fig_tic *tic;
    size_t n_tics; /* 0: left to gnuplot */
};

struct fig_panel {
    char title[256]; /* "" when there is one panel */
    struct fig_axis x, y;
    struct fig_series *series; /* [n_names] of the figure, and one more for a template to use */
    struct fig_series *curve;  /* [n_names] or NULL: fitted */
    size_t rows;               /* of a panel of bars */
    struct fig_tic *mark;      /* vertical marks with a name */
    size_t n_marks;
};

struct figure {
    struct pcl_arena arena;
    const char *template; /* "panel-lines" ... */
    const char **name;    /* of the series, for the key */
    size_t n_names;
    struct fig_panel *panel;
    size_t n_panels;
    const char *note, *text_note; /* a line with the titles, or below a text figure's key; "" */
    bool no_key;
    double top; /* of a heat map: the largest number */
    char title[512], subtitle[512];
};

/* The configurations that a figure is about, and what tells them apart. */
struct pick {
    struct figure *f;
    const struct pcl_dataset *d;
    const struct pcl_plot_opts *o;
    double level;
    const struct pcl_config **config;
    size_t n;
    const char **param; /* those that vary, "scheme" first if it does */
    size_t n_params;
    const char *x;   /* a parameter, or NULL */
    const char **by; /* what makes a series */
    size_t n_by;
    size_t least, most; /* replications of a point */
    bool varies;        /* some interval has a width */
    bool no_intervals;  /* none is drawn */
};

/* --- pick.c --- */

/** Configurations that fit --where, and the parameters that vary among them. */
int pick_configs(struct pick *p, struct pcl_err *err);
/** Which parameter is x (want_x: there must be one if any but by and facet varies), which make
 * series. */
int pick_axes(struct pick *p, bool want_x, struct pcl_err *err);
/** The value of a parameter of a configuration: chosen, or as its scenario has it; also
 * "scheme", "machine", "workload". */
const char *pick_value(struct pick *p, const struct pcl_config *c, const char *name);
/** Finds name and object that a --y asks for, or says what there is. */
int pick_metric(const struct pick *p, const char *spec, char name[40], char object[40],
                struct pcl_err *err);
/** The series a configuration belongs to; adds it. PCL_EINVAL when there are too many. */
int pick_series(struct pick *p, const struct pcl_config *c, size_t *out, struct pcl_err *err);
/** What makes the series of a configuration, in words. */
const char *pick_label(struct pick *p, const struct pcl_config *c);
/** The value of --facet, "" without. */
const char *pick_facet(struct pick *p, const struct pcl_config *c);
/** The mean and interval of a metric, counted in p->least, most, varies. */
bool pick_interval(struct pick *p, const struct pcl_config *c, const char *name,
                   const char *object, struct pcl_ci *out);
/** Title and subtitle. */
void pick_titles(struct pick *p);
/** "tasks = 8, think = 5us": what tells c from the others beside x, by and facet; "" nothing.
 */
const char *pick_rest(struct pick *p, const struct pcl_config *c);
void pick_fini(struct pick *p);

/* --- figure.c --- */

/** Chooses the results and computes means and intervals. */
int fig_make(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct figure *out,
             struct pcl_err *err);
void fig_free(struct figure *f);

/** The panel of that title, made when missing; NULL when there are too many. */
struct fig_panel *fig_panel(struct figure *f, const char *title, struct pcl_err *err);
/** Adds a point to a series of a panel; text is copied. */
struct fig_point *fig_add(struct figure *f, struct fig_panel *q, size_t series,
                          struct fig_point pt);
/** "121.1 +- 0.3": the value of a point and its interval, with as many digits as that supports,
 * four at most. */
const char *fig_number(struct figure *f, const struct fig_point *pt, bool interval);
const char *fig_text(struct figure *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int fig_lines(struct pick *p, struct pcl_err *err);
int fig_bars(struct pick *p, struct pcl_err *err);
int fig_quantiles(struct pick *p, bool ccdf, struct pcl_err *err);
int fig_time(struct pick *p, struct pcl_err *err);
int fig_heat(struct pick *p, struct pcl_err *err);
int fig_occupancy(struct pick *p, struct pcl_err *err);
int fig_scaling(struct pick *p, struct pcl_err *err);
int fig_pareto(struct pick *p, struct pcl_err *err);

/* --- axis.c --- */

/** A range over points of all panels that share an axis: y with intervals, or x. */
struct fig_range {
    double lo, hi; /* lo > hi: no points */
    double least;  /* positive one */
};
void axis_see(struct fig_range *r, double v);
struct fig_range axis_none(void);

/** Unit, scale (linear or logarithmic), tics and label of an axis of a metric. Logarithmic when
 * the values are positive and span more than most. Returns what values must be divided by. */
double axis_metric(struct figure *f, struct fig_axis *a, const char *label, const char *unit,
                   enum pcl_better better, const struct fig_range *r, double most);
/** Decades with their units between lo and hi, in the metric's own unit. */
void axis_decades(struct figure *f, struct fig_axis *a, const char *unit, double lo, double hi);

/* --- script.c --- */

/** The script: values, style and template. form is "png", "svg", "pdf" or "txt". */
int fig_script(const struct figure *f, const char *form, const char *out, char **script,
               struct pcl_err *err);

/** The form that a file name asks for, or NULL. */
const char *fig_form(const char *out);

#endif
