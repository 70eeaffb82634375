/*
 * pclsim memory: what the locks of each scheme cost a machine of a given size. Nothing is
 * simulated.
 */
#include "cli.h"

#include <pclsim/memory.h>
#include <pclsim/scheme.h>

#include <stdlib.h>

struct values {
    struct cli_list schemes;
    const char *file, *ram;
    int64_t inodes, waiters, ranges;
    int form;
    bool lockdep;
};

static const struct cli_option options[] = {
    {"scheme", 's', CLI_COMMAS, offsetof(struct values, schemes), "A,B,...", "@scheme", 0, 0,
     "schemes, each optionally with overrides: v5.9:page=embedded; else all that are known"},
    {"schemes", 0, CLI_TEXT, offsetof(struct values, file), "FILE", "@file", 0, 0,
     "add the schemes of this file"},
    {"ram", 0, CLI_TEXT, offsetof(struct values, ram), "SIZE", NULL, 0, 0,
     "memory of the machine, all of it page cache; else 64G"},
    {"inodes", 0, CLI_INT, offsetof(struct values, inodes), "N", NULL, 0, INT64_MAX,
     "inodes in memory; else 1000000"},
    {"waiters", 0, CLI_INT, offsetof(struct values, waiters), "N", NULL, 0, INT64_MAX,
     "tasks that wait for page locks; else 1000"},
    {"ranges", 0, CLI_INT, offsetof(struct values, ranges), "N", NULL, 0, INT64_MAX,
     "operations that hold a range of a file, in every role of its inode; else 1000"},
    {"lockdep", 0, CLI_FLAG, offsetof(struct values, lockdep), NULL, NULL, 0, 0,
     "with the structures' sizes under CONFIG_DEBUG_LOCK_ALLOC; JSON always holds both"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

static int bill(const struct pcl_schemes *all, const struct values *v,
                const struct pcl_fleet *fleet)
{
    size_t n = v->schemes.n ? v->schemes.n : all->n;
    struct pcl_memory_row *rows = pcl_xcalloc(n + 1, sizeof(*rows));
    struct pcl_scheme s;
    struct pcl_err err = {0};
    int code = CLI_DONE;

    for (size_t i = 0; i < n && code == CLI_DONE; i++) {
        const char *spec = v->schemes.n ? v->schemes.v[i] : all->v[i].name;

        if (pcl_scheme_resolve(all, spec, &s, &err) != PCL_OK ||
            pcl_memory_row(&s, fleet, &rows[i], &err) != PCL_OK)
            code = cli_report(&err);
    }
    if (code == CLI_DONE && v->form == CLI_JSON)
        pcl_memory_json(stdout, rows, n, fleet);
    else if (code == CLI_DONE)
        pcl_memory_text(stdout, rows, n, fleet, v->lockdep);
    free(rows);
    return code;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.inodes = 1000000, .waiters = 1000, .ranges = 1000, .ram = "64G"};
    struct cli_list words = {0};
    struct pcl_schemes all = {0};
    struct pcl_fleet fleet;
    struct pcl_err err = {0};
    const char *why;
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 0, 0, "");
    if (code != CLI_GO)
        goto out;
    fleet = (struct pcl_fleet){.inodes = v.inodes, .waiters = v.waiters, .ranges = v.ranges};
    if (pcl_parse_size(v.ram, true, &fleet.ram, &why) != PCL_OK) {
        code = cli_usage(verb, "--ram: %s, found '%s'", why, v.ram);
        goto out;
    }
    if (pcl_schemes_default(&all, &err) != PCL_OK ||
        (v.file && pcl_schemes_load(v.file, &all, &err) != PCL_OK))
        code = cli_report(&err);
    else
        code = bill(&all, &v, &fleet);
out:
    pcl_schemes_fini(&all);
    cli_list_fini(&words);
    cli_list_fini(&v.schemes);
    return code;
}

const struct cli_verb cli_verb_memory = {
    .name = "memory",
    .summary = "bytes that the locks of a scheme cost a machine",
    .operands = "",
    .actions = "",
    .complete = "",
    .about =
        "Prints what the locks of each scheme take in kernel memory: bytes per page, inode, "
        "waiter and held range, with the structures of x86-64, and the bill for a machine of "
        "the given size. Nothing is simulated; pclsim run reports the peak of a run as "
        "bytes_peak.\n\nAn inode's bytes are those of its iolock, invalidate, ilock and imap "
        "locks together, and a held range stands for one operation that holds one in each. The "
        "lock of an address space (mmap) is left out. Bytes per range waiter are those of the "
        "costliest role and no part of the bill.",
    .examples = "pclsim memory --ram 1T --scheme v5.9,range-tree\n"
                "pclsim memory --ram 1T --inodes 100000000 --lockdep\n"
                "pclsim memory --waiters 100000 --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
