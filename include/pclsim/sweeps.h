/*
 * In words, how long a lock that goes unit by unit takes for a wide range, and what memory.
 */
#ifndef PCLSIM_SWEEPS_H
#define PCLSIM_SWEEPS_H

#include <pclsim/dataset.h>

/** A paragraph for each configuration and role that has such a lock and used it for more than a
 * few units; nothing otherwise. */
void pcl_sweeps_text(FILE *out, const struct pcl_dataset *d);

#endif
