/*
 * Writing a figure down for gnuplot: names, numbers and axes, panel by panel, each followed by
 * its template, which has none. What the user wrote stands in single quotes, where gnuplot
 * interprets nothing.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

struct form {
    const char *name;
    size_t title_columns; /* a title's line holds about so many letters */
    size_t axis_letters;  /* letters side by side along an x axis over the whole width */
};

static const struct form forms[] = {
    {"png", 100, 105}, {"svg", 100, 95}, {"pdf", 100, 105}, {"txt", 62, 58}};

enum { MAX_TICS = 40, LONG_ROW = 20, LONG_NAME = 100 };

const char *fig_form(const char *out)
{
    const char *dot = strrchr(out, '.');

    for (size_t i = 0; dot && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(dot + 1, forms[i].name) == 0)
            return forms[i].name;
    return dot && strcmp(dot, ".gp") == 0 ? forms[0].name : NULL;
}

/* What is being written, and how much room it has. */
struct writer {
    FILE *out;
    const struct figure *f;
    const struct form *form;
    bool text, bars;
    char mark[FIG_MAX_NAMES + 1];
    size_t cols, rows;         /* of panels */
    size_t key_cols, key_rows; /* of names */
    double w, h, top, bottom;  /* pixels: the whole, what titles take, what the key takes */
};

/* --- text -----------------------------------------------------------------------------------
 */

/* In names of tics gnuplot takes % for a format. */
static void quote_as(FILE *out, const char *s, size_t n, bool ascii, bool tic)
{
    (void)fputc('\'', out);
    for (size_t i = 0; i < n && s[i]; i++) {
        unsigned char c = (unsigned char)s[i];

        if (ascii && (c & 0xc0) == 0x80)
            continue;
        if (c == '\'' || (tic && c == '%'))
            (void)fputc(c, out);
        (void)fputc(c < ' ' || c == 0x7f ? ' ' : ascii && c > '~' ? '?' : c, out);
    }
    (void)fputc('\'', out);
}

static void quote_n(FILE *out, const char *s, size_t n, bool ascii)
{
    quote_as(out, s, n, ascii, false);
}

static void quote(const struct writer *w, const char *s)
{
    quote_n(w->out, s, strlen(s), w->text);
}

/* A name that has to stand beside others: its end is left out when it is very long. */
static void quote_name(const struct writer *w, const char *s, size_t most)
{
    size_t n = most - 2;

    if (strlen(s) <= most) {
        quote(w, s);
        return;
    }
    while (n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    quote_n(w->out, s, n, w->text);
    (void)fputs(" . '..'", w->out);
}

/* Lines of at most columns bytes, broken at blanks: 'one' . "\n" . 'two'. Returns their number.
 */
static size_t quote_wrapped(const struct writer *w, const char *s, size_t columns)
{
    size_t lines = 1;

    while (strlen(s) > columns) {
        size_t n = columns;

        while (n > 0 && s[n] != ' ')
            n--;
        if (n == 0) /* one long word: do not cut a character in two */
            for (n = columns; n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
                ;
        quote_n(w->out, s, n, w->text);
        (void)fputs(" . \"\\n\" . ", w->out);
        s += n + (s[n] == ' ');
        lines++;
    }
    quote(w, s);
    return lines;
}

static size_t wrapped_lines(const char *s, size_t columns)
{
    size_t lines = 1;

    while (strlen(s) > columns) {
        size_t n = columns;

        while (n > 0 && s[n] != ' ')
            n--;
        n = n ? n : columns;
        s += n + (s[n] == ' ');
        lines++;
    }
    return lines;
}

/* A letter per series: its own initial if these are all distinct, else A, B, C. */
static void letters(const struct figure *f, char *mark)
{
    bool distinct = true;

    for (size_t i = 0; i < f->n_names; i++) {
        mark[i] = (char)toupper((unsigned char)f->name[i][0]);
        distinct = distinct && isalpha((unsigned char)mark[i]);
        for (size_t k = 0; k < i; k++)
            distinct = distinct && mark[k] != mark[i];
    }
    for (size_t i = 0; i < f->n_names && !distinct; i++)
        mark[i] = (char)('A' + i);
}

/* --- axes -----------------------------------------------------------------------------------
 */

static double place(const struct fig_axis *a, double v)
{
    return a->log ? log2(v) : v;
}

/* The name of a row may be too long for a text figure: its number stands for it. */
static void put_tic_name(const struct writer *w, const char *s, size_t row)
{
    if (row && w->text && strlen(s) > LONG_ROW)
        fprintf(w->out, "'[%zu]'", row);
    else
        quote_as(w->out, s, strlen(s), w->text, true);
}

/* Tics by name; names that would run into their neighbour are left out, and so are the marks
 * when they are very many. */
static void put_tics(const struct writer *w, const struct fig_axis *a, char which)
{
    double letters_wide = (double)w->form->axis_letters / (double)w->cols * 0.9;
    double span = place(a, a->hi) - place(a, a->lo), last = -HUGE_VAL, last_half = 0;
    bool first = true;

    fprintf(w->out, "set %ctics (", which);
    for (size_t i = 0; i < a->n_tics; i++) {
        double half = (double)strlen(a->tic[i].text) / 2 + 0.5;
        double at =
            span > 0 ? (place(a, a->tic[i].at) - place(a, a->lo)) / span * letters_wide : 0;
        bool fits = which == 'y' || at - last >= half + last_half;

        if (!fits && a->n_tics > MAX_TICS)
            continue;
        (void)fputs(first ? "" : ", ", w->out);
        put_tic_name(w, fits ? a->tic[i].text : "", which == 'y' ? i + 1 : 0);
        fprintf(w->out, " %.10g", a->tic[i].at);
        first = false;
        if (fits) {
            last = at;
            last_half = half;
        }
    }
    (void)fputs(")\n", w->out);
}

static void put_axis(const struct writer *w, const struct fig_axis *a, char which)
{
    fprintf(w->out, "unset logscale %c\n", which);
    if (a->log)
        fprintf(w->out, "set logscale %c 10\n", which);
    if (a->zero && a->hi <= a->lo)
        fprintf(w->out, "set %crange [0:*]\n", which);
    else if (a->hi > a->lo)
        fprintf(w->out, "set %crange [%.10g:%.10g]\n", which, a->lo, a->hi);
    else
        fprintf(w->out, "set %crange [*:*]\n", which);
    if (a->n_tics)
        put_tics(w, a, which);
    else
        fprintf(w->out, "set %ctics autofreq\n", which);
}

/* --- data -----------------------------------------------------------------------------------
 */

static void put_number(const struct writer *w, double v)
{
    if (isfinite(v))
        fprintf(w->out, "%.10g ", v);
    else
        (void)fputs("NaN ", w->out);
}

static void put_series(const struct writer *w, const struct fig_series *s, bool last)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct fig_point *pt = &s->point[i];
        bool gap = isnan(pt->y);

        put_number(w, pt->x);
        put_number(w, pt->y);
        put_number(w, gap ? (double)NAN : pt->lo);
        put_number(w, gap ? (double)NAN : pt->hi);
        put_number(w, pt->xlo);
        put_number(w, pt->xhi);
        (void)fputc('"', w->out);
        for (const char *t = pt->text; *t; t++)
            (void)fputc(*t == '"' || *t == '\\' || (unsigned char)*t < ' ' ? '_' : *t, w->out);
        (void)fputs("\"\n", w->out);
    }
    if (s->n == 0) /* an empty block would shift those after it */
        (void)fputs("NaN NaN NaN NaN NaN NaN \"\"\n", w->out);
    (void)fputs(last ? "" : "\n\n", w->out);
}

static void put_data(const struct writer *w, const struct fig_panel *q)
{
    (void)fputs("$data << EOD\n", w->out);
    for (size_t s = 0; s <= w->f->n_names; s++) {
        (void)fputs("# x y low high xlow xhigh text\n", w->out);
        put_series(w, &q->series[s], s == w->f->n_names);
    }
    (void)fputs("EOD\n", w->out);
    fprintf(w->out, "CURVE = %d\n", q->curve != NULL);
    if (!q->curve)
        return;
    (void)fputs("$curve << EOD\n", w->out);
    for (size_t s = 0; s < w->f->n_names; s++)
        put_series(w, &q->curve[s], s + 1 == w->f->n_names);
    (void)fputs("EOD\n", w->out);
}

/* --- panels ---------------------------------------------------------------------------------
 */

/* The key of a text figure: letters and names below the x axis. */
static void put_letter_key(const struct writer *w, const char *label)
{
    bool pareto = strcmp(w->f->template, "panel-pareto") == 0; /* its staircase is not drawn */
    size_t col = 0;

    quote(w, label);
    (void)fputs(label[0] ? " . \"\\n\"" : "", w->out);
    for (size_t s = 0; s + pareto < w->f->n_names; s++) {
        char entry[280];
        size_t n =
            (size_t)snprintf(entry, sizeof(entry), "%c %.62s", w->mark[s], w->f->name[s]);

        if (s > 0 && col + 3 + n > 66) {
            (void)fputs(" . \"\\n\"", w->out);
            col = 0;
        } else if (s > 0) {
            (void)fputs(" . '   '", w->out);
            col += 3;
        }
        (void)fputs(" . ", w->out);
        quote(w, entry);
        col += n;
    }
    if (w->f->n_names > 1 && !w->bars)
        (void)fputs(" . \"\\n\" . '(where letters meet, the last one shows)'", w->out);
    if (w->f->text_note[0]) {
        (void)fputs(" . \"\\n\" . ", w->out);
        (void)quote_wrapped(w, w->f->text_note, w->form->title_columns);
    }
}

/* The names of rows that are too long to stand beside them: "[3] v5.9:iolock=range-list". */
static void put_row_names(const struct writer *w, const struct fig_panel *q)
{
    char name[600];

    for (size_t k = 0; w->text && w->bars && k < q->y.n_tics; k++)
        if (strlen(q->y.tic[k].text) > LONG_ROW) {
            (void)snprintf(name, sizeof(name), "[%zu] %s", k + 1, q->y.tic[k].text);
            (void)fputs(" . \"\\n\" . ", w->out);
            (void)quote_wrapped(w, name, w->form->title_columns);
        }
}

static void put_labels(const struct writer *w, const struct fig_panel *q, size_t i)
{
    bool last = i + 1 == w->f->n_panels;

    (void)fputs("set xlabel ", w->out);
    if (w->text && last && !w->f->no_key)
        put_letter_key(w, q->x.label);
    else
        quote(w, q->x.label);
    put_row_names(w, q);
    (void)fputs("\nset title ", w->out);
    if (w->text) { /* a text terminal cannot turn the y axis's name */
        const char *lines[] = {i == 0 ? w->f->title : "", i == 0 ? w->f->subtitle : "",
                               q->title, q->y.label};
        const char *between = "";

        for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
            if (!lines[k][0])
                continue;
            (void)fputs(between, w->out);
            (void)quote_wrapped(w, lines[k], w->form->title_columns);
            between = " . \"\\n\" . ";
        }
        (void)fputs(between[0] ? "\n" : "''\n", w->out);
        return;
    }
    quote(w, q->title);
    (void)fputs("\nset ylabel ", w->out);
    quote(w, q->y.label);
    (void)fputc('\n', w->out);
}

static size_t longest_row(const struct fig_panel *q)
{
    size_t most = 0;

    for (size_t i = 0; i < q->y.n_tics; i++)
        most = strlen(q->y.tic[i].text) > most ? strlen(q->y.tic[i].text) : most;
    return most;
}

static size_t most_points(const struct writer *w, const struct fig_panel *q)
{
    size_t most = 1;

    for (size_t s = 0; s < w->f->n_names; s++)
        most = q->series[s].n > most ? q->series[s].n : most;
    return most;
}

/* Lines that the names of rows take which are too long to stand beside them. */
static size_t row_lines(const struct writer *w, const struct fig_panel *q)
{
    size_t n = 0;

    for (size_t k = 0; w->bars && k < q->y.n_tics; k++)
        if (strlen(q->y.tic[k].text) > LONG_ROW)
            n += wrapped_lines(q->y.tic[k].text, w->form->title_columns - 6);
    return n;
}

/* Letters that the names of a text figure's rows take. */
static size_t text_margin(const struct fig_panel *q)
{
    size_t most = 3;

    for (size_t k = 0; k < q->y.n_tics; k++) {
        size_t n = strlen(q->y.tic[k].text);

        most = n <= LONG_ROW && n > most ? n : most;
    }
    return most;
}

/* The bars of a stack as letters: a text figure has whole letters only, so a row is made as
 * one. */
static void put_rows(const struct writer *w, const struct fig_panel *q)
{
    const struct fig_series *whole = &q->series[w->f->n_names];
    double span = (double)(72 - text_margin(q) - 5);

    (void)fputs("$rows << EOD\n", w->out);
    for (size_t i = 0; i < whole->n; i++) {
        size_t at = 0;

        fprintf(w->out, "%.10g \"", whole->point[i].x);
        for (size_t s = 0; s < w->f->n_names; s++)
            for (size_t k = 0; k < q->series[s].n; k++) {
                const struct fig_point *pt = &q->series[s].point[k];

                if (pt->x < whole->point[i].x || pt->x > whole->point[i].x)
                    continue;
                for (; (double)at < floor(span * pt->xhi / q->x.hi + 0.5); at++)
                    (void)fputc(w->mark[s], w->out);
            }
        fprintf(w->out, " %s\"\n", whole->point[i].text);
    }
    (void)fputs("EOD\n", w->out);
}

/* Lines of a text figure that titles take. */
static size_t title_lines(const struct writer *w, const struct fig_panel *q, bool first)
{
    size_t n = 0, columns = w->form->title_columns;

    if (first)
        n = wrapped_lines(w->f->title, columns) + wrapped_lines(w->f->subtitle, columns);
    return n + (q->title[0] ? wrapped_lines(q->title, columns) : 0) +
           (q->y.label[0] ? wrapped_lines(q->y.label, columns) : 0);
}

/* Lines of a text figure that the letters and their names take. */
static size_t key_lines(const struct writer *w)
{
    size_t n = 0;

    for (size_t s = 0; s < w->f->n_names && !w->f->no_key; s++)
        n += strlen(w->f->name[s]) + 5;
    return (n + 59) / 60 + (w->f->text_note[0] ? wrapped_lines(w->f->text_note, 62) : 0);
}

static size_t text_lines(const struct writer *w)
{
    size_t rows = 0, titles = 0, names = 0;

    for (size_t i = 0; i < w->f->n_panels; i++) {
        size_t n = title_lines(w, &w->f->panel[i], i == 0);

        titles = n > titles ? n : titles;
        n = row_lines(w, &w->f->panel[i]);
        names = n > names ? n : names;
        rows = w->f->panel[i].rows > rows ? w->f->panel[i].rows : rows;
    }
    return (rows ? rows + 2 + titles + 3 + names : 22) + key_lines(w);
}

/* Where things are, for templates that draw by hand. */
static void put_places(const struct writer *w, const struct fig_panel *q)
{
    size_t points = most_points(w, q), margin;
    double lo = q->x.hi > q->x.lo ? q->x.lo : 0, hi = q->x.hi > q->x.lo ? q->x.hi : 1;

    if (strcmp(w->f->template, "panel-stack") == 0)
        put_rows(w, q);
    fprintf(w->out, "EVERY = %zu\nERRORS = %d\n", points / 24 + 1, points <= 24);
    fprintf(w->out, "LEFT = %.10g\n", q->x.log ? lo : fmax(lo, 0));
    if (q->x.log)
        fprintf(w->out, "place(v) = log10(v / %.10g) / %.10g\n", lo, log10(hi / lo));
    else
        fprintf(w->out, "place(v) = (v - %.10g) / %.10g\n", lo < 0 ? 0 : lo, hi - lo);
    if (w->bars && w->text) {
        size_t lines = title_lines(w, q, q == w->f->panel), below = key_lines(w) + 3;

        below += row_lines(w, q);
        margin = text_margin(q) + 2;
        fprintf(w->out, "set lmargin %zu\nset rmargin 2\nSPAN = %zu\n", margin,
                72 - margin - 4);
        fprintf(w->out, "set tmargin %zu\nset bmargin %zu\n", lines,
                text_lines(w) - lines - q->rows - 2 > below
                    ? text_lines(w) - lines - q->rows - 2
                    : below);
    }
    for (size_t i = 0; i < q->n_marks && !w->text; i++) {
        fprintf(
            w->out,
            "set arrow from %.10g, graph 0 to %.10g, graph 1 nohead dt 3 lc rgb '#888888'\n",
            q->mark[i].at, q->mark[i].at);
    }
}

static void put_panel(const struct writer *w, size_t i)
{
    const struct fig_panel *q = &w->f->panel[i];
    double pw = 1.0 / (double)w->cols;
    double ph = (w->h - w->top - w->bottom) / w->h / (double)w->rows;

    fprintf(w->out, "\n# --- %zu of %zu\n", i + 1, w->f->n_panels);
    put_data(w, q);
    (void)fputs("unset arrow\nunset label\n", w->out);
    put_axis(w, &q->x, 'x');
    put_axis(w, &q->y, 'y');
    put_labels(w, q, i);
    if (!w->text)
        fprintf(w->out, "set size %.6g, %.6g\nset origin %.6g, %.6g\n", pw, ph,
                (double)(i % w->cols) * pw,
                w->bottom / w->h + (double)(w->rows - 1 - i / w->cols) * ph);
    fprintf(w->out, "%s\n",
            w->text                ? ""
            : w->bars              ? "set grid xtics lc rgb '#dddddd' lt 1 lw 0.5"
            : q->x.log && q->y.log ? "set grid xtics ytics lc rgb '#dddddd' lt 1 lw 0.5"
                                   : "set grid ytics lc rgb '#dddddd' lt 1 lw 0.5");
    put_places(w, q);
}

/* --- the whole ------------------------------------------------------------------------------
 */

/* Room for titles, panels and the key. */
static void lay_out(struct writer *w)
{
    const struct figure *f = w->f;
    size_t most = 1, rows = 0, columns = w->form->title_columns;
    double panel;

    w->cols = w->text || f->n_panels < 4 ? 1 : f->n_panels < 7 ? 2 : 3;
    w->rows = (f->n_panels + w->cols - 1) / w->cols;
    for (size_t s = 0; s < f->n_names; s++) {
        size_t n = strlen(f->name[s]);

        n = n > LONG_NAME ? LONG_NAME : n;
        most = n > most ? n : most;
    }
    w->w = w->cols == 1 ? 960 : w->cols == 2 ? 1280 : 1500;
    for (size_t i = 0; i < f->n_panels && w->bars; i++)
        if (longest_row(&f->panel[i]) > 40)
            w->w = fmax(w->w, 960 + 7.5 * ((double)longest_row(&f->panel[i]) - 40));
    w->key_cols = (size_t)(w->w / 9) / (most + 9);
    w->key_cols = w->key_cols < 1 ? 1 : w->key_cols > f->n_names ? f->n_names : w->key_cols;
    w->key_rows =
        f->no_key || f->n_names < 2 ? 0 : (f->n_names + w->key_cols - 1) / w->key_cols;
    for (size_t i = 0; i < f->n_panels; i++)
        rows = f->panel[i].rows > rows ? f->panel[i].rows : rows;
    panel = rows ? 80 + 26 * (double)rows : f->n_panels == 1 ? 500 : w->cols == 1 ? 330 : 320;
    w->top = 18 + 17 * (double)(wrapped_lines(f->title, columns) +
                                wrapped_lines(f->subtitle, columns) +
                                (f->note[0] ? wrapped_lines(f->note, columns) : 0));
    w->bottom = 8 + 22 * (double)w->key_rows;
    w->h = w->top + w->bottom + panel * (double)w->rows;
}

static void put_names(const struct writer *w)
{
    const struct figure *f = w->f;

    fprintf(w->out, "N = %zu\narray NAME[%zu] = [", f->n_names, f->n_names);
    for (size_t s = 0; s < f->n_names; s++) {
        (void)fputs(s ? ", " : "", w->out);
        quote_name(w, f->name[s], LONG_NAME);
    }
    fprintf(w->out, "]\narray MARK[%zu] = [", f->n_names);
    for (size_t s = 0; s < f->n_names; s++)
        fprintf(w->out, "%s'%c'", s ? ", " : "", w->mark[s]);
    (void)fputs("]\n", w->out);
}

static void put_preamble(const struct writer *w, const char *out)
{
    (void)fputs(
        "# A figure by pclsim; gnuplot 5.4 or later draws it again from this file alone:\n"
        "#   gnuplot -e \"FORM='svg'; OUT='other.svg'\" THIS.gp\n",
        w->out);
    fprintf(w->out,
            "if (!exists('FORM')) FORM = '%s'\nif (!exists('OUT')) OUT = ", w->form->name);
    quote_n(w->out, out, strlen(out), false);
    (void)fputs("\nTITLE = ", w->out);
    (void)quote_wrapped(w, w->f->title, w->form->title_columns);
    (void)fputs(" . \"\\n\" . ", w->out);
    (void)quote_wrapped(w, w->f->subtitle, w->form->title_columns);
    if (w->f->note[0]) {
        (void)fputs(" . \"\\n\" . ", w->out);
        (void)quote_wrapped(w, w->f->note, w->form->title_columns);
    }
    fprintf(w->out, "\nW = %.0f\nH = %.0f\nLINES = %zu\n", w->w, w->h, text_lines(w));
    fprintf(w->out, "TOP = %.10g\n", w->f->top);
    fprintf(w->out, "COLS = %zu\nKEYTOP = %.6g\nKEY = '%s'\n", w->key_cols,
            (w->bottom - 2) / w->h,
            strcmp(w->f->template, "panel-stack") == 0    ? "boxes"
            : strcmp(w->f->template, "panel-pareto") == 0 ? "points"
                                                          : "lines");
    put_names(w);
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
    struct writer w = {.f = fig, .form = forms, .text = strcmp(name, "txt") == 0};
    size_t size;
    int rc;

    while (strcmp(w.form->name, name) != 0)
        w.form++;
    w.out = open_memstream(script, &size);
    PCL_ASSERT(w.out);
    w.bars =
        strcmp(fig->template, "panel-bars") == 0 || strcmp(fig->template, "panel-stack") == 0;
    letters(fig, w.mark);
    lay_out(&w);
    put_preamble(&w, out);
    rc = put_template(w.out, "figure-style", err);
    for (size_t i = 0; rc == PCL_OK && i < fig->n_panels; i++) {
        put_panel(&w, i);
        rc = put_template(w.out, fig->template, err);
    }
    if (rc == PCL_OK && !w.text && w.key_rows)
        rc = put_template(w.out, "figure-key", err);
    if (!w.text)
        (void)fputs("unset multiplot\n", w.out);
    (void)fputs("unset output\n", w.out);
    (void)fclose(w.out);
    if (rc != PCL_OK) {
        free(*script);
        *script = NULL;
    }
    return rc;
}
