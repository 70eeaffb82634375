/*
 * Output goes through files, not pipes: no test can dead-lock with a program that says much.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 40

static char folder[200];

const char tiny_scenario[] = "[scenario]\n"
                             "title = two tasks and one page\n"
                             "duration = 1ms\n"
                             "reps = 2\n"
                             "schemes = v5.8, v5.9\n"
                             "\n"
                             "[file data]\n"
                             "size = 64k\n"
                             "cached = all\n"
                             "\n"
                             "[group readers]\n"
                             "tasks = 2\n"
                             "file = data\n"
                             "mix = read:1\n"
                             "think = 5us\n";

int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/pclsim-cli-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)setenv("HOME", folder, 1);
    (void)unsetenv("XDG_CONFIG_HOME");
    if (access("/proc/self/exe", F_OK) == 0) /* else it cannot find its data by itself */
        (void)unsetenv("PCLSIM_DATA");
    write_text("tiny.ini", tiny_scenario);
    return 0;
}

int remove_folder(void **state)
{
    char command[300];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

const char *in_folder(unsigned slot, const char *name)
{
    static char path[4][400];

    (void)snprintf(path[slot], sizeof(path[slot]), "%s/%s", folder, name);
    return path[slot];
}

void write_text(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(3, name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static char *read_text(const char *name)
{
    FILE *f = fopen(in_folder(3, name), "r");
    char *text = NULL;
    size_t n = 0, got;

    assert_non_null(f);
    do {
        text = realloc(text, n + 65536 + 1);
        assert_non_null(text);
        got = fread(text + n, 1, 65536, f);
        n += got;
    } while (got);
    text[n] = '\0';
    (void)fclose(f);
    return text;
}

static int open_sink(enum sink sink, const char *out)
{
    int ends[2];

    switch (sink) {
    case TO_FULL_DISK:
        return open("/dev/full", O_WRONLY);
    case TO_CLOSED_PIPE:
        if (pipe(ends) != 0)
            return -1;
        (void)close(ends[0]);
        return ends[1];
    case TO_MEMORY:
    case TO_NOTHING:
        break;
    }
    return open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

/* In the child: never returns. */
static void become_pclsim(enum sink sink, const char *out, const char *err,
                          const char *const *words)
{
    const char *argv[MAX_WORDS + 2] = {PCLSIM_COMMAND};
    int fd;

    for (size_t i = 0; i < MAX_WORDS && words[i]; i++)
        argv[i + 1] = words[i];
    if (chdir(folder) != 0)
        _exit(125);
    fd = open_sink(sink, out);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(125);
    (void)close(fd);
    if (sink == TO_NOTHING)
        (void)close(STDOUT_FILENO);
    fd = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(125);
    (void)close(fd);
    fd = open("/dev/null", O_RDONLY);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        _exit(125);
    (void)close(fd);
    (void)execv(PCLSIM_COMMAND, (char *const *)(uintptr_t)argv);
    _exit(126);
}

static pid_t begin(enum sink sink, const char *out, const char *err, const char *const *words)
{
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become_pclsim(sink, out, err, words);
    return pid;
}

pid_t start(const char *const *words)
{
    return begin(TO_MEMORY, "started.out", "started.err", words);
}

int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void forget(struct said *s)
{
    free(s->out);
    free(s->err);
    memset(s, 0, sizeof(*s));
}

void pclsim_v(struct said *s, enum sink sink, const char *const *words)
{
    forget(s);
    write_text("out", "");
    s->code = wait_for(begin(sink, "out", "err", words));
    s->out = read_text("out");
    s->err = read_text("err");
}

void pclsim(struct said *s, const char *word, ...)
{
    const char *words[MAX_WORDS + 1] = {word};
    va_list ap;

    va_start(ap, word);
    for (size_t i = 1; i < MAX_WORDS && (words[i] = va_arg(ap, const char *)); i++)
        ;
    va_end(ap);
    pclsim_v(s, TO_MEMORY, words);
}

void assert_code(const struct said *s, int code)
{
    if (s->code != code)
        fail_msg("exit code %d, want %d\n--- out\n%s--- err\n%s---", s->code, code, s->out,
                 s->err);
}

void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("want '%s' in:\n%s---", part, text);
}
