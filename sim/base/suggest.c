/*
 * "did you mean": edit distance with transpositions (Damerau's optimal string alignment), blind
 * to case and to - against _, which people mix up without noticing.
 */
#include <pclsim/base.h>

#include <string.h>

#define LONGEST 64 /* longer words are not typing errors of ours */

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

static unsigned min_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned row[3][LONGEST + 1]; /* rows i - 2, i - 1 and i, by i % 3 */

    for (size_t j = 0; j <= nb; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *two = row[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            char x = fold(a[i - 1]), y = fold(b[j - 1]);

            now[j] = min_of(before[j] + 1, now[j - 1] + 1);
            now[j] = min_of(now[j], before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y)
                now[j] = min_of(now[j], two[j - 2] + 1);
        }
    }
    return row[na % 3][nb];
}

static bool begins(const char *name, const char *word)
{
    for (; *word; word++, name++)
        if (fold(*name) != fold(*word))
            return false;
    return true;
}

const char *pcl_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    const char *best = NULL, *longer = NULL;
    unsigned best_distance = LONGEST, n_longer = 0;

    if (len == 0 || len > LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(names[i]);
        unsigned d;

        if (begins(names[i], word)) {
            longer = names[i];
            n_longer++;
        }
        if (m > LONGEST)
            continue;
        d = distance(word, len, names[i], m);
        if (3 * (size_t)d <= len && d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    if (best)
        return best;
    return n_longer == 1 ? longer : NULL;
}

int pcl_hint_nearest(struct pcl_err *err, const char *word, const char *const *names, size_t n)
{
    const char *near = pcl_nearest(word, names, n);

    if (near)
        return pcl_hint(err, "did you mean '%s'?", near);
    return err ? err->code : PCL_EINVAL;
}
