/*
 * The kernel's own lock events while a scenario runs for real: contention of all locks, and
 * XFS's inode locks, recorded in a buffer of tracefs that is ours alone and goes away
 * afterwards.
 */
#ifndef PCLSIM_RECORD_H
#define PCLSIM_RECORD_H

#include <pclsim/trace.h>

struct pcl_record;

/** Begins to record this process and its children. PCL_ENOENT, with the reason, where tracefs
 * is not there, may not be written or has none of the events. */
int pcl_record_begin(struct pcl_record **out, struct pcl_err *err);

/** Stops, reads what was recorded and removes the buffer. The caller frees *trace. */
int pcl_record_end(struct pcl_record *r, struct pcl_trace **trace, struct pcl_err *err);

/** Stops and removes the buffer without reading it; NULL is allowed. */
void pcl_record_drop(struct pcl_record *r);

#endif
