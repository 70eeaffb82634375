/*
 * What the bench programs share: options from a table, the flat JSON object, time. The
 * programs measure this simulator, not the modelled kernel.
 */
#ifndef PCLSIM_BENCH_H
#define PCLSIM_BENCH_H

#include <pclsim/base.h>

enum bench_exit { BENCH_DONE = 0, BENCH_USAGE = 1, BENCH_FAILED = 2, BENCH_BROKEN = 4 };

enum bench_kind {
    BENCH_INT,  /* int64_t */
    BENCH_TIME, /* pcl_ns */
    BENCH_FLAG  /* bool */
};

/* One option: its value goes to *to when it is given. */
struct bench_option {
    const char *name; /* without the dashes */
    enum bench_kind kind;
    void *to;
    int64_t lo, hi; /* of numbers */
    const char *arg, *what;
};

/* A program and its options; the list ends with name NULL. */
struct bench_program {
    const char *name, *summary;
    const struct bench_option *options;
    const char *operand; /* NULL: the program takes options only; else it wants this one word */
    const char **to;     /* where that goes */
};

/** Reads argv. BENCH_DONE: go on; *help: the text was printed, leave with 0. */
int bench_options(const struct bench_program *p, int argc, char **argv, bool *help);

/** Processor time of this process: wall time on an idle machine, and its like on a busy one. */
double bench_seconds(void);

/** The middle one of n values, which are sorted in place. */
double bench_median(double *v, size_t n);

/* The flat object, a key a line: begin, any number of fields, end. */
struct bench_json {
    FILE *out;
    bool any;
};

void bench_json_begin(struct bench_json *j, FILE *out);
void bench_json_text(struct bench_json *j, const char *key, const char *value);
void bench_json_int(struct bench_json *j, const char *key, int64_t value);
void bench_json_real(struct bench_json *j, const char *key, double value);
void bench_json_bool(struct bench_json *j, const char *key, bool value);
void bench_json_hex(struct bench_json *j, const char *key, uint64_t value);
void bench_json_end(struct bench_json *j);

#endif
