/*
 * What a trace holds, for people and for programs: the text of `pclsim trace info`.
 */
#ifndef PCLSIM_TRACE_INFO_H
#define PCLSIM_TRACE_INFO_H

#include <pclsim/trace.h>

#include <stdio.h>

/** Plain ASCII, at most 72 columns. Paths are shortened at their left end, and bytes that are not
 * printable ASCII are shown as octal escapes. */
void pcl_trace_info_text(FILE *out, const struct pcl_trace *t);

/** One JSON object and a newline. "lines", "ops", "threads", "inodes" and "span_ns" are always
 * there; integers beyond 2^53 are strings. Returns PCL_OK, or PCL_EIO when writing failed. */
int pcl_trace_info_json(FILE *out, const struct pcl_trace *t);

/** The measured waits and holds by lock class: ASCII, at most 72 columns. */
void pcl_trace_locks_text(FILE *out, const struct pcl_trace *t);

/** The same as one JSON array of objects and a newline; times in ns. */
int pcl_trace_locks_json(FILE *out, const struct pcl_trace *t);

#endif
