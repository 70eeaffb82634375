/*
 * MSER-5: of all cuts the one after which the mean is known best, judged by the half-width that
 * the rest would give if its values were independent. What is cut too little biases the rest
 * and widens it; what is cut too much leaves less: the rule weighs the two, and needs no
 * parameter.
 *
 * White, "An effective truncation heuristic for bias reduction in simulation output" (1997);
 * Hoad, Robinson and Davies (2010) took it for the one of 44 methods fit for automation.
 */
#include "windows_read.h"

enum {
    GROUP = 5,  /* windows in a value: the 5 of MSER-5 */
    LAST = 5,   /* values that are never all that remains: few values agree by chance */
    LEAST = 20, /* values without which nothing is said */
};

/* Where hardly anything varies but a timer's tick, all that follows the last tick is equal, and
 * the rule would keep nothing else. So a cut counts if it moves the mean by the first of these,
 * and one in the second half is a reason to refuse if it moves it by the second; else half is
 * cut. */
#define COUNTS 0.001
#define REFUSES 0.01

size_t pcl_mser(const double *x, size_t n)
{
    double shift, sum = 0, squares = 0, best = 0;
    size_t at = 0;

    PCL_ASSERT(n > LAST);
    shift = x[n - 1]; /* sums of squares about a value near all of them */
    for (size_t d = n; d-- > 0;) {
        double k = (double)(n - d), y = x[d] - shift, score;

        sum += y;
        squares += y * y;
        if (n - d < LAST)
            continue;
        score = (squares - sum * sum / k) / (k * k);
        if (n - d == LAST || score <= best) { /* of equals the earliest: it keeps most */
            best = score;
            at = d;
        }
    }
    return at;
}

/* By how much of itself the mean moves when [0, cut) is left out. */
static double moves(const struct pcl_windows *s, enum pcl_output o, size_t cut)
{
    struct pcl_ratio all = pcl_windows_sum(s, o, 0, s->n),
                     rest = pcl_windows_sum(s, o, cut, s->n);
    double a = all.num / all.den, b = rest.num / rest.den;

    return b > 0 ? (a > b ? a - b : b - a) / b : 1;
}

void pcl_windows_warmup(const struct pcl_windows *s, struct pcl_warmup *out)
{
    double x[PCL_WINDOWS / GROUP];
    size_t start[PCL_WINDOWS / GROUP], cut = 0;

    *out = (struct pcl_warmup){0};
    for (int o = 0; o < PCL_N_OUTPUTS && s->w; o++) {
        size_t n = 0, found;
        double moved;

        for (size_t at = 0; at + GROUP <= s->n; at += GROUP) {
            struct pcl_ratio r = pcl_windows_sum(s, (enum pcl_output)o, at, at + GROUP);

            if (r.den > 0) {
                x[n] = r.num / r.den;
                start[n++] = at;
            }
        }
        if (n < LEAST)
            continue;
        out->known = true;
        found = start[pcl_mser(x, n)];
        moved = moves(s, (enum pcl_output)o, found);
        if (found > s->n / 2 && moved <= REFUSES)
            found = s->n / 2;
        if (found > cut && moved > COUNTS) {
            cut = found;
            out->slowest = (enum pcl_output)o;
        }
    }
    out->cut = (pcl_ns)((uint64_t)cut << s->shift);
    out->refused = cut > s->n / 2;
}
