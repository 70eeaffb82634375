/*
 * What the verbs of the command share: the description of a verb and of its options, the parser
 * that reads argv by that description, and the small things around output, signals and
 * progress.
 *
 * The tables are the only place where an option is described. The parser, --help, the manual
 * pages and the shell completion are all made from them.
 */
#ifndef PCLSIM_CLI_H
#define PCLSIM_CLI_H

#include <pclsim/base.h>

/* Exit codes of the command; 130 and 143 are 128 + the signal that interrupted it. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_USAGE = 1,     /* wrong usage or wrong input */
    CLI_FAILED = 2,    /* something failed while running */
    CLI_PRECISION = 3, /* the asked precision was not reached */
    CLI_BROKEN = 4,    /* a law or the oracle was broken where it must hold */
    CLI_WORSE = 5      /* a significant regression */
};

/* The forms of results, in the order in which "--format table|json|csv" names them. */
enum cli_form { CLI_TABLE, CLI_JSON, CLI_CSV };

/* What an option's value is, hence the type of the field that it sets. */
enum cli_kind {
    CLI_FLAG,   /* bool, becomes true */
    CLI_TEXT,   /* const char *, the last one counts */
    CLI_LIST,   /* struct cli_list, one entry each time it is given */
    CLI_COMMAS, /* struct cli_list, split at commas */
    CLI_INT,    /* int64_t in [lo, hi] */
    CLI_CHOICE, /* int, index into the words of choices */
    CLI_SHORT   /* int, becomes lo: the short form of a choice (--json) */
};

struct cli_list {
    char **v; /* copies */
    size_t n;
};

struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum cli_kind kind;
    size_t offset;       /* of the field in the verb's own structure */
    const char *arg;     /* what the value is called, NULL for flags */
    const char *choices; /* CHOICE: words separated by |; else what completion offers:
                            "@file", "@scheme", "@machine", "@workload" or NULL */
    int64_t lo, hi;
    const char *help;
};

struct cli_verb {
    const char *name;
    const char *summary;  /* one line, for the list of verbs */
    const char *operands; /* "FILE", "" when there are none */
    const char *actions;  /* words that may stand first ("show|..."), "" for none */
    const char *complete; /* what completion offers for operands, as in choices */
    const char *about;    /* paragraphs, separated by an empty line; no line breaks inside */
    const char *examples; /* lines; "# " begins a remark */
    const struct cli_option *options;
    size_t n_options;
    int (*main)(const struct cli_verb *verb, int argc, char **argv);
};

#define CLI_N(array) (sizeof(array) / sizeof((array)[0]))

/* The verbs, in the order of verbs.def. */
extern const struct cli_verb *const cli_verbs[];
extern const size_t cli_n_verbs;
const struct cli_verb *cli_verb_find(const char *name);

/* --- options.c --------------------------------------------------------------------------- */

/* What cli_parse() says when the verb shall go on. */
#define CLI_GO (-1)

/**
 * Reads argv (argv[0] is the verb) by the verb's table into the structure at values, which
 * holds the defaults. Operands are appended to operands. Prints help (exit code 0) or what is
 * wrong (exit code 1) itself.
 *
 * @return CLI_GO to go on, else the exit code to leave with
 */
int cli_parse(const struct cli_verb *verb, int argc, char **argv, void *values,
              struct cli_list *operands);

/** The words as the library takes lists. */
static inline const char *const *cli_words(const struct cli_list *l)
{
    return (const char *const *)l->v;
}

void cli_list_add(struct cli_list *l, const char *word);
void cli_list_fini(struct cli_list *l);

/** Says what is wrong with the usage, and where help is; returns CLI_USAGE. */
int cli_usage(const struct cli_verb *verb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** Checks the number of operands; what names the missing one. Returns CLI_GO or CLI_USAGE. */
int cli_want_operands(const struct cli_verb *verb, const struct cli_list *operands, size_t lo,
                      size_t hi, const char *what);

/** For the verbs that list or "show NAME": checks that words are nothing, or these two. Returns
 * CLI_GO or CLI_USAGE. */
int cli_want_show(const struct cli_verb *verb, const struct cli_list *words);

/** The rows that every verb has beside its own (--help). */
extern const struct cli_option cli_common_options[];
extern const size_t cli_n_common_options;

/* --- help.c, man.c, complete.c: the tables in other forms ----------------------------------
 */

void cli_print_overview(FILE *out);
void cli_print_help(FILE *out, const struct cli_verb *verb);
/** A manual page in mdoc: of a verb, or with NULL of the command. */
void cli_print_man(FILE *out, const struct cli_verb *verb);
void cli_print_completion(FILE *out);
/** Prints text wrapped to width columns, each line indented; the first line's indent is taken
 * to be printed already up to column at. */
void cli_wrap(FILE *out, const char *text, unsigned indent, unsigned at, unsigned width);

/* --- output.c ------------------------------------------------------------------------------
 */

/** Prints err on standard error and returns the exit code that belongs to it. */
int cli_report(const struct pcl_err *err);

/** The exit code of a result code. */
int cli_code(int pcl_code);

/** Makes sure that descriptors 0 to 2 are open, so that no file of ours lands on one, and that
 * a closed pipe is an error that can be seen instead of a silent death. */
void cli_open_streams(void);

/** Flushes standard output. A reader that went away is no failure; any other write error is:
 * it is reported and CLI_FAILED returned instead of code 0. */
int cli_close_output(int code);

/* --- interrupt.c ---------------------------------------------------------------------------
 */

/** From now on SIGINT and SIGTERM set the returned flag; the second one ends at once. */
const volatile int *cli_catch_signals(void);
/** The signal that came, 0 for none. */
int cli_signal(void);

#endif
