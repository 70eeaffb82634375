/*
 * One line of ftrace text, read outwards from its time stamp; see ftrace_line.h.
 */
#include "ftrace_line.h"

#include <string.h>

/* The longest head: 16 bytes of command, padded, three columns. Keeps a line full of colons
 * from being searched to its end. */
#define MAX_HEAD 512

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct text cut_front(struct text t, size_t n)
{
    return (struct text){t.p + n, t.n - n};
}

static struct text trim_end(struct text t)
{
    while (t.n > 0 && is_blank(t.p[t.n - 1]))
        t.n--;
    return t;
}

/* The digits at the end of t; 0 when there are none or more than a number holds. */
static size_t end_digits(struct text t)
{
    size_t n = 0;

    while (n < t.n && is_digit(t.p[t.n - 1 - n]))
        n++;
    return n <= 18 ? n : 0;
}

static uint64_t decimal(const char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)(p[i] - '0');
    return v;
}

/* --- the time stamp ---------------------------------------------------------------------- */

/* digits.digits in [from, colon) as ns; false when they are too many to be a time. */
static bool read_time(const char *p, size_t whole, size_t frac, pcl_ns *out)
{
    uint64_t ns = 0;

    if (whole > 10 || frac > 9)
        return false;
    for (size_t i = 0; i < 9; i++)
        ns = ns * 10 + (i < frac ? (uint64_t)(p[whole + 1 + i] - '0') : 0);
    if (decimal(p, whole) > (uint64_t)PCL_NS_MAX / 1000000000u - 1)
        return false;
    *out = (pcl_ns)(decimal(p, whole) * 1000000000u + ns);
    return true;
}

/* "2215245235us :" and "52us+:" of the latency format: microseconds, and a mark for a long
 * step. */
static size_t latency_time(struct text head, struct ftrace_line *out)
{
    size_t n, from;

    if (head.n > 0 && strchr(" +!#*@$", head.p[head.n - 1]))
        head.n--;
    if (head.n < 4 || memcmp(head.p + head.n - 2, "us", 2) != 0)
        return 0;
    head.n -= 2;
    n = end_digits(head);
    from = head.n - n;
    if (n == 0 || n > 15 || from == 0 || !is_blank(head.p[from - 1]))
        return 0;
    out->t_ns = (pcl_ns)(decimal(head.p + from, n) * 1000u);
    return from;
}

/* Finds " 2215.243816:" or, behind a "[cpu]", " 123456:". Returns where the digits begin, and
 * in *colon where they end; 0 when there is none. */
static size_t find_time(struct text t, size_t *colon, struct ftrace_line *out)
{
    const char *end = t.p + (t.n < MAX_HEAD ? t.n : MAX_HEAD), *c = t.p;

    while (c < end && (c = memchr(c, ':', (size_t)(end - c))) != NULL) {
        struct text head = {t.p, (size_t)(c - t.p)};
        size_t frac = end_digits(head), at = head.n - frac;
        *colon = head.n;
        c++;
        if (frac == 0) {
            size_t from = latency_time(head, out);
            if (from > 0)
                return from;
            continue;
        }
        if (at == 0)
            continue;
        if (head.p[at - 1] == '.') {
            size_t whole = end_digits((struct text){head.p, at - 1}), from = at - 1 - whole;
            if (whole > 0 && from > 0 && is_blank(head.p[from - 1]) &&
                read_time(head.p + from, whole, frac, &out->t_ns))
                return from;
        } else if (is_blank(head.p[at - 1]) && memchr(head.p, ']', at)) {
            out->counter = true;
            out->t_ns = (pcl_ns)decimal(head.p + at, frac);
            return at;
        }
    }
    return 0;
}

/* --- what stands before it --------------------------------------------------------------- */

/* Takes "[003]" off the end. */
static bool take_cpu(struct text *head, int64_t *cpu)
{
    struct text t = *head;
    size_t n;

    if (t.n < 3 || t.p[t.n - 1] != ']')
        return false;
    t.n--;
    n = end_digits(t);
    if (n == 0 || n > 6 || t.n == n || t.p[t.n - n - 1] != '[')
        return false;
    *cpu = (int64_t)decimal(t.p + t.n - n, n);
    *head = trim_end((struct text){t.p, t.n - n - 1});
    return true;
}

/* The last word of t. */
static struct text last_word(struct text t)
{
    size_t n = 0;

    while (n < t.n && !is_blank(t.p[t.n - 1 - n]))
        n++;
    return (struct text){t.p + t.n - n, n};
}

/* The columns between the thread and the time: "[000] d..1.", "[000]", "0d..1." or nothing. */
static void take_columns(struct text *head, struct ftrace_line *out)
{
    struct text word, before;
    size_t digits = 0;

    if (take_cpu(head, &out->cpu))
        return;
    word = last_word(*head);
    before = trim_end((struct text){head->p, head->n - word.n});
    if (take_cpu(&before, &out->cpu)) {
        *head = before;
        return;
    }
    while (digits < word.n && is_digit(word.p[digits]))
        digits++;
    if (digits > 0 && digits < 5 && word.n >= digits + 4 && !memchr(word.p, '/', word.n) &&
        !memchr(word.p, '-', word.n)) {
        out->cpu = (int64_t)decimal(word.p, digits);
        *head = before;
    }
}

/* "( 16548)" or "(-------)", from the option record-tgid. */
static void take_tgid(struct text *head, struct ftrace_line *out)
{
    struct text t = *head;
    size_t n;

    if (t.n < 3 || t.p[t.n - 1] != ')')
        return;
    t.n--;
    n = end_digits(t);
    if (n > 0)
        out->tgid = (int64_t)decimal(t.p + t.n - n, n);
    else
        while (n < t.n && t.p[t.n - 1 - n] == '-')
            n++;
    t = trim_end((struct text){t.p, t.n - n});
    if (n > 0 && t.n > 0 && t.p[t.n - 1] == '(')
        *head = trim_end((struct text){t.p, t.n - 1});
    else
        out->tgid = -1;
}

static bool read_head(struct text head, struct ftrace_line *out)
{
    size_t n, more;

    out->tid = out->tgid = out->cpu = -1;
    head = trim_end(head);
    take_columns(&head, out);
    take_tgid(&head, out);
    n = end_digits(head);
    if (text_trim(head).n == 0) { /* perf script -F time,event,trace */
        out->perf = out->nameless = true;
        out->tid = 0;
        return true;
    }
    if (n == 0 || n > 10)
        return false;
    out->tid = (int64_t)decimal(head.p + head.n - n, n);
    head.n -= n;
    if (head.n > 0 && head.p[head.n - 1] == '-')
        return true;
    out->perf = true;
    if (trim_end(head).n == 0) /* without the command */
        return true;
    if (head.p[head.n - 1] == '/') { /* perf: pid/tid */
        head.n--;
        more = end_digits(head);
        if (more == 0 || more > 10)
            return false;
        out->tgid = (int64_t)decimal(head.p + head.n - more, more);
        head.n -= more;
        if (trim_end(head).n == 0)
            return true;
    }
    return head.n > 0 && is_blank(head.p[head.n - 1]) && trim_end(head).n > 0;
}

/* --- what stands behind it --------------------------------------------------------------- */

static struct text take_name(struct text *t)
{
    struct text name = {t->p, 0};

    while (name.n < t->n && (is_name(t->p[name.n]) || t->p[name.n] == '-'))
        name.n++;
    *t = cut_front(*t, name.n);
    return name;
}

/* "sys_enter_read" and the like, as all but tracefs name them. */
static void name_call(struct ftrace_line *out)
{
    if (text_starts(out->event, "sys_enter_")) {
        out->kind = FTRACE_ENTER;
        out->event = cut_front(out->event, 10);
    } else if (text_starts(out->event, "sys_exit_")) {
        out->kind = FTRACE_EXIT;
        out->event = cut_front(out->event, 9);
    }
}

static const struct {
    unsigned short number;
    const char *name;
} syscalls[] = {
#define PCL_SYSCALL(number, name) {number, name},
#include "syscalls.def"
#undef PCL_SYSCALL
};

/* The name that belongs to a number; of no interest: some name of none. */
static struct text name_number(struct text number)
{
    uint64_t v;
    size_t lo = 0, hi = sizeof(syscalls) / sizeof(syscalls[0]);

    while (ftrace_number(number, 10, &v) && lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (syscalls[mid].number == v)
            return (struct text){syscalls[mid].name, strlen(syscalls[mid].name)};
        if (syscalls[mid].number < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return number;
}

/* raw_syscalls: "sys_enter: NR 17 (3, 7f3a2c000b20, 1000, 0, 0, 0)", "sys_exit: NR 17 = 4096"
 */
static void raw_call(struct ftrace_line *out)
{
    struct text t = out->rest, number;
    bool enters = text_is(out->event, "sys_enter");

    if ((!enters && !text_is(out->event, "sys_exit")) || !text_starts(t, "NR "))
        return;
    t = cut_front(t, 3);
    number = (struct text){t.p, 0};
    while (number.n < t.n && (is_digit(t.p[number.n]) || (number.n == 0 && t.p[0] == '-')))
        number.n++;
    t = text_trim(cut_front(t, number.n));
    if (number.n == 0 || !text_starts(t, enters ? "(" : "= "))
        return;
    out->raw = true;
    out->kind = enters ? FTRACE_ENTER : FTRACE_EXIT;
    out->event = name_number(number);
    out->rest = text_trim(cut_front(t, enters ? 1 : 2));
    if (enters && text_ends(out->rest, ")"))
        out->rest.n--;
}

static void read_body(struct text body, struct ftrace_line *out)
{
    struct text name;

    body = text_trim(body);
    out->kind = FTRACE_OTHER;
    name = take_name(&body);
    if (end_digits(name) == name.n && text_starts(body, " ")) { /* perf: the field period */
        body = text_trim(body);
        name = take_name(&body);
    }
    if (text_starts(body, ":") && body.n > 1 && is_name(body.p[1]) && name.n > 0) {
        body = cut_front(body, 1); /* perf: "xfs:xfs_ilock:" */
        name = take_name(&body);
    }
    if (name.n == 0) {
        if (text_starts(body, "<stack trace"))
            out->kind = FTRACE_STACK;
        return;
    }
    out->event = name;
    if (text_starts(name, "sys_") && text_starts(body, "(")) {
        out->kind = FTRACE_ENTER;
        out->event = cut_front(name, 4);
        out->rest = cut_front(body, 1);
        if (text_ends(out->rest, ")"))
            out->rest.n--;
    } else if (text_starts(name, "sys_") && text_starts(body, " -> ")) {
        out->kind = FTRACE_EXIT;
        out->event = cut_front(name, 4);
        out->rest = text_trim(cut_front(body, 4));
    } else if (text_starts(body, ":")) {
        out->kind = FTRACE_EVENT;
        out->rest = text_trim(cut_front(body, 1));
        if (text_is(name, "kernel_stack") || text_is(name, "user_stack"))
            out->kind = FTRACE_STACK;
        name_call(out);
        raw_call(out);
    }
}

/* --- lines without a time ---------------------------------------------------------------- */

/* "CPU:1 [LOST 42 EVENTS]" (tracefs), "CPU:1 [42 EVENTS DROPPED]" (trace-cmd) */
static bool lost_line(struct text t, struct ftrace_line *out)
{
    const char *open;
    struct text n;

    if (!text_starts(t, "CPU:") || !text_find(t, " EVENTS") || !(open = text_find(t, " [")))
        return false;
    out->cpu = 0;
    for (const char *p = t.p + 4; p < open && is_digit(*p) && out->cpu < 1000000; p++)
        out->cpu = out->cpu * 10 + (*p - '0');
    n = (struct text){open + 2, (size_t)(t.p + t.n - open - 2)};
    if (text_starts(n, "LOST "))
        n = cut_front(n, 5);
    for (size_t i = 0; i < n.n && i < 18 && is_digit(n.p[i]); i++)
        out->lost = out->lost * 10 + (uint64_t)(n.p[i] - '0');
    out->kind = FTRACE_LOST;
    return true;
}

/* " => vfs_read" (tracefs), "=> vfs_read (ffffffff81234567)" (trace-cmd), and
 * "	ffffffff81919590 xfs_ilock+0x80 ([kernel.kallsyms])" (perf) */
static bool stack_line(struct text line, struct ftrace_line *out)
{
    struct text t = text_trim(line);
    size_t hex = 0;

    if (text_starts(t, "=> ")) {
        t = text_trim(cut_front(t, 3));
    } else {
        if (line.n == 0 || !is_blank(line.p[0]))
            return false;
        while (hex < t.n && hex < 17 &&
               (is_digit(t.p[hex]) || (t.p[hex] >= 'a' && t.p[hex] <= 'f')))
            hex++;
        if (hex == 0 || hex > 16 || hex == t.n || !is_blank(t.p[hex]))
            return false;
        t = text_trim(cut_front(t, hex));
        if (text_starts(t, "[unknown]")) {
            out->kind = FTRACE_STACK;
            return true;
        }
    }
    out->event = take_name(&t);
    out->kind = FTRACE_STACK;
    return out->event.n > 0 || hex > 0;
}

static bool header_line(struct text t)
{
    return t.p[0] == '#' || text_starts(t, "cpus=") || text_starts(t, "version = ") ||
           text_starts(t, "trace-cmd ") || text_starts(t, "CPU ") ||
           text_starts(t, "##### CPU ");
}

void ftrace_parse_line(struct text line, struct ftrace_line *out)
{
    struct text t;
    size_t from, colon;

    memset(out, 0, sizeof(*out));
    out->tid = out->tgid = out->cpu = -1;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    t = text_trim(line);
    if (t.n == 0) {
        out->kind = FTRACE_BLANK;
        return;
    }
    out->kind = FTRACE_OTHER;
    out->rest = t;
    if (t.p[0] == '#') {
        out->kind = FTRACE_HEADER;
        return;
    }
    from = find_time(line, &colon, out);
    if (from > 0 && read_head((struct text){line.p, from}, out)) {
        read_body(cut_front(line, colon + 1), out);
        return;
    }
    if (lost_line(t, out) || stack_line(line, out))
        return;
    if (header_line(t))
        out->kind = FTRACE_HEADER;
}

/* --- inside an event --------------------------------------------------------------------- */

struct text ftrace_field(struct text rest, const char *key)
{
    size_t n = strlen(key), i = 0;

    while (i + n < rest.n) {
        const char *hit = memchr(rest.p + i, key[0], rest.n - n - i);
        if (!hit)
            break;
        i = (size_t)(hit - rest.p);
        if ((i == 0 || !is_name(rest.p[i - 1])) && memcmp(hit, key, n) == 0 &&
            memchr(":= ", rest.p[i + n], 3)) {
            struct text v = cut_front(rest, i + n + 1);
            size_t k = 0;
            while (v.n > 0 && is_blank(v.p[0]))
                v = cut_front(v, 1);
            while (k < v.n && !is_blank(v.p[k]) && v.p[k] != ',' && v.p[k] != ')')
                k++;
            v.n = k;
            return v;
        }
        i++;
    }
    return (struct text){rest.p, 0};
}

bool ftrace_number(struct text t, unsigned base, uint64_t *out)
{
    uint64_t v = 0;

    if (t.n > 2 && t.p[0] == '0' && t.p[1] == 'x') {
        base = 16;
        t = cut_front(t, 2);
    }
    if (t.n == 0 || t.n > 20)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        unsigned d = is_digit(t.p[i])                 ? (unsigned)(t.p[i] - '0')
                     : t.p[i] >= 'a' && t.p[i] <= 'f' ? (unsigned)(t.p[i] - 'a') + 10u
                                                      : 99u;
        if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *out = v;
    return true;
}
