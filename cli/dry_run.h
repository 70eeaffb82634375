/*
 * What a sweep would do, and how long that may take.
 */
#ifndef PCLSIM_CLI_DRY_RUN_H
#define PCLSIM_CLI_DRY_RUN_H

#include <pclsim/study.h>

/** Lists the cells of a study with what is to be run of each, or with each_run every run in
 * CSV, and an estimate. exec->store may be NULL. Nothing is stored. Returns an exit code. */
int cli_dry_run(FILE *out, const struct pcl_study *s, const struct pcl_study_exec *exec,
                bool each_run);

#endif
