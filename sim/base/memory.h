/* Private to sim/base: what memory.c and arena.c share. */
#ifndef PCLSIM_BASE_MEMORY_H
#define PCLSIM_BASE_MEMORY_H

#include <stddef.h>

/** Says how much was asked for and stops with exit code 2. */
_Noreturn void pcl_out_of_memory(size_t n, size_t size);

/** n * size, or the end when no object can be that large. */
size_t pcl_checked_size(size_t n, size_t size);

#endif
