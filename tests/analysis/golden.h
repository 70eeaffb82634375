/*
 * Golden files: the expected bytes of a text lie beside the test. PCLSIM_RENEW=1 in the
 * environment writes them anew; the diff is then reviewed.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdlib.h>
#include <string.h>

#include <pclsim/base.h>

static inline void golden(const char *name, const char *text)
{
    char path[1024];
    struct pcl_err e = {0};
    char *want = NULL;
    size_t size;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/tests/analysis/golden/%s", PCLSIM_SOURCE_DIR, name);
    if (getenv("PCLSIM_RENEW")) {
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
        assert_int_equal(fclose(f), 0);
        return;
    }
    if (pcl_read_file(path, 1 << 20, &want, &size, &e) != PCL_OK)
        fail_msg("%s", e.msg);
    if (strcmp(want, text) != 0)
        fail_msg("%s differs; found:\n%s", path, text);
    free(want);
}

/* Every line fits a mail: at most 72 columns of printable ASCII, no blank at the end. */
static inline void mail_ready(const char *text)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");

        if (n > 72)
            fail_msg("%zu columns: %.*s", n, (int)n, line);
        if (n > 0 && line[n - 1] == ' ')
            fail_msg("blank at the end: '%.*s'", (int)n, line);
        for (size_t i = 0; i < n; i++)
            if (line[i] < ' ' || line[i] > '~')
                fail_msg("not ASCII: %.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
    if (strstr(text, "nan") || strstr(text, "inf"))
        fail_msg("no number: %s", text);
}

#endif
