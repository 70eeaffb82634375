/*
 * Messages for the user: filled where the fault is found, printed once, in one form that
 * editors can jump to:
 *
 *   mine.ini:14:15: error: mix: want operation:weight, found 'punch'
 *      14 | mix = read:70 punch
 *         |               ^ did you mean 'punch:30'?
 */
#include <pclsim/base.h>

#include <stdarg.h>
#include <string.h>

#include "utf8.h"

static void fill(struct pcl_err *err, int code, const char *file, unsigned line, unsigned col,
                 const char *fmt, va_list ap) __attribute__((format(printf, 6, 0)));

static void fill(struct pcl_err *err, int code, const char *file, unsigned line, unsigned col,
                 const char *fmt, va_list ap)
{
    memset(err, 0, sizeof *err);
    err->code = code;
    err->line = line;
    err->col = col;
    (void)snprintf(err->file, sizeof err->file, "%s", file);
    (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

int pcl_fail(struct pcl_err *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        va_start(ap, fmt);
        fill(err, code, "", 0, 0, fmt, ap);
        va_end(ap);
    }
    return code;
}

int pcl_fail_at(struct pcl_err *err, const char *file, unsigned line, unsigned col,
                const char *fmt, ...)
{
    if (err) {
        va_list ap;

        va_start(ap, fmt);
        fill(err, PCL_EINVAL, file ? file : "", line, col, fmt, ap);
        va_end(ap);
    }
    return PCL_EINVAL;
}

int pcl_hint(struct pcl_err *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return PCL_EINVAL;
    va_start(ap, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return err->code;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void pcl_err_source(struct pcl_err *err, const char *line, size_t n)
{
    static const char cut[] = "...";
    const size_t room = sizeof err->text - 1;
    size_t at = 0, out = 0;

    if (!err)
        return;
    /* the window: a third of it before the column, the rest after it */
    if (n > room && err->col > room * 2 / 3)
        at = err->col - room / 3;
    if (at > n)
        at = n;
    while (at > 0 && at < n && is_continuation(line[at]))
        at++;
    if (at > 0) {
        memcpy(err->text, cut, sizeof cut - 1);
        out = sizeof cut - 1;
    }
    err->caret = err->col == 0 ? 0 : (unsigned)(err->col - at + out);
    while (at < n) {
        uint32_t code = 0;
        size_t len = pcl_utf8_step(line + at, n - at, &code);

        if (out + (len ? len : 1) > room)
            break;
        if (len == 0)
            err->text[out++] = '?';
        else if (code != '\t' && (code < ' ' || (code >= 0x7f && code < 0xa0)))
            err->text[out++] = ' ';
        else
            for (size_t j = 0; j < len; j++)
                err->text[out++] = line[at + j];
        at += len ? len : 1;
    }
    err->text[out] = '\0';
}

/* Blanks of the width of text up to the caret: tabs stay tabs, so that the caret lines up. */
static void pad(FILE *out, const char *text, unsigned caret)
{
    for (unsigned i = 0; i + 1 < caret && text[i]; i++)
        if (!is_continuation(text[i]))
            (void)fputc(text[i] == '\t' ? '\t' : ' ', out);
}

void pcl_err_print(FILE *out, const struct pcl_err *err)
{
    if (!err->file[0])
        (void)fprintf(out, "pclsim: error: %s\n", err->msg);
    else if (err->line == 0)
        (void)fprintf(out, "%s: error: %s\n", err->file, err->msg);
    else if (err->col == 0)
        (void)fprintf(out, "%s:%u: error: %s\n", err->file, err->line, err->msg);
    else
        (void)fprintf(out, "%s:%u:%u: error: %s\n", err->file, err->line, err->col, err->msg);

    if (err->text[0]) {
        (void)fprintf(out, "%5u | %s\n", err->line, err->text);
        if (err->caret || err->hint[0]) {
            (void)fprintf(out, "%5s | ", "");
            pad(out, err->text, err->caret);
            (void)fprintf(out, "%s%s%s\n", err->caret ? "^" : "",
                          err->caret && err->hint[0] ? " " : "", err->hint);
        }
    } else if (err->hint[0]) {
        (void)fprintf(out, "  %s\n", err->hint);
    }
}
