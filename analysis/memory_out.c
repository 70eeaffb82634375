/*
 * The bill on paper: a table for people and mail, and the exact numbers as JSON.
 */
#include <jansson.h>
#include <string.h>

#include <pclsim/display.h>
#include <pclsim/memory.h>

enum {
    NAME = 19,
    RATE = 7,
    BILL = 10,
    N_RATES = 5
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

static void head(FILE *out, const struct pcl_fleet *f)
{
    char text[256], ram[32];

    (void)snprintf(text, sizeof(text),
                   "%s of RAM in %lld pages of 4 KiB, %lld inode%s. At rest nothing is held; at "
                   "the peak %lld range%s of each inode %s, and %lld task%s for pages. Lower "
                   "is better in all columns.",
                   pcl_format_size(f->ram, ram, sizeof(ram)), (long long)(f->ram >> 12),
                   (long long)f->inodes, f->inodes == 1 ? "" : "s", (long long)f->ranges,
                   f->ranges == 1 ? "" : "s", f->ranges == 1 ? "is" : "are",
                   (long long)f->waiters, f->waiters == 1 ? " waits" : "s wait");
    pcl_wrap(out, "Memory of the locks: ", 2, text);
}

/* A name that does not fit its column has a line of its own. */
static void line(FILE *out, const struct pcl_memory_row *row, int with)
{
    const struct pcl_memory_rates *r = &row->rates[with];
    const int64_t rate[N_RATES] = {r->page, r->inode, r->range, r->waiter, r->range_waiter};
    char rest[48], peak[48];

    if (strlen(row->scheme) < NAME)
        fprintf(out, "%-*s", NAME, row->scheme);
    else
        fprintf(out, "%s\n%-*s", row->scheme, NAME, "");
    for (int i = 0; i < N_RATES; i++)
        fprintf(out, "%*lld", i == 0 ? RATE - 2 : RATE, (long long)rate[i]);
    fprintf(out, "%*s%*s\n", BILL, size_text(row->bill[with].rest, rest, sizeof(rest)), BILL,
            size_text(row->bill[with].total, peak, sizeof(peak)));
}

static void table(FILE *out, const struct pcl_memory_row *rows, size_t n, int with)
{
    static const char *const rate[2][N_RATES] = {{"", "", "held", "page", "range"},
                                                 {"page", "inode", "range", "waiter", "waiter"}};

    fprintf(out, "\n%-*s", NAME, with ? "lockdep on, bytes" : "lockdep off, bytes");
    for (int i = 0; i < N_RATES; i++)
        fprintf(out, "%*s", i == 0 ? RATE - 2 : RATE, rate[0][i]);
    fprintf(out, "\n%-*s", NAME, "scheme");
    for (int i = 0; i < N_RATES; i++)
        fprintf(out, "%*s", i == 0 ? RATE - 2 : RATE, rate[1][i]);
    fprintf(out, "%*s%*s\n", BILL, "at rest", BILL, "at peak");
    for (size_t i = 0; i < n; i++)
        line(out, &rows[i], with);
}

void pcl_memory_text(FILE *out, const struct pcl_memory_row *rows, size_t n,
                     const struct pcl_fleet *f, bool lockdep)
{
    head(out, f);
    for (int with = 0; with <= lockdep; with++)
        table(out, rows, n, with);
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
    return json_pack("{so so so so so so so}", "fixed", exact(b->fixed), "pages", exact(b->pages),
                     "inodes", exact(b->inodes), "page_waiters", exact(b->waiters),
                     "held_ranges", exact(b->ranges), "at_rest", exact(b->rest), "total",
                     exact(b->total));
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
                  "inodes", count(f->inodes), "page_waiters", count(f->waiters), "held_ranges_per_inode",
                  count(f->ranges), "better", "lower", "schemes", list);

    (void)json_dumpf(o, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    (void)fputc('\n', out);
    json_decref(o);
}
