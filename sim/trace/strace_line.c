/*
 * One line of strace, by a scanner that knows quotes, brackets, comments and the angle brackets
 * of -y, and never by cutting at separators: data, paths and socket addresses may hold any of
 * them.
 *
 *   [pid] [time] [(+ delta)] [number] [address]  name(args) = ret <duration>
 *                                                name(args <unfinished ...>
 *                                                <... name resumed>args) = ret <duration>
 *                                                --- SIGNAL ---      +++ exited with 0 +++
 */
#include "strace_line.h"

#include <string.h>

/* Thread ids stay far below this, seconds since 1970 far above. */
#define FIRST_EPOCH 100000000

/* Position in a line. */
struct cursor {
    const char *p, *end;
};

static bool at_end(const struct cursor *c)
{
    return c->p >= c->end;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *c)
{
    while (!at_end(c) && is_blank(*c->p))
        c->p++;
}

static struct text rest_of(const struct cursor *c)
{
    return (struct text){c->p, (size_t)(c->end - c->p)};
}

static bool accept(struct cursor *c, const char *word)
{
    if (!text_starts(rest_of(c), word))
        return false;
    c->p += strlen(word);
    return true;
}

/* Digits that fit 62 bits. */
static bool digits(struct cursor *c, int64_t *out)
{
    const char *p = c->p;
    int64_t v = 0;

    while (p < c->end && is_digit(*p)) {
        if (v > INT64_MAX / 32)
            return false;
        v = v * 10 + (*p++ - '0');
    }
    if (p == c->p)
        return false;
    c->p = p;
    *out = v;
    return true;
}

/* The digits behind a decimal point as nanoseconds; more than nine are cut. */
static pcl_ns fraction(struct cursor *c)
{
    pcl_ns ns = 0, unit = 100000000;

    for (; !at_end(c) && is_digit(*c->p); c->p++) {
        ns += (*c->p - '0') * unit;
        unit /= 10;
    }
    return ns;
}

static bool to_ns(int64_t seconds, pcl_ns frac, pcl_ns *out)
{
    return !__builtin_mul_overflow(seconds, (int64_t)1000000000, out) &&
           !__builtin_add_overflow(*out, frac, out);
}

/* --- what stands before the call --------------------------------------------------------- */

/* `[pid 17]`, `[pid 17<name>]`. */
static bool bracketed_tid(struct cursor *c, struct strace_line *out)
{
    struct cursor k = *c;
    const char *close;

    if (!accept(&k, "[pid"))
        return false;
    skip_blanks(&k);
    if (!digits(&k, &out->tid))
        return false;
    close = at_end(&k) ? NULL : memchr(k.p, ']', (size_t)(k.end - k.p));
    if (!close || close + 1 == k.end || close[1] != ' ')
        return false;
    c->p = close + 1;
    out->has_tid = out->bracketed = true;
    return true;
}

/* `17`, `17<name>`, both followed by a blank; a comment of --decode-pids=pidns may follow. */
static void plain_tid(struct cursor *c, struct strace_line *out)
{
    struct cursor k = *c;
    int64_t v;

    if (!digits(&k, &v) || at_end(&k))
        return;
    if (*k.p == '<') {
        const char *close = text_annotation_end(k.p + 1, k.end);
        if (!close) /* a name such as "kworker/0:1" or "3d" is no word */
            close = memchr(k.p, '>', (size_t)(k.end - k.p));
        if (!close || close + 1 >= k.end || close[1] != ' ')
            return;
        k.p = close + 1;
    } else if (!is_blank(*k.p) || v >= FIRST_EPOCH) {
        return;
    }
    skip_blanks(&k);
    if (accept(&k, "/*")) {
        const char *close = text_find(rest_of(&k), "*/");
        if (!close)
            return;
        k.p = close + 2;
    }
    out->has_tid = true;
    out->tid = v;
    c->p = k.p;
}

static bool clock_time(struct cursor *c, struct strace_line *out)
{
    struct cursor k = *c;
    int64_t h, m, s;
    pcl_ns frac = 0;
    bool whole = true;

    if (!digits(&k, &h) || !accept(&k, ":") || !digits(&k, &m) || !accept(&k, ":") ||
        !digits(&k, &s) || h > 23 || m > 59 || s > 60)
        return false;
    if (accept(&k, ".")) {
        frac = fraction(&k);
        whole = false;
    }
    if (at_end(&k) || !is_blank(*k.p))
        return false;
    out->stamp = STAMP_DAY;
    out->whole_seconds = whole;
    (void)to_ns((h * 60 + m) * 60 + s, frac, &out->stamp_ns);
    *c = k;
    return true;
}

static void seconds_time(struct cursor *c, struct strace_line *out)
{
    struct cursor k = *c;
    int64_t s;
    pcl_ns frac = 0;
    bool whole = true;

    if (!digits(&k, &s))
        return;
    if (accept(&k, ".")) {
        frac = fraction(&k);
        whole = false;
    }
    if (at_end(&k) || !is_blank(*k.p) || (whole && s < FIRST_EPOCH) ||
        !to_ns(s, frac, &out->stamp_ns))
        return;
    out->stamp = STAMP_SECONDS;
    out->whole_seconds = whole;
    *c = k;
}

/* `(+     0.000077)` of -r with a clock, `[ 257]` of -n, `[00007f1234567890]` of -i. */
static void extras(struct cursor *c)
{
    skip_blanks(c);
    if (text_starts(rest_of(c), "(+")) {
        const char *close = memchr(c->p, ')', (size_t)(c->end - c->p));
        if (close)
            c->p = close + 1;
        skip_blanks(c);
    }
    for (int i = 0; i < 2 && !at_end(c) && *c->p == '['; i++) {
        const char *p = c->p + 1;
        while (p < c->end &&
               (is_blank(*p) || is_digit(*p) || *p == '?' || (*p >= 'a' && *p <= 'f')))
            p++;
        if (p + 1 >= c->end || p[0] != ']' || p[1] != ' ')
            return;
        c->p = p + 1;
        skip_blanks(c);
    }
}

static void prefix(struct cursor *c, struct strace_line *out)
{
    if (!bracketed_tid(c, out)) {
        skip_blanks(c);
        if (!clock_time(c, out))
            plain_tid(c, out);
    }
    skip_blanks(c);
    if (out->stamp == STAMP_NONE && !clock_time(c, out))
        seconds_time(c, out);
    extras(c);
}

/* --- arguments --------------------------------------------------------------------------- */

static void push(struct strace_args *a, const char *from, const char *to)
{
    if (a->n < STRACE_MAX_ARGS)
        a->v[a->n++] = text_trim((struct text){from, (size_t)(to - from)});
}

/* Behind the quote that closes the string that opens at p, or end. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p + 1;
    }
    return end;
}

/* A '<' that annotates: behind a number, AT_FDCWD or a comment. */
static const char *skip_annotation(const char *start, const char *p, const char *end)
{
    const char *close;

    if (p == start || !(is_digit(p[-1]) || p[-1] == 'D' || p[-1] == '/'))
        return p + 1;
    close = text_annotation_end(p + 1, end);
    return close ? close + 1 : p + 1;
}

/* Splits arguments at the commas of the outermost level, up to the bracket that closes the call
 * or to the end. Sets *close to behind that bracket, NULL when there was none. */
static void scan_args(const char *p, const char *end, struct strace_args *a, const char **close)
{
    const char *start = p, *from = p;
    long depth = 0;

    *close = NULL;
    while (p < end) {
        switch (*p) {
        case '"':
            p = skip_string(p, end);
            continue;
        case '<':
            p = skip_annotation(start, p, end);
            continue;
        case '/':
            if (p + 1 < end && p[1] == '*') {
                const char *hit = text_find((struct text){p, (size_t)(end - p)}, "*/");
                p = hit ? hit + 2 : end;
                continue;
            }
            break;
        case '(':
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        case ')':
            if (depth <= 0) {
                if (a->n > 0 || text_trim((struct text){from, (size_t)(p - from)}).n > 0)
                    push(a, from, p);
                *close = p + 1;
                a->readable = depth == 0;
                return;
            }
            depth--;
            break;
        case ',':
            if (depth == 0) {
                push(a, from, p);
                from = p + 1;
            }
            break;
        default:
            break;
        }
        p++;
    }
    a->open = text_trim((struct text){from, (size_t)(end - from)}).n == 0;
    if (!a->open)
        push(a, from, end);
    a->readable = true;
}

void strace_join_args(struct strace_args *first, const struct strace_args *rest)
{
    unsigned from = first->open || first->n == 0 ? 0 : 1;

    /* what resumes inside an argument only completes it: "=> {parent_tid=[17]}" */
    for (unsigned i = from; i < rest->n && first->n < STRACE_MAX_ARGS; i++)
        first->v[first->n++] = rest->v[i];
    first->open = rest->open;
    first->readable = first->readable && rest->readable;
}

/* --- results ----------------------------------------------------------------------------- */

/* Takes ` <0.000123>` off the end of t. */
static pcl_ns duration(struct text *t)
{
    const char *open = t->p + t->n;
    struct cursor c;
    int64_t s;
    pcl_ns frac = 0, ns;

    if (t->n < 3 || open[-1] != '>')
        return -1;
    open--;
    while (open > t->p && (is_digit(open[-1]) || open[-1] == '.'))
        open--;
    if (open == t->p || open[-1] != '<')
        return -1;
    c = (struct cursor){open, t->p + t->n - 1};
    if (!digits(&c, &s))
        return -1;
    if (accept(&c, "."))
        frac = fraction(&c);
    if (!at_end(&c) || !to_ns(s, frac, &ns))
        return -1;
    t->n = (size_t)(open - 1 - t->p);
    *t = text_trim(*t);
    return ns;
}

/* ENOENT at the start of t. */
static struct text error_name(struct text t)
{
    struct text e = {t.p, 0};

    t = text_trim(t);
    e.p = t.p;
    while (e.n < t.n && ((t.p[e.n] >= 'A' && t.p[e.n] <= 'Z') || is_digit(t.p[e.n])))
        e.n++;
    if (e.n < 2 || e.n > 24 || e.p[0] != 'E')
        e.n = 0;
    return e;
}

/* `= 17`, `= 3</path>`, `= 0x7f00`, `= -1 ENOENT (...)`, `= ?`, `= ? ERESTARTSYS (...)`. */
static bool result(struct text t, struct strace_line *out)
{
    struct strace_ret *r = &out->ret;
    struct text number;
    uint64_t bits;

    t = text_trim(t);
    if (t.n < 2 || t.p[0] != '=')
        return false;
    t = text_trim((struct text){t.p + 1, t.n - 1});
    out->dur_ns = duration(&t);
    r->text = t;
    r->error = (struct text){t.p, 0};
    if (t.n == 0)
        return false;
    if (t.p[0] == '?') {
        r->kind = RESULT_UNKNOWN;
        r->error = error_name((struct text){t.p + 1, t.n - 1});
        return true;
    }
    number = (struct text){t.p, 0};
    while (number.n < t.n && !is_blank(t.p[number.n]) && t.p[number.n] != '<' &&
           t.p[number.n] != '(')
        number.n++;
    if (number.n > 1 && t.p[0] == '-') {
        r->kind = RESULT_ERROR;
        r->error = error_name((struct text){t.p + number.n, t.n - number.n});
        return text_int(number, &r->value) == NUMBER_OK;
    }
    r->kind = RESULT_VALUE;
    if (!text_u64(number, &bits))
        return false;
    memcpy(&r->value, &bits, sizeof(bits));
    return true;
}

/* Behind the arguments of a call whose brackets the scanner could not follow: the last ") = ".
 */
static const char *last_result(const char *p, const char *end)
{
    for (const char *q = end; q > p + 2; q--) {
        const char *k = q - 1;
        if (*k != '=' || !is_blank(k[-1]))
            continue;
        while (k > p && is_blank(k[-1]))
            k--;
        if (k > p && k[-1] == ')')
            return k;
    }
    return NULL;
}

/* Arguments, then how the line ends. Returns false when it ends in none of the known ways. */
static bool arguments(struct text t, struct strace_line *out)
{
    static const char *const stops[] = {"<unfinished ...>", "<detached ...>"};
    static const char killed[] = "<unfinished ...>) = ?";
    const char *end = t.p + t.n, *close;

    out->dur_ns = -1;
    if (text_ends(t, killed)) {
        out->killed = true;
        scan_args(t.p, end - strlen(killed), &out->args, &close);
        out->ret.kind = RESULT_UNKNOWN;
        return true;
    }
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (text_ends(t, stops[i])) {
            scan_args(t.p, end - strlen(stops[i]), &out->args, &close);
            return true;
        }
    }
    scan_args(t.p, end, &out->args, &close);
    if (close && result((struct text){close, (size_t)(end - close)}, out))
        return true;
    close = last_result(t.p, end);
    if (close && result((struct text){close, (size_t)(end - close)}, out)) {
        out->args.readable = false;
        return true;
    }
    out->ret = (struct strace_ret){.kind = RESULT_NONE};
    return false;
}

/* --- lines ------------------------------------------------------------------------------- */

static struct text identifier(struct cursor *c)
{
    struct text name = {c->p, 0};

    while (!at_end(c) &&
           (is_digit(*c->p) || (*c->p >= 'a' && *c->p <= 'z') || *c->p == '_' || *c->p == '?'))
        c->p++;
    name.n = (size_t)(c->p - name.p);
    return name;
}

static void resumed(struct cursor *c, struct strace_line *out)
{
    struct text t = rest_of(c);
    const char *mark = text_find(t, " resumed>");

    if (!mark)
        return;
    out->name = text_trim((struct text){c->p, (size_t)(mark - c->p)});
    if (out->name.n == 0 || out->name.n > 64)
        return;
    c->p = mark + strlen(" resumed>");
    if (arguments(rest_of(c), out) && (out->ret.kind != RESULT_NONE))
        out->kind = STRACE_RESUMED;
}

static void exited(struct cursor *c, struct strace_line *out)
{
    struct text t = rest_of(c);
    static const char superseded[] = "+++ superseded by execve in pid ";

    if (!text_starts(t, "+++ exited with ") && !text_starts(t, "+++ killed by ") &&
        !text_starts(t, superseded))
        return;
    out->kind = STRACE_EXIT;
    if (accept(c, superseded) && !digits(c, &out->other_tid))
        out->other_tid = -1;
}

/* Without -o strace announces a new thread in the middle of another's line; drops that. */
static struct text without_announcement(struct text t)
{
    const size_t longest = strlen("strace: Process 1234567890 attached");
    struct text tail = t;
    const char *hit;

    if (!text_ends(t, " attached"))
        return t;
    if (tail.n > longest)
        tail = (struct text){t.p + t.n - longest, longest};
    hit = text_find(tail, "strace: Process ");
    if (hit)
        t.n = (size_t)(hit - t.p);
    return t;
}

static void call(struct cursor *c, struct strace_line *out)
{
    struct text name = identifier(c);

    if (name.n == 0 || name.n > 64 || is_digit(name.p[0]) || at_end(c) || *c->p != '(')
        return;
    c->p++;
    out->name = name;
    if (!arguments(without_announcement(rest_of(c)), out))
        out->kind = STRACE_CUT;
    else if (out->ret.kind == RESULT_NONE)
        out->kind = STRACE_UNFINISHED;
    else
        out->kind = STRACE_CALL;
}

static bool message(struct text t)
{
    return text_starts(t, "strace: ") || text_starts(t, "[ Process PID=") ||
           (text_starts(t, "Process ") && t.n > 8 && is_digit(t.p[8]));
}

void strace_parse_line(struct text line, struct strace_line *out)
{
    struct cursor c;
    struct text body;

    *out = (struct strace_line){.kind = STRACE_OTHER, .other_tid = -1, .dur_ns = -1};
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (text_trim(line).n == 0) {
        out->kind = STRACE_BLANK;
        return;
    }
    line.n = (size_t)(text_trim(line).p + text_trim(line).n - line.p); /* the right end only */
    if (text_starts(line, " > ")) {
        out->kind = STRACE_STACK;
        return;
    }
    c = (struct cursor){line.p, line.p + line.n};
    prefix(&c, out);
    body = rest_of(&c);
    if (message(body))
        out->kind = STRACE_MESSAGE;
    else if (text_starts(body, "+++ "))
        exited(&c, out);
    else if (text_starts(body, "--- ") && text_ends(body, " ---"))
        out->kind = STRACE_SIGNAL;
    else if (accept(&c, "<... "))
        resumed(&c, out);
    else
        call(&c, out);
}

bool strace_parse_rest(struct text line, struct strace_line *out)
{
    *out = (struct strace_line){.kind = STRACE_OTHER, .other_tid = -1, .dur_ns = -1};
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (!arguments(text_trim(line), out))
        return false;
    out->kind = out->ret.kind == RESULT_NONE ? STRACE_UNFINISHED : STRACE_RESUMED;
    return true;
}
