/*
 * A run for people: what is simulated, the results, and the effective configuration.
 */
#ifndef PCLSIM_CLI_SUMMARY_H
#define PCLSIM_CLI_SUMMARY_H

#include <pclsim/study.h>

/** What is going to run: input, machine, replications. trace may be NULL. */
void cli_summary_head(FILE *out, const struct pcl_study *s, const struct pcl_trace *trace);

/** The tables; db may be NULL. sums: what the locks of each scheme did, NULL: not shown. Returns an
 * exit code. */
int cli_summary_results(FILE *out, const struct pcl_study *s, const struct pcl_dataset *d,
                        const struct pcl_result *sums, const char *db);

/** The effective scenarios, schemes and machines, without running. Returns CLI_DONE. */
int cli_summary_dump(FILE *out, const struct pcl_study *s);

#endif
