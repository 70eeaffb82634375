/*
 * [file NAME] and [group NAME]: the files and who works on them. A key is checked by its row;
 * what two keys say together is checked after all are read: regions lie in files, operations in
 * regions, and what is resident at the start fits the simulator.
 */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096
#define MOST_TASKS 16777216   /* design decision D4: a million fit; no arithmetic near 2^32 */
#define MOST_FOLIOS (1 << 26) /* resident at the start: some GiB of simulator memory */
#define LONGEST_DRAW                                                                           \
    ((pcl_ns)24 * 3600 * 1000000000) /* an exponential draws up to 44 means                    \
                                      */
#define TO_END (-1)                  /* until the file's size is known */

/* --- [file NAME] ------------------------------------------------------------------------- */

static int read_cached(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_file_spec *f = obj;
    const char *why = "";

    if (strcmp(e->value, "all") == 0) {
        f->cached = TO_END;
        return PCL_OK;
    }
    if (pcl_parse_size(e->value, false, &f->cached, &why) != PCL_OK)
        return pcl_fail_value(r, e, 0, "%s: %s, or all, found '%s'", e->key, why, e->value);
    return PCL_OK;
}

static void write_cached(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)s;
    pcl_write_size(out, ((const struct pcl_file_spec *)obj)->cached);
}

#define F(field) PCL_AT(pcl_file_spec, field)

static const struct pcl_key file_rows[] = {
    {"size", PCL_KEY_LIMIT, F(size), 1, PCL_OFF_MAX, NULL, NULL,
     "bytes; `8E` and `max` are 2^63 - 1", 0, 0},
    {"cached", PCL_KEY_OWN, F(cached), 0, 0, "SIZE|all", "0",
     "bytes that are resident at the start, from `cached_at` on", read_cached, write_cached},
    {"cached_at", PCL_KEY_SIZE, F(cached_at), 0, PCL_OFF_MAX, NULL, "0",
     "where the resident part begins; a multiple of the folio size", 0, 0},
    {"order", PCL_KEY_COUNT, F(order), 0, 9, NULL, "0",
     "resident folios have 2^order pages of 4 KiB", 0, 0},
    {"max_order", PCL_KEY_COUNT, F(max_order), 0, 9, NULL, "0",
     "buffered reads and writes make folios of up to 2^max_order pages; 0: of one, as on a "
     "filesystem without large folios",
     0, 0},
    {"dirty", PCL_KEY_WORD, F(dirty), 0, 0, "no|yes", "no", "resident folios are dirty", 0, 0},
    {"mapped", PCL_KEY_WORD, F(mapped), 0, 0, "no|yes", "yes",
     "blocks are allocated on disk below size; `no`: the file is a hole", 0, 0},
};

const struct pcl_key_table pcl_file_keys = {
    .kind = "file",
    .named = true,
    .summary = "A file that tasks work on.",
    .key = file_rows,
    .n = sizeof file_rows / sizeof file_rows[0],
    .size = sizeof(struct pcl_file_spec),
};

static int64_t folios(const struct pcl_file_spec *f)
{
    int64_t folio = (int64_t)PAGE << f->order;

    return f->cached / folio + (f->cached % folio != 0);
}

int pcl_read_file_spec(struct pcl_reader *r, struct pcl_ini_section *sec,
                       struct pcl_file_spec *f)
{
    int rc = pcl_key_read_section(r, &pcl_file_keys, sec, f, NULL);

    if (rc != PCL_OK)
        return rc;
    (void)snprintf(f->name, sizeof f->name, "%s", sec->name);
    f->line = sec->line;
    if (f->cached_at >= f->size)
        return pcl_fail_in(r, sec, "cached_at",
                           "cached_at: want less than the size of the file");
    if (f->cached_at % ((int64_t)PAGE << f->order) != 0)
        return pcl_fail_in(r, sec, "cached_at",
                           "cached_at: want a multiple of the folio size, %d k at order %d",
                           (PAGE << f->order) / 1024, f->order);
    if (f->cached == TO_END)
        f->cached = f->size - f->cached_at;
    if (f->cached > f->size - f->cached_at)
        return pcl_fail_in(r, sec, "cached", "cached: ends behind the end of the file");
    if (folios(f) > MOST_FOLIOS)
        return pcl_fail_in(r, sec, "cached",
                           "cached: %" PRId64 " folios are more than the simulator holds (%d)",
                           folios(f), MOST_FOLIOS);
    return PCL_OK;
}

/* --- mix = read:70 write:30 --------------------------------------------------------------- */

static int bare_operation(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t at,
                          const char *item, uint64_t sum)
{
    char name[PCL_NAME_MAX];

    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(item, ":"), item);
    (void)pcl_fail_value(r, e, at, "%s: want a list of operation:weight, found '%s'", e->key,
                         item);
    if (pcl_op_find(name) == PCL_N_OPS)
        return r->err->code;
    return pcl_hint(r->err, "did you mean '%s:%" PRIu64 "'?  weights are relative and needed",
                    name, sum > 0 && sum < 100 ? 100 - sum : 1);
}

static int read_weight(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t at,
                       char *item, struct pcl_group *g, uint64_t *sum)
{
    const char *names[PCL_N_OPS], *why = "";
    char *colon = strchr(item, ':');
    enum pcl_op op;
    int64_t w;

    if (!colon || colon == item || !colon[1])
        return bare_operation(r, e, at, item, *sum);
    *colon = '\0';
    op = pcl_op_find(item);
    if (op == PCL_N_OPS) {
        for (int i = 0; i < PCL_N_OPS; i++)
            names[i] = pcl_op_name((enum pcl_op)i);
        (void)pcl_fail_value(r, e, at, "%s: unknown operation '%s'", e->key, item);
        return pcl_hint_nearest(r->err, item, names, PCL_N_OPS);
    }
    if (pcl_parse_int(colon + 1, 1, 1000000, &w, &why) != PCL_OK)
        return pcl_fail_value(r, e, at + (size_t)(colon + 1 - item),
                              "%s: want a weight from 1 to 1000000, found '%s'", e->key,
                              colon + 1);
    if (g->weight[op] != 0)
        return pcl_fail_value(r, e, at, "%s: '%s' is listed twice", e->key, item);
    g->weight[op] = (uint32_t)w;
    *sum += (uint64_t)w;
    return PCL_OK;
}

static int read_mix(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;
    struct pcl_list l = {.text = e->value};
    uint64_t sum = 0;
    size_t comma = strcspn(e->value, ",");

    memset(g->weight, 0, sizeof g->weight);
    if (!*e->value)
        return PCL_OK; /* there is a list, or it is missed when all is read */
    if (e->value[comma]) {
        (void)pcl_fail_value(r, e, comma, "%s: want blanks between entries, found ','", e->key);
        return pcl_hint(r->err, "for example mix = read:70 write:30");
    }
    while (pcl_list_next(r, &l, ' ')) {
        int rc = *l.item ? read_weight(r, e, l.start, l.item, g, &sum) : PCL_OK;

        if (rc != PCL_OK)
            return rc;
    }
    if (sum == 0)
        return pcl_fail_value(r, e, 0, "%s: want a list of operation:weight, found nothing",
                              e->key);
    return PCL_OK;
}

static void write_mix(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_group *g = obj;
    const char *blank = "";

    (void)s;
    for (int op = 0; op < PCL_N_OPS; op++)
        if (g->weight[op]) {
            (void)fprintf(out, "%s%s:%" PRIu32, blank, pcl_op_name((enum pcl_op)op),
                          g->weight[op]);
            blank = " ";
        }
}

/* --- file, offsets, region, size --------------------------------------------------------- */

static int read_file_name(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;
    const struct pcl_scenario *s = r->s;
    const char **names;

    if (!e->value[0] && s->n_files == 1) {
        g->file = 0;
        return PCL_OK;
    }
    if (!e->value[0])
        return pcl_fail_value(r, e, 0, "file: there are %zu files; want the name of one",
                              s->n_files);
    names = pcl_arena_alloc(&r->s->arena, s->n_files + 1, sizeof *names);
    for (uint32_t i = 0; i < s->n_files; i++) {
        names[i] = s->files[i].name;
        if (strcmp(s->files[i].name, e->value) == 0) {
            g->file = i;
            return PCL_OK;
        }
    }
    (void)pcl_fail_value(r, e, 0, "%s: there is no [file %s]", e->key, e->value);
    return pcl_hint_nearest(r->err, e->value, names, s->n_files);
}

static void write_file_name(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    (void)fputs(s->files[((const struct pcl_group *)obj)->file].name, out);
}

static const char *const offset_words[] = {[PCL_OFF_UNIFORM] = "uniform",
                                           [PCL_OFF_ZIPF] = "zipf",
                                           [PCL_OFF_SEQUENTIAL] = "sequential",
                                           [PCL_OFF_HOT] = "hot",
                                           [PCL_OFF_PARTITION] = "partition"};

#define N_OFFSETS (sizeof offset_words / sizeof offset_words[0])

static int read_zipf(struct pcl_reader *r, const struct pcl_ini_entry *e, struct pcl_group *g)
{
    const char *why = "";
    double v = 0;

    if (pcl_parse_real(e->value + 5, &v, &why) != PCL_OK || v < 0.01 || v > 20)
        return pcl_fail_value(r, e, 5, "%s: want an exponent from 0.01 to 20, found '%s'",
                              e->key, e->value + 5);
    g->offsets = PCL_OFF_ZIPF;
    g->zipf_s = v;
    return PCL_OK;
}

static int read_offsets(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;

    if (strncmp(e->value, "zipf:", 5) == 0)
        return read_zipf(r, e, g);
    for (size_t i = 0; i < N_OFFSETS; i++)
        if (i != PCL_OFF_ZIPF && strcmp(e->value, offset_words[i]) == 0) {
            g->offsets = (enum pcl_offsets)i;
            g->zipf_s = 0;
            return PCL_OK;
        }
    (void)pcl_fail_value(r, e, 0,
                         "%s: want uniform, zipf:S, sequential, hot or partition, found '%s'",
                         e->key, e->value);
    if (strcmp(e->value, "zipf") == 0)
        return pcl_hint(r->err, "zipf needs its exponent, for example zipf:1.1");
    return pcl_hint_nearest(r->err, e->value, offset_words, N_OFFSETS);
}

static void write_offsets(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_group *g = obj;

    (void)s;
    (void)fputs(offset_words[g->offsets], out);
    if (g->offsets == PCL_OFF_ZIPF) {
        (void)fputc(':', out);
        pcl_write_real(out, g->zipf_s);
    }
}

static int read_region(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;
    const char *dots = strstr(e->value, ".."), *why = "";
    char *from;
    int64_t end = 0;

    if (!dots)
        return pcl_fail_value(r, e, 0, "%s: want FROM..TO such as 0..1G or 1G..end, found '%s'",
                              e->key, e->value);
    from = pcl_arena_alloc(&r->s->arena, (size_t)(dots - e->value) + 1, 1);
    memcpy(from, e->value, (size_t)(dots - e->value));
    if (pcl_parse_size(from, false, &g->region_at, &why) != PCL_OK)
        return pcl_fail_value(r, e, 0, "%s: %s, found '%s'", e->key, why, from);
    dots += 2;
    if (strcmp(dots, "end") == 0) {
        g->region_len = TO_END;
        return PCL_OK;
    }
    if (pcl_parse_size(dots, true, &end, &why) != PCL_OK)
        return pcl_fail_value(r, e, (size_t)(dots - e->value), "%s: %s, or end, found '%s'",
                              e->key, why, dots);
    if (end <= g->region_at)
        return pcl_fail_value(r, e, (size_t)(dots - e->value),
                              "%s: want an end behind the start, found '%s'", e->key, dots);
    g->region_len = end - g->region_at;
    return PCL_OK;
}

static void write_region(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_group *g = obj;

    (void)s;
    pcl_write_size(out, g->region_at);
    (void)fputs("..", out);
    pcl_write_size(out, g->region_at + g->region_len);
}

#define G(field) PCL_AT(pcl_group, field)

static const struct pcl_key bytes_row = {.kind = PCL_KEY_SIZES, G(size), 1, PCL_OFF_MAX};

static int read_op_size(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;

    if (strcmp(e->value, "region") == 0) {
        g->size = (struct pcl_dist){.kind = PCL_DIST_CONST, .a = TO_END};
        return PCL_OK;
    }
    return pcl_key_read(r, &bytes_row, e, g);
}

static void write_op_size(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_group *g = obj;
    char buf[128];

    (void)s;
    if (g->size.kind == PCL_DIST_CONST)
        pcl_write_size(out, g->size.a);
    else
        (void)fputs(pcl_dist_format(&g->size, false, buf, sizeof buf), out);
}

/* --- [group NAME] ------------------------------------------------------------------------ */

static const struct pcl_key group_rows[] = {
    {"tasks", PCL_KEY_COUNT, G(tasks), 1, MOST_TASKS, NULL, "1", "number of tasks", 0, 0},
    {"tasks_are", PCL_KEY_WORD, G(processes), 0, 0, "threads|processes", "threads",
     "`processes`: each task has an address space of its own; `threads`: the group shares one",
     0, 0},
    {"file", PCL_KEY_OWN, G(file), 0, 0, "NAME", "",
     "the file that the group works on; not needed when there is one only", read_file_name,
     write_file_name},
    {"file2", PCL_KEY_TEXT, G(file2_name), 0, 0, NULL, "",
     "the file that `exchange` exchanges ranges with, by its NAME", 0, 0},
    {"files", PCL_KEY_WORD, G(private_files), 0, 0, "shared|each", "shared",
     "`each`: every task works on its own copy of the file", 0, 0},
    {"mix", PCL_KEY_OWN, G(weight), 0, 0, "OPERATION:WEIGHT ...", "",
     "operations and their relative weights, such as read:70 write:30; needed unless there is "
     "`do`",
     read_mix, write_mix},
    {"do", PCL_KEY_OWN, G(list), 0, 0, "OPERATION [OFFSET [SIZE]]; ...", "",
     "in place of a mix: the operations of a transaction one by one, such as write 0 8k; "
     "collapse 4k 4k; fault 12k",
     pcl_read_do, pcl_write_do},
    {"offsets", PCL_KEY_OWN, G(offsets), 0, 0, "uniform|zipf:S|sequential|hot|partition",
     "uniform",
     "where in the region: any aligned offset; Zipf of exponent S, scattered; each task walks "
     "the region; the region's first byte; uniform in an equal share for each task",
     read_offsets, write_offsets},
    {"region", PCL_KEY_OWN, G(region_at), 0, 0, "FROM..TO|FROM..end", "0..end",
     "part of the file that the group works on, TO excluded", read_region, write_region},
    {"align", PCL_KEY_SIZE, G(align), 1, PCL_OFF_MAX, NULL, "4k",
     "offsets are multiples of it, and so is the start of the region", 0, 0},
    {"size", PCL_KEY_OWN, G(size), 0, 0, "SIZES|region", "4k",
     "bytes of an operation; `region`: all of the region; cut where the region ends",
     read_op_size, write_op_size},
    {"think", PCL_KEY_TIMES, G(think), 0, LONGEST_DRAW, NULL, "0",
     "time between two transactions of a task; with `arrivals = open`, between two arrivals", 0,
     0},
    {"think_on", PCL_KEY_WORD, G(think_on_cpu), 0, 0, "sleep|cpu", "cpu",
     "`cpu`: thinking is work and holds a CPU; `sleep`: it holds none", 0, 0},
    {"arrivals", PCL_KEY_WORD, G(open), 0, 0, "closed|open", "closed",
     "`closed`: a task thinks after its transaction; `open`: transactions arrive whether or "
     "not "
     "the one before is done",
     0, 0},
    {"hold", PCL_KEY_TIMES, G(hold), 0, LONGEST_DRAW, NULL, "0",
     "work while the lock is held, for `pagelock`, `pagepair` and `rangelock`", 0, 0},
    {"passes", PCL_KEY_COUNT, G(ops_per_transaction), 1, 1000000, NULL, "1",
     "operations in a transaction, back to back", 0, 0},
    {"refault", PCL_KEY_WORD, G(refault), 0, 0, "no|yes", "no",
     "`yes`, in a mix of faults: before each fault the page's mapping is dropped (`dontneed`), "
     "as by a client that is to fault on the same pages for ever",
     0, 0},
    {"start_jitter", PCL_KEY_TIME, G(start_jitter), 0, LONGEST_DRAW, NULL, "0",
     "tasks start at a uniform time in [0, start_jitter]", 0, 0},
};

const struct pcl_key_table pcl_group_keys = {
    .kind = "group",
    .named = true,
    .summary = "A group of equal tasks and what they do. At least one.",
    .key = group_rows,
    .n = sizeof group_rows / sizeof group_rows[0],
    .size = sizeof(struct pcl_group),
};

/* Does any operation of the mix use the size? fsync is of the whole file. */
static bool uses_size(const struct pcl_group *g)
{
    return g->weight[PCL_OP_READ] || g->weight[PCL_OP_WRITE] || g->weight[PCL_OP_DREAD] ||
           g->weight[PCL_OP_DWRITE] || g->weight[PCL_OP_PUNCH] || g->weight[PCL_OP_ALLOCATE] ||
           g->weight[PCL_OP_DONTNEED] || g->weight[PCL_OP_ZERO] || g->weight[PCL_OP_COLLAPSE] ||
           g->weight[PCL_OP_INSERT] || g->weight[PCL_OP_MMAP] || g->weight[PCL_OP_MUNMAP] ||
           g->weight[PCL_OP_MPROTECT] || g->weight[PCL_OP_EXCHANGE] ||
           g->weight[PCL_OP_MIGRATE] || g->weight[PCL_OP_MIGRATE_ASYNC] ||
           g->weight[PCL_OP_MIGRATE_SYNC] || g->weight[PCL_OP_RECLAIM] ||
           g->weight[PCL_OP_SPLIT];
}

static int check_region(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_group *g)
{
    const struct pcl_file_spec *f = &r->s->files[g->file];

    if (g->region_at >= f->size)
        return pcl_fail_in(r, sec, "region", "region: starts behind the end of file %s",
                           f->name);
    if (g->region_len == TO_END)
        g->region_len = f->size - g->region_at;
    if (g->region_len > f->size - g->region_at)
        return pcl_fail_in(r, sec, "region", "region: ends behind the end of file %s", f->name);
    if (g->region_at % g->align != 0)
        return pcl_fail_in(r, sec, "region",
                           "region: want a start that is a multiple of align");
    return PCL_OK;
}

static int check_file2(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_group *g)
{
    g->file2 = PCL_NONE;
    for (uint32_t i = 0; i < r->s->n_files; i++)
        if (strcmp(r->s->files[i].name, g->file2_name) == 0)
            g->file2 = i;
    if (g->file2_name[0] && g->file2 == PCL_NONE)
        return pcl_fail_in(r, sec, "file2", "file2: there is no [file %s]", g->file2_name);
    if (g->weight[PCL_OP_EXCHANGE] && g->file2 == PCL_NONE)
        return pcl_fail_in(r, sec, "mix", "mix: exchange needs file2, the other file");
    if (g->file2 == g->file && !g->private_files)
        return pcl_fail_in(r, sec, "file2", "file2: want another file than file");
    return PCL_OK;
}

/* An operation lies inside the region, with `partition` inside its task's share of it. */
static int check_sizes(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_group *g)
{
    int64_t room = g->region_len, top;

    if (g->size.kind == PCL_DIST_CONST && g->size.a == TO_END)
        g->size.a = g->region_len;
    if (g->offsets == PCL_OFF_PARTITION) {
        room = g->region_len / g->tasks / g->align * g->align;
        if (room == 0)
            return pcl_fail_in(
                r, sec, "offsets",
                "offsets: the region has less than one align for each of %" PRIu32 " tasks",
                g->tasks);
    }
    top = g->size.kind == PCL_DIST_UNIFORM ? g->size.b : g->size.a;
    if (uses_size(g) && top > room)
        return pcl_fail_in(r, sec, "size", "size: does not fit %s",
                           g->offsets == PCL_OFF_PARTITION ? "a task's share of the region"
                                                           : "the region");
    return PCL_OK;
}

static bool has_mix(const struct pcl_group *g)
{
    for (int op = 0; op < PCL_N_OPS; op++)
        if (g->weight[op])
            return true;
    return false;
}

/* A group draws its operations or lists them. */
static int check_what(struct pcl_reader *r, struct pcl_ini_section *sec,
                      const struct pcl_group *g)
{
    if (has_mix(g) && g->n_list)
        return pcl_fail_in(r, sec, "do", "do: there is a mix as well; want one of them");
    if (g->n_list && g->ops_per_transaction > 1)
        return pcl_fail_in(r, sec, "passes", "passes: with do, the list is the transaction");
    if (!has_mix(g) && !g->n_list)
        return pcl_fail_in(r, sec, "mix",
                           "mix: want a list of operation:weight, or a key do, found nothing");
    return PCL_OK;
}

/* Faults and nothing else. */
static int check_refault(struct pcl_reader *r, struct pcl_ini_section *sec,
                         const struct pcl_group *g)
{
    for (int op = 0; op < PCL_N_OPS && g->refault; op++)
        if ((g->weight[op] && op != PCL_OP_FAULT_READ && op != PCL_OP_FAULT_WRITE) || g->n_list)
            return pcl_fail_in(r, sec, "refault",
                               "refault: want a mix of fault and wfault alone");
    return PCL_OK;
}

int pcl_read_group(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_group *g)
{
    int rc = pcl_key_read_section(r, &pcl_group_keys, sec, g, NULL);
    int64_t resident;

    if (rc != PCL_OK)
        return rc;
    (void)snprintf(g->name, sizeof g->name, "%s", sec->name);
    g->line = sec->line;
    rc = check_what(r, sec, g);
    if (rc == PCL_OK)
        rc = check_refault(r, sec, g);
    if (rc == PCL_OK)
        rc = check_file2(r, sec, g);
    if (rc == PCL_OK)
        rc = check_region(r, sec, g);
    if (rc == PCL_OK)
        rc = check_sizes(r, sec, g);
    if (rc != PCL_OK)
        return rc;
    if (g->open && g->think.a == 0)
        return pcl_fail_in(r, sec, "arrivals",
                           "arrivals: open needs think, the time between two arrivals");
    resident = folios(&r->s->files[g->file]);
    if (g->private_files && resident > MOST_FOLIOS / (int64_t)g->tasks)
        return pcl_fail_in(r, sec, "files",
                           "files: %" PRIu32 " copies with %" PRId64
                           " resident folios are more than the simulator holds (%d)",
                           g->tasks, resident, MOST_FOLIOS);
    return PCL_OK;
}
