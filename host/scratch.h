/*
 * A file to measure with, of which nothing is left.
 */
#ifndef HOST_SCRATCH_H
#define HOST_SCRATCH_H

#include <pclsim/base.h>

/** A file in a directory that has no name there, or loses it at once: nothing is left behind
 * whatever ends the program. Returns a descriptor or a negative code. */
int host_scratch(const char *dir, int flags, struct pcl_err *err);

#endif
