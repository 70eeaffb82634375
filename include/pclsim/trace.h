/*
 * Real traces as one canonical stream of operations. A reader knows one text format; everything
 * above sees only this. Formats are recognised by content, never by file name.
 */
#ifndef PCLSIM_TRACE_H
#define PCLSIM_TRACE_H

#include <pclsim/base.h>
#include <pclsim/big.h>
#include <pclsim/op.h>
#include <pclsim/trace_locks.h>

struct pcl_trace_op {
    pcl_ns t_ns;   /* start, since the trace's first line */
    pcl_ns dur_ns; /* as recorded, tracer's overhead included; -1 unknown */
    uint32_t thread; /* index into threads */
    uint32_t inode;  /* index into inodes, PCL_NONE for a call without a file */
    uint8_t op;      /* enum pcl_op */
    uint8_t flags;   /* enum pcl_op_flag */
    uint8_t lines;   /* source lines that it stands for; 0: a further operation of one line */
    uint32_t line;   /* source line of its start, from 1 */
    int64_t off, len; /* bytes; len is what was transferred; both 0 for SYSCALL */
};

struct pcl_trace_thread {
    int64_t tid, pid; /* pid: thread group, -1 unknown */
    pcl_ns first_ns, last_ns;
    uint64_t n_ops;
};

struct pcl_trace_inode {
    char *path;
    int64_t size;      /* known size when the trace begins, -1 unknown: at least extent */
    int64_t extent;    /* 1 + the highest byte that any operation touches; SYSCALL, mappings and failed
                        * operations touch none, TRUNCATE touches up to the new size */
    bool created;      /* the trace itself creates it: size is 0 and right */
    uint64_t n_ops;
    uint32_t n_threads; /* threads that operate on it */
};

struct pcl_trace_skip {
    char reason[64];
    uint64_t lines;
};

/* How fast the device was, from issue to completion: what a block trace tells. */
struct pcl_trace_device {
    const char *what; /* "read", "write", "discard" */
    uint64_t requests, bytes;
    double mean_ns;
    pcl_ns min, p50, p90, p99, p999, max;
};

/* Evidence bits: what this recording can show. */
enum pcl_evidence {
    PCL_HAS_THREADS = 1u << 0,
    PCL_HAS_DURATIONS = 1u << 1,
    PCL_HAS_INODES = 1u << 2,
    PCL_HAS_LOCKS = 1u << 3,
    PCL_HAS_FAULTS = 1u << 4,
    PCL_HAS_WRITEBACK = 1u << 5,
    PCL_LOSSY = 1u << 6
};

struct pcl_trace {
    const char *format; /* "strace" */
    char *path;
    char sha256[65]; /* of the file as it lies on disk */
    struct pcl_trace_op *ops; /* sorted by (t_ns, line); lies in store */
    size_t n_ops;
    struct pcl_big store; /* of a long recording a file: pcl_big_relax while going through */
    struct pcl_trace_thread *threads; /* those with operations, by first operation */
    size_t n_threads;
    uint64_t idle_threads; /* seen in the recording, but without any operation */
    struct pcl_trace_inode *inodes; /* those with operations, by first operation */
    size_t n_inodes;
    uint64_t lines_read, lines_used;
    struct pcl_trace_skip *skips; /* lines_read = lines_used + sum of skips[].lines */
    size_t n_skips;
    uint64_t synthesised; /* operations that nobody recorded, made on request */
    uint64_t guessed_offsets, unmatched_unfinished, unmatched_resumed, time_backwards;
    pcl_ns span_ns;
    pcl_ns start_ns; /* of the first line, by a clock that recordings share; 0 unknown */
    unsigned evidence;
    const char *clock;         /* "wall clock" */
    double tracer_ns_per_call; /* by how much each dur_ns is too long because somebody watched;
                                * < 0 unknown. The gaps between calls are stretched about as much,
                                * and calls of different threads wait for the tracer in turn. */
    const char *tracer_note;   /* how it was estimated, static */
    const char *not_modelled; /* how the skip reasons begin that stand for real work on files
                               * which has no operation here ("not modelled yet"), static */
    struct pcl_trace_lock *locks; /* what lock events measured, by class and mode */
    size_t n_locks;
    struct pcl_trace_device *device; /* by kind of request */
    size_t n_device, device_most_open; /* most requests at the device at a time */
    const char **notes; /* remarks on this recording, static texts */
    size_t n_notes;
};

/* An input of which nobody knows yet what it is: a pipe can be read only once. Packed ones are unpacked on the
 * way. */
struct pcl_trace_input;
int pcl_trace_input_open(const char *path, struct pcl_trace_input **out, struct pcl_err *err);
/** Asks for page faults on mappings of a recording that cannot see them, by the model of docs/traces.md.
 * Readers of other recordings, and of those that see faults, ignore it. */
void pcl_trace_input_synthesise(struct pcl_trace_input *in);
/** True when it begins like a trace. */
bool pcl_trace_input_recognised(struct pcl_trace_input *in);
/** Reads it as a trace, to its end. Memory grows with threads, files and calls that wait for their end; what is
 * longer lies in a file without a name. */
int pcl_trace_input_trace(struct pcl_trace_input *in, struct pcl_trace **out, struct pcl_err *err);
/** Reads it as any text: malloc'ed, 0-terminated, of at most max bytes. */
int pcl_trace_input_text(struct pcl_trace_input *in, size_t max, char **text, size_t *size,
                         struct pcl_err *err);
void pcl_trace_input_close(struct pcl_trace_input *in);

/** Reads a trace file (gzip and zstd by magic number; "-" is standard input). On success the
 * caller frees *out with pcl_trace_free. Lines that cannot be read are counted skips; a file in which no line
 * can be recognised is an error that names the formats known. */
int pcl_trace_read(const char *path, struct pcl_trace **out, struct pcl_err *err);

/** The same from memory; name is used in messages. */
int pcl_trace_parse(const char *name, const char *data, size_t size, struct pcl_trace **out,
                    struct pcl_err *err);

void pcl_trace_free(struct pcl_trace *t);

/** True when the bytes begin like one of the known trace formats (gzip is looked into). Used to
 * tell a trace from a scenario. */
bool pcl_trace_recognise(const char *data, size_t size);

#endif
