/*
 * A machine profile: what each kind of event costs. Locks and paths say what happens; only a
 * profile says how long it takes. Scenarios cannot set these (design decision D7).
 */
#ifndef PCLSIM_PROFILE_H
#define PCLSIM_PROFILE_H

#include <pclsim/base.h>

enum pcl_const_kind {
    PCL_KIND_NS,
    PCL_KIND_COUNT,
    PCL_KIND_BYTES,
    PCL_KIND_RATE,
    PCL_KIND_WORD
};

enum pcl_const_id {
#define PCL_CONST(field, kind, choices, what) PCL_C_##field,
#include <pclsim/profile.def>
#undef PCL_CONST
    PCL_N_CONSTS
};

enum pcl_preempt {
    PCL_PREEMPT_NONE,
    PCL_PREEMPT_VOLUNTARY,
    PCL_PREEMPT_FULL
};

enum pcl_sched {
    PCL_SCHED_IDEAL,
    PCL_SCHED_CFS,
    PCL_SCHED_EEVDF
};

/* What is known about a constant, one row of profile.def. */
struct pcl_const_info {
    const char *name;
    enum pcl_const_kind kind;
    const char *choices; /* WORD: separated by | */
    const char *what;
    size_t offset; /* of its int64_t in struct pcl_profile */
};

extern const struct pcl_const_info pcl_consts[PCL_N_CONSTS];

struct pcl_profile {
    char name[64];
    char title[160];
    char path[512]; /* where it was read from */
#define PCL_CONST(field, kind, choices, what) int64_t field;
#include <pclsim/profile.def>
#undef PCL_CONST
    int64_t lo[PCL_N_CONSTS], hi[PCL_N_CONSTS]; /* plausible range */
    int64_t typical[PCL_N_CONSTS];              /* the file's value, whatever was set since */
    char source[PCL_N_CONSTS][200];
    char base[64]; /* profile that it was derived from, "" if none */
};

/* The file form: a section [machine] with name, title and perhaps base = OTHER, then constants in
 * the sections [topology] [kernel] [lines] [scheduler] [interrupts] [paths] [filesystems] [device]
 * [writeback], as `rmw = 5ns (2ns..8ns) where the figure comes from`. Value, range and source are
 * required; words (preempt, sched) have no range. What a base gives need not be repeated. */

/** All costs zero, a CPU per task, ideal scheduler: the machine of the analytic cases. Named
 * "ideal". */
void pcl_profile_ideal(struct pcl_profile *p);

/** Reads a machine file by name or path ("ideal" is built in). */
int pcl_profile_load(const char *name_or_path, struct pcl_profile *p, struct pcl_err *err);

/** The same from memory. Bases are looked for beside the file, then by name. */
int pcl_profile_parse(const char *file, const char *text, size_t size, struct pcl_profile *p,
                      struct pcl_err *err);

/** Sets one constant from text, outside its plausible range too; low, typical and high take the
 * ends of the file's range or the file's own value. file/line/col are for messages; without a
 * file they name "--set machine.KEY=VALUE". p is unchanged on failure. */
int pcl_profile_set(struct pcl_profile *p, const char *key, const char *value, const char *file,
                    unsigned line, unsigned col, struct pcl_err *err);

/** The id of a constant, or -1. */
int pcl_const_find(const char *name);

/** The value of a constant, and how its file would write it: exact, and the parser reads it. */
int64_t pcl_profile_get(const struct pcl_profile *p, enum pcl_const_id id);
const char *pcl_const_format(enum pcl_const_id id, int64_t value, char *buf, size_t n);

/** Canonical text: every constant, its value in exact units, without names and sources; equal
 * text is an equal machine. malloc'ed. */
char *pcl_profile_text(const struct pcl_profile *p);

/** Number of CPUs, 0 for one per task. */
int64_t pcl_profile_cpus(const struct pcl_profile *p);

#endif
