/*
 * What the locks of a scheme cost a whole machine: bytes per page, inode, waiter and held range
 * times how many there are. Exact integers; a sum beyond 127 bits is an error.
 */
#ifndef PCLSIM_MEMORY_H
#define PCLSIM_MEMORY_H

#include <pclsim/account.h>

/* A machine to extrapolate to. */
struct pcl_fleet {
    int64_t ram;     /* bytes, all of it page cache in pages of 4 KiB */
    int64_t inodes;  /* in memory */
    int64_t waiters; /* tasks that wait for page locks */
    int64_t ranges;  /* operations that hold a range of their inode in every role */
};

struct pcl_memory_bill {
    pcl_u128 fixed, pages, inodes, waiters, ranges, total;
};

struct pcl_memory_row {
    char scheme[128];
    struct pcl_memory_rates rates[2]; /* without lockdep, with lockdep */
    struct pcl_memory_bill bill[2];
};

/** Fills a row: the scheme's rates, and its bill for the machine. PCL_EINVAL when a number is
 * negative or a sum does not fit, as well as for locks that do not exist. */
int pcl_memory_row(const struct pcl_scheme *s, const struct pcl_fleet *f,
                   struct pcl_memory_row *out, struct pcl_err *err);

/** The bill of given rates. */
int pcl_memory_bill(const struct pcl_memory_rates *r, const struct pcl_fleet *f,
                    struct pcl_memory_bill *out, struct pcl_err *err);

/** The rows side by side, at most 72 columns; schemes that do not fit follow below. */
void pcl_memory_text(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f, bool lockdep);

/** Exact bytes; beyond 2^53 they are strings. */
void pcl_memory_json(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f);

#endif
