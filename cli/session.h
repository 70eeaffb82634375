/*
 * What run, sweep and claims share: a study carried out with progress on the terminal, signals caught
 * and the results counted.
 */
#ifndef PCLSIM_CLI_SESSION_H
#define PCLSIM_CLI_SESSION_H

#include <pclsim/lockform.h>
#include <pclsim/study.h>

#include <jansson.h>

struct cli_session {
    const struct pcl_study *study;
    struct pcl_study_exec exec; /* how; hooks and cancel are set here */
    bool brief;                 /* results are counted, not wanted: a sweep */
    bool want_json;
    pcl_lockform_print print_locks; /* NULL: not wanted */
    FILE *locks;                    /* where print_locks prints each run, in order */
    struct pcl_result *sums; /* lock statistics by scheme, added up over replications; NULL: not
                                wanted */
    /* filled while running */
    json_t *runs; /* array, when want_json */
    size_t total, finished, reused, failed, law_broken, violated;
    char first_failure[1280]; /* who and why; "" : none */
    char first_violation[1100];
    char *first_steps; /* that led to it, lines; NULL: none are known */
};

/** Runs the study. On success exec.out holds the results; failed runs are results too. When it was
 * interrupted, says on standard error what was kept. Returns a result code. */
int cli_session_run(struct cli_session *s, struct pcl_err *err);

/** What the results mean for the exit code, said on standard error. */
int cli_session_judge(const struct cli_session *s);

#endif
