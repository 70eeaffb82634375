/*
 * What run, sweep and claims share: a study carried out with progress on the terminal, signals
 * caught and the results counted.
 */
#ifndef PCLSIM_CLI_SESSION_H
#define PCLSIM_CLI_SESSION_H

#include <pclsim/forms.h>
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
    bool joined;                    /* without a blank line between runs */
    struct pcl_fio *fio;            /* gets each run; NULL: not wanted */
    struct pcl_hist
        *hists; /* one by scheme and point, added up over replications; NULL: not wanted */
    char hist_name[40], hist_object[40]; /* which */
    struct pcl_result *sums; /* lock statistics by scheme, added up over replications; NULL: not
                                wanted */
    /* filled while running */
    json_t *runs; /* array, when want_json */
    size_t total, finished, reused, failed, law_broken, violated;
    char first_failure[1280]; /* who and why; "" : none */
    char first_violation[1100];
    char *first_steps; /* that led to it, lines; NULL: none are known */
};

/** Runs the study. On success exec.out holds the results; failed runs are results too. When it
 * was interrupted, says on standard error what was kept. Returns a result code. */
int cli_session_run(struct cli_session *s, struct pcl_err *err);

/** What a job runs: workload and the values of its point, into buf. */
char *cli_session_title(const struct cli_session *s, size_t job, char *buf, size_t n);

/** What the results mean for the exit code, said on standard error. */
int cli_session_judge(const struct cli_session *s);

#endif
