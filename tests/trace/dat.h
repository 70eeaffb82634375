/*
 * A trace.dat of version 6 written by hand, as its man page describes it: three kinds of events
 * (pread64 and its end, xfs_ilock), one CPU, one page of the ring buffer.
 */
#ifndef PCLSIM_TEST_TRACE_DAT_H
#define PCLSIM_TEST_TRACE_DAT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAT_PAGE 4096

#define DAT_COMMON                                                                             \
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const struct {
    const char *system, *format;
} dat_events[] = {
    {"syscalls",
     "name: sys_enter_pread64\nID: 838\nformat:\n" DAT_COMMON
     "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
     "\tfield:unsigned int fd;\toffset:16;\tsize:8;\tsigned:0;\n"
     "\tfield:char * buf;\toffset:24;\tsize:8;\tsigned:0;\n"
     "\tfield:size_t count;\toffset:32;\tsize:8;\tsigned:0;\n"
     "\tfield:loff_t pos;\toffset:40;\tsize:8;\tsigned:0;\n\n"
     "print fmt: \"fd: 0x%08lx, buf: 0x%08lx, count: 0x%08lx, pos: 0x%08lx\", "
     "((unsigned long)(REC->fd)), ((unsigned long)(REC->buf)), ((unsigned long)(REC->count)), "
     "((unsigned long)(REC->pos))\n"},
    {"syscalls", "name: sys_exit_pread64\nID: 837\nformat:\n" DAT_COMMON
                 "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
                 "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n\n"
                 "print fmt: \"0x%lx\", REC->ret\n"},
    {"xfs",
     "name: xfs_ilock\nID: 1815\nformat:\n" DAT_COMMON
     "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
     "\tfield:unsigned long ino;\toffset:16;\tsize:8;\tsigned:0;\n"
     "\tfield:int lock_flags;\toffset:24;\tsize:4;\tsigned:1;\n"
     "\tfield:unsigned long caller_ip;\toffset:32;\tsize:8;\tsigned:0;\n\n"
     "print fmt: \"dev %d:%d ino 0x%llx flags %s caller %pS\", ((unsigned int) ((REC->dev) >> "
     "20)), ((unsigned int) ((REC->dev) & ((1U << 20) - 1))), REC->ino, "
     "__print_flags(REC->lock_flags, \"|\", { (1u << 0), \"IOLOCK_EXCL\" }, { (1u << 1), "
     "\"IOLOCK_SHARED\" }), (void *)REC->caller_ip\n"},
};

static const char dat_header_page[] =
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";
static const char dat_header_event[] =
    "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
    "\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
    "\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

static inline void dat_le(FILE *f, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        (void)fputc((int)(v >> (8 * i) & 0xff), f);
}

static inline void dat_text(FILE *f, const char *text, unsigned size_bytes)
{
    dat_le(f, strlen(text), size_bytes);
    (void)fputs(text, f);
}

/* One event of the page: its numbers after the common fields, each at its place. */
static inline void dat_event(FILE *f, unsigned delta_ns, unsigned id, int pid,
                             const uint64_t *words, unsigned n)
{
    dat_le(f, (8 + 8 * n) / 4 | (uint64_t)delta_ns << 5, 4);
    dat_le(f, id, 2);
    dat_le(f, 0, 2);
    dat_le(f, (uint64_t)(unsigned)pid, 4);
    for (unsigned i = 0; i < n; i++)
        dat_le(f, words[i], 8);
}

/* calls of pread64, each with an xfs_ilock inside, 10 us apart. */
static inline char *dat_page(unsigned calls, size_t *size)
{
    char *page = NULL, *whole = calloc(DAT_PAGE, 1);
    size_t n;
    FILE *f = open_memstream(&page, &n);

    for (unsigned i = 0; i < calls; i++) {
        const uint64_t enter[] = {17, 3, 0x7f0000, 4096, i * 4096u};
        const uint64_t ilock[] = {7u << 20 | 1, 0x84, 2, 0};
        const uint64_t leave[] = {17, 4096};
        dat_event(f, 7000, 838, 41, enter, 5);
        dat_event(f, 1000, 1815, 41, ilock, 4);
        dat_event(f, 2000, 837, 41, leave, 2);
    }
    (void)fclose(f);
    for (unsigned i = 0; i < 8; i++) {
        whole[i] = (char)(UINT64_C(5000000000) >> (8 * i) & 0xff);
        whole[8 + i] = (char)((uint64_t)n >> (8 * i) & 0xff);
    }
    memcpy(whole + 16, page, n);
    free(page);
    *size = DAT_PAGE;
    return whole;
}

static inline char *make_dat(unsigned calls, size_t *size)
{
    char *out = NULL, *page;
    size_t page_n, at;
    FILE *f = open_memstream(&out, size);

    (void)fwrite("\x17\x08\x44tracing6\0\0\x08", 1, 14, f); /* little endian, long of 8 */
    dat_le(f, DAT_PAGE, 4);
    (void)fwrite("header_page", 1, 12, f);
    dat_text(f, dat_header_page, 8);
    (void)fwrite("header_event", 1, 13, f);
    dat_text(f, dat_header_event, 8);
    dat_le(f, 0, 4); /* ftrace's own formats */
    dat_le(f, 2, 4);
    for (unsigned s = 0; s < 2; s++) {
        const char *system = s ? "xfs" : "syscalls";
        (void)fwrite(system, 1, strlen(system) + 1, f);
        dat_le(f, s ? 1 : 2, 4);
        for (unsigned i = 0; i < 3; i++) {
            if (strcmp(dat_events[i].system, system) == 0)
                dat_text(f, dat_events[i].format, 8);
        }
    }
    dat_text(f, "", 4); /* kallsyms */
    dat_text(f, "", 4); /* printk formats */
    dat_text(f, "41 gt\n", 8);
    dat_le(f, 1, 4); /* CPUs */
    (void)fwrite("options  \0\0", 1, 12, f);
    (void)fwrite("flyrecord", 1, 10, f);
    (void)fflush(f);
    at = (*size + 16 + DAT_PAGE - 1) / DAT_PAGE * DAT_PAGE;
    page = dat_page(calls, &page_n);
    dat_le(f, at, 8);
    dat_le(f, page_n, 8);
    for (size_t i = *size + 16; i < at; i++)
        (void)fputc(0, f);
    (void)fwrite(page, 1, page_n, f);
    (void)fclose(f);
    free(page);
    return out;
}

#endif
