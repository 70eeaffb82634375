/*
 * Results in the forms that tools of others read: fio's JSON+, and HdrHistogram's percentile
 * text.
 */
#ifndef PCLSIM_FORMS_H
#define PCLSIM_FORMS_H

#include <pclsim/result.h>

#include <stdio.h>

/* fio's JSON+ output: a document with a job per run. Reads are read, dread and fault; writes
 * are write, dwrite and wfault; trims are punch; syncs are fsync. Other operations have no
 * place in it. Latencies are clat and lat alike; times of day are 0. */
struct pcl_fio;
struct pcl_fio *pcl_fio_new(void);
void pcl_fio_add(struct pcl_fio *f, const struct pcl_result *r, const char *jobname,
                 uint32_t group);
/** Prints the document; PCL_OK or PCL_EIO. */
int pcl_fio_print(FILE *out, const struct pcl_fio *f);
void pcl_fio_free(struct pcl_fio *f);

/** A histogram of ns as HdrHistogram's percentile text (.hgrm), in microseconds, five steps to
 * each halving of the distance to 100 %. title is a comment line in front. */
void pcl_hgrm_print(FILE *out, const struct pcl_hist *h, const char *title);

#endif
