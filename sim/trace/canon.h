/*
 * Private: the decoder of the canonical forms.
 */
#ifndef PCLSIM_TRACE_CANON_PRIVATE_H
#define PCLSIM_TRACE_CANON_PRIVATE_H

#include "source.h"

#include <pclsim/trace_canon.h>

#define CANON_TEXT "pclsim trace 1 text\n"
#define CANON_BINARY "pclsim trace 1 bin\n" /* and a 0 byte: 20 bytes, too */
#define CANON_MAGIC 20
#define CANON_RECORD 48
#define CANON_MAX_PATH 65536

struct canon {
    bool binary;
    struct source *src;
    uint32_t n_files, n_threads;
    uint8_t last_op;
    char path[CANON_MAX_PATH];
};

/* RECORD: *r is set; BAD: a line that is none was passed over; DAMAGED: nothing can follow. */
enum canon_got { CANON_END, CANON_GOT, CANON_BAD, CANON_DAMAGED };

/** True when the bytes begin like a canonical trace. */
bool canon_is(const char *data, size_t size, bool *binary);

/** False when the source does not begin like one. */
bool canon_begin(struct canon *c, struct source *src);
enum canon_got canon_next(struct canon *c, struct pcl_trace_record *r);

#endif
