/*
 * The waiter that sleeps until it is told, without ever trying for itself: handoff.c's own, for
 * the locks that differ from it in the wake.
 */
#ifndef PCLSIM_LOCKS_HANDOFF_H
#define PCLSIM_LOCKS_HANDOFF_H

#include "page_wait.h"

enum {
    HANDOFF_SLOW = 8 /* first micro-step of the slow path; those of handoff_wait() follow */
};

/** Micro-steps of a waiter, from HANDOFF_SLOW on. */
enum pcl_more handoff_wait(struct pcl_page_locks *L, struct pcl_page_op *op);

#endif
