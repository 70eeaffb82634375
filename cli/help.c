/*
 * The tables as text on a terminal: the list of verbs, and the help of one verb. 80 columns.
 */
#include "cli.h"

#include <string.h>

#define WIDTH 79
#define HELP_COLUMN 26

void cli_wrap(FILE *out, const char *text, unsigned indent, unsigned at, unsigned width)
{
    unsigned col = at;

    while (*text) {
        size_t word = strcspn(text, " \n");

        if (col > indent && col + 1 + word > width) {
            fputc('\n', out);
            col = 0;
        }
        if (col < indent) {
            fprintf(out, "%*s", (int)(indent - col), "");
            col = indent;
        } else if (col > indent) {
            fputc(' ', out);
            col++;
        }
        fwrite(text, 1, word, out);
        col += (unsigned)word;
        text += word;
        while (*text == ' ')
            text++;
        if (*text == '\n') { /* an empty line of the source ends a paragraph */
            fputs("\n\n", out);
            text += strspn(text, "\n");
            col = 0;
        }
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct cli_option *o)
{
    char left[96], letter[8] = "    ";
    int n;

    if (o->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    n = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
                 o->arg ? o->arg : "");
    fputs(left, out);
    if (n >= HELP_COLUMN) {
        fputc('\n', out);
        n = 0;
    }
    cli_wrap(out, o->help, HELP_COLUMN, (unsigned)n, WIDTH);
}

static void print_lines(FILE *out, const char *lines, const char *indent)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");

        fprintf(out, "%s%.*s\n", indent, (int)n, lines);
        lines += n + (lines[n] == '\n');
    }
}

void cli_print_help(FILE *out, const struct cli_verb *verb)
{
    fprintf(out, "usage: pclsim %s [options]%s%s\n\n", verb->name, *verb->operands ? " " : "",
            verb->operands);
    cli_wrap(out, verb->about, 0, 0, WIDTH);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < verb->n_options; i++)
        print_option(out, &verb->options[i]);
    for (size_t i = 0; i < cli_n_common_options; i++)
        print_option(out, &cli_common_options[i]);
    if (*verb->examples) {
        fputs("\nexamples:\n", out);
        print_lines(out, verb->examples, "  ");
    }
}

void cli_print_overview(FILE *out)
{
    cli_wrap(out, "usage: pclsim VERB [options] [arguments]", 0, 0, WIDTH);
    fputs("\nSimulates Linux page-cache locking and compares locking schemes.\n\nverbs:\n",
          out);
    for (size_t i = 0; i < cli_n_verbs; i++)
        fprintf(out, "  %-12s%s\n", cli_verbs[i]->name, cli_verbs[i]->summary);
    fputs("\n'pclsim help VERB' tells more; 'pclsim --version' what this was built from.\n"
          "A first look: pclsim run hot-page --scheme v5.8,v5.9-rc1,v5.9\n",
          out);
}
