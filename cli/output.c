/*
 * Standard output is a result like a store is: whoever redirects it into a file on a full disk
 * must hear of it. Whoever closes the pipe early (| head) has seen enough, and hears nothing.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void cli_open_streams(void)
{
    /* Opened for the other direction, so that use fails as it would on the closed one. */
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", flags[fd]);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error like a full disk */
}

/* Whether the other end of a pipe is closed; errno of an earlier write may be long gone. */
static bool reader_gone(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

int cli_close_output(int code)
{
    bool failed = ferror(stdout) != 0;
    int error = 0;

    if (fflush(stdout) != 0)
        error = errno;
    else if (!failed)
        return code;
    if (error == EPIPE || reader_gone())
        return code;
    fprintf(stderr, "pclsim: cannot write standard output: %s\n",
            error ? strerror(error) : "no space, or not open");
    return code == CLI_DONE ? CLI_FAILED : code;
}

int cli_code(int pcl_code)
{
    switch (pcl_code) {
    case PCL_OK:
        return CLI_DONE;
    case PCL_EINVAL:
    case PCL_ENOENT:
        return CLI_USAGE;
    case PCL_ELAW:
        return CLI_BROKEN;
    case PCL_EPREC:
        return CLI_PRECISION;
    case PCL_EWORSE:
        return CLI_WORSE;
    case PCL_EINTR:
        return cli_signal() ? 128 + cli_signal() : CLI_FAILED;
    default:
        return CLI_FAILED;
    }
}

int cli_report(const struct pcl_err *err)
{
    pcl_err_print(stderr, err);
    return cli_code(err->code);
}
