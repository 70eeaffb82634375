/*
 * Drawing: gnuplot runs on a script that holds everything, writes beside the wanted file, and
 * the result takes its name only when it is whole. Where gnuplot is missing or fails, the
 * script stays, so that the figure can be drawn later or elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figure.h"

extern char **environ;

static int write_file(const char *path, const char *text, size_t n, struct pcl_err *err)
{
    FILE *f = fopen(path, "w");
    bool ok;

    if (!f)
        return pcl_fail(err, PCL_EIO, "%s: %s", path, strerror(errno));
    ok = fwrite(text, 1, n, f) == n;
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        (void)unlink(path);
        return pcl_fail(err, PCL_EIO, "%s: %s", path, strerror(errno));
    }
    return PCL_OK;
}

/* --- gnuplot -------------------------------------------------------------------------------
 */

/* Our environment, without what would change the figure: equal data give equal bytes. */
static char **plain_environment(void)
{
    size_t n = 0, k = 0;
    char **env;

    while (environ[n])
        n++;
    env = pcl_xcalloc(n + 3, sizeof(*env));
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "LC_", 3) != 0 && strncmp(environ[i], "LANG=", 5) != 0 &&
            strncmp(environ[i], "GNUPLOT", 7) != 0 && strncmp(environ[i], "GNUTERM", 7) != 0)
            env[k++] = pcl_xstrdup(environ[i]);
    env[k++] = pcl_xstrdup("LC_ALL=C.UTF-8");
    if (!getenv("SOURCE_DATE_EPOCH")) /* pdf files carry a date */
        env[k++] = pcl_xstrdup("SOURCE_DATE_EPOCH=0");
    return env;
}

static void free_environment(char **env)
{
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
    free(env);
}

/* What gnuplot complained about: the line that says why, without the picture of the place. */
static void last_words(int fd, char *buf, size_t n)
{
    char text[4096];
    size_t have = 0;
    ssize_t got;

    while (have < sizeof(text) - 1 &&
           (got = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
        have += (size_t)got;
    text[have] = '\0';
    while (have > 0 && (text[have - 1] == '\n' || text[have - 1] == ' '))
        text[--have] = '\0';
    while (have > 0 && text[have - 1] != '\n')
        have--;
    (void)snprintf(buf, n, "%.300s", text + have);
}

static int run_gnuplot(const char *script, const char *out, struct pcl_err *err)
{
    size_t size = 2 * strlen(out) + 16, k = 0;
    char *set = pcl_xcalloc(size, 1), words[400] = "", *file = pcl_xstrdup(script);
    char name[] = "gnuplot", opt_d[] = "--default-settings", opt_e[] = "-e";
    char *argv[] = {name, opt_d, opt_e, set, file, NULL}, **env = plain_environment();
    posix_spawn_file_actions_t act;
    int pipe_fd[2], rc, status = 0;
    pid_t pid;

    k += (size_t)snprintf(set, size, "OUT='");
    for (const char *p = out; *p; p++) { /* quotes are doubled */
        if (*p == '\'')
            set[k++] = '\'';
        set[k++] = *p;
    }
    set[k] = '\'';
    if (pipe(pipe_fd) != 0) {
        rc = errno;
    } else {
        (void)posix_spawn_file_actions_init(&act);
        (void)posix_spawn_file_actions_addopen(&act, 0, "/dev/null", O_RDONLY, 0);
        (void)posix_spawn_file_actions_addopen(&act, 1, "/dev/null", O_WRONLY, 0);
        (void)posix_spawn_file_actions_adddup2(&act, pipe_fd[1], 2);
        (void)posix_spawn_file_actions_addclose(&act, pipe_fd[0]);
        rc = posix_spawnp(&pid, name, &act, NULL, argv, env);
        (void)posix_spawn_file_actions_destroy(&act);
        (void)close(pipe_fd[1]);
        if (rc == 0) {
            last_words(pipe_fd[0], words, sizeof(words));
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        }
        (void)close(pipe_fd[0]);
    }
    free(set);
    free(file);
    free_environment(env);
    if (rc == ENOENT || (rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127))
        return pcl_fail(
            err, PCL_EFAIL,
            "gnuplot was not found (Debian: apt-get install gnuplot-nox); its script "
            "is %s",
            script);
    if (rc != 0)
        return pcl_fail(err, PCL_EFAIL, "gnuplot could not be started: %s; its script is %s",
                        strerror(rc), script);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return pcl_fail(err, PCL_EFAIL, "gnuplot failed%s%s; its script is %s",
                        words[0] ? ": " : "", words, script);
    return PCL_OK;
}

/* --- finishing touches ----------------------------------------------------------------------
 */

/* Text for mail: no blanks at the end of lines, no empty lines around. */
static char *trim_text(const char *text, size_t *size)
{
    char *out = pcl_xcalloc(strlen(text) + 2, 1);
    size_t n = 0, blank = 0;

    for (const char *line = text; *line;) {
        size_t len, keep;

        line += *line == '\f'; /* between pages */
        keep = len = strcspn(line, "\n");

        while (keep > 0 && line[keep - 1] == ' ')
            keep--;
        if (keep == 0) {
            blank++;
        } else {
            if (n > 0 && blank > 0) /* one between panels */
                out[n++] = '\n';
            blank = 0;
            memcpy(out + n, line, keep);
            n += keep;
            out[n++] = '\n';
        }
        line += len + (line[len] == '\n');
    }
    *size = n;
    return out;
}

/* Screen readers read the title, and gnuplot's own says nothing. */
static char *name_svg(const char *text, const char *title, size_t *size)
{
    static const char plain[] = "<title>Gnuplot</title>";
    const char *at = strstr(text, plain);
    char *out = NULL;
    FILE *f;

    if (!at)
        return NULL;
    f = open_memstream(&out, size);
    PCL_ASSERT(f);
    (void)fwrite(text, 1, (size_t)(at - text), f);
    (void)fputs("<title>", f);
    for (; *title; title++) {
        if (*title == '&' || *title == '<' || *title == '>')
            (void)fprintf(f, "&#%d;", *title);
        else
            (void)fputc((unsigned char)*title < ' ' ? ' ' : *title, f);
    }
    (void)fprintf(f, "</title>%s", at + sizeof(plain) - 1);
    (void)fclose(f);
    return out;
}

/* cairo writes the present time into a PDF whatever SOURCE_DATE_EPOCH says: the epoch in its
 * place, of the same length, so that the file's cross references stay right. */
static char *date_pdf(const char *text, size_t size, size_t *n)
{
    static const char key[] = "/CreationDate (D:", epoch[] = "19700101000000";
    char *out = pcl_xcalloc(size + 1, 1);

    memcpy(out, text, size);
    *n = size;
    for (size_t i = 0; i + sizeof(key) + sizeof(epoch) < size; i++) {
        if (memcmp(out + i, key, sizeof(key) - 1) != 0)
            continue;
        for (size_t d = 0; d < sizeof(epoch) - 1; d++)
            if (out[i + sizeof(key) - 1 + d] >= '0' && out[i + sizeof(key) - 1 + d] <= '9')
                out[i + sizeof(key) - 1 + d] = epoch[d];
    }
    return out;
}

static int finish(const struct figure *f, const char *form, const char *path,
                  struct pcl_err *err)
{
    char *text, *better = NULL;
    size_t size, n;
    int rc = pcl_read_file(path, (size_t)1 << 28, &text, &size, err);

    if (rc != PCL_OK)
        return rc;
    if (size == 0)
        rc = pcl_fail(err, PCL_EFAIL, "gnuplot wrote nothing");
    else if (strcmp(form, "txt") == 0)
        better = trim_text(text, &n);
    else if (strcmp(form, "svg") == 0)
        better = name_svg(text, f->title, &n);
    else if (strcmp(form, "pdf") == 0)
        better = date_pdf(text, size, &n);
    if (better)
        rc = write_file(path, better, n, err);
    free(better);
    free(text);
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------
 */

static int check_out(const char *out, const char **form, struct pcl_err *err)
{
    struct stat st;

    *form = fig_form(out);
    if (!*form)
        return pcl_fail(err, PCL_EINVAL,
                        "%s: want a name that ends in .png, .svg, .pdf or .txt, or .gp for the "
                        "script alone",
                        out);
    if (stat(out, &st) == 0 && S_ISDIR(st.st_mode))
        return pcl_fail(err, PCL_EINVAL, "%s is a directory", out);
    return PCL_OK;
}

static char *with_suffix(const char *path, const char *suffix)
{
    char *s = pcl_xcalloc(strlen(path) + strlen(suffix) + 1, 1);

    (void)sprintf(s, "%s%s", path, suffix);
    return s;
}

static bool script_alone(const char *out)
{
    size_t n = strlen(out);

    return n > 3 && strcmp(out + n - 3, ".gp") == 0;
}

/* What the script of a figure draws when nothing else is said: FILE.gp draws FILE.png. */
static char *target(const char *out)
{
    char *s = with_suffix(out, script_alone(out) ? ".." : "");

    if (script_alone(out))
        (void)strcpy(s + strlen(out) - 3, ".png");
    return s;
}

int pcl_plot_script(const struct pcl_dataset *d, const struct pcl_plot_opts *o, char **script,
                    struct pcl_err *err)
{
    struct figure f;
    const char *form;
    char *name;
    int rc = check_out(o->out, &form, err);

    if (rc != PCL_OK || (rc = fig_make(d, o, &f, err)) != PCL_OK)
        return rc;
    name = target(o->out);
    rc = fig_script(&f, form, name, script, err);
    free(name);
    fig_free(&f);
    return rc;
}

/* Draws f into the file part; its script stays as gp when that fails, or when it is to stay. */
static int draw(const struct figure *f, const char *form, const char *out, const char *gp,
                const char *part, bool keep, struct pcl_err *err)
{
    char *script = NULL;
    int rc = fig_script(f, form, out, &script, err);

    if (rc == PCL_OK)
        rc = write_file(gp, script, strlen(script), err);
    free(script);
    if (rc != PCL_OK)
        return rc;
    rc = run_gnuplot(gp, part, err);
    if (rc == PCL_OK)
        rc = finish(f, form, part, err);
    if (rc == PCL_OK && !keep)
        (void)unlink(gp);
    return rc;
}

static int write_script(const struct pcl_dataset *d, const struct pcl_plot_opts *o,
                        struct pcl_err *err)
{
    char *script;
    int rc = pcl_plot_script(d, o, &script, err);

    if (rc != PCL_OK)
        return rc;
    rc = write_file(o->out, script, strlen(script), err);
    free(script);
    return rc;
}

int pcl_plot(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct pcl_err *err)
{
    char *gp, *part, suffix[32];
    struct figure f;
    const char *form;
    int rc = check_out(o->out, &form, err);

    if (rc == PCL_OK && script_alone(o->out))
        return write_script(d, o, err);
    if (rc != PCL_OK || (rc = fig_make(d, o, &f, err)) != PCL_OK)
        return rc;
    (void)snprintf(suffix, sizeof(suffix), ".%ld.part", (long)getpid());
    gp = with_suffix(o->out, ".gp");
    part = with_suffix(o->out, suffix);
    rc = draw(&f, form, o->out, gp, part, o->script, err);
    if (rc == PCL_OK && rename(part, o->out) != 0)
        rc = pcl_fail(err, PCL_EIO, "%s: %s", o->out, strerror(errno));
    (void)unlink(part);
    free(gp);
    free(part);
    fig_free(&f);
    return rc;
}

int pcl_plot_print(FILE *out, const struct pcl_dataset *d, const struct pcl_plot_opts *o,
                   struct pcl_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *part, *gp, *text;
    struct figure f;
    size_t n;
    int fd, rc = fig_make(d, o, &f, err);

    if (rc != PCL_OK)
        return rc;
    part = with_suffix(tmp && *tmp ? tmp : "/tmp", "/pclsim-plot-XXXXXX");
    fd = mkstemp(part);
    gp = with_suffix(part, ".gp");
    if (fd < 0) {
        rc = pcl_fail(err, PCL_EIO, "%s: %s", part, strerror(errno));
    } else {
        (void)close(fd);
        rc = draw(&f, "txt", "figure.txt", gp, part, false, err);
        if (rc == PCL_OK)
            rc = pcl_read_file(part, (size_t)1 << 24, &text, &n, err);
        if (rc == PCL_OK) {
            (void)fwrite(text, 1, n, out);
            free(text);
        }
        (void)unlink(part);
    }
    free(gp);
    free(part);
    fig_free(&f);
    return rc;
}
