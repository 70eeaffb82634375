/*
 * Numbers keep three to four digits and no more than their interval supports; text for mail is
 * ASCII within 72 columns.
 */
#include <math.h>
#include <string.h>

#include <pclsim/display.h>

struct pcl_scale pcl_scale_for(const char *unit, double max)
{
    static const struct {
        const char *unit, *shown;
        double from, div;
    } scales[] = {
        {"ns", "s", 5e9, 1e9},
        {"ns", "ms", 5e6, 1e6},
        {"ns", "us", 2e3, 1e3},
        {"ns", "ns", 0, 1},
        {"B", "PiB", 9e15, 1125899906842624.0},
        {"B", "TiB", 9e12, 1099511627776.0},
        {"B", "GiB", 9e9, 1073741824.0},
        {"B", "MiB", 9e6, 1048576.0},
        {"B", "KiB", 9e3, 1024.0},
        {"B", "B", 0, 1},
    };

    max = fabs(max);
    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
        if (strcmp(scales[i].unit, unit) == 0 && max >= scales[i].from)
            return (struct pcl_scale){scales[i].div, scales[i].shown, false};
    if (strcmp(unit, "count") == 0 || strcmp(unit, "ratio") == 0)
        unit = "";
    return (struct pcl_scale){1, unit, true};
}

const char *pcl_show(double v, const struct pcl_scale *s, char *buf, size_t n)
{
    double x = v / s->div, a = fabs(x);

    if (s->suffix)
        return pcl_format_count(v, buf, n);
    if (x == 0 || (x == floor(x) && a < 1e4))
        (void)snprintf(buf, n, "%.0f", x + 0.0);
    else
        (void)snprintf(buf, n, "%.*f",
                       a >= 99.95    ? 0
                       : a >= 9.995  ? 1
                       : a >= 0.9995 ? 2
                                     : 3,
                       x);
    return buf;
}

#define PCL_MOST_PERCENT 9999.5 /* beyond it a factor reads better */

/* Digits after the point of a percentage whose half-width (a share) is half. */
static int decimals(double half)
{
    return half < 0 ? 1 : half >= 0.0995 ? 0 : half >= 0.00095 ? 1 : 2;
}

const char *pcl_show_change(double ratio, double half, char *buf, size_t n)
{
    double p = 100 * (ratio - 1);
    int d = decimals(half);

    if (fabs(p) >= 99.95)
        d = 0;
    if (fabs(p) < 0.5 * pow(10, -d))
        (void)snprintf(buf, n, "%.*f%%", d, 0.0);
    else if (fabs(p) < PCL_MOST_PERCENT)
        (void)snprintf(buf, n, "%+.*f%%", d, p);
    else
        (void)snprintf(buf, n, "x%.0f", ratio);
    return buf;
}

const char *pcl_show_half(double ratio, double half, char *buf, size_t n)
{
    double p = 100 * half;

    if (fabs(100 * (ratio - 1)) >= PCL_MOST_PERCENT)
        (void)snprintf(buf, n, half < 99999.5 ? "x%.*f" : "large", half < 9.95 ? 1 : 0, half);
    else if (p < 99999.5)
        (void)snprintf(buf, n, "%.*f", decimals(half), p);
    else
        (void)snprintf(buf, n, "large");
    return buf;
}

void pcl_wrap(FILE *out, const char *first, int indent, const char *text)
{
    int col = fprintf(out, "%s", first);
    bool start = true;

    while (*text) {
        size_t len = strcspn(text, " \n\t");

        if (len > 0 && !start && col + 1 + (int)len > PCL_COLUMNS) {
            col = fprintf(out, "\n%*s", indent, "") - 1;
            start = true;
        }
        if (len > 0 && !start)
            col += fprintf(out, " ");
        for (size_t i = 0; i < len; i++) {
            if (((unsigned char)text[i] & 0xc0) == 0x80)
                continue;           /* one mark per character, not per byte */
            if (col >= PCL_COLUMNS) /* a word longer than the line */
                col = fprintf(out, "\n%*s", indent, "") - 1;
            col += fprintf(out, "%c",
                           text[i] == PCL_HARD_BLANK          ? ' '
                           : text[i] >= ' ' && text[i] <= '~' ? text[i]
                                                              : '?');
        }
        start = start && len == 0;
        text += len + (text[len] != '\0');
    }
    (void)fputc('\n', out);
}

const char *pcl_point_title(const struct pcl_config_desc *d, char *buf, size_t n)
{
    size_t at = 0;

    if (d->label[0]) {
        (void)snprintf(buf, n, "%s", d->label);
        return buf;
    }
    buf[0] = '\0';
    for (size_t i = 0; i < d->n_params && at < n; i++)
        at += (size_t)snprintf(buf + at, n - at, "%s%s = %s", i ? ", " : "", d->params[i].name,
                               d->params[i].value);
    return buf;
}

/* --- names of metrics ----------------------------------------------------------------------
 */

bool pcl_metric_spec(const char *spec, char name[40], char object[40])
{
    size_t len = strcspn(spec, "("), n;

    name[0] = object[0] = '\0';
    if (len == 0 || len >= 40)
        return false;
    memcpy(name, spec, len);
    name[len] = '\0';
    if (spec[len] == '\0')
        return true;
    spec += len + 1;
    n = strcspn(spec, ")");
    if (n == 0 || n >= 40 || spec[n] != ')' || spec[n + 1] != '\0')
        return false;
    memcpy(object, spec, n);
    object[n] = '\0';
    return true;
}

const char *pcl_metric_label(const char *name, const char *object, char *buf, size_t n)
{
    size_t len = strlen(name);
    bool whole = object[0] == '\0' || strcmp(object, "all") == 0;
    bool per_op = len > 7 && strcmp(name + len - 7, "_per_op") == 0;
    int stem = (int)(per_op ? len - 7 : len);

    /* "write p99" says it: of an operation, what else than the latency */
    if (!whole && strncmp(name, "latency_", 8) == 0) {
        name += 8;
        stem -= 8;
    }
    /* "locks static", in bytes as its unit says */
    if (!whole && strncmp(name, "bytes_", 6) == 0) {
        name += 6;
        stem -= 6;
    }
    (void)snprintf(buf, n, "%s%s%.*s%s", whole ? "" : object, whole ? "" : " ", stem, name,
                   per_op ? "/op" : "");
    for (char *p = buf; *p; p++)
        if (*p == '_')
            *p = ' ';
    return buf;
}
