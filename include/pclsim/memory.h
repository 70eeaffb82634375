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
    int64_t ranges;  /* per inode: operations that hold a range of it in every role */
};

struct pcl_memory_bill {
    pcl_u128 fixed, pages, inodes, waiters, ranges;
    pcl_u128 rest;  /* nobody holds or waits: fixed, pages and inodes */
    pcl_u128 total; /* at the peak */
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

/** A line a scheme, at most 72 columns: what one of each costs, and the bill at rest and at the peak;
 * the same once more with the sizes under lockdep, if asked for. */
void pcl_memory_text(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f, bool lockdep);

/** Exact bytes; beyond 2^53 they are strings. */
void pcl_memory_json(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f);

#endif
