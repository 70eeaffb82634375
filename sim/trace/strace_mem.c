/*
 * Calls on memory: which file an address belongs to. Page faults never show in a recording, so
 * a mapping's use is known only where msync or madvise name it, or may be made up on request.
 */
#include "strace.h"

#define PAGE 4096
#define FAULT_AROUND 65536 /* fault_around_bytes, the kernel's default */
#define FAULT_GAP_NS 1000
#define MAX_FAULTS 1024 /* per mapping: 64 MiB read, 4 MiB written */

/* Mappings are whole pages; lengths need not be. */
static uint64_t pages(uint64_t len)
{
    return len > UINT64_MAX - PAGE ? len : (len + PAGE - 1) / PAGE * PAGE;
}

static bool range_args(const struct call *c, uint64_t *addr, uint64_t *len)
{
    if (c->args.n < 2 || !text_u64(c->args.v[0], addr) || !text_u64(c->args.v[1], len))
        return false;
    *len = pages(*len);
    return true;
}

/* The part of [addr, addr + len) that the mapping holds, as file offsets. */
static void clip(const struct mapping *m, uint64_t addr, uint64_t len, int64_t *off, int64_t *n)
{
    uint64_t to;

    if (__builtin_add_overflow(addr, len, &to) || to > m->to)
        to = m->to;
    if (addr < m->from)
        addr = m->from;
    *off = m->off + (int64_t)(addr - m->from); /* inside the mapping, whose end was checked */
    *n = (int64_t)(to - addr);
}

/* A change of the address space, on the file's range; of other than regular files a skipped
 * call. */
static const char *mapping_op(struct strace *s, struct call *c, enum pcl_op op, uint32_t file,
                              int64_t off, uint64_t len)
{
    const char *why = files_reason(strace_file(s, file)->kind);

    if (why)
        return why;
    if (off % PAGE != 0 || len > (uint64_t)(INT64_MAX - off))
        return strace_syscall(s, c, file);
    return strace_op(s, c, op, file, off, (int64_t)len, 0);
}

/* Faults that nobody recorded, on request: the thread touches the mapping once, from its
 * beginning, as soon as mmap has returned. The kernel maps 64 KiB around a read fault; a write
 * to a shared mapping faults on each page. docs/traces.md states it. */
static void synthesise(struct strace *s, const struct call *c, uint64_t len, int64_t off,
                       uint64_t prot, bool shared)
{
    bool writes = shared && (prot & 2);
    int64_t size = strace_file(s, c->ofd->file)->size;
    int64_t step = writes ? PAGE : FAULT_AROUND;
    struct pcl_trace_op op = {.t_ns = c->t_ns + (c->dur_ns > 0 ? c->dur_ns : 0),
                              .dur_ns = -1,
                              .thread = tasks_thread(&s->tasks, c->task),
                              .inode = c->ofd->file,
                              .op = writes ? PCL_OP_FAULT_WRITE : PCL_OP_FAULT_READ,
                              .flags = PCL_OPF_SYNTHETIC,
                              .line = c->line,
                              .len = PAGE};

    if (size >= 0 && size <= off)
        len = 0;
    else if (size >= 0 && len > (uint64_t)(size - off))
        len = (uint64_t)(size - off);
    for (unsigned i = 0; (prot & 7) && i < MAX_FAULTS && (uint64_t)i * (uint64_t)step < len;
         i++) {
        op.t_ns += FAULT_GAP_NS;
        op.off = off + i * step;
        tb_op(s->b, &op, 0);
        s->b->t->synthesised++;
    }
    tb_note(
        s->b,
        "page faults are synthesised: each mapping is touched once, from its beginning, when "
        "it is made; at most 1024 faults each");
}

const char *strace_mmap(struct strace *s, struct call *c)
{
    static const struct strace_word words[] = {
        {"MAP_SHARED", 0x1}, {"MAP_SHARED_VALIDATE", 0x3}, {"MAP_ANONYMOUS", 0x20}};
    static const struct strace_word prots[] = {
        {"PROT_READ", 1}, {"PROT_WRITE", 2}, {"PROT_EXEC", 4}};
    struct space *space = task_space(c->task);
    uint64_t len, off = 0, flags;
    const char *why;

    if (c->args.n < 6 || !text_u64(c->args.v[1], &len))
        return STRACE_BAD_ARGS;
    if (!strace_ok(c))
        return c->ofd ? strace_failed(s, c) : STRACE_NO_FILE;
    len = pages(len);
    space_unmap(space, (uint64_t)c->ret.value, len);
    flags = strace_words(c->args.v[3], words, sizeof(words) / sizeof(words[0]));
    if ((flags & 0x20) || text_fdref(c->args.v[4]).fd == -1)
        return STRACE_NO_FILE;
    if (!c->ofd)
        return STRACE_BAD_ARGS;
    why = files_reason(strace_file(s, c->ofd->file)->kind);
    if (why)
        return why;
    if (!text_u64(c->args.v[5], &off) || off > (uint64_t)INT64_MAX)
        return "offset out of range";
    space_map(space, (uint64_t)c->ret.value, len, c->ofd->file, (int64_t)off,
              (flags & 0x1) != 0);
    if (s->synthesise && len <= (uint64_t)INT64_MAX - off && off % PAGE == 0)
        synthesise(s, c, len, (int64_t)off,
                   strace_words(c->args.v[2], prots, sizeof(prots) / sizeof(prots[0])),
                   flags & 0x1);
    else
        tb_note(s->b, "files are mapped: page faults on them are invisible to strace");
    return mapping_op(s, c, PCL_OP_MMAP, c->ofd->file, (int64_t)off, len);
}

const char *strace_munmap(struct strace *s, struct call *c)
{
    struct space *space = task_space(c->task);
    const struct mapping *m;
    uint64_t addr, len;
    uint32_t file;
    int64_t off, n;

    if (!range_args(c, &addr, &len))
        return STRACE_BAD_ARGS;
    m = space_find(space, addr, len);
    if (!m || !strace_ok(c))
        return STRACE_NO_FILE;
    file = m->file;
    clip(m, addr, len, &off, &n);
    space_unmap(space, addr, len);
    return mapping_op(s, c, PCL_OP_MUNMAP, file, off, (uint64_t)n);
}

const char *strace_mprotect(struct strace *s, struct call *c)
{
    const struct mapping *m;
    uint64_t addr, len;
    int64_t off, n;

    if (!range_args(c, &addr, &len))
        return STRACE_BAD_ARGS;
    m = space_find(task_space(c->task), addr, len);
    if (!m || !strace_ok(c))
        return STRACE_NO_FILE;
    clip(m, addr, len, &off, &n);
    return mapping_op(s, c, PCL_OP_MPROTECT, m->file, off, (uint64_t)n);
}

const char *strace_mremap(struct strace *s, struct call *c)
{
    struct space *space = task_space(c->task);
    const struct mapping *m;
    struct mapping old;
    uint64_t addr, len, new_len;

    if (!range_args(c, &addr, &len) || c->args.n < 3 || !text_u64(c->args.v[2], &new_len))
        return STRACE_BAD_ARGS;
    m = space_find(space, addr, 1);
    if (!m || !strace_ok(c))
        return STRACE_NO_FILE;
    old = *m;
    space_unmap(space, addr, len);
    space_map(space, (uint64_t)c->ret.value, pages(new_len), old.file,
              old.off + (int64_t)(addr - old.from), old.shared);
    return strace_syscall(s, c, old.file);
}

const char *strace_msync(struct strace *s, struct call *c)
{
    const struct mapping *m;
    uint64_t addr, len;
    int64_t off, n;

    if (!range_args(c, &addr, &len))
        return STRACE_BAD_ARGS;
    m = space_find(task_space(c->task), addr, len);
    if (!m)
        return STRACE_NO_FILE;
    if (files_reason(strace_file(s, m->file)->kind) || !strace_ok(c) || !m->shared ||
        c->args.n < 3 || len == 0 ||
        !(text_has_word(c->args.v[2], "MS_SYNC") || text_is(c->args.v[2], "0x4")))
        return strace_syscall(s, c,
                              m->file); /* MS_ASYNC and private mappings: nothing happens */
    clip(m, addr, len, &off, &n);
    return strace_op(s, c, PCL_OP_FSYNC, m->file, off, n, 0);
}

enum advice { ADVICE_NONE, ADVICE_DONTNEED, ADVICE_REMOVE, ADVICE_OTHER_WORK };

static enum advice advice_of(struct text t)
{
    static const struct {
        const char *name, *number;
        enum advice advice;
    } known[] = {{"MADV_DONTNEED", "0x4", ADVICE_DONTNEED},
                 {"MADV_DONTNEED_LOCKED", "0x18", ADVICE_DONTNEED},
                 {"MADV_REMOVE", "0x9", ADVICE_REMOVE},
                 {"MADV_WILLNEED", "0x3", ADVICE_OTHER_WORK},
                 {"MADV_COLD", "0x14", ADVICE_OTHER_WORK},
                 {"MADV_PAGEOUT", "0x15", ADVICE_OTHER_WORK},
                 {"MADV_POPULATE_READ", "0x16", ADVICE_OTHER_WORK},
                 {"MADV_POPULATE_WRITE", "0x17", ADVICE_OTHER_WORK},
                 {"MADV_COLLAPSE", "0x19", ADVICE_OTHER_WORK}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_has_word(t, known[i].name) || text_is(t, known[i].number))
            return known[i].advice;
    }
    return ADVICE_NONE;
}

const char *strace_madvise(struct strace *s, struct call *c)
{
    const struct mapping *m;
    uint64_t addr, len;
    int64_t off, n;
    enum advice advice = c->args.n > 2 ? advice_of(c->args.v[2]) : ADVICE_NONE;

    if (!range_args(c, &addr, &len))
        return STRACE_BAD_ARGS;
    m = space_find(task_space(c->task), addr, len);
    if (!m)
        return STRACE_NO_FILE;
    if (files_reason(strace_file(s, m->file)->kind) || !strace_ok(c) || len == 0)
        return strace_syscall(s, c, m->file);
    clip(m, addr, len, &off, &n);
    switch (advice) {
    case ADVICE_DONTNEED:
        return strace_op(s, c, PCL_OP_DONTNEED, m->file, off, n, 0);
    case ADVICE_REMOVE:
        return strace_op(s, c, PCL_OP_PUNCH, m->file, off, n, 0);
    case ADVICE_OTHER_WORK:
        return strace_reason(s, "not modelled yet: madvise ", c->args.v[2]);
    case ADVICE_NONE:
        break;
    }
    return strace_syscall(s, c, m->file);
}
