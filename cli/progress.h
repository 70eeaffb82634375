/*
 * Progress of a study on a terminal: one bar per scheme with the time left, or a line for all. Shown on standard
 * error, only when that is a terminal that can move its cursor, and only once a second has
 * passed.
 */
#ifndef PCLSIM_CLI_PROGRESS_H
#define PCLSIM_CLI_PROGRESS_H

#include <pclsim/study.h>

struct cli_progress;

/** Begins; NULL when there is nothing to draw on. All functions take NULL. */
struct cli_progress *cli_progress_new(const struct pcl_study *s);

/** The same for a sweep, in one line: done, rate, time left, precision, failures. */
struct cli_progress *cli_progress_line(const struct pcl_study *s);

/** The progress hook of a study; arg is the struct cli_progress. */
void cli_progress_update(const struct pcl_study_progress *p, void *arg);

/** Notes a result in plan order, for the speed shown behind a finished bar. */
void cli_progress_result(struct cli_progress *pr, size_t job, const struct pcl_result *r,
                         bool reused);

/** Draws the last state, if anything was drawn, and ends. */
void cli_progress_free(struct cli_progress *pr);

#endif
