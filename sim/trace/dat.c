/*
 * trace.dat, as trace-cmd records it: the bytes of the kernel's ring buffers, with a
 * description of each event. libtracecmd knows how to read them; each event becomes the line
 * that `trace-cmd report` prints of it, so that one decoder knows what events mean. It reads in
 * a child process: what a damaged file does to the library, it does to the child.
 *
 *   raw bytes -> unnamed file -> child: libtracecmd -> pipe -> window
 */
#define _DEFAULT_SOURCE /* for the headers of libtraceevent */
#include "reader.h"

#include <pclsim/big.h>

#include <errno.h>
#include <stdlib.h>

static bool is_dat(const char *data, size_t size)
{
    return size >= 10 && memcmp(data, "\x17\x08\x44tracing", 10) == 0;
}

#ifdef PCLSIM_HAVE_TRACECMD
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <trace-cmd.h>
#include <unistd.h>

#define CPU_SECONDS 3600 /* the child's: a damaged file must not keep it for ever */

struct dat {
    int pipe;
    pid_t child; /* 0: it has been waited for */
    uint64_t out;
};

/* --- in the child ------------------------------------------------------------------------ */

struct printer {
    FILE *out;
    struct trace_seq text;
};

static int print_event(struct tracecmd_input *h, struct tep_record *r, int cpu, void *arg)
{
    struct printer *p = arg;
    struct tep_handle *tep = tracecmd_get_tep(h);
    int pid = tep_data_pid(tep, r);
    const char *comm = tep_data_comm_from_pid(tep, pid);

    if (r->missed_events > 0)
        (void)fprintf(p->out, "CPU:%d [%lld EVENTS DROPPED]\n", cpu, r->missed_events);
    else if (r->missed_events < 0)
        (void)fprintf(p->out, "CPU:%d [EVENTS DROPPED]\n", cpu);
    trace_seq_reset(&p->text);
    tep_print_event(tep, &p->text, r, "%s: %s", TEP_PRINT_NAME, TEP_PRINT_INFO);
    trace_seq_terminate(&p->text);
    (void)fprintf(p->out, "%s-%d [%03d] %llu.%09llu: %s\n", comm ? comm : "<...>", pid, cpu,
                  r->ts / 1000000000u, r->ts % 1000000000u, p->text.buffer);
    return ferror(p->out) ? -1 : 0;
}

static _Noreturn void read_in_child(int in, int out)
{
    struct printer p = {.out = fdopen(out, "w")};
    struct tracecmd_input *h, **all;
    int n, kept = 0, null = open("/dev/null", O_RDWR);

    (void)dup2(null, STDERR_FILENO); /* the library's remarks */
    (void)dup2(null, STDOUT_FILENO);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_SECONDS, CPU_SECONDS});
    h = tracecmd_open_fd(in, TRACECMD_FL_LOAD_NO_PLUGINS);
    if (!h || !p.out)
        _exit(1);
    trace_seq_init(&p.text);
    n = tracecmd_buffer_instances(h);
    all = pcl_xcalloc((size_t)n + 1, sizeof(*all));
    all[0] = h;
    for (int i = 0; i < n; i++) {
        struct tracecmd_input *one = tracecmd_buffer_instance_handle(h, i);
        if (one)
            all[++kept] = one;
    }
    if (tracecmd_iterate_events_multi(all, kept + 1, print_event, &p) < 0 || fflush(p.out) != 0)
        _exit(1);
    _exit(0);
}

/* --- in the parent ----------------------------------------------------------------------- */

static bool copy_bytes(struct source *s, int fd)
{
    char buf[65536];
    size_t n;

    while ((n = source_take(s, buf, sizeof(buf))) > 0) {
        for (size_t at = 0; at < n;) {
            ssize_t put = write(fd, buf + at, n - at);
            if (put <= 0 && errno != EINTR)
                return false;
            at += put > 0 ? (size_t)put : 0;
        }
    }
    return lseek(fd, 0, SEEK_SET) == 0;
}

static void *dat_open(struct source *s, struct pcl_err *err)
{
    struct dat *d = pcl_xcalloc(1, sizeof(*d));
    int fd = pcl_temp_file(), ends[2] = {-1, -1};
    bool ok = fd >= 0 && copy_bytes(s, fd) && !source_failed(s) && pipe(ends) == 0;

    if (ok) {
        (void)fflush(NULL);
        d->child = fork();
        if (d->child == 0) {
            (void)close(ends[0]);
            read_in_child(fd, ends[1]);
        }
        ok = d->child > 0;
        (void)close(ends[1]);
        d->pipe = ends[0];
        (void)fcntl(d->pipe, F_SETFD, FD_CLOEXEC);
    }
    if (!ok && err->code == PCL_OK)
        (void)pcl_fail(err, PCL_EFAIL, "%s: cannot unpack trace.dat: %s", s->name,
                       strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (ok)
        return d;
    free(d);
    return NULL;
}

static void child_ended(struct source *s, struct dat *d)
{
    int status = 0;

    while (waitpid(d->child, &status, 0) < 0 && errno == EINTR)
        continue;
    d->child = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        source_fail(s, "damaged trace.dat: libtracecmd gave up after %llu bytes of text",
                    (unsigned long long)d->out);
}

static size_t dat_read(struct source *s, void *state, char *out, size_t n)
{
    struct dat *d = state;
    ssize_t got;

    do
        got = d->child ? read(d->pipe, out, n) : 0;
    while (got < 0 && errno == EINTR);
    if (got <= 0 && d->child)
        child_ended(s, d);
    d->out += got > 0 ? (uint64_t)got : 0;
    return got > 0 ? (size_t)got : 0;
}

static void dat_close(void *state)
{
    struct dat *d = state;
    int status;

    if (d->child) {
        (void)kill(d->child, SIGKILL);
        while (waitpid(d->child, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(d->pipe);
    free(d);
}

const struct unpacker trace_dat = {
    .name = "trace.dat", .is = is_dat, .open = dat_open, .read = dat_read, .close = dat_close};

#else

static void *dat_open(struct source *s, struct pcl_err *err)
{
    (void)pcl_fail_at(err, s->name, 0, 0,
                      "a trace.dat, which this build cannot read: convert it with trace-cmd "
                      "report, or build with libtracecmd-dev installed");
    return NULL;
}

const struct unpacker trace_dat = {.name = "trace.dat", .is = is_dat, .open = dat_open};

#endif
