/* Path options by name, and their values in words: made from the list in scheme.h. */
#include <pclsim/scheme.h>

#include <string.h>

#define MAX_WORDS 8

const struct pcl_option_info pcl_options[PCL_N_OPTIONS] = {
#define X(id, name, kind, words, def, what) {name, PCL_OPTION_##kind, words, def, what},
    PCL_OPTIONS(X)
#undef X
};

enum pcl_option pcl_option_find(const char *name)
{
    for (unsigned i = 0; i < PCL_N_OPTIONS; i++)
        if (strcmp(pcl_options[i].name, name) == 0)
            return (enum pcl_option)i;
    return PCL_N_OPTIONS;
}

/* The words of an option, cut at the bars; text keeps them. */
struct words {
    char text[PCL_OPTION_TEXT];
    const char *word[MAX_WORDS + 1]; /* and "none" */
    unsigned n;
};

static struct words *split(enum pcl_option o, struct words *w)
{
    char *at = w->text;

    (void)snprintf(w->text, sizeof(w->text), "%s", pcl_options[o].words);
    w->n = 0;
    while (at) {
        char *bar = strchr(at, '|');

        PCL_ASSERT(w->n < MAX_WORDS);
        w->word[w->n++] = at;
        if (bar)
            *bar++ = '\0';
        at = bar;
    }
    return w;
}

static unsigned find(const struct words *w, const char *word)
{
    unsigned i = 0;

    while (i < w->n && strcmp(w->word[i], word) != 0)
        i++;
    return i;
}

static int unknown(const struct words *w, enum pcl_option o, const char *word,
                   struct pcl_err *err)
{
    bool flags = pcl_options[o].kind == PCL_OPTION_FLAGS;
    char list[PCL_OPTION_TEXT + 8] = "";
    size_t len = 0;

    for (unsigned i = 0; i < w->n; i++)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
                                i == 0         ? ""
                                : i + 1 < w->n ? ", "
                                               : " or ",
                                w->word[i]);
    (void)pcl_fail(err, PCL_EINVAL, "path.%s: want %s%s, found %s%s%s", pcl_options[o].name,
                   list, flags ? " joined by +, or none" : "", *word ? "'" : "nothing", word,
                   *word ? "'" : "");
    return pcl_hint_nearest(err, word, w->word, w->n + flags);
}

int pcl_option_parse(enum pcl_option o, const char *text, uint8_t *value, struct pcl_err *err)
{
    struct words w;
    unsigned flags = 0;

    (void)split(o, &w);
    w.word[w.n] = "none";
    if (pcl_options[o].kind == PCL_OPTION_CHOICE) {
        unsigned at = find(&w, text);

        if (at == w.n)
            return unknown(&w, o, text, err);
        *value = (uint8_t)at;
        return PCL_OK;
    }
    for (const char *at = text; strcmp(text, "none") != 0; at++) {
        char word[PCL_OPTION_TEXT];
        size_t n = strcspn(at, "+");

        (void)snprintf(word, sizeof(word), "%.*s", (int)n, at);
        if (find(&w, word) == w.n)
            return unknown(&w, o, word, err);
        flags |= 1u << find(&w, word);
        at += n;
        if (!*at)
            break;
    }
    *value = (uint8_t)flags;
    return PCL_OK;
}

const char *pcl_option_text(enum pcl_option o, uint8_t value, char *buf, size_t n)
{
    struct words w;
    size_t len = 0;

    (void)split(o, &w);
    if (pcl_options[o].kind == PCL_OPTION_CHOICE) {
        PCL_ASSERT(value < w.n);
        (void)snprintf(buf, n, "%s", w.word[value]);
        return buf;
    }
    (void)snprintf(buf, n, "%s", value ? "" : "none");
    for (unsigned i = 0; i < w.n && len < n; i++)
        if (value & 1u << i)
            len += (size_t)snprintf(buf + len, n - len, "%s%s", len ? "+" : "", w.word[i]);
    return buf;
}
