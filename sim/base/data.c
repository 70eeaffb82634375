/*
 * Where scenarios, schemes, machines and templates are found. A data root is a folder with
 * `workloads` and `plots` in it; the roots, first wins:
 *
 *   $PCLSIM_DATA
 *   $XDG_CONFIG_HOME/pclsim, else ~/.config/pclsim   the user's own entries
 *   <binary>/../share/pclsim                         an installation, wherever it was moved to
 *   the source tree                                  only for a binary inside its build tree
 *
 * The last one is compiled in but must not be used by an installed binary: it would work on the
 * developer's machine and nowhere else.
 */
#include <pclsim/base.h>

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ROOTS 4

struct roots {
    char *dir[MAX_ROOTS];
    size_t n;
};

static char *join(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *join(const char *fmt, ...)
{
    va_list ap, again;
    char *s;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    PCL_ASSERT(n >= 0);
    s = pcl_xcalloc((size_t)n + 1, 1);
    (void)vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* The folder of the running binary in buf, or "" when /proc cannot say. */
static void binary_dir(char *buf, size_t n)
{
    ssize_t got = readlink("/proc/self/exe", buf, n - 1);
    char *slash;

    buf[got > 0 ? got : 0] = '\0';
    slash = strrchr(buf, '/');
    if (slash)
        *slash = '\0';
}

static bool lies_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static void find_roots(struct roots *r)
{
    const char *data = getenv("PCLSIM_DATA"), *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char exe[PATH_MAX];

    r->n = 0;
    if (data && *data)
        r->dir[r->n++] = pcl_xstrdup(data);
    if (config && *config == '/') /* the XDG rules: relative paths are to be ignored */
        r->dir[r->n++] = join("%s/pclsim", config);
    else if (home && *home)
        r->dir[r->n++] = join("%s/.config/pclsim", home);
    binary_dir(exe, sizeof exe);
    if (*exe) {
        char *slash = strrchr(exe, '/');

        r->dir[r->n++] = join("%.*s/share/pclsim", (int)(slash - exe), exe);
        if (lies_below(exe, PCLSIM_BINARY_DIR))
            r->dir[r->n++] = pcl_xstrdup(PCLSIM_SOURCE_DIR);
    }
}

static void drop_roots(struct roots *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->dir[i]);
}

static bool path_only(const char *name)
{
    return *name == '/' || strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0;
}

/* The name as a path, with and without ext; NULL when neither is a file. */
static char *as_path(const char *name, const char *ext)
{
    char *with;

    if (is_file(name))
        return pcl_xstrdup(name);
    with = join("%s%s", name, ext);
    if (!ends_with(name, ext) && is_file(with))
        return with;
    free(with);
    return NULL;
}

static int not_found(const char *kind, const char *name, const char *ext, const struct roots *r,
                     struct pcl_err *err)
{
    char places[600] = "";
    size_t n = 0, n_names;
    const char *near;
    char **paths;
    const char **names;

    for (size_t i = 0; i < r->n && n < sizeof places; i++) {
        int wrote =
            snprintf(places + n, sizeof places - n, "%s%s/%s", i ? ", " : "", r->dir[i], kind);

        n += wrote > 0 ? (size_t)wrote : 0;
    }
    (void)pcl_fail(err, PCL_ENOENT, "no '%s' in %s; looked in: ., %s", name, kind, places);
    if (!err)
        return PCL_ENOENT;

    n_names = pcl_list_data(kind, ext, &paths);
    names = pcl_xcalloc(n_names, sizeof *names);
    for (size_t i = 0; i < n_names; i++) {
        char *slash = strrchr(paths[i], '/');

        paths[i][strlen(paths[i]) - strlen(ext)] = '\0';
        names[i] = slash ? slash + 1 : paths[i];
    }
    near = pcl_nearest(name, names, n_names);
    if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
    free(names);
    pcl_free_list(paths, n_names);
    return PCL_ENOENT;
}

int pcl_find_data(const char *kind, const char *name, const char *ext, char **path,
                  struct pcl_err *err)
{
    struct roots r;
    char *found;
    int rc = PCL_OK;

    if (!*name)
        return pcl_fail(err, PCL_EINVAL, "want a name from %s, found nothing", kind);
    found = as_path(name, ext);
    if (!found && path_only(name))
        return pcl_fail(err, PCL_ENOENT, "no file '%s'", name);

    find_roots(&r);
    for (size_t i = 0; i < r.n && !found; i++) {
        char *base = join("%s/%s/%s", r.dir[i], kind, name);

        found = as_path(base, ext);
        free(base);
    }
    if (found)
        *path = found;
    else
        rc = not_found(kind, name, ext, &r, err);
    drop_roots(&r);
    return rc;
}

struct list {
    char **path;
    size_t n, cap;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool has_name(const struct list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(last_part(l->path[i]), name) == 0)
            return true;
    return false;
}

static void list_dir(struct list *l, const char *dir, const char *ext)
{
    struct dirent *e;
    DIR *d = opendir(dir);

    if (!d)
        return;
    while ((e = readdir(d))) {
        char *path;

        if (*e->d_name == '.' || !ends_with(e->d_name, ext) || has_name(l, e->d_name))
            continue;
        path = join("%s/%s", dir, e->d_name);
        if (!is_file(path)) {
            free(path);
            continue;
        }
        if (l->n == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 16;
            l->path = pcl_xrealloc(l->path, l->cap, sizeof *l->path);
        }
        l->path[l->n++] = path;
    }
    (void)closedir(d);
}

/* By the name without its extension, so that "server" comes before "server-2s". */
static int by_name(const void *a, const void *b)
{
    const char *x = last_part(*(const char *const *)a), *y = last_part(*(const char *const *)b);
    const char *x_dot = strrchr(x, '.'), *y_dot = strrchr(y, '.');
    size_t n = x_dot ? (size_t)(x_dot - x) : strlen(x);
    size_t m = y_dot ? (size_t)(y_dot - y) : strlen(y);
    int order = memcmp(x, y, n < m ? n : m);

    return order ? order : (n > m) - (n < m);
}

size_t pcl_list_data(const char *kind, const char *ext, char ***paths)
{
    struct list l = {0};
    struct roots r;

    find_roots(&r);
    for (size_t i = 0; i < r.n; i++) {
        char *dir = join("%s/%s", r.dir[i], kind);

        list_dir(&l, dir, ext);
        free(dir);
    }
    drop_roots(&r);
    if (l.n > 0)
        qsort(l.path, l.n, sizeof *l.path, by_name);
    *paths = l.path;
    return l.n;
}

size_t pcl_find_all_data(const char *kind, const char *file, char ***paths)
{
    struct roots r;
    size_t n = 0;

    find_roots(&r);
    *paths = pcl_xcalloc(MAX_ROOTS, sizeof **paths);
    for (size_t i = 0; i < r.n; i++) {
        char *path = join("%s/%s/%s", r.dir[i], kind, file);

        if (is_file(path))
            (*paths)[n++] = path;
        else
            free(path);
    }
    drop_roots(&r);
    return n;
}

void pcl_free_list(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}
