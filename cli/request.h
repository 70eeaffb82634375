/*
 * What run and sweep are asked for in the same words: an input, schemes, a machine, settings,
 * replications. One table of options, read into one specification of a study.
 */
#ifndef PCLSIM_CLI_REQUEST_H
#define PCLSIM_CLI_REQUEST_H

#include <pclsim/study.h>

#include "cli.h"
#include "input.h"

struct cli_request_values {
    struct cli_list schemes, clones, set;
    const char *schemes_file, *machine, *replay, *max_think, *db;
    int fs;
    int64_t seed, reps, jobs;
    bool check, no_run_ahead;
};

#define CLI_NOT_GIVEN (-1)
#define CLI_REQUEST_NONE                                                                       \
    {                                                                                          \
        .fs = CLI_NOT_GIVEN, .seed = CLI_NOT_GIVEN, .reps = CLI_NOT_GIVEN,                     \
        .jobs = CLI_NOT_GIVEN                                                                  \
    }

#define CLI_FS_WORDS "xfs|ext4|tmpfs|page-only|ext4-half-shared|ext4-exclusive-dio"

/* Rows for the table of a verb whose values are of type T with such a member f. */
/* clang-format off */
#define CLI_REQUEST_OPTIONS(T, f) \
    {"scheme", 's', CLI_COMMAS, offsetof(T, f.schemes), "A,B,...", "@scheme", 0, 0, \
     "locking schemes, each optionally with overrides: v5.9:page=handoff; else the scenario's " \
     "own, for a trace v5.8, v5.9-rc1 and v5.9"}, \
    {"schemes", 0, CLI_TEXT, offsetof(T, f.schemes_file), "FILE", "@file", 0, 0, \
     "add the schemes of this file"}, \
    {"machine", 'm', CLI_TEXT, offsetof(T, f.machine), "NAME|FILE", "@machine", 0, 0, \
     "machine profile; else the scenario's, for a trace server-2s"}, \
    {"fs", 0, CLI_CHOICE, offsetof(T, f.fs), "FS", CLI_FS_WORDS, 0, 0, \
     "which locks an operation takes: xfs, ext4, tmpfs, page-only, or one of two older ext4; " \
     "else the scenario's, for a trace xfs"}, \
    {"replay", 0, CLI_TEXT, offsetof(T, f.replay), "MODE", "think|open|asap", 0, 0, \
     "of a trace: think (recorded think time between calls), open (recorded start times), asap " \
     "(order only) or scaled:F (think time divided by F); else think"}, \
    {"max-think", 0, CLI_TEXT, offsetof(T, f.max_think), "TIME", NULL, 0, 0, \
     "of a trace: cut longer think times to this; else 1s"}, \
    {"clone", 0, CLI_COMMAS, offsetof(T, f.clones), "K", NULL, 0, 0, \
     "of a trace: replay K copies of its threads on the same files; a comma list runs one " \
     "after the other"}, \
    {"set", 0, CLI_LIST, offsetof(T, f.set), "[SECTION.]KEY=VALUE", NULL, 0, 0, \
     "change a setting of the scenario, or machine.KEY of the machine; may be given several " \
     "times"}, \
    {"seed", 0, CLI_INT, offsetof(T, f.seed), "N", NULL, 0, INT64_MAX, \
     "seed of all random streams; else the scenario's, for a trace 1"}, \
    {"reps", 0, CLI_INT, offsetof(T, f.reps), "N", NULL, 1, 1000000, \
     "exactly N replications of each scheme; else the scenario's, for a trace 10"}, \
    {"jobs", 'j', CLI_INT, offsetof(T, f.jobs), "N", NULL, 1, 4096, \
     "simulate so many runs at a time; else one per CPU. Results do not depend on it"}, \
    {"check", 0, CLI_FLAG, offsetof(T, f.check), NULL, NULL, 0, 0, \
     "check the laws of the simulation while it runs"}, \
    {"no-run-ahead", 0, CLI_FLAG, offsetof(T, f.no_run_ahead), NULL, NULL, 0, 0, \
     "pass every event through the queue: slower, the same results"}
/* clang-format on */

/* Everything that must live as long as the study. */
struct cli_request {
    struct cli_input input;
    struct pcl_schemes known;
    uint32_t *clones;
    char fs_set[40];
    struct pcl_study_spec spec;
};

/** Reads file and the options into r->spec. Returns CLI_GO, or an exit code after saying what is
 * wrong. End with both fini functions either way. */
int cli_request_read(const struct cli_verb *verb, const char *file,
                     struct cli_request_values *v, struct cli_request *r);
void cli_request_fini(struct cli_request *r);
void cli_request_values_fini(struct cli_request_values *v);

/** -j, 0 when it was not given. */
unsigned cli_request_workers(const struct cli_request_values *v);

#endif
