/*
 * What happened to a lock over simulated time: holders and waiters on average, and the waits
 * that ended, by their length, in steps of equal width. The width doubles when time goes on, so
 * that memory is bounded and the end need not be known.
 */
#ifndef PCLSIM_COURSE_H
#define PCLSIM_COURSE_H

#include <pclsim/base.h>

enum {
    PCL_COURSE_STEPS =
        128, /* at most; at least half as many are in use once time has doubled */
    PCL_COURSE_LENGTHS =
        48,                /* of waits: [k] counts those below 2^k ns, and not below 2^(k-1) */
    PCL_COURSE_SHIFT = 8 /* the first width is 2^8 ns */
};

struct pcl_course_step {
    int64_t held[2]; /* ns times holders, shared and exclusive */
    int64_t waited;  /* ns times waiters */
    uint32_t waits[PCL_COURSE_LENGTHS];
};

struct pcl_course {
    pcl_ns from;                    /* begin of the first step */
    unsigned shift;                 /* a step is 2^shift ns */
    uint32_t n;                     /* steps so far */
    struct pcl_course_step *step; /* NULL until used */
};

void pcl_course_init(struct pcl_course *t, pcl_ns from);
void pcl_course_fini(struct pcl_course *t);

/** Somebody held the lock; mode 0 shared, 1 exclusive. What lies before from is left out. */
void pcl_course_hold(struct pcl_course *t, int mode, pcl_ns begin, pcl_ns end);

/** Somebody waited. over: the wait ended; else it is only under way at the end of the run. */
void pcl_course_wait(struct pcl_course *t, pcl_ns begin, pcl_ns end, bool over);

/** Adds b to a, which get the wider of both steps; both begin at from. */
void pcl_course_add(struct pcl_course *a, const struct pcl_course *b);

/** Doubles the width until there are no more than most steps. */
void pcl_course_limit(struct pcl_course *t, uint32_t most);

/** Compact encoding for the store: malloc'ed. from is not in it: a stored course begins at 0,
 * the begin of the measured interval. */
void *pcl_course_encode(const struct pcl_course *t, size_t *size);

/** Fills t, which need not be initialised; PCL_EINVAL for bytes that pcl_course_encode() did
 * not write. */
int pcl_course_decode(struct pcl_course *t, const void *data, size_t size);

#endif
