/*
 * What each system call becomes. Each case is a few lines as strace prints them and the
 * operations and skips that they make.
 */
#include "render.h"

#define ALL (RENDER_OPS | RENDER_SKIPS)
#define OPEN(n, p) "openat(AT_FDCWD</d>, \"" p "\", O_RDWR) = " #n "</d/" p ">\n"

static void reads_and_writes_with_offsets(void **state)
{
    static const struct rule rules[] = {
        {"pread and pwrite take offset from the argument, length from the result",
         "pread64(3</f>, \"abc\"..., 4096, 8192) = 100\n"
         "pwrite64(3</f>, \"abc\"..., 4096, 0) = 4096\n",
         "read /f 8192+100\nwrite /f 0+4096\n"},
        {"a read of nothing at the end stays an operation",
         "pread64(3</f>, \"\", 4096, 8192) = 0\n", "read /f 8192+0\n"},
        {"vectors",
         "preadv(3</f>, [{iov_base=\"a, b)\", iov_len=5}, {iov_base=\"\", iov_len=9}], 2, 64) = 5\n"
         "pwritev(3</f>, [{iov_base=\"[{(\", iov_len=3}], 1, 10) = 3\n"
         "preadv2(3</f>, [{iov_base=\"\", iov_len=9}], 1, 5, RWF_NOWAIT) = 9\n"
         "pwritev2(3</f>, [{iov_base=\"\", iov_len=9}], 1, 7, 0) = 9\n",
         "read /f 64+5\nwrite /f 10+3\nread /f 5+9\nwrite /f 7+9\n"},
        {"offset -1 of preadv2 is the position",
         OPEN(3, "f") "read(3</d/f>, \"\"..., 10) = 10\n"
                      "preadv2(3</d/f>, [{iov_base=\"\", iov_len=9}], 1, -1, 0) = 9\n"
                      "read(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nread /d/f 0+10\nread /d/f 10+9\nread /d/f 19+10\n"},
        {"RWF_APPEND goes to the end",
         "fstat(3</f>, {st_mode=S_IFREG|0644, st_size=100, ...}) = 0\n"
         "pwritev2(3</f>, [{iov_base=\"\", iov_len=9}], 1, 7, RWF_APPEND) = 9\n",
         "syscall /f\nwrite /f 100+9 append\n"},
        {"O_DIRECT makes direct operations, also by F_SETFL",
         "open(\"/f\", O_RDWR|O_DIRECT) = 3\npread64(3, \"\"..., 4096, 0) = 4096\n"
         "pwrite64(3, \"\"..., 4096, 0) = 4096\nfcntl(3, F_SETFL, O_RDWR) = 0\n"
         "pread64(3, \"\"..., 4096, 0) = 4096\nfcntl(3, F_SETFL, O_RDWR|O_DIRECT) = 0\n"
         "pread64(3, \"\"..., 4096, 0) = 4096\n",
         "syscall /f\ndread /f 0+4096\ndwrite /f 0+4096\nsyscall /f\nread /f 0+4096\n"
         "syscall /f\ndread /f 0+4096\n"},
        {"offsets and lengths to the end of 63 bits, not beyond",
         "pread64(3</f>, \"\", 1, 9223372036854775807) = 0\n"
         "pread64(3</f>, \"\", 1, 9223372036854775807) = 1\n"
         "pread64(3</f>, \"\", 1, 9223372036854775808) = 1\n"
         "pread64(3</f>, \"\", 1, -5) = -1 EINVAL (Invalid argument)\n"
         "pread64(3</f>, \"\", 1, 99999999999999999999999) = 1\n"
         "pread64(3</f>, \"\", 1, 0) = 18446744073709551615\n",
         "read /f 9223372036854775807+0\n4 offset out of range\n1 length out of range\n"},
        {"failed calls are kept where they took a lock",
         "pwrite64(3</f>, \"\"..., 4096, 4096) = -1 ENOSPC (No space left on device)\n"
         "pread64(3</f>, 0x7ff, 10, 0) = -1 EIO (Input/output error)\n"
         "fallocate(3</f>, 0, 0, 4096) = -1 ENOSPC (No space left on device)\n"
         "fsync(3</f>) = -1 EIO (Input/output error)\n"
         "fallocate(3</f>, 0, 0, 4096) = -1 EOPNOTSUPP (Operation not supported)\n"
         "read(9, 0x7ff, 10) = -1 EBADF (Bad file descriptor)\n"
         "pread64(3</f>, 0x7ff, 10, 0) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)\n",
         "write /f 4096+0 failed\nread /f 0+0 failed\nallocate /f 0+4096 failed\n"
         "fsync /f 0+0 failed\n1 failed call: EBADF\n1 failed call: EOPNOTSUPP\n"
         "1 failed call: ERESTARTSYS\n"},
        {"arguments that make no sense",
         "pread64(3</f>, \"\", 1) = 1\npread64(3</f>, \"\", 1, x) = 1\npread64() = 1\n"
         "read(</f>, \"\", 1) = 1\n",
         "4 arguments not understood\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void positions_belong_to_open_file_descriptions(void **state)
{
    static const struct rule rules[] = {
        {"reads and writes move one position",
         OPEN(3, "f") "read(3</d/f>, \"\"..., 10) = 10\nwrite(3</d/f>, \"\"..., 5) = 5\n"
                      "readv(3</d/f>, [{iov_base=\"\", iov_len=9}], 1) = 9\n",
         "syscall /d/f\nread /d/f 0+10\nwrite /d/f 10+5\nread /d/f 15+9\n"},
        {"lseek sets it, pread does not move it",
         OPEN(3, "f") "lseek(3</d/f>, 100, SEEK_SET) = 100\npread64(3</d/f>, \"\"..., 9, 0) = 9\n"
                      "read(3</d/f>, \"\"..., 10) = 10\nlseek(3</d/f>, -5, SEEK_CUR) = 105\n"
                      "write(3</d/f>, \"\"..., 5) = 5\n",
         "syscall /d/f\nsyscall /d/f\nread /d/f 0+9\nread /d/f 100+10\nsyscall /d/f\n"
         "write /d/f 105+5\n"},
        {"_llseek gives it in brackets",
         OPEN(3, "f") "_llseek(3</d/f>, 4294967296, [4294967296], SEEK_SET) = 0\n"
                      "read(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nsyscall /d/f\nread /d/f 4294967296+10\n"},
        {"dup shares it, a second open does not",
         OPEN(3, "f") "dup(3</d/f>) = 4</d/f>\n" OPEN(5, "f") "write(3</d/f>, \"\", 7) = 7\n"
                      "write(4</d/f>, \"\", 7) = 7\nwrite(5</d/f>, \"\", 7) = 7\n"
                      "dup2(5</d/f>, 3</d/f>) = 3</d/f>\nwrite(3</d/f>, \"\", 7) = 7\n"
                      "fcntl(5</d/f>, F_DUPFD_CLOEXEC, 9) = 9</d/f>\nwrite(9</d/f>, \"\", 7) = 7\n",
         "syscall /d/f\nsyscall /d/f\nsyscall /d/f\nwrite /d/f 0+7\nwrite /d/f 7+7\n"
         "write /d/f 0+7\nsyscall /d/f\nwrite /d/f 7+7\nsyscall /d/f\nwrite /d/f 14+7\n"},
        {"a descriptor from before the recording is guessed until lseek tells",
         "read(3</f>, \"\"..., 10) = 10\nread(3</f>, \"\"..., 10) = 10\n"
         "lseek(3</f>, 0, SEEK_CUR) = 500\nread(3</f>, \"\"..., 10) = 10\n",
         "read /f 0+10 guessed\nread /f 10+10 guessed\nsyscall /f\nread /f 500+10\n"},
        {"a failed read does not move it",
         OPEN(3, "f") "read(3</d/f>, 0x1, 10) = -1 EFAULT (Bad address)\n"
                      "read(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nread /d/f 0+0 failed\nread /d/f 0+10\n"},
        {"close and open anew start at 0",
         OPEN(3, "f") "read(3</d/f>, \"\"..., 10) = 10\nclose(3</d/f>) = 0\n" OPEN(3, "f")
                      "read(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nread /d/f 0+10\nsyscall /d/f\nsyscall /d/f\nread /d/f 0+10\n"},
        {"a position that would pass 2^63",
         OPEN(3, "f") "lseek(3</d/f>, 0, SEEK_SET) = 9223372036854775800\n"
                      "read(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nsyscall /d/f\n1 offset out of range\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void appends_go_to_the_known_end(void **state)
{
#define AOPEN "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_APPEND) = 3</d/f>\n"
#define FSTAT(n) "fstat(3</d/f>, {st_mode=S_IFREG|0644, st_size=" #n ", ...}) = 0\n"
    static const struct rule rules[] = {
        {"by stat",
         AOPEN FSTAT(1000) "write(3</d/f>, \"\"..., 10) = 10\nwrite(3</d/f>, \"\"..., 10) = 10\n"
                           "lseek(3</d/f>, 0, SEEK_SET) = 0\nwrite(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nsyscall /d/f\nwrite /d/f 1000+10 append\nwrite /d/f 1010+10 append\n"
         "syscall /d/f\nwrite /d/f 1020+10 append\n"},
        {"O_APPEND overrules pwrite's offset",
         AOPEN FSTAT(1000) "pwrite64(3</d/f>, \"\"..., 10, 5) = 10\n",
         "syscall /d/f\nsyscall /d/f\nwrite /d/f 1000+10 append\n"},
        {"guessed when nobody told the size",
         AOPEN "write(3</d/f>, \"\"..., 10) = 10\nwrite(3</d/f>, \"\"..., 10) = 10\n"
               "lseek(3</d/f>, 0, SEEK_END) = 520\nwrite(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nwrite /d/f 0+10 append guessed\nwrite /d/f 10+10 append guessed\n"
         "syscall /d/f\nwrite /d/f 520+10 append\n"},
        {"SEEK_END with an offset",
         AOPEN "lseek(3</d/f>, -5, SEEK_END) = 9997\nwrite(3</d/f>, \"\"..., 10) = 10\n",
         "syscall /d/f\nsyscall /d/f\nwrite /d/f 10002+10 append\n"},
        {"another descriptor's writes, ftruncate and fallocate move the end",
         AOPEN FSTAT(1000) "openat(AT_FDCWD</d>, \"f\", O_RDWR) = 4</d/f>\n"
                           "pwrite64(4</d/f>, \"\"..., 10, 4000) = 10\nwrite(3</d/f>, \"\", 1) = 1\n"
                           "ftruncate(4</d/f>, 77) = 0\nwrite(3</d/f>, \"\", 1) = 1\n"
                           "fallocate(4</d/f>, 0, 0, 500) = 0\nwrite(3</d/f>, \"\", 1) = 1\n"
                           "fallocate(4</d/f>, FALLOC_FL_KEEP_SIZE, 0, 9000) = 0\n"
                           "write(3</d/f>, \"\", 1) = 1\n",
         "syscall /d/f\nsyscall /d/f\nsyscall /d/f\nwrite /d/f 4000+10\n"
         "write /d/f 4010+1 append\ntruncate /d/f 77+0\nwrite /d/f 77+1 append\n"
         "allocate /d/f 0+500\nwrite /d/f 500+1 append\nallocate /d/f 0+9000 keepsize\n"
         "write /d/f 501+1 append\n"},
        {"collapse, insert and zero range move the end, unshare is skipped",
         AOPEN FSTAT(16384) "fallocate(3</d/f>, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) = 0\n"
                            "write(3</d/f>, \"\", 1) = 1\n"
                            "fallocate(3</d/f>, FALLOC_FL_INSERT_RANGE, 0, 4096) = 0\n"
                            "write(3</d/f>, \"\", 1) = 1\n"
                            "fallocate(3</d/f>, FALLOC_FL_ZERO_RANGE, 0, 20000) = 0\n"
                            "write(3</d/f>, \"\", 1) = 1\n"
                            "fallocate(3</d/f>, FALLOC_FL_KEEP_SIZE|FALLOC_FL_ZERO_RANGE, 0, "
                            "30000) = 0\nwrite(3</d/f>, \"\", 1) = 1\n"
                            "fallocate(3</d/f>, FALLOC_FL_UNSHARE_RANGE, 0, 100) = 0\n",
         "syscall /d/f\nsyscall /d/f\ncollapse /d/f 0+4096\nwrite /d/f 12288+1 append\n"
         "insert /d/f 0+4096\nwrite /d/f 16385+1 append\nzero /d/f 0+20000\n"
         "write /d/f 20000+1 append\nzero /d/f 0+30000 keepsize\nwrite /d/f 20001+1 append\n"
         "1 not modelled yet: fallocate UNSHARE_RANGE\n"},
        {"a short read shows the end",
         "openat(AT_FDCWD</d>, \"f\", O_RDWR|O_APPEND) = 3</d/f>\n"
         "read(3</d/f>, \"\"..., 4096) = 300\nwrite(3</d/f>, \"\", 1) = 1\n",
         "syscall /d/f\nread /d/f 0+300\nwrite /d/f 300+1 append\n"},
        {"O_APPEND set later, and seen by F_GETFL",
         OPEN(3, "f") FSTAT(50) "fcntl(3</d/f>, F_SETFL, O_RDWR|O_APPEND) = 0\n"
                                "write(3</d/f>, \"\", 1) = 1\n"
                                "fcntl(4</d/f>, F_GETFL) = 0x8402 (flags O_RDWR|O_APPEND|O_LARGEFILE)\n"
                                "write(4</d/f>, \"\", 1) = 1\n",
         "syscall /d/f\nsyscall /d/f\nsyscall /d/f\nwrite /d/f 50+1 append\nsyscall /d/f\n"
         "write /d/f 51+1 append\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void sizes_and_ranges(void **state)
{
    static const struct rule rules[] = {
        {"fallocate",
         "fallocate(3</f>, 0, 0, 8388608) = 0\n"
         "fallocate(3</f>, FALLOC_FL_KEEP_SIZE, 4096, 9223372036854771711) = 0\n"
         "fallocate(3</f>, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 4096, 8192) = 0\n"
         "fallocate(3</f>, 0x3, 0, 10) = 0\n"
         "fallocate(3</f>, FALLOC_FL_KEEP_SIZE, 4097, 9223372036854775807) = 0\n"
         "fallocate(3</f>, 0, -1, 5) = -1 EINVAL (Invalid argument)\n",
         "allocate /f 0+8388608\nallocate /f 4096+9223372036854771711 keepsize\n"
         "punch /f 4096+8192\npunch /f 0+10\n2 offset out of range\n"},
        {"truncate and ftruncate",
         "ftruncate(3</f>, 3145728) = 0\ntruncate(\"/f\", 0) = 0\n"
         "ftruncate(3</f>, 9223372036854775807) = 0\n"
         "ftruncate(3</f>, -1) = -1 EINVAL (Invalid argument)\n"
         "truncate(\"/nix\", 5) = -1 ENOENT (No such file or directory)\n",
         "truncate /f 3145728+0\ntruncate /f 0+0\ntruncate /f 9223372036854775807+0\n"
         "1 failed call: ENOENT\n1 offset out of range\n"},
        {"O_TRUNC on a file that has a length truncates it, on others it is an open",
         "stat(\"/f\", {st_mode=S_IFREG|0644, st_size=10, ...}) = 0\n"
         "openat(AT_FDCWD</>, \"/f\", O_RDWR|O_TRUNC) = 3</f>\n"
         "openat(AT_FDCWD</>, \"/f\", O_RDWR|O_TRUNC) = 4</f>\n"
         "openat(AT_FDCWD</>, \"/g\", O_RDWR|O_CREAT|O_TRUNC, 0644) = 5</g>\n",
         "syscall /f\ntruncate /f 0+0\nsyscall /f\nsyscall /g\n"},
        {"fsync and fdatasync are of the whole file",
         "fsync(3</f>) = 0\nfdatasync(3</f>) = 0\n", "fsync /f 0+0\nfsync /f 0+0 datasync\n"},
        {"copies inside the kernel read here and write there",
         OPEN(3, "a") OPEN(4, "b") "copy_file_range(3</d/a>, NULL, 4</d/b>, NULL, 4096, 0) = 4096\n"
                                   "copy_file_range(3</d/a>, [10] => [15], 4</d/b>, [20] => [25], "
                                   "5, 0) = 5\n"
                                   "sendfile(4</d/b>, 3</d/a>, NULL, 8) = 8\n"
                                   "sendfile(4</d/b>, 3</d/a>, [0] => [8], 8) = 8\n",
         "syscall /d/a\nsyscall /d/b\nread /d/a 0+4096\nwrite /d/b 0+4096\nread /d/a 10+5\n"
         "write /d/b 20+5\nread /d/a 4096+8\nwrite /d/b 4096+8\nread /d/a 0+8\nwrite /d/b 4104+8\n"},
        {"with a pipe or socket on one side there is one operation",
         OPEN(3, "a") "sendfile(9<socket:[17]>, 3</d/a>, NULL, 8) = 8\n"
                      "splice(3</d/a>, NULL, 5<pipe:[4]>, NULL, 8, SPLICE_F_MOVE) = 8\n"
                      "splice(5<pipe:[4]>, NULL, 3</d/a>, [100], 8, 0) = 8\n"
                      "splice(5<pipe:[4]>, NULL, 6<pipe:[7]>, NULL, 8, 0) = 8\n"
                      "copy_file_range(3</d/a>, NULL, 4</d/b>, NULL, 8, 0) = -1 EXDEV (Cross)\n",
         "syscall /d/a\nread /d/a 0+8\nread /d/a 8+8\nwrite /d/a 100+8\n"
         "1 failed call: EXDEV\n1 not a regular file: pipe\n"},
        {"work without an operation here is named",
         "readahead(3</f>, 0, 10) = 0\nsync_file_range(3</f>, 0, 10, 7) = 0\n"
         "fadvise64(3</f>, 0, 0, POSIX_FADV_WILLNEED) = 0\n"
         "fadvise64(3</f>, 0, 0, POSIX_FADV_SEQUENTIAL) = 0\n"
         "io_uring_enter(3<anon_inode:[io_uring]>, 1, 1, 0, NULL, 8) = 1\n"
         "io_submit(0x7f, 1, [{aio_data=0, aio_lio_opcode=IOCB_CMD_PREAD, aio_fildes=3</f>}]) = 1\n"
         "ioctl(4</g>, FICLONE, 3</f>) = 0\nsync() = 0\n",
         "syscall /f\n1 not modelled yet: fadvise WILLNEED\n1 not modelled yet: io_submit\n"
         "1 not modelled yet: io_uring_enter\n1 not modelled yet: ioctl FICLONE\n"
         "1 not modelled yet: readahead\n1 not modelled yet: sync\n"
         "1 not modelled yet: sync_file_range\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void mappings(void **state)
{
#define MAP "mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_SHARED, 3</f>, 0x1000) = 0x7f0000000000\n"
    static const struct rule rules[] = {
        {"mmap of a file is a call on it, offsets are hexadecimal",
         MAP "msync(0x7f0000000000, 65536, MS_SYNC) = 0\n"
             "msync(0x7f0000002000, 4096, MS_SYNC|MS_INVALIDATE) = 0\n"
             "msync(0x7f0000002000, 4096, MS_ASYNC) = 0\n"
             "madvise(0x7f0000001000, 8192, MADV_DONTNEED) = 0\n"
             "madvise(0x7f000000f000, 8192, MADV_DONTNEED) = 0\n"
             "madvise(0x7f0000000000, 8192, MADV_REMOVE) = 0\n"
             "madvise(0x7f0000000000, 8192, MADV_WILLNEED) = 0\n"
             "madvise(0x7f0000000000, 8192, MADV_HUGEPAGE) = 0\n"
             "munmap(0x7f0000000000, 65536) = 0\n"
             "msync(0x7f0000000000, 65536, MS_SYNC) = -1 ENOMEM (Cannot allocate memory)\n",
         "mmap /f 4096+65536\nfsync /f 4096+65536\nfsync /f 12288+4096\nsyscall /f\n"
         "dontneed /f 8192+8192\ndontneed /f 65536+4096\npunch /f 4096+8192\nsyscall /f\n"
         "munmap /f 4096+65536\n1 call without a file\n1 not modelled yet: madvise MADV_WILLNEED\n"},
        {"anonymous memory and private msync",
         "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000\n"
         "madvise(0x7f0000000000, 8192, MADV_DONTNEED) = 0\nmunmap(0x7f0000000000, 8192) = 0\n"
         "mmap(NULL, 100, PROT_READ, MAP_PRIVATE, 3</f>, 0) = 0x7f0000000000\n"
         "msync(0x7f0000000000, 100, MS_SYNC) = 0\n"
         "madvise(0x7f0000000000, 100, MADV_DONTNEED) = 0\n",
         "mmap /f 0+4096\nsyscall /f\ndontneed /f 0+4096\n3 call without a file\n"},
        {"a new mapping covers the old one, munmap may take its middle",
         MAP "mmap(0x7f0000004000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = "
             "0x7f0000004000\n"
             "madvise(0x7f0000004000, 4096, MADV_DONTNEED) = 0\n"
             "madvise(0x7f0000003000, 8192, MADV_DONTNEED) = 0\n"
             "madvise(0x7f0000005000, 4096, MADV_DONTNEED) = 0\n"
             "munmap(0x7f0000006000, 4096) = 0\n"
             "madvise(0x7f0000007000, 4096, MADV_DONTNEED) = 0\n",
         "mmap /f 4096+65536\ndontneed /f 16384+4096\ndontneed /f 24576+4096\nmunmap /f 28672+4096\n"
         "dontneed /f 32768+4096\n2 call without a file\n"},
        {"mremap takes the file along",
         MAP "mremap(0x7f0000000000, 65536, 131072, MREMAP_MAYMOVE) = 0x7f1000000000\n"
             "madvise(0x7f1000010000, 4096, MADV_DONTNEED) = 0\n"
             "madvise(0x7f0000000000, 4096, MADV_DONTNEED) = 0\n",
         "mmap /f 4096+65536\nsyscall /f\ndontneed /f 69632+4096\n1 call without a file\n"},
        {"what is no file stays none",
         "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</dev/zero>, 0) = 0x7f0000000000\n"
         "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</f>, 0) = -1 ENODEV (No such device)\n"
         "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</f>, 0xffffffffffff0000) = 0x7f0000000000\n",
         "1 failed call: ENODEV\n1 not a regular file: device\n1 offset out of range\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void what_is_no_regular_file(void **state)
{
    static const struct rule rules[] = {
        {"by the annotation",
         "read(0<pipe:[8]>, \"\", 1) = 1\nwrite(4<socket:[9]>, \"\", 1) = 1\n"
         "write(5<TCP:[127.0.0.1:4->[::1]:5]>, \"a)b\", 3) = 3\n"
         "read(6<UNIX-STREAM:[1->2,\"/run/x>]\"]>, \"\", 1) = 1\n"
         "read(7<anon_inode:[eventfd]>, \"\", 8) = 8\nread(8</dev/pts/0<char 136:0>>, \"\", 1) = 1\n"
         "write(1</dev/null>, \"\", 1) = 1\nread(3</proc/self/maps>, \"\", 1) = 1\n"
         "read(3</sys/kernel/mm>, \"\", 1) = 1\nread(9</dev/shm/x>, \"\"..., 1) = 1\n"
         "read(10</x/disk<block 8:0>>, \"\", 1) = 1\n",
         "read /dev/shm/x 0+1 guessed\n3 not a regular file: device\n"
         "3 not a regular file: socket\n2 not a regular file: proc or sys\n"
         "1 not a regular file: anonymous inode\n1 not a regular file: pipe\n"},
        {"by what made the descriptor, without -y",
         "pipe2([3, 4], O_CLOEXEC) = 0\nsocket(AF_UNIX, SOCK_STREAM, 0) = 5\n"
         "write(4, \"\", 1) = 1\nread(5, \"\", 1) = 1\neventfd2(0, 0) = 6\nread(6, \"\", 8) = 8\n"
         "socketpair(AF_UNIX, SOCK_STREAM, 0, [7, 8]) = 0\nread(8, \"\", 1) = 1\n"
         "accept(5, NULL, NULL) = 9\nsendto(9, \"\", 1, 0, NULL, 0) = 1\n",
         "6 not a regular file: socket\n2 not a regular file: anonymous inode\n"
         "2 not a regular file: pipe\n"},
        {"directories, however late they show",
         "openat(AT_FDCWD</d>, \"x\", O_RDONLY) = 3</d/x>\nfsync(3</d/x>) = 0\n"
         "getdents64(3</d/x>, 0x1 /* 2 entries */, 32768) = 48\nclose(3</d/x>) = 0\n"
         "openat(AT_FDCWD</d>, \"y\", O_RDONLY|O_DIRECTORY) = 3</d/y>\n"
         "stat(\"/d/z\", {st_mode=S_IFDIR|0755, st_size=4096, ...}) = 0\n"
         "openat(AT_FDCWD</d>, \"/d\", O_RDONLY) = 4</d>\nfdatasync(4</d>) = 0\n",
         "8 not a regular file: directory\n"},
        {"a descriptor of which nothing is known, and its copies",
         "read(7, \"\", 1) = 1\ndup(7) = 8\nread(8, \"\", 1) = 1\nopen(\"/f\", O_RDONLY) = 9\n"
         "dup2(7, 9) = 9\nread(9, \"\", 1) = 1\n",
         "syscall /f\n5 file descriptor of unknown file\n"},
        {"links and fifos",
         "lstat(\"/l\", {st_mode=S_IFLNK|0777, st_size=5, ...}) = 0\n"
         "stat(\"/p\", {st_mode=S_IFIFO|0644, st_size=0, ...}) = 0\n"
         "openat(AT_FDCWD</>, \"/p\", O_RDONLY) = 3</p>\nread(3</p>, \"\", 1) = 1\n",
         "3 not a regular file: pipe\n1 not a regular file: symbolic link\n"},
        {"calls without any file",
         "futex(0x7f, FUTEX_WAKE_PRIVATE, 1) = 0\nbrk(NULL) = 0x55\n"
         "rt_sigaction(SIGINT, {sa_handler=0x5, sa_mask=[INT], sa_flags=SA_RESTORER}, NULL, 8) = 0\n"
         "mprotect(0x7f, 4096, PROT_READ) = 0\nexit_group(0) = ?\n"
         "futex(0x7f, FUTEX_WAIT, 1, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n",
         "6 call without a file\n"},
        {"any call on an annotated regular file is a call on it",
         "flock(3</f>, LOCK_EX) = 0\nfchmod(3</f>, 0644) = 0\nnewcall9(3</f>, 1, 2) = 0\n"
         "ioctl(3</f>, TCGETS, 0x7f) = -1 ENOTTY (Inappropriate ioctl for device)\n",
         "syscall /f\nsyscall /f\nsyscall /f\n1 failed call: ENOTTY\n"},
        {"paths alone",
         "access(\"/etc/x\", R_OK) = 0\nmkdir(\"/d\", 0755) = 0\nstatfs(\"/\", {f_type=1}) = 0\n"
         "access(\"/no\", R_OK) = -1 ENOENT (No such file or directory)\n",
         "3 call on a path only\n1 failed call: ENOENT\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void identity_follows_names(void **state)
{
    static const struct rule rules[] = {
        {"rename takes the file along, over another",
         OPEN(3, "a") OPEN(4, "b") "rename(\"/d/a\", \"/d/b\") = 0\nread(3</d/b>, \"\", 1) = 1\n"
                                   "read(4</d/b>(deleted), \"\", 1) = 1\n"
                                   "openat(AT_FDCWD</d>, \"b\", O_RDONLY) = 5</d/b>\n"
                                   "read(5</d/b>, \"\", 1) = 1\n",
         "syscall /d/a\nsyscall /d/b\nsyscall /d/a\nread /d/a 0+1\nread /d/b 0+1\nsyscall /d/a\n"
         "read /d/a 0+1\n"},
        {"renameat with relative names, and exchange",
         OPEN(3, "a") OPEN(4, "b") "renameat2(AT_FDCWD</d>, \"a\", AT_FDCWD</d>, \"b\", "
                                   "RENAME_EXCHANGE) = 0\n"
                                   "read(3</d/b>, \"\", 1) = 1\nread(4</d/a>, \"\", 2) = 2\n",
         "syscall /d/a\nsyscall /d/b\nsyscall /d/a\nread /d/a 0+1\nread /d/b 0+2\n"},
        {"a renamed directory takes its files along",
         "openat(AT_FDCWD</d>, \"x/f\", O_RDWR) = 3</d/x/f>\nread(3</d/x/f>, \"\", 4) = 4\n"
         "rename(\"/d/x\", \"/d/y\") = 0\nread(3</d/y/f>, \"\", 4) = 4\n",
         "syscall /d/x/f\nread /d/x/f 0+4\nread /d/x/f 4+4\n1 call on a path only\n"},
        {"a hard link is the same file",
         OPEN(3, "a") "link(\"/d/a\", \"/d/c\") = 0\nunlink(\"/d/a\") = 0\n" OPEN(4, "c")
                      "read(4</d/c>, \"\", 1) = 1\n",
         "syscall /d/a\nsyscall /d/a\nsyscall /d/a\nsyscall /d/a\nread /d/a 0+1\n"},
        {"dots and doubled slashes",
         "open(\"/d//x/../f\", O_RDONLY) = 3\nopen(\"/d/./f\", O_RDONLY) = 4\n"
         "truncate(\"/d/f\", 5) = 0\nchdir(\"/d\") = 0\nopen(\"f\", O_RDONLY) = 5\n",
         "syscall /d/f\nsyscall /d/f\ntruncate /d/f 5+0\nsyscall /d/f\n1 call on a path only\n"},
        {"a symbolic link is known by what it reached",
         "openat(AT_FDCWD</d>, \"/lib/x.so\", O_RDONLY) = 3</usr/lib/x.so.1>\n"
         "stat(\"/lib/x.so\", {st_mode=S_IFREG|0644, st_size=9, ...}) = 0\n",
         "syscall /usr/lib/x.so.1\nsyscall /usr/lib/x.so.1\n"},
        {"escapes in paths",
         "read(3</d/\\74e\\76l \\\"q\\\" b>, \"<unfinished ...>\", 17) = 17\n"
         "openat(AT_FDCWD</d>, \"a\\\"b\\303\\244\", O_RDONLY) = 4</d/a\\\"b\\303\\244>\n"
         "read(5<\\x2f\\x66>, \"\\x00\", 1) = 1\n",
         "read /d/<e>l \"q\" b 0+17 guessed\nsyscall /d/a\"b\303\244\nread /f 0+1 guessed\n"},
        {"the mark of older versions",
         OPEN(3, "a") "unlink(\"/d/a\") = 0\nread(3</d/a (deleted)>, \"\", 1) = 1\n",
         "syscall /d/a\nsyscall /d/a\nread /d/a 0+1\n"},
        {"a descriptor that was replaced unseen",
         OPEN(3, "a") "read(3</d/a>, \"\", 4) = 4\nread(3</d/b>, \"\", 4) = 4\n"
                      "read(3<pipe:[9]>, \"\", 1) = 1\n",
         "syscall /d/a\nread /d/a 0+4\nread /d/b 0+4 guessed\n1 not a regular file: pipe\n"},
        {"a memfd is a file of its own",
         "memfd_create(\"x\", MFD_CLOEXEC) = 3</memfd:x>(deleted)\nwrite(3</memfd:x>(deleted), "
         "\"\", 9) = 9\nmemfd_create(\"x\", 0) = 4\nwrite(4, \"\", 9) = 9\n",
         "syscall /memfd:x\nwrite /memfd:x 0+9\nsyscall /memfd:x\nwrite /memfd:x 0+9\n"},
    };

    (void)state;
    CHECK_RULES(rules, ALL);
}

static void unlink_starts_a_new_identity(void **state)
{
    static const char text[] =
        "openat(AT_FDCWD</d>, \"j\", O_RDWR|O_CREAT, 0644) = 3</d/j>\n"
        "pwrite64(3</d/j>, \"\", 100, 0) = 100\n"
        "unlink(\"/d/j\") = 0\n"
        "openat(AT_FDCWD</d>, \"j\", O_RDWR|O_CREAT, 0644) = 4</d/j>\n"
        "pwrite64(4</d/j>, \"\", 50, 0) = 50\n"
        "pwrite64(3</d/j>(deleted), \"\", 1, 500) = 1\n"
        "openat(AT_FDCWD</d>, \".\", O_RDWR|O_TMPFILE, 0600) = 5</d/#1095>(deleted)\n"
        "write(5</d/#1095>(deleted), \"\", 7) = 7\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));

    (void)state;
    assert_true(t->n_inodes == 3);
    assert_true(inode_of(t, "/d/j", 0)->extent == 501 && inode_of(t, "/d/j", 0)->created);
    assert_true(inode_of(t, "/d/j", 1)->extent == 50 && inode_of(t, "/d/j", 1)->created);
    assert_true(inode_of(t, "/d/#1095", 0)->created && t->guessed_offsets == 0);
    pcl_trace_free(t);
}

static void sizes_at_the_beginning(void **state)
{
    static const struct {
        const char *says, *text;
        int64_t size, extent;
        bool created;
    } cases[] = {
        {"the first stat before any write", OPEN(3, "f") FSTAT(500) "write(3</d/f>, \"\", 9) = 9\n"
         FSTAT(700), 500, 9, false},
        {"a stat after writes that do not reach the end",
         OPEN(3, "f") "write(3</d/f>, \"\", 9) = 9\n" FSTAT(700), 700, 9, false},
        {"a stat after writes that may have made the end tells nothing",
         OPEN(3, "f") "write(3</d/f>, \"\", 9) = 9\n" FSTAT(9), -1, 9, false},
        {"nor after a truncation", OPEN(3, "f") "ftruncate(3</d/f>, 5) = 0\n" FSTAT(5), -1, 5, false},
        {"a short read", OPEN(3, "f") "read(3</d/f>, \"\", 100) = 30\n", 30, 30, false},
        {"a read of nothing where the last one ended",
         OPEN(3, "f") "read(3</d/f>, \"\", 30) = 30\nread(3</d/f>, \"\", 30) = 0\n", 30, 30, false},
        {"a failed allocation touches nothing",
         OPEN(3, "f") "fallocate(3</d/f>, 0, 0, 9000) = -1 ENOSPC (No space)\n", -1, 0, false},
        {"SEEK_END", OPEN(3, "f") "lseek(3</d/f>, 0, SEEK_END) = 77\n", 77, 0, false},
        {"statx", OPEN(3, "f") "statx(3</d/f>, \"\", AT_EMPTY_PATH, STATX_ALL, {stx_mask=STATX_ALL, "
         "stx_mode=S_IFREG|0644, stx_size=4242, ...}) = 0\n", 4242, 0, false},
        {"stat by path", "newfstatat(AT_FDCWD</d>, \"f\", {st_mode=S_IFREG|0644, st_size=31, ...}, 0) "
         "= 0\n" OPEN(3, "f"), 31, 0, false},
        {"O_EXCL makes it", "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/f>\n",
         0, 0, true},
        {"O_CREAT on a path that stat did not find",
         "stat(\"/d/f\", 0x7ff) = -1 ENOENT (No such file or directory)\n"
         "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT, 0644) = 3</d/f>\n", 0, 0, true},
        {"O_CREAT on a path that nobody looked at",
         "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT, 0644) = 3</d/f>\n", 0, 0, true},
        {"unless it turns out to have been there",
         "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT, 0644) = 3</d/f>\n" FSTAT(12), 12, 0, false},
        {"O_CREAT on one that stat found",
         "stat(\"/d/f\", {st_mode=S_IFREG|0644, st_size=8, ...}) = 0\n"
         "openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT, 0644) = 3</d/f>\n", 8, 0, false},
        {"creat", "creat(\"/d/f\", 0644) = 3\n", 0, 0, true},
        {"-X raw", "openat(-100</d>, \"f\", 0x241, 0644) = 3</d/f>\n", 0, 0, true},
        {"openat2", "openat2(AT_FDCWD</d>, \"f\", {flags=O_RDWR|O_CREAT|O_EXCL, mode=0644, "
         "resolve=0}, 24) = 3</d/f>\n", 0, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_trace *t = parse_ok(cases[i].text, strlen(cases[i].text));
        const struct pcl_trace_inode *f = inode_of(t, "/d/f", 0);
        if (f->size != cases[i].size || f->extent != cases[i].extent ||
            f->created != cases[i].created)
            fail_msg("%s: size %lld extent %lld created %d", cases[i].says, (long long)f->size,
                     (long long)f->extent, f->created);
        pcl_trace_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_with_offsets),
        cmocka_unit_test(positions_belong_to_open_file_descriptions),
        cmocka_unit_test(appends_go_to_the_known_end),
        cmocka_unit_test(sizes_and_ranges),
        cmocka_unit_test(mappings),
        cmocka_unit_test(what_is_no_regular_file),
        cmocka_unit_test(identity_follows_names),
        cmocka_unit_test(unlink_starts_a_new_identity),
        cmocka_unit_test(sizes_at_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
