/*
 * The lock statistics of one run in the forms that kernel people read every day: /proc/lock_stat
 * and perf lock contention. Each form is one mapping from the rows of a result, in one file.
 */
#ifndef PCLSIM_LOCKFORM_H
#define PCLSIM_LOCKFORM_H

#include <pclsim/result.h>
#include <pclsim/scheme.h>
#include <pclsim/trace_locks.h>

struct pcl_lockform {
    const char *title;               /* what was run, for the title line; NULL or "": left out */
    const struct pcl_scheme *scheme; /* whose locks give the types; NULL: the roles' usual ones */
};

/** A form: prints a title line ("# ..., scheme v5.9, replication 0"), then the rows of r. */
typedef void (*pcl_lockform_print)(FILE *out, const struct pcl_result *r,
                                   const struct pcl_lockform *f);

/** As /proc/lock_stat, version 0.4: classes by contentions, times in us with two decimals. A class
 * that is also taken shared has the rows NAME-W and NAME-R. Below a contended class stand the places
 * that waited and those that held the lock then; where the kernel has an address stands the step of
 * the path ("[<write.1>]"), and its name where the kernel has a function. */
void pcl_lockstat_print(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f);

/** As perf lock contention: contended classes by total wait, units that fit the value. The type is
 * the lock that the scheme has in the role, with :R or :W; the caller is the lock class. */
void pcl_perf_lock_print(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f);

/** As perf lock contention -x ,: the same rows, times in plain ns. */
void pcl_perf_lock_csv(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f);

/** Adds the lock statistics of r to those of into, as if both had been one run. */
void pcl_lock_sum(struct pcl_result *into, const struct pcl_result *r);

/** What the waits for each contended lock were spent on, and who made whom wait, in at most so many
 * rows; 72 columns. Nothing when there was no contention. */
void pcl_lock_waits_text(FILE *out, const struct pcl_result *r, size_t rows);

/** What a recording measured beside what its replay makes of it, with the relative error of each
 * row; sum holds the locks of reps replications added up. 72 columns. */
void pcl_lock_against_text(FILE *out, const struct pcl_result *sum, uint32_t reps,
                           const struct pcl_trace_lock *measured, size_t n);

/** The title line of every form. */
void pcl_lockform_title(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f);

#endif
