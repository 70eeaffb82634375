/*
 * One line per scheme, redrawn in place five times a second by a thread of its own, so that the
 * display lives on while one long run is under way. Jobs run in plan order, scheme after
 * scheme, so the number of finished runs says how far each scheme is.
 *
 *    v5.8      [##########] 10/10   412k op/s simulated in 0.9 s
 *    v5.9      [######....]  6/10   0.4 s left
 */
#include "progress.h"

#include "cli.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR 10
#define QUIET_S 1.0 /* shorter studies show nothing */
#define PERIOD_NS 200000000L

struct cli_progress {
    const struct pcl_study *study;
    double start;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool over, drawn;
    bool line; /* one for all */
    struct pcl_study_progress now;
    size_t done;
    struct {
        uint64_t ops;
        double seconds;
        size_t reused;
    } * scheme; /* [study->n_schemes] */
};

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Rows and columns of the terminal. */
static void terminal_size(size_t *rows, size_t *columns)
{
    struct winsize w = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
        w = (struct winsize){.ws_row = 24, .ws_col = 80};
    *rows = w.ws_row;
    *columns = w.ws_col;
}

static bool can_draw(size_t lines)
{
    const char *term = getenv("TERM");
    size_t rows, columns;

    if (!isatty(STDERR_FILENO) || !term || !*term || strcmp(term, "dumb") == 0)
        return false;
    terminal_size(&rows, &columns);
    return lines < rows;
}

/* --- one line --------------------------------------------------------------------------------
 */

static void draw_line(struct cli_progress *p)
{
    const struct pcl_study_progress *u = &p->now;
    size_t rows, columns, ran = u->done - u->reused;
    double elapsed = now_s() - p->start, rate = (double)ran / elapsed;
    char bar[BAR + 1], line[400];
    int n;

    terminal_size(&rows, &columns);
    for (size_t k = 0; k < BAR; k++)
        bar[k] = u->total && u->done * BAR >= (k + 1) * u->total ? '#' : '.';
    bar[BAR] = '\0';
    n = snprintf(line, sizeof(line), " [%s] %zu/%zu", bar, u->done, u->total);
    if (ran > 0) {
        double left = u->done < u->total ? (double)(u->total - u->done) / rate : elapsed;
        char time[32];

        n += snprintf(line + n, sizeof(line) - (size_t)n, "   %.3g runs/s   %s %s", rate,
                      pcl_format_ns((pcl_ns)(left * 1e9), time, sizeof(time)),
                      u->done < u->total ? "left" : "in all");
    }
    if (u->looked)
        n += snprintf(line + n, sizeof(line) - (size_t)n, "   widest +-%.2g%%",
                      100 * u->widest);
    if (u->failed)
        n += snprintf(line + n, sizeof(line) - (size_t)n, "   %zu failed", u->failed);
    PCL_ASSERT(n > 0);
    p->drawn = true;
    fprintf(stderr, "\r%.*s\033[K", (int)(columns - 1), line);
    (void)fflush(stderr);
}

/* --- a line per scheme -----------------------------------------------------------------------
 */

/* Finished runs of scheme i when the first `done` jobs of the plan are. */
static size_t done_of(const struct pcl_study *s, size_t done, size_t i)
{
    size_t point = s->n_schemes * s->reps, rest = done % point, before = i * s->reps;
    size_t here = rest <= before ? 0 : rest - before;

    return done / point * s->reps + (here < s->reps ? here : s->reps);
}

static void describe(const struct cli_progress *p, size_t i, size_t done, size_t total,
                     char *buf, size_t n)
{
    double elapsed = now_s() - p->start;
    char count[32];

    *buf = '\0';
    if (done == total && p->scheme[i].reused == total)
        (void)snprintf(buf, n, "from the store");
    else if (done == total && p->scheme[i].seconds > 0.0)
        (void)snprintf(buf, n, "%s op/s simulated in %.1f s",
                       pcl_format_count((double)p->scheme[i].ops / p->scheme[i].seconds, count,
                                        sizeof(count)),
                       p->scheme[i].seconds);
    else if (done < total && p->done > 0 && done_of(p->study, p->done, i) > 0)
        (void)snprintf(buf, n, "%.1f s left",
                       elapsed / (double)p->done * (double)(p->study->n_jobs - p->done));
    else if (done < total && (i == 0 || done_of(p->study, p->done, i - 1) == total))
        (void)snprintf(buf, n, "%.0f s", elapsed);
}

/* Draws all lines over those drawn before. Locked. */
static void draw(struct cli_progress *p)
{
    const struct pcl_study *s = p->study;
    size_t rows, columns, total = s->n_points * s->reps;

    terminal_size(&rows, &columns);
    if (p->drawn)
        fprintf(stderr, "\033[%zuA", s->n_schemes);
    p->drawn = true;
    for (size_t i = 0; i < s->n_schemes; i++) {
        size_t done = done_of(s, p->done, i);
        char bar[BAR + 1], note[80], line[256];

        for (size_t k = 0; k < BAR; k++)
            bar[k] = done * BAR >= (k + 1) * total ? '#' : '.';
        bar[BAR] = '\0';
        describe(p, i, done, total, note, sizeof(note));
        (void)snprintf(line, sizeof(line), " %-12.40s [%s] %3zu/%zu   %s", s->schemes[i].name,
                       bar, done, total, note);
        fprintf(stderr, "\r%.*s\033[K\n", (int)(columns - 1), line);
    }
    (void)fflush(stderr);
}

static void *drawer(void *arg)
{
    struct cli_progress *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->over) {
        struct timespec until;

        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PERIOD_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&p->wake, &p->lock, &until);
        if (now_s() - p->start >= QUIET_S)
            (p->line ? draw_line : draw)(p);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static struct cli_progress *begin(const struct pcl_study *s, bool line)
{
    struct cli_progress *p;
    sigset_t all, old;

    if (s->n_jobs == 0 || !can_draw(line ? 1 : s->n_schemes))
        return NULL;
    p = pcl_xcalloc(1, sizeof(*p));
    p->study = s;
    p->line = line;
    p->start = now_s();
    p->scheme = pcl_xcalloc(s->n_schemes, sizeof(*p->scheme));
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->wake, NULL);
    (void)sigfillset(&all); /* signals are for the main thread */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    p->over = pthread_create(&p->thread, NULL, drawer, p) != 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!p->over)
        return p;
    free(p->scheme);
    free(p);
    return NULL;
}

struct cli_progress *cli_progress_new(const struct pcl_study *s)
{
    return begin(s, false);
}

struct cli_progress *cli_progress_line(const struct pcl_study *s)
{
    return begin(s, true);
}

void cli_progress_update(const struct pcl_study_progress *u, void *arg)
{
    struct cli_progress *p = arg;

    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->done = u->done;
    p->now = *u;
    (void)pthread_mutex_unlock(&p->lock);
}

void cli_progress_result(struct cli_progress *p, size_t job, const struct pcl_result *r,
                         bool reused)
{
    size_t i;

    if (!p)
        return;
    i = job / p->study->reps % p->study->n_schemes;
    (void)pthread_mutex_lock(&p->lock);
    p->scheme[i].ops += reused ? 0 : r->ops;
    p->scheme[i].seconds += reused ? 0.0 : r->wall_s;
    p->scheme[i].reused += reused;
    (void)pthread_mutex_unlock(&p->lock);
}

void cli_progress_free(struct cli_progress *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_signal(&p->wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    if (p->drawn && p->line) {
        draw_line(p);
        fputc('\n', stderr);
    } else if (p->drawn) {
        draw(p);
    }
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->wake);
    free(p->scheme);
    free(p);
}
