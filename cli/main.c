/*
 * pclsim: finds the verb and hands over. What is common to all verbs and must happen before any
 * of them runs is done here: sane descriptors, no library that aborts on its own, the write
 * errors of standard output seen at the end.
 */
#include "cli.h"
#include "version.h"

#include <pclsim/gsl.h>
#include <pclsim/run.h>
#include <pclsim/store.h>

#include <gsl/gsl_version.h>
#include <sqlite3.h>
#include <string.h>

#define CLI_VERB(id) extern const struct cli_verb cli_verb_##id;
#include "verbs.def"
#undef CLI_VERB

const struct cli_verb *const cli_verbs[] = {
#define CLI_VERB(id) &cli_verb_##id,
#include "verbs.def"
#undef CLI_VERB
};
const size_t cli_n_verbs = CLI_N(cli_verbs);

const struct cli_verb *cli_verb_find(const char *name)
{
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    return NULL;
}

static void print_version(void)
{
    printf("pclsim %s\n", PCLSIM_VERSION);
    printf("git revision  %s\n", PCLSIM_GIT_REVISION);
    printf("model         %s\n", pcl_model_build());
    printf("compiler      %s\n", PCLSIM_COMPILER);
    printf("GSL           %s\n", gsl_version);
    printf("SQLite        %s\n", sqlite3_libversion());
    printf("store schema  %d\n", PCL_STORE_SCHEMA);
}

static int unknown_verb(const char *word)
{
    const char *names[32], *near;

    PCL_ASSERT(cli_n_verbs <= CLI_N(names));
    for (size_t i = 0; i < cli_n_verbs; i++)
        names[i] = cli_verbs[i]->name;
    near = pcl_nearest(word, names, cli_n_verbs);
    fprintf(stderr, "pclsim: there is no verb '%s'", word);
    if (near)
        fprintf(stderr, "; did you mean '%s'?", near);
    fputs("\ntry: pclsim help\n", stderr);
    return CLI_USAGE;
}

static int dispatch(int argc, char **argv)
{
    const struct cli_verb *verb;

    if (argc < 2) {
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_overview(stdout);
        return CLI_DONE;
    }
    verb = cli_verb_find(argv[1]);
    if (!verb)
        return unknown_verb(argv[1]);
    return verb->main(verb, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    cli_open_streams();
    pcl_gsl_init();
    return cli_close_output(dispatch(argc, argv));
}
