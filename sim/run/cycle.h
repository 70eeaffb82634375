/* Rings of sleepers, in timed runs and in what the explorer finds. Private to sim/run. */
#ifndef PCLSIM_CYCLE_H
#define PCLSIM_CYCLE_H

#include "wrong.h"

/** Of the first n_tasks tasks those in a ring of sleepers each of which wants what the next one
 * has; 0: there is none. who: the first of them; text says who waits for what, and who has it. Who
 * has a page is known from the page locks' notes. */
uint32_t sim_cycle(const struct pcl_kernel *k, uint32_t n_tasks, struct parties *who, char *text,
                   size_t room);

#endif
