/*
 * Writing a figure down for gnuplot: a preamble with all names and numbers, then the templates,
 * which have none. What the user wrote stands in single quotes, where gnuplot interprets
 * nothing.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

struct form {
    const char *name;
    size_t title_columns; /* a title's line holds about so many letters */
    size_t axis_letters;  /* letters side by side along the x axis */
};

static const struct form forms[] = {
    {"png", 90, 105}, {"svg", 90, 95}, {"pdf", 90, 105}, {"txt", 62, 58}};

const char *fig_form(const char *out)
{
    const char *dot = strrchr(out, '.');

    for (size_t i = 0; dot && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(dot + 1, forms[i].name) == 0)
            return forms[i].name;
    return NULL;
}

/* --- text ----------------------------------------------------------------------------------
 */

static void quote_n(FILE *out, const char *s, size_t n, bool ascii)
{
    (void)fputc('\'', out);
    for (size_t i = 0; i < n && s[i]; i++) {
        unsigned char c = (unsigned char)s[i];

        if (ascii && (c & 0xc0) == 0x80)
            continue;
        if (c == '\'')
            (void)fputc('\'', out);
        (void)fputc(c < ' ' || c == 0x7f ? ' ' : ascii && c > '~' ? '?' : c, out);
    }
    (void)fputc('\'', out);
}

static void quote(FILE *out, const char *s, bool ascii)
{
    quote_n(out, s, strlen(s), ascii);
}

/* Lines of at most columns bytes, broken at blanks: 'one' . "\n" . 'two'. */
static void quote_wrapped(FILE *out, const char *s, size_t columns, bool ascii)
{
    while (strlen(s) > columns) {
        size_t n = columns;

        while (n > 0 && s[n] != ' ')
            n--;
        if (n == 0) /* one long word: do not cut a character in two */
            for (n = columns; n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
                ;
        quote_n(out, s, n, ascii);
        (void)fputs(" . \"\\n\" . ", out);
        s += n + (s[n] == ' ');
    }
    quote(out, s, ascii);
}

/* A letter per series: its own initial if these are all distinct, else A, B, C. */
static void letters(const struct figure *f, char *mark)
{
    bool distinct = true;

    for (size_t i = 0; i < f->n_series; i++) {
        mark[i] = (char)toupper((unsigned char)f->series[i].name[0]);
        distinct = distinct && isalpha((unsigned char)mark[i]);
        for (size_t k = 0; k < i; k++)
            distinct = distinct && mark[k] != mark[i];
    }
    for (size_t i = 0; i < f->n_series && !distinct; i++)
        mark[i] = (char)('A' + i);
}

/* --- axes ----------------------------------------------------------------------------------
 */

static double place(const struct figure *f, double x)
{
    return f->x_log ? log2(x) : x;
}

/* Tics where the parameter's values are, named as the user wrote them; names that would run
 * into their neighbour are left out. */
static void put_tics(FILE *out, const struct figure *f, const struct form *form)
{
    size_t *order = pcl_xcalloc(f->n_cats + 1, sizeof(*order));
    double span, last = -HUGE_VAL, last_half = 0;
    bool first = true;

    for (size_t i = 0; i < f->n_cats; i++) { /* insertion by x */
        size_t k = i;

        for (; k > 0 && f->cat[order[k - 1]].x > f->cat[i].x; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    span = place(f, f->cat[order[f->n_cats - 1]].x) - place(f, f->cat[order[0]].x);
    (void)fputs("set xtics (", out);
    for (size_t i = 0; i < f->n_cats; i++) {
        const struct fig_cat *c = &f->cat[order[i]];
        double half = (double)strlen(c->text) / 2 + 0.5;
        double at = span > 0 ? (place(f, c->x) - place(f, f->cat[order[0]].x)) / span *
                                   (double)form->axis_letters * 0.9
                             : 0;
        bool fits = f->bars || at - last >= half + last_half;

        (void)fputs(first ? "" : ", ", out);
        quote(out, fits ? c->text : "", form->title_columns < 72);
        (void)fprintf(out, " %.10g", c->x);
        first = false;
        if (fits) {
            last = at;
            last_half = half;
        }
    }
    (void)fputs(")\n", out);
    free(order);
}

static void put_range(FILE *out, const struct figure *f)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL, room;

    for (size_t i = 0; i < f->n_cats; i++) {
        lo = fmin(lo, f->cat[i].x);
        hi = fmax(hi, f->cat[i].x);
    }
    if (f->bars)
        (void)fprintf(out, "XMIN = %g\nXMAX = %g\n", lo - 0.6, hi + 0.6);
    else if (f->x_log)
        (void)fprintf(out, "XMIN = %.10g\nXMAX = %.10g\n", lo / pow(hi / lo, 0.06),
                      hi * pow(hi / lo, 0.06));
    else {
        room = 0.06 * (hi - lo);
        (void)fprintf(out, "XMIN = %.10g\nXMAX = %.10g\n", lo - room, hi + room);
    }
}

/* Where the bar of a series stands. */
static double bar_at(const struct figure *f, size_t series, double x)
{
    if (f->n_cats < 2)
        return (double)series;
    return x + ((double)series - (double)(f->n_series - 1) / 2) * 0.8 / (double)f->n_series;
}

static void put_data(FILE *out, const struct figure *f)
{
    (void)fputs("$data << EOD\n", out);
    for (size_t s = 0; s < f->n_series; s++) {
        (void)fprintf(out, "%s# %zu: x mean low high\n", s ? "\n\n" : "", s + 1);
        for (size_t i = 0; i < f->series[s].n; i++) {
            const struct fig_point *p = &f->series[s].point[i];
            double x = f->cat[p->cat].x;

            (void)fprintf(out, "%.10g %.10g %.10g %.10g\n", f->bars ? bar_at(f, s, x) : x, p->y,
                          p->lo, p->hi);
        }
    }
    (void)fputs("EOD\n", out);
}

/* One group: the schemes themselves are the tics, if their names fit beside each other. Returns
 * false when a key is needed instead. */
static bool put_scheme_tics(FILE *out, const struct figure *f, const struct form *form,
                            const char *mark)
{
    size_t room = form->axis_letters / (f->n_series < 3 ? 3 : f->n_series), most = 0;
    bool text = form->title_columns < 72;

    for (size_t s = 0; s < f->n_series; s++)
        most = strlen(f->series[s].name) > most ? strlen(f->series[s].name) : most;
    (void)fputs("set xtics (", out);
    for (size_t s = 0; s < f->n_series; s++) {
        (void)fputs(s ? ", " : "", out);
        if (text)
            quote_n(out, &mark[s], 1, true);
        else
            quote(out, most <= room ? f->series[s].name : "", false);
        (void)fprintf(out, " %zu", s);
    }
    (void)fputs(")\n", out);
    return text || most <= room;
}

/* The key of a text figure: letters and names below the x axis. Returns its lines. */
static void put_letter_key(FILE *out, const struct figure *f, const char *mark)
{
    size_t col = 0;

    (void)fputs("XLABEL = ", out);
    quote(out, f->xlabel, true);
    (void)fputs(f->xlabel[0] ? " . \"\\n\"" : "", out);
    for (size_t s = 0; s < f->n_series; s++) {
        char entry[280];
        size_t n =
            (size_t)snprintf(entry, sizeof(entry), "%c %.62s", mark[s], f->series[s].name);

        if (s > 0 && col + 3 + n > 66) {
            (void)fputs(" . \"\\n\"", out);
            col = 0;
        } else if (s > 0) {
            (void)fputs(" . '   '", out);
            col += 3;
        }
        (void)fputs(" . ", out);
        quote(out, entry, true);
        col += n;
    }
    if (f->n_series > 1 && !f->bars)
        (void)fputs(" . \"\\n\" . '(where letters meet, the last one shows)'", out);
    (void)fputc('\n', out);
}

static void put_names(FILE *out, const struct figure *f, bool text, const char *mark)
{
    (void)fprintf(out, "N = %zu\narray NAME[%zu] = [", f->n_series, f->n_series);
    for (size_t s = 0; s < f->n_series; s++) {
        (void)fputs(s ? ", " : "", out);
        quote(out, f->series[s].name, text);
    }
    (void)fprintf(out, "]\narray MARK[%zu] = [", f->n_series);
    for (size_t s = 0; s < f->n_series; s++)
        (void)fprintf(out, "%s'%c'", s ? ", " : "", mark[s]);
    (void)fputs("]\n", out);
}

/* Columns of the key, so that long names do not run into each other. */
static size_t key_columns(const struct figure *f)
{
    size_t most = 1, cols;

    for (size_t s = 0; s < f->n_series; s++)
        most = strlen(f->series[s].name) > most ? strlen(f->series[s].name) : most;
    cols = 100 / (most + 9);
    return cols < 1 ? 1 : cols > f->n_series ? f->n_series : cols;
}

static void put_preamble(FILE *f, const struct figure *fig, const struct form *form,
                         const char *out)
{
    bool text = strcmp(form->name, "txt") == 0, one = fig->n_cats < 2, grouped = true;
    size_t columns = key_columns(fig), rows = 0;
    char mark[64];

    letters(fig, mark);
    (void)fputs(
        "# A figure by pclsim; gnuplot 5.4 or later draws it again from this file alone:\n"
        "#   gnuplot -e \"FORM='svg'; OUT='other.svg'\" THIS.gp\n",
        f);
    (void)fprintf(f,
                  "if (!exists('FORM')) FORM = '%s'\nif (!exists('OUT')) OUT = ", form->name);
    quote(f, out, false);
    (void)fputs("\nTITLE = ", f);
    quote_wrapped(f, fig->title, form->title_columns, text);
    (void)fputs(" . \"\\n\" . ", f);
    quote_wrapped(f, fig->subtitle, form->title_columns, text);
    if (text) { /* a text terminal cannot turn the y axis's name */
        (void)fputs(" . \"\\n\" . ", f);
        quote_wrapped(f, fig->ylabel, form->title_columns, text);
    }
    (void)fputc('\n', f);
    if (text) {
        put_letter_key(f, fig, mark);
    } else {
        (void)fputs("XLABEL = ", f);
        quote(f, fig->xlabel, false);
        (void)fputc('\n', f);
    }
    (void)fputs("YLABEL = ", f);
    quote(f, fig->ylabel, text);
    (void)fputc('\n', f);
    put_names(f, fig, text, mark);
    put_data(f, fig);
    if (fig->bars && one) {
        double room = fig->n_series < 3 ? 1.4 - 0.4 * (double)fig->n_series : 0.6;

        grouped = !put_scheme_tics(f, fig, form, mark);
        (void)fprintf(f, "XMIN = %g\nXMAX = %g\n", -room, (double)fig->n_series - 1 + room);
    } else {
        put_tics(f, fig, form);
        put_range(f, fig);
    }
    if (text ? fig->n_series > 3 : grouped && fig->n_series > 1)
        rows = (fig->n_series + columns - 1) / columns;
    (void)fprintf(f, "KEYCOLS = %zu\nROWS = %zu\n", columns, rows);
    if (fig->bars)
        (void)fprintf(f, "GROUPED = %d\nWIDTH = %g\n", grouped,
                      one ? 0.5 : 0.8 / (double)fig->n_series);
    else
        (void)fprintf(f, "XLOG = %d\nYLOG = %d\nYZERO = %d\n", fig->x_log, fig->y_log,
                      fig->y_zero);
}

static int put_template(FILE *f, const char *name, struct pcl_err *err)
{
    char *path, *text;
    size_t size;
    int rc = pcl_find_data("plots", name, ".gp", &path, err);

    if (rc != PCL_OK)
        return rc;
    rc = pcl_read_file(path, 1 << 20, &text, &size, err);
    free(path);
    if (rc != PCL_OK)
        return rc;
    (void)fputc('\n', f);
    (void)fwrite(text, 1, size, f);
    free(text);
    return PCL_OK;
}

int fig_script(const struct figure *fig, const char *name, const char *out, char **script,
               struct pcl_err *err)
{
    const struct form *form = forms;
    size_t size;
    FILE *f;
    int rc;

    while (strcmp(form->name, name) != 0)
        form++;
    f = open_memstream(script, &size);
    PCL_ASSERT(f);
    put_preamble(f, fig, form, out);
    rc = put_template(f, "figure-style", err);
    if (rc == PCL_OK)
        rc = put_template(f, fig->bars ? "figure-bars" : "figure-lines", err);
    (void)fclose(f);
    if (rc != PCL_OK) {
        free(*script);
        *script = NULL;
    }
    return rc;
}
