/*
 * The waiter that may lose a few races before the lock is handed to it, and what a walk does
 * with it: hybrid.c's own, for the locks that differ from it elsewhere.
 */
#ifndef PCLSIM_LOCKS_HYBRID_H
#define PCLSIM_LOCKS_HYBRID_H

#include "page_wait.h"

enum {
    HYBRID_REPEAT = 8 /* first micro-step of the slow path; those of hybrid_wait() follow */
};

#define HYBRID_PARAM_UNFAIRNESS                                                                \
    {                                                                                          \
        "unfairness", 5, 0, 1000000,                                                           \
            "races that a sleeper may lose before the lock is handed to it"                    \
    }

/** Micro-step: clears the bit for an unlock, else the fast path; unfairness: races that a
 * waiter may lose. */
enum pcl_more hybrid_start(struct pcl_page_locks *L, struct pcl_page_op *op,
                           int64_t unfairness);

/** Micro-steps of a waiter, from HYBRID_REPEAT on. */
enum pcl_more hybrid_wait(struct pcl_page_locks *L, struct pcl_page_op *op);

/** A walk's treatment of a matching entry. */
enum wt_verdict hybrid_match(struct pcl_page_locks *L, struct pcl_page_op *op);

#endif
