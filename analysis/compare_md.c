/*
 * The comparison as Markdown, for reviews and issue trackers: the rows of the text table, all
 * schemes side by side, since a browser wraps as it likes.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/display.h>

#include "compare_internal.h"

/* User text in a cell: what Markdown or a table would take for its own is escaped. */
static void put_text(FILE *out, const char *s)
{
    for (; *s; s++) {
        if (strchr("|*_`<>[]\\", *s))
            (void)fputc('\\', out);
        (void)fputc((unsigned char)*s < ' ' ? ' ' : *s, out);
    }
}

static void put_cell(FILE *out, const struct cell_text *t)
{
    if (!t->change[0]) {
        fprintf(out, " %s |", t->value);
        return;
    }
    fprintf(out, " %s (%s%s%s) ", t->value, t->change,
            !t->half[0]                     ? ""
            : strcmp(t->half, "exact") == 0 ? ", "
                                            : " +- ",
            t->half);
    fprintf(out, t->mark == '*' || t->mark == '~' ? "\\%c" : "%c", t->mark);
    fprintf(out, "%s |", t->worse ? " **worse**" : "");
}

static void put_block(FILE *out, const struct pcl_compare_block *b)
{
    struct cell_text *cell = pcl_xcalloc(b->n_schemes, sizeof(*cell));

    (void)fputs("| metric | better |", out);
    for (size_t i = 0; i < b->n_schemes; i++) {
        (void)fputc(' ', out);
        put_text(out, b->config[i]->desc.scheme);
        (void)fputs(" |", out);
    }
    (void)fputs("\n|---|---|", out);
    for (size_t i = 0; i < b->n_schemes; i++)
        (void)fputs("---:|", out);
    (void)fputc('\n', out);
    for (size_t r = 0; r < b->n_rows; r++) {
        struct row_text t = {.cell = cell};

        memset(cell, 0, b->n_schemes * sizeof(*cell));
        pcl_compare_row_text(&b->row[r], b->n_schemes, &t);
        (void)fputs("| ", out);
        put_text(out, t.label);
        fprintf(out, " | %s |", t.better);
        for (size_t i = 0; i < b->n_schemes; i++)
            put_cell(out, &cell[i]);
        (void)fputc('\n', out);
    }
    free(cell);
}

void pcl_compare_md(FILE *out, const struct pcl_comparison *c, const struct pcl_dataset *d,
                    const struct pcl_compare_opts *o)
{
    char title[512], hash[65];

    for (size_t b = 0; b < c->n_blocks; b++) {
        const struct pcl_config_desc *k = &c->block[b].config[0]->desc;

        (void)fputs(b ? "\n**Simulated: " : "**Simulated: ", out);
        put_text(out, k->title[0] ? k->title : k->workload);
        (void)fputs("**, ", out);
        put_text(out, k->workload);
        if (pcl_point_title(k, title, sizeof(title))[0]) {
            (void)fputs(", ", out);
            put_text(out, title);
        }
        fprintf(out, ", machine %s, model %s\n\n", k->machine, k->build);
        put_block(out, &c->block[b]);
    }
    pcl_dataset_hash(d, hash);
    fprintf(
        out,
        "\nPaired Student-t intervals, %.4g %%, in percent of the baseline; Holm-corrected "
        "over "
        "%zu cells. \\* significant, . significant but too small to matter, \\~ not, ? too few "
        "replications, M two modes. Result hash `%.16s`.\n",
        100 * c->level, c->n_tests, hash);
    if (o->command)
        fprintf(out, "\n    %s\n", o->command);
}
