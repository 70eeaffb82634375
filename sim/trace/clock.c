/*
 * The clock of a recording. A wall clock that is set back while recording would squeeze all
 * that follows into one instant if times were merely clamped; so the step is undone for the
 * rest.
 */
#include "clock.h"

#define DAY_NS (INT64_C(86400) * 1000000000)
#define FIRST_EPOCH_NS (INT64_C(100000000) * 1000000000) /* 1973: less is -r, not -ttt */

static void start(struct clock *k, const struct strace_line *l)
{
    if (l->stamp == STAMP_DAY)
        k->kind = CLOCK_DAY;
    else
        k->kind = l->stamp_ns >= FIRST_EPOCH_NS ? CLOCK_EPOCH : CLOCK_RELATIVE;
    k->whole_seconds = l->whole_seconds;
    k->first = k->last_raw = k->kind == CLOCK_RELATIVE ? 0 : l->stamp_ns;
    k->shift = k->now;
    if (k->kind == CLOCK_EPOCH && k->start == 0)
        k->start = l->stamp_ns - k->now;
    k->days = 0;
    k->started = true;
}

/* The line's time on its own clock; false when it has none that fits. */
static bool raw_time(struct clock *k, const struct strace_line *l, pcl_ns *raw)
{
    pcl_ns t = l->stamp_ns;

    switch (k->kind) {
    case CLOCK_EPOCH:
        if (l->stamp != STAMP_SECONDS || t < FIRST_EPOCH_NS)
            return false;
        break;
    case CLOCK_DAY:
        if (l->stamp != STAMP_DAY)
            return false;
        if (__builtin_add_overflow(t, k->days * DAY_NS, &t))
            return false;
        if (t < k->last_raw - DAY_NS / 2 && k->days < 100000) { /* past midnight */
            k->days++;
            t += DAY_NS;
        } else if (k->days > 0 && t > k->last_raw + DAY_NS / 2) { /* a straggler from before */
            t -= DAY_NS;
        }
        break;
    case CLOCK_RELATIVE:
        if (l->stamp != STAMP_SECONDS || t >= FIRST_EPOCH_NS ||
            __builtin_add_overflow(t, k->last_raw, &t))
            return false;
        break;
    case CLOCK_UNSET:
    case CLOCK_ORDER:
        return false;
    }
    k->last_raw = *raw = t;
    return true;
}

pcl_ns clock_read(struct clock *k, const struct strace_line *l, uint32_t line)
{
    pcl_ns raw, t;

    if (l->stamp != STAMP_NONE && (k->kind == CLOCK_UNSET || k->kind == CLOCK_ORDER))
        start(k, l);
    else if (k->kind == CLOCK_UNSET)
        k->kind = CLOCK_ORDER;
    if (k->kind == CLOCK_ORDER) {
        t = ((pcl_ns)line - 1) * 1000;
    } else if (!raw_time(k, l, &raw) || __builtin_sub_overflow(raw, k->first, &t) ||
               __builtin_add_overflow(t, k->shift, &t)) {
        t = k->now;
    }
    k->now = t;
    if (t > k->latest)
        k->latest = t;
    return t;
}

pcl_ns clock_step_back(struct clock *k, pcl_ns t_ns, pcl_ns last_ns)
{
    pcl_ns step, shift;

    if (!__builtin_sub_overflow(last_ns, t_ns, &step) &&
        !__builtin_add_overflow(k->shift, step, &shift))
        k->shift = shift;
    k->now = last_ns;
    return last_ns;
}

const char *clock_name(const struct clock *k)
{
    switch (k->kind) {
    case CLOCK_EPOCH:
        return k->whole_seconds ? "wall clock, whole seconds" : "wall clock";
    case CLOCK_DAY:
        return k->whole_seconds ? "time of day, whole seconds" : "time of day";
    case CLOCK_RELATIVE:
        return "time since the line before";
    case CLOCK_UNSET:
    case CLOCK_ORDER:
        break;
    }
    return "none, 1 us per line assumed";
}
