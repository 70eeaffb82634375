/*
 * The FILE of a verb: a path, or the name of something shipped; a scenario or a trace, told
 * apart by content, never by name.
 */
#ifndef PCLSIM_CLI_INPUT_H
#define PCLSIM_CLI_INPUT_H

#include <pclsim/trace.h>

/* Where scenarios lie below a data root, and what their names begin with; ends with NULL. */
struct cli_folder {
    const char *path, *prefix;
};
extern const struct cli_folder cli_scenario_folders[];

/** The paths of the scenarios in a folder; the schemes file, which lies beside them, is left
 * out. End with pcl_free_list. */
size_t cli_list_scenarios(const struct cli_folder *f, char ***paths);

/** The paths of the recordings in workloads/traces, told from other files by their beginning. */
size_t cli_list_traces(char ***paths);

/** The name of a listed file: prefix and base name without ext. */
const char *cli_name_of(const char *path, const char *prefix, const char *ext, char *buf,
                        size_t n);

struct cli_input {
    char *path;              /* where it was found; "-" is standard input */
    char *text;              /* its contents; with a trace, NULL */
    struct pcl_trace *trace; /* NULL: a scenario */
};

/** The path of an input: name itself, or something shipped; the caller frees it. */
int cli_find_input(const char *name, char **path, struct pcl_err *err);

/** Finds and reads name. On success end it with cli_input_fini. */
int cli_input_load(const char *name, struct cli_input *in, struct pcl_err *err);
/** The same where only a trace will do: the reader says why anything else is none. */
int cli_trace_load(const char *name, bool synthesise, struct cli_input *in, struct pcl_err *err);
void cli_input_fini(struct cli_input *in);

#endif
