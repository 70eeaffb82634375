/*
 * The tables as manual pages in mdoc(7), one for the command and one for each verb, so that a
 * page cannot forget an option. The build runs `pclsim help --man` to write them.
 */
#include "cli.h"
#include "version.h"

#include <ctype.h>
#include <string.h>

/* Text with what roff would take for its own escaped; a line break where the text has one. */
static void roff(FILE *out, const char *text)
{
    bool start = true;

    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void paragraphs(FILE *out, const char *text)
{
    const char *end;

    while ((end = strstr(text, "\n\n"))) {
        char part[2048];

        (void)snprintf(part, sizeof(part), "%.*s", (int)(end - text), text);
        roff(out, part);
        fputs("\n.Pp\n", out);
        text = end + 2;
    }
    roff(out, text);
    fputc('\n', out);
}

static void upper(char *s)
{
    for (; *s; s++)
        *s = (char)toupper((unsigned char)*s);
}

static void head(FILE *out, const char *verb, const char *summary)
{
    char title[64];

    (void)snprintf(title, sizeof(title), "pclsim%s%s", verb ? "-" : "", verb ? verb : "");
    fprintf(out, ".Dd %s\n.Dt ", PCLSIM_DATE);
    upper(title);
    fprintf(out, "%s 1\n.Os pclsim %s\n.Sh NAME\n", title, PCLSIM_VERSION);
    fprintf(out, ".Nm pclsim%s%s\n.Nd ", verb ? "-" : "", verb ? verb : "");
    roff(out, summary);
    fputs("\n.Sh SYNOPSIS\n", out);
}

static void option(FILE *out, const struct cli_option *o)
{
    fputs(".It ", out);
    if (o->letter)
        fprintf(out, "Fl %c%s%s , ", o->letter, o->arg ? " Ar " : "", o->arg ? o->arg : "");
    fprintf(out, "Fl \\-%s", o->name);
    if (o->arg) {
        fputs(" Ar ", out);
        roff(out, o->arg);
    }
    fputc('\n', out);
    roff(out, o->help);
    fputc('\n', out);
}

static void exit_codes(FILE *out)
{
    fputs(".Sh EXIT STATUS\n.Bl -tag -width 130/143x -compact\n"
          ".It 0\ndone\n"
          ".It 1\nwrong usage or wrong input\n"
          ".It 2\nsomething failed while running\n"
          ".It 3\nthe asked precision was not reached\n"
          ".It 4\na law or the oracle was broken where the scenario says that it must hold\n"
          ".It 5\na significant regression was found and was to be an error\n"
          ".It 130 , 143\ninterrupted; the store is intact\n"
          ".El\n",
          out);
}

static void environment(FILE *out)
{
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width XDG_CONFIG_HOME\n"
          ".It Ev PCLSIM_DATA\nfolder with data files, looked at before all others\n"
          ".It Ev XDG_CONFIG_HOME\nits folder\n.Pa pclsim\nholds the user's own data files\n"
          ".It Ev NO_COLOR , TERM\nno colour; with\n.Ev TERM\nset to dumb no progress either\n"
          ".El\n",
          out);
}

static void verb_page(FILE *out, const struct cli_verb *verb)
{
    head(out, verb->name, verb->summary);
    fprintf(out, ".Nm pclsim %s\n.Op options\n", verb->name);
    if (*verb->operands) {
        fputs(".Ar ", out);
        roff(out, verb->operands);
        fputc('\n', out);
    }
    fputs(".Sh DESCRIPTION\n", out);
    paragraphs(out, verb->about);
    fputs(".Pp\nThe options are:\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < verb->n_options; i++)
        option(out, &verb->options[i]);
    for (size_t i = 0; i < cli_n_common_options; i++)
        option(out, &cli_common_options[i]);
    fputs(".El\n", out);
    exit_codes(out);
    if (*verb->examples) {
        fputs(".Sh EXAMPLES\n.Bd -literal\n", out);
        roff(out, verb->examples);
        fputs(".Ed\n", out);
    }
    fputs(".Sh SEE ALSO\n.Xr pclsim 1\n", out);
}

static void command_page(FILE *out)
{
    head(out, NULL, "simulate Linux page-cache locking and compare locking schemes");
    fputs(
        ".Nm\n.Ar verb\n.Op options\n.Op arguments\n.Nm\n.Fl \\-version\n"
        ".Sh DESCRIPTION\n"
        "A discrete-event simulator of the locks around the page cache: page locks with their\n"
        "hashed wait queues, inode-level locks and range locks.\nIt replays real traces or "
        "runs\n"
        "scenarios under several locking schemes and compares throughput, latency, "
        "contention,\n"
        "correctness and memory.\n.Pp\nThe verbs are:\n.Bl -tag -width workloads\n",
        out);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        fprintf(out, ".It Xr pclsim-%s 1\n", cli_verbs[i]->name);
        roff(out, cli_verbs[i]->summary);
        fputc('\n', out);
    }
    fputs(".El\n", out);
    exit_codes(out);
    environment(out);
}

void cli_print_man(FILE *out, const struct cli_verb *verb)
{
    if (verb)
        verb_page(out, verb);
    else
        command_page(out);
}
