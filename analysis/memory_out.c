/*
 * The bill on paper: a table for people and mail, and the exact numbers as JSON.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include <pclsim/display.h>
#include <pclsim/memory.h>

enum {
    LABEL = 20,
    BETTER = 7,
    COLUMN = 11,
    PER_BLOCK = (PCL_COLUMNS - LABEL - BETTER) / COLUMN
};

#define EXACT_MAX (UINT64_C(1) << 53) /* integers up to here survive a double */

static const char *size_text(pcl_u128 bytes, char *buf, size_t n)
{
    static const char *const big[] = {"EiB", "ZiB", "YiB"};
    double v = (double)(uint64_t)(bytes >> 64) * 0x1p4 + (double)(uint64_t)bytes * 0x1p-60;
    size_t i = 0;

    if (bytes <= INT64_MAX)
        return pcl_format_size((int64_t)bytes, buf, n);
    for (; v >= 1024 && i + 1 < sizeof(big) / sizeof(big[0]); i++)
        v /= 1024;
    (void)snprintf(buf, n, v < 9999.5 ? "%.4g %s" : "%.2e %s", v, big[i]);
    return buf;
}

/* The decimal digits of v. */
static const char *digits(pcl_u128 v, char buf[48])
{
    char *p = buf + 47;

    *p = '\0';
    do
        *--p = (char)('0' + (int)(v % 10));
    while ((v /= 10) != 0);
    return memmove(buf, p, (size_t)(buf + 48 - p));
}

/* --- table ----------------------------------------------------------------------------------
 */

struct line {
    const char *label;
    size_t rate; /* offset in the rates, or */
    size_t bill; /* offset in the bill */
};

#define RATE(field) offsetof(struct pcl_memory_rates, field), SIZE_MAX
#define BILL(field) SIZE_MAX, offsetof(struct pcl_memory_bill, field)

static const struct line lines[] = {
    {"bytes/page", RATE(page)},
    {"bytes/inode", RATE(inode)},
    {"bytes/page waiter", RATE(waiter)},
    {"bytes/held range", RATE(range)},
    {"bytes/range waiter", RATE(range_waiter)},
    {"fixed", BILL(fixed)},
    {"all pages", BILL(pages)},
    {"all inodes", BILL(inodes)},
    {"all page waiters", BILL(waiters)},
    {"all held ranges", BILL(ranges)},
    {"total", BILL(total)},
};

static void head(FILE *out, const struct pcl_fleet *f, bool lockdep)
{
    char text[256], ram[32];

    (void)snprintf(
        text, sizeof(text),
        "%s of RAM in %lld pages of 4 KiB, %lld inodes, %lld page waiters, %lld held "
        "ranges; lockdep %s",
        pcl_format_size(f->ram, ram, sizeof(ram)), (long long)(f->ram >> 12),
        (long long)f->inodes, (long long)f->waiters, (long long)f->ranges,
        lockdep ? "on" : "off");
    pcl_wrap(out, "Memory of the locks: ", 2, text);
}

/* A name that does not fit its column is a letter, explained above the table. */
static void names(FILE *out, const struct pcl_memory_row *rows, size_t first, size_t end)
{
    char label[32];

    for (size_t i = first; i < end; i++)
        if (strlen(rows[i].scheme) >= COLUMN) {
            (void)snprintf(label, sizeof(label), "  [%zu] ", i + 1);
            pcl_wrap(out, label, 6, rows[i].scheme);
        }
    fprintf(out, "%-*s%-*s", LABEL, "", BETTER, "better");
    for (size_t i = first; i < end; i++) {
        (void)snprintf(label, sizeof(label), "[%zu]", i + 1);
        fprintf(out, "%*s", COLUMN, strlen(rows[i].scheme) < COLUMN ? rows[i].scheme : label);
    }
    (void)fputc('\n', out);
}

static void value(FILE *out, const struct line *l, const struct pcl_memory_row *row, int with)
{
    const char *rates = (const char *)&row->rates[with], *bill = (const char *)&row->bill[with];
    pcl_u128 bytes;
    int64_t rate;
    char text[48];

    if (l->rate != SIZE_MAX) {
        memcpy(&rate, rates + l->rate, sizeof(rate));
        fprintf(out, "%*lld", COLUMN, (long long)rate);
        return;
    }
    memcpy(&bytes, bill + l->bill, sizeof(bytes));
    fprintf(out, "%*s", COLUMN, size_text(bytes, text, sizeof(text)));
}

static void share_of_ram(FILE *out, const struct pcl_memory_row *rows, size_t first, size_t end,
                         const struct pcl_fleet *f, int with)
{
    char text[48];

    fprintf(out, "%-*s%-*s", LABEL, "total/RAM", BETTER, "lower");
    for (size_t i = first; i < end; i++) {
        pcl_u128 t = rows[i].bill[with].total;
        double total = (double)(uint64_t)(t >> 64) * 0x1p64 + (double)(uint64_t)t;

        (void)snprintf(text, sizeof(text), "%.3g%%", 100 * total / (double)f->ram);
        fprintf(out, "%*s", COLUMN, f->ram ? text : "-");
    }
    (void)fputc('\n', out);
}

void pcl_memory_text(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f, bool lockdep)
{
    head(out, f, lockdep);
    for (size_t first = 0; first < n; first += PER_BLOCK) {
        size_t end = first + PER_BLOCK < n ? first + PER_BLOCK : n;

        (void)fputc('\n', out);
        names(out, rows, first, end);
        for (size_t l = 0; l < sizeof(lines) / sizeof(lines[0]); l++) {
            fprintf(out, "%-*s%-*s", LABEL, lines[l].label, BETTER, "lower");
            for (size_t i = first; i < end; i++)
                value(out, &lines[l], &rows[i], lockdep);
            (void)fputc('\n', out);
        }
        share_of_ram(out, rows, first, end, f, lockdep);
    }
}

/* --- JSON -----------------------------------------------------------------------------------
 */

static json_t *exact(pcl_u128 v)
{
    char text[48];

    if (v <= EXACT_MAX)
        return json_integer((json_int_t)v);
    return json_string(digits(v, text));
}

static json_t *count(int64_t v)
{
    return exact((pcl_u128)(uint64_t)v);
}

static json_t *rates_json(const struct pcl_memory_rates *r)
{
    return json_pack("{so so so so so so}", "fixed", count(r->fixed), "per_page",
                     count(r->page), "per_inode", count(r->inode), "per_page_waiter",
                     count(r->waiter), "per_held_range", count(r->range), "per_range_waiter",
                     count(r->range_waiter));
}

static json_t *bill_json(const struct pcl_memory_bill *b)
{
    return json_pack("{so so so so so so}", "fixed", exact(b->fixed), "pages", exact(b->pages),
                     "inodes", exact(b->inodes), "page_waiters", exact(b->waiters),
                     "held_ranges", exact(b->ranges), "total", exact(b->total));
}

static json_t *row_json(const struct pcl_memory_row *row)
{
    static const char *const keys[] = {"lockdep_off", "lockdep_on"};
    json_t *o = json_object(), *name = json_string(row->scheme);

    (void)json_object_set_new(o, "scheme", name ? name : json_null());
    for (int i = 0; i < 2; i++)
        (void)json_object_set_new(o, keys[i],
                                  json_pack("{so so}", "rates", rates_json(&row->rates[i]),
                                            "bytes", bill_json(&row->bill[i])));
    return o;
}

void pcl_memory_json(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, row_json(&rows[i]));
    json_t *o =
        json_pack("{so so so so so ss so}", "ram", count(f->ram), "pages", count(f->ram >> 12),
                  "inodes", count(f->inodes), "page_waiters", count(f->waiters), "held_ranges",
                  count(f->ranges), "better", "lower", "schemes", list);

    (void)json_dumpf(o, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    (void)fputc('\n', out);
    json_decref(o);
}
