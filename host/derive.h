/*
 * From readings to the constants of a profile: settle.c takes what was measured as it is,
 * derive.c solves for what hides inside an operation.
 */
#ifndef HOST_DERIVE_H
#define HOST_DERIVE_H

#include "probe.h"

struct derive {
    struct pcl_calibration *c;
    enum pcl_fs fs; /* of the directory under way */
    double clock;   /* ns that reading the clock adds to a sample */
};

/** A reading of the machine (fs PCL_N_FS) or of a file system; NULL when it was not taken. */
const struct pcl_reading *derive_reading(const struct pcl_calibration *c, enum host_reading r,
                                         enum pcl_fs fs);

void derive_note(struct pcl_calibration *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** Gives a constant its value and range (widened to hold it), and notes how it was come by. */
void derive_put(struct pcl_calibration *c, int id, enum pcl_known how, double v, double lo,
                double hi);

/** Constants that a reading gives directly, and those of topology and kernel. */
void derive_direct(struct pcl_calibration *c, const struct host *h);

/** Kernel code here against the base machine: geometric mean over four single operations; NaN
 * when none was measured. */
double derive_scale(const struct derive *d);

/** Multiplies what is taken over from the base by the scale and says so. */
void derive_taken(struct pcl_calibration *c);

/** Mean latency of a reading's operation in the model, on an idle CPU without ticks, ns; NaN
 * when the run failed. */
double derive_simulate(enum host_reading reading, enum pcl_fs fs,
                       const struct pcl_profile *machine);

/** Solves for the constants that operations on d's file system settle. */
void derive_settle(const struct derive *d);
bool derive_settles(enum host_reading by, enum pcl_fs fs);

/** Device constants that readings of d's file system give directly. */
void derive_device(const struct derive *d);

/** Runs each single operation with the finished profile. */
void derive_checks(const struct derive *d);

#endif
