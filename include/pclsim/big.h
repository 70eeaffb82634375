/*
 * Arrays that may be larger than memory should hold: small ones lie in memory, large ones in a
 * file without a name (in $TMPDIR, else /var/tmp, else /tmp) that is mapped. Whoever goes
 * through a large one says so now and then, and the pages behind him are let go: memory stays
 * bounded however long the array is. Where no such file can be made, the array lies in memory
 * after all.
 */
#ifndef PCLSIM_BIG_H
#define PCLSIM_BIG_H

#include <stdbool.h>
#include <stddef.h>

#define PCL_BIG_IN_MEMORY ((size_t)32 << 20) /* bytes; up to this an array lies in memory */
#define PCL_BIG_STRIDE 65536 /* accesses after which pcl_big_relax is worth it */

struct pcl_big {
    void *p; /* zeroed when new */
    size_t bytes;
    bool in_file;
};

void pcl_big_alloc(struct pcl_big *b, size_t n, size_t size);
void pcl_big_free(struct pcl_big *b);

/** Lets go of the pages of an array in a file; they come back when they are touched. May be
 * called while other threads read the array. */
void pcl_big_relax(const struct pcl_big *b);

/** A file without a name, open for reading and writing, or -1. The caller closes it. */
int pcl_temp_file(void);

#endif
