/*
 * pclsim merge: the stores of the parts of a sweep become one. Which runs may stand in one
 * store is the store's business; here it is said what was done.
 */
#include "cli.h"

#include <pclsim/store.h>

#include <inttypes.h>

static int merge_all(const struct cli_list *files, struct pcl_err *err)
{
    struct pcl_store *out = NULL;
    int rc = pcl_store_open(files->v[0], PCL_STORE_WRITE, &out, err);

    for (size_t i = 1; rc == PCL_OK && i < files->n; i++) {
        struct pcl_store_merged m;

        rc = pcl_store_merge(out, files->v[i], &m, err);
        if (rc != PCL_OK)
            break;
        printf("%s: %" PRId64 " run%s added", files->v[i], m.added, m.added == 1 ? "" : "s");
        if (m.replaced)
            printf(", %" PRId64 " in place of failed ones", m.replaced);
        if (m.present)
            printf(", %" PRId64 " were there", m.present);
        fputc('\n', stdout);
    }
    if (rc == PCL_OK)
        printf("%s: %" PRId64 " runs\n", files->v[0], pcl_store_runs(out));
    pcl_store_close(out);
    return rc;
}

static int merge(const struct cli_verb *verb, int argc, char **argv)
{
    char unused;
    struct cli_list files = {0};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &unused, &files);

    if (code == CLI_GO)
        code =
            cli_want_operands(verb, &files, 2, SIZE_MAX, "OUT and one or more stores to merge");
    if (code == CLI_GO)
        code = merge_all(&files, &err) == PCL_OK ? CLI_DONE : cli_report(&err);
    cli_list_fini(&files);
    return code;
}

const struct cli_verb cli_verb_merge = {
    .name = "merge",
    .summary = "stores of the parts of a sweep into one",
    .operands = "OUT IN...",
    .actions = "",
    .complete = "@file",
    .about =
        "Adds the runs of each store IN to the store OUT, which is made when it is missing. "
        "Runs "
        "that OUT has stay, so merging twice is merging once, and the order does not matter; a "
        "failed run gives way to a good one. The stores IN are not changed.\n\nA store is "
        "refused, "
        "and nothing of it merged, when its runs are of another build of the model, when it is "
        "about another scenario or the scenario, a scheme or the machine was changed in "
        "between, "
        "and when a run with the same key has another result.",
    .examples = "pclsim merge study.db part1.db part2.db part3.db part4.db\n",
    .options = NULL,
    .n_options = 0,
    .main = merge,
};
