/*
 * Calibration: what this host's kernel and CPUs cost, measured from user space and turned into
 * a machine profile. A constant is measured, or derived (solved from a measured operation by
 * running the same operation through the model), or taken over from a shipped machine; its
 * source says which.
 */
#ifndef PCLSIM_CALIBRATE_H
#define PCLSIM_CALIBRATE_H

#include <pclsim/profile.h>
#include <pclsim/scenario.h>

#define PCL_CALIBRATE_DIRS 3

struct pcl_calibrate_opts {
    const char *
        dir[PCL_CALIBRATE_DIRS]; /* on the file systems to measure; written to, left as found */
    size_t n_dirs;
    unsigned rounds;  /* of all probes, 1 to 16 */
    double seconds;   /* a further round begins only while it is likely to end before that */
    const char *name; /* of the profile */
    void (*progress)(const char *what, unsigned done, unsigned total,
                     void *arg); /* may be NULL */
    void *arg;
    const volatile int *cancel; /* may be NULL */
};

/* How a constant of the profile was come by. */
enum pcl_known {
    PCL_KNOWN_MEASURED,
    PCL_KNOWN_DERIVED, /* solved from measured operations */
    PCL_KNOWN_SCALED,  /* another machine's, times the ratio of kernel code's speed */
    PCL_KNOWN_TAKEN    /* another machine's */
};

/* One reading, of the CPU side or of one directory. */
struct pcl_reading {
    const char *name, *what;
    const char *fs; /* "xfs" ...; "": of the machine */
    double median;  /* of the rounds' medians; ns unless what says otherwise */
    double lo, hi;  /* lowest first quartile and highest third quartile of a round */
    double spread;  /* (highest - lowest) / median of the rounds' medians */
    unsigned rounds;
    uint64_t samples;
};

/* A single operation on an idle machine, measured and simulated with the finished profile. */
struct pcl_check_row {
    const char *fs, *name, *what; /* of the reading */
    double measured, simulated;   /* ns */
    bool solved; /* a constant was solved from it: agreement is by construction */
};

struct pcl_calibration {
    struct pcl_profile profile;
    enum pcl_known known[PCL_N_CONSTS];
    char base[64]; /* the shipped machine that the rest was taken over from */
    double scale;  /* kernel code here against there */
    char cpu[128], kernel[128], date[32], virt[32]; /* virt: "" on bare metal */
    struct pcl_reading *readings;
    size_t n_readings;
    struct pcl_check_row *checks;
    size_t n_checks;
    char *notes[32]; /* what could not be measured or is doubtful, sentences */
    size_t n_notes;
    unsigned rounds;
    double seconds; /* that the rounds took */
    double steal;   /* share of CPU time that the hypervisor took meanwhile */
    double load;    /* runnable others at the start, mean */
};

/** Measures. Wants a writable directory for each file system; without directories only the CPU
 * side is measured. What cannot be measured is noted. Leaves nothing behind, whatever ends it.
 * @return PCL_OK; PCL_EINVAL, PCL_EIO with a message; PCL_EINTR */
int pcl_calibrate(const struct pcl_calibrate_opts *o, struct pcl_calibration *out,
                  struct pcl_err *err);
void pcl_calibration_fini(struct pcl_calibration *c);

/** The profile as a machine file, provenance and readings in its comments; the file appears
 * whole or not at all. "-" is standard output. */
int pcl_calibration_write(const struct pcl_calibration *c, const char *path,
                          struct pcl_err *err);

/** The file system that a directory lies on; PCL_N_FS: one that is not modelled, *name says
 * which. */
int pcl_host_fs(const char *dir, enum pcl_fs *fs, const char **name, struct pcl_err *err);

#endif
