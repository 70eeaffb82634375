/* Whole files, and the hash that names their contents. */
#include <pclsim/base.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_read(struct pcl_err *err, const char *path, int error)
{
    return pcl_fail(err, error == ENOENT || error == ENOTDIR ? PCL_ENOENT : PCL_EIO,
                    "cannot read '%s': %s", path, strerror(error));
}

/* Reads fd to its end; pipes give no size in advance, so the buffer grows. */
static int read_all(int fd, const char *path, size_t max_bytes, size_t guess, char **data,
                    size_t *size, struct pcl_err *err)
{
    size_t cap = guess + 1, n = 0;
    char *buf = pcl_xrealloc(NULL, cap, 1);

    for (;;) {
        ssize_t got;

        if (n + 1 == cap) {
            cap *= 2;
            buf = pcl_xrealloc(buf, cap, 1);
        }
        got = read(fd, buf + n, cap - n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;

            free(buf);
            return cannot_read(err, path, error);
        }
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max_bytes) {
            free(buf);
            return pcl_fail(err, PCL_EINVAL, "'%s' is larger than %zu bytes", path, max_bytes);
        }
    }
    buf[n] = '\0';
    *data = buf;
    *size = n;
    return PCL_OK;
}

int pcl_read_file(const char *path, size_t max_bytes, char **data, size_t *size,
                  struct pcl_err *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    size_t guess = 4096;
    struct stat st;
    int fd, rc;

    if (standard_input)
        return read_all(STDIN_FILENO, "standard input", max_bytes, guess, data, size, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(err, path, errno);
    if (fstat(fd, &st) != 0) {
        rc = cannot_read(err, path, errno);
    } else if (S_ISDIR(st.st_mode)) {
        rc = cannot_read(err, path, EISDIR);
    } else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max_bytes) {
        rc = pcl_fail(err, PCL_EINVAL, "'%s' is larger than %zu bytes", path, max_bytes);
    } else {
        if (S_ISREG(st.st_mode) && st.st_size > 0)
            guess = (size_t)st.st_size + 1; /* one more, to see the end without growing */
        rc = read_all(fd, path, max_bytes, guess, data, size, err);
    }
    (void)close(fd);
    return rc;
}

void pcl_sha256_hex(const void *data, size_t size, char out[65])
{
    PCL_ASSERT(SHA256_DIGEST_STRING_LENGTH == 65);
    (void)SHA256Data(data, size, out);
}

void pcl_sha256_init(struct pcl_sha256 *h)
{
    SHA2_CTX c;

    static_assert(sizeof(c) <= sizeof(h->state), "room for the library's state");
    SHA256Init(&c);
    memcpy(h->state, &c, sizeof(c));
}

void pcl_sha256_add(struct pcl_sha256 *h, const void *data, size_t size)
{
    SHA2_CTX c;

    memcpy(&c, h->state, sizeof(c));
    SHA256Update(&c, data, size);
    memcpy(h->state, &c, sizeof(c));
}

void pcl_sha256_end(struct pcl_sha256 *h, char out[65])
{
    SHA2_CTX c;

    memcpy(&c, h->state, sizeof(c));
    (void)SHA256End(&c, out);
}
