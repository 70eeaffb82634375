/*
 * Processes that mpirun or srun started together, perhaps on many hosts. Rank 0 knows what is
 * to be done and hands it out run by run; the others run, each into a store of its own.
 */
#ifndef PCLSIM_RANKS_H
#define PCLSIM_RANKS_H

#include <pclsim/study.h>

struct pcl_ranks;

/** True in a process that a launcher of MPI started, with others. */
bool pcl_ranks_launched(void);

/** Finds the others. PCL_EINVAL when this build has no MPI. Each start needs its end. */
int pcl_ranks_start(struct pcl_ranks **out, struct pcl_err *err);
void pcl_ranks_end(struct pcl_ranks *r);

int pcl_ranks_number(const struct pcl_ranks *r); /* of this process, from 0 */
int pcl_ranks_count(const struct pcl_ranks *r);

/** All ranks call this, and all get the same answer: OK when each comes with PCL_OK and the
 * same text. Otherwise rank 0 fails with the message of the first that has one, the others with
 * a silent code. */
int pcl_ranks_agree(struct pcl_ranks *r, int code, const char *text, struct pcl_err *err);

/** Rank 0: has n jobs run by the others; ended is called for each. */
int pcl_ranks_run(struct pcl_ranks *r, size_t n, size_t (*job)(size_t i, void *arg),
                  void (*ended)(size_t i, const struct pcl_study_outcome *o, void *arg),
                  void *arg, const volatile int *cancel, struct pcl_err *err);

/** Rank 0: sends the others home and waits until their stores are closed. Fails when one of
 * them could not keep what it ran. */
int pcl_ranks_dismiss(struct pcl_ranks *r, struct pcl_err *err);

/** Other ranks: runs what rank 0 says, into the store at path, until dismissed. Failures are
 * told rank 0, which reports them. */
int pcl_ranks_serve(struct pcl_ranks *r, const struct pcl_study *s,
                    const struct pcl_study_precision *precision, const char *path,
                    const volatile int *cancel);

#endif
