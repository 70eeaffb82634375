/*
 * An output over some windows as a ratio of two sums, so that windows of unequal numbers of
 * operations add up rightly. Private to sim/engine.
 */
#ifndef PCLSIM_ENGINE_WINDOWS_READ_H
#define PCLSIM_ENGINE_WINDOWS_READ_H

#include <pclsim/windows.h>

struct pcl_ratio {
    double num, den; /* den 0: nothing happened */
};

/** Over windows [from, to). */
struct pcl_ratio pcl_windows_sum(const struct pcl_windows *s, enum pcl_output o, size_t from,
                                 size_t to);

#endif
