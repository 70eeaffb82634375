/*
 * One table says what options a verb has; this file reads argv by it. getopt_long underneath
 * does the parsing (order, `--name=value`, abbreviations, `--`), but not the talking: it knows
 * neither what an option means nor what the user may have meant.
 */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 40
#define LONG_BASE 0x1000 /* above every letter, so that val tells the row */

const struct cli_option cli_common_options[] = {
    {"help", 'h', CLI_FLAG, 0, NULL, NULL, 0, 0, "print this text"},
};
const size_t cli_n_common_options = CLI_N(cli_common_options);

void cli_list_add(struct cli_list *l, const char *word)
{
    l->v = pcl_xrealloc(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = pcl_xstrdup(word);
}

void cli_list_fini(struct cli_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    l->v = NULL;
    l->n = 0;
}

int cli_usage(const struct cli_verb *verb, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "pclsim %s: ", verb->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\ntry: pclsim %s --help\n", verb->name);
    return CLI_USAGE;
}

int cli_want_operands(const struct cli_verb *verb, const struct cli_list *operands, size_t lo,
                      size_t hi, const char *what)
{
    if (operands->n < lo)
        return cli_usage(verb, "want %s", what);
    if (operands->n > hi)
        return cli_usage(verb, "'%s' is one argument too many", operands->v[hi]);
    return CLI_GO;
}

int cli_want_show(const struct cli_verb *verb, const struct cli_list *words)
{
    if (words->n && strcmp(words->v[0], "show") != 0)
        return cli_usage(verb, "want nothing or 'show NAME', found '%s'", words->v[0]);
    if (words->n == 1)
        return cli_usage(verb, "show: want a name");
    return cli_want_operands(verb, words, 0, 2, "");
}

static int add_commas(const struct cli_verb *verb, const struct cli_option *o,
                      struct cli_list *l, const char *s)
{
    char *copy = pcl_xstrdup(s), *rest = copy, *word;
    int code = CLI_GO;

    while (code == CLI_GO && rest) {
        word = rest;
        rest = strchr(rest, ',');
        if (rest)
            *rest++ = '\0';
        if (*word)
            cli_list_add(l, word);
        else
            code = cli_usage(verb, "--%s: '%s' has an empty entry", o->name, s);
    }
    free(copy);
    return code;
}

/* Index of word among the words of choices, or -1. */
static int choice_index(const char *choices, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0; choices; i++) {
        const char *end = strchr(choices, '|');
        size_t n = end ? (size_t)(end - choices) : strlen(choices);

        if (n == len && strncmp(choices, word, n) == 0)
            return i;
        choices = end ? end + 1 : NULL;
    }
    return -1;
}

static int set_value(const struct cli_verb *verb, const struct cli_option *o, void *values,
                     const char *arg)
{
    char *field = (char *)values + o->offset;
    const char *why;
    int64_t number;

    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)(void *)field = true;
        return CLI_GO;
    case CLI_SHORT:
        *(int *)(void *)field = (int)o->lo;
        return CLI_GO;
    case CLI_TEXT:
        if (!*arg)
            return cli_usage(verb, "--%s: want %s, found nothing", o->name, o->arg);
        *(const char **)(void *)field = arg;
        return CLI_GO;
    case CLI_LIST:
        cli_list_add((struct cli_list *)(void *)field, arg);
        return CLI_GO;
    case CLI_COMMAS:
        return add_commas(verb, o, (struct cli_list *)(void *)field, arg);
    case CLI_INT:
        if (pcl_parse_int(arg, o->lo, o->hi, &number, &why) != PCL_OK)
            return cli_usage(verb, "--%s: want a whole number from %lld to %lld, found '%s'",
                             o->name, (long long)o->lo, (long long)o->hi, arg);
        *(int64_t *)(void *)field = number;
        return CLI_GO;
    case CLI_CHOICE:
        *(int *)(void *)field = choice_index(o->choices, arg);
        if (*(int *)(void *)field < 0)
            return cli_usage(verb, "--%s: want %s, found '%s'", o->name, o->choices, arg);
        return CLI_GO;
    }
    return CLI_GO;
}

static const struct cli_option *row(const struct cli_verb *verb, size_t i)
{
    return i < verb->n_options ? &verb->options[i] : &cli_common_options[i - verb->n_options];
}

static bool takes_value(const struct cli_option *o)
{
    return o->kind != CLI_FLAG && o->kind != CLI_SHORT;
}

/* Says what is wrong with an option that getopt refused; word is where it stopped. */
static int refused(const struct cli_verb *verb, const char *word, size_t n_rows)
{
    const char *names[MAX_OPTIONS];
    const char *near;
    char name[64];

    if (optopt >= LONG_BASE)
        return cli_usage(verb, "--%s takes no value",
                         row(verb, (size_t)(optopt - LONG_BASE))->name);
    if (optopt)
        return cli_usage(verb, "there is no option -%c", optopt);
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < n_rows; i++)
        names[i] = row(verb, i)->name;
    near = pcl_nearest(name, names, n_rows);
    for (size_t i = 0; !near && i < n_rows; i++)
        if (strncmp(names[i], name, strlen(name)) == 0)
            near = names[i]; /* an abbreviation that fits several */
    if (near)
        return cli_usage(verb, "there is no option --%s; did you mean --%s?", name, near);
    return cli_usage(verb, "there is no option --%s", name);
}

/* Builds what getopt_long wants from the rows. */
static size_t getopt_tables(const struct cli_verb *verb, struct option *longs, char *letters)
{
    size_t n = verb->n_options + cli_n_common_options;
    char *l = letters;

    PCL_ASSERT(n < MAX_OPTIONS);
    *l++ = ':'; /* tells a missing value from an unknown option */
    for (size_t i = 0; i < n; i++) {
        const struct cli_option *o = row(verb, i);

        longs[i] = (struct option){o->name, takes_value(o) ? required_argument : no_argument,
                                   NULL, LONG_BASE + (int)i};
        if (o->letter) {
            *l++ = o->letter;
            if (takes_value(o))
                *l++ = ':';
        }
    }
    longs[n] = (struct option){0};
    *l = '\0';
    return n;
}

static size_t row_of(const struct cli_verb *verb, size_t n_rows, int c)
{
    size_t i = 0;

    if (c >= LONG_BASE)
        return (size_t)(c - LONG_BASE);
    while (i < n_rows && row(verb, i)->letter != c)
        i++;
    return i;
}

int cli_parse(const struct cli_verb *verb, int argc, char **argv, void *values,
              struct cli_list *operands)
{
    struct option longs[MAX_OPTIONS];
    char letters[3 * MAX_OPTIONS];
    size_t n_rows = getopt_tables(verb, longs, letters);
    int c, code;

    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        size_t i;

        if (c == '?')
            return refused(verb, argv[optind - 1], n_rows);
        if (c == ':') {
            i = row_of(verb, n_rows, optopt);
            return cli_usage(verb, "--%s: want %s, found nothing", row(verb, i)->name,
                             row(verb, i)->arg);
        }
        i = row_of(verb, n_rows, c);
        if (i >= verb->n_options) {
            cli_print_help(stdout, verb);
            return CLI_DONE;
        }
        code = set_value(verb, row(verb, i), values, optarg);
        if (code != CLI_GO)
            return code;
    }
    while (optind < argc)
        cli_list_add(operands, argv[optind++]);
    return CLI_GO;
}
