/*
 * A run as a series: what was completed in equal windows of simulated time, in bounded memory.
 * From it follow where the warm-up ends, how sure one run alone is of its means, and whether it
 * has more than one mode. Plain arithmetic and square roots only, so that all of it is equal on
 * all machines.
 */
#ifndef PCLSIM_WINDOWS_H
#define PCLSIM_WINDOWS_H

#include <pclsim/base.h>

#define PCL_WINDOWS 1024 /* at most; neighbours are merged when there would be more */

struct pcl_window {
    uint64_t transactions, ops; /* completed in it */
    uint64_t time;              /* ns, of these operations */
};

struct pcl_windows {
    pcl_ns from;          /* start of the first */
    unsigned shift;       /* a window is 2^shift ns long */
    size_t n;             /* up to the last in which anything was completed */
    struct pcl_window *w; /* [PCL_WINDOWS]; NULL: nothing is recorded */
};

/** Starts a series at a time. fini leaves a series that records nothing. */
void pcl_windows_init(struct pcl_windows *s, pcl_ns from);
void pcl_windows_fini(struct pcl_windows *s);

/** Merges neighbours until a window for that time is inside the array. */
void pcl_windows_widen(struct pcl_windows *s, pcl_ns at);

/** Counts an operation that ended at a time, not before `from`, and took so long. */
static inline void pcl_windows_add(struct pcl_windows *s, pcl_ns at, pcl_ns took,
                                   bool transaction)
{
    uint64_t i = (uint64_t)(at - s->from) >> s->shift;

    if (i >= PCL_WINDOWS) {
        pcl_windows_widen(s, at);
        i = (uint64_t)(at - s->from) >> s->shift;
    }
    s->n = i >= s->n ? i + 1 : s->n;
    s->w[i].transactions += transaction;
    s->w[i].ops++;
    s->w[i].time += (uint64_t)took;
}

/** Ends the series: from now on n is the number of windows that lie before end as a whole. */
void pcl_windows_end(struct pcl_windows *s, pcl_ns end);

/* What a series can be read as; names as those of the metrics. */
enum pcl_output {
    PCL_OUTPUT_THROUGHPUT, /* transactions per second */
    PCL_OUTPUT_LATENCY,    /* mean of an operation, ns */
    PCL_OUTPUT_IN_FLIGHT,  /* operations under way, by Little's law */
    PCL_N_OUTPUTS
};

const char *pcl_output_name(enum pcl_output o); /* "throughput", "latency_mean", "in_flight" */
const char *pcl_output_unit(enum pcl_output o);

/* --- warm-up ---------------------------------------------------------------------------- */

/* Where MSER-5 (White 1997) cuts. */
struct pcl_warmup {
    bool known;              /* false: too little happened to say anything */
    pcl_ns cut;              /* after `from`: the largest over the outputs */
    enum pcl_output slowest; /* whose cut that is */
    bool refused; /* it lies in the second half: the run is too short for its warm-up */
};

void pcl_windows_warmup(const struct pcl_windows *s, struct pcl_warmup *out);

/** MSER-5's rule on any series: the d in [0, n - 5] with the least sum of squares of x[d..n)
 * about their mean over (n - d)^2. n >= 6. */
size_t pcl_mser(const double *x, size_t n);

/* --- one run by itself -------------------------------------------------------------------- */

/* Batch means of an output. */
struct pcl_batches {
    size_t
        n; /* batches; 0: they could not be told from correlated ones, or too little happened */
    double mean; /* over the windows used */
    double se;   /* standard error of it: Student's t has n - 1 degrees of freedom */
    double lag1; /* correlation of neighbours, of the batches tried last */
};

void pcl_windows_batches(const struct pcl_windows *s, enum pcl_output o,
                         struct pcl_batches *out);

/* Two modes of an output, or one. */
struct pcl_modes {
    size_t n;                     /* 1 or 2; 0: too little happened to say anything */
    double low, high;             /* means of the modes, if there are two */
    double low_share;             /* of the time */
    pcl_ns low_dwell, high_dwell; /* mean time in a mode without a break */
    size_t switches;
};

void pcl_windows_modes(const struct pcl_windows *s, enum pcl_output o, struct pcl_modes *out);

/** The rule itself on n values, 1 <= n: are they of two modes, between which the series
 * switches? high[i] (may be NULL) says in which mode each is. Only counts are filled: n, low,
 * high, low_share and switches. */
void pcl_modes_of(const double *x, size_t n, bool *high, struct pcl_modes *out);

#endif
