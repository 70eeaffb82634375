/*
 * The warm-up that a run finds out by itself. Private to sim/run.
 */
#ifndef PCLSIM_RUN_STEADY_H
#define PCLSIM_RUN_STEADY_H

#include "sim.h"

/** Finds when to measure: what the scenario says, or by pilots of other draws. Errors as of pcl_run(). */
int sim_find_span(const struct pcl_job *job, struct pcl_span *span, const volatile int *cancel,
                  struct pcl_err *err);

#endif
