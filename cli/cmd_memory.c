/*
 * pclsim memory: what the locks of each scheme cost a machine of a given size. Nothing is
 * simulated.
 */
#include "cli.h"

#include <pclsim/memory.h>
#include <pclsim/scheme.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct values {
    struct cli_list schemes;
    const char *file, *ram, *inodes, *waiters, *ranges;
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
    {"inodes", 0, CLI_TEXT, offsetof(struct values, inodes), "N", NULL, 0, 0,
     "inodes in memory, a number that may end in k, M, G or T (thousand, million, ...); else 1M"},
    {"waiters", 0, CLI_TEXT, offsetof(struct values, waiters), "N", NULL, 0, 0,
     "tasks that wait for page locks, likewise; else 1k"},
    {"ranges", 0, CLI_TEXT, offsetof(struct values, ranges), "N", NULL, 0, 0,
     "operations that hold a range, in every role, of each inode, likewise; else 1"},
    {"lockdep", 0, CLI_FLAG, offsetof(struct values, lockdep), NULL, NULL, 0, 0,
     "also with the structures' sizes under CONFIG_DEBUG_LOCK_ALLOC; JSON always holds both"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

/* A count: digits, and perhaps a letter for a power of 1000. */
static int parse_count(const char *text, int64_t *out)
{
    static const char letters[] = "kMGT";
    size_t n = strspn(text, "0123456789");
    const char *letter = text[n] ? strchr(letters, text[n]) : NULL;
    char digits[24];
    const char *why;

    if (n == 0 || n >= sizeof(digits) || (text[n] && (!letter || text[n + 1])))
        return PCL_EINVAL;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (pcl_parse_int(digits, 0, INT64_MAX, out, &why) != PCL_OK)
        return PCL_EINVAL;
    for (ptrdiff_t i = letter ? letter - letters : -1; i >= 0; i--)
        if (__builtin_mul_overflow(*out, INT64_C(1000), out))
            return PCL_EINVAL;
    return PCL_OK;
}

static int counts(const struct cli_verb *verb, const struct values *v, struct pcl_fleet *f)
{
    const struct {
        const char *name, *text;
        int64_t *n;
    } all[] = {{"inodes", v->inodes, &f->inodes},
               {"waiters", v->waiters, &f->waiters},
               {"ranges", v->ranges, &f->ranges}};

    for (size_t i = 0; i < CLI_N(all); i++)
        if (parse_count(all[i].text, all[i].n) != PCL_OK)
            return cli_usage(verb, "--%s: want a number such as 64, 100k or 1M, found '%s'",
                             all[i].name, all[i].text);
    return CLI_GO;
}

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
    struct values v = {.inodes = "1M", .waiters = "1k", .ranges = "1", .ram = "64G"};
    struct cli_list words = {0};
    struct pcl_schemes all = {0};
    struct pcl_fleet fleet = {0};
    struct pcl_err err = {0};
    const char *why;
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 0, 0, "");
    if (code != CLI_GO)
        goto out;
    code = counts(verb, &v, &fleet);
    if (code != CLI_GO)
        goto out;
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
        "Prints what the locks of each scheme take in kernel memory: bytes per page, idle inode, "
        "held range and waiter, with the structures of x86-64, and the bill for a machine of "
        "the given size, at rest and at the peak. Nothing is simulated; pclsim run reports the "
        "peak of a run as bytes_peak.\n\nAn inode's bytes are those of its iolock, invalidate, ilock and imap "
        "locks together, and a held range stands for one operation that holds one in each. The "
        "lock of an address space (mmap) is left out. Bytes per range waiter are those of the "
        "costliest role and no part of the bill. A lock of units (unit-4k and so on) has its "
        "held units in an index besides, 576 bytes for each node of 64, which is not in it.",
    .examples = "pclsim memory --ram 1T --scheme v5.9,range-tree\n"
                "pclsim memory --inodes 1M --ranges 64 --lockdep\n"
                "pclsim memory --waiters 100k --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
