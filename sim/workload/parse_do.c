/*
 * do = write 0 8k; collapse 4k 4k; fault 12k -- the operations of a transaction, one by one: what a
 * task does when it does not draw. An operation, the offset in the file, the bytes; both may be left
 * out: the file's first byte, one page.
 */
#include "reader.h"

#include <inttypes.h>
#include <string.h>

enum {
    MOST_WORDS = 3,
    MOST_OPS = 1000
};

static int unknown_op(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t at,
                      const char *word)
{
    const char *names[PCL_N_OPS];

    for (int i = 0; i < PCL_N_OPS; i++)
        names[i] = pcl_op_name((enum pcl_op)i);
    (void)pcl_fail_value(r, e, at, "%s: unknown operation '%s'", e->key, word);
    return pcl_hint_nearest(r->err, word, names, PCL_N_OPS);
}

static int read_bytes(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t at,
                      const char *word, int64_t *out)
{
    const char *why = "";

    if (pcl_parse_size(word, true, out, &why) != PCL_OK)
        return pcl_fail_value(r, e, at, "%s: %s, found '%s'", e->key, why, word);
    return PCL_OK;
}

/* "collapse 4k 4k" */
static int read_one(struct pcl_reader *r, const struct pcl_ini_entry *e, char *item, size_t at,
                    struct pcl_do *out)
{
    char *word[MOST_WORDS] = {NULL};
    size_t where[MOST_WORDS], n = 0;
    int rc = PCL_OK;

    for (char *p = item; *p;) {
        size_t blanks = strspn(p, " "), len = strcspn(p + blanks, " ");

        p += blanks;
        if (len == 0)
            break;
        if (n == MOST_WORDS)
            return pcl_fail_value(r, e, at + (size_t)(p - item),
                                  "%s: want OPERATION [OFFSET [BYTES]] between semicolons, found "
                                  "more: '%s'", e->key, p);
        where[n] = at + (size_t)(p - item);
        word[n++] = p;
        p += len;
        if (*p)
            *p++ = '\0';
    }
    if (n == 0)
        return pcl_fail_value(r, e, at, "%s: want OPERATION [OFFSET [BYTES]], found nothing",
                              e->key);
    *out = (struct pcl_do){.op = pcl_op_find(word[0]), .len = 4096};
    if (out->op == PCL_N_OPS)
        return unknown_op(r, e, where[0], word[0]);
    if (out->op == PCL_OP_FSYNC)
        out->len = 0; /* the whole file, unless it is said */
    if (word[1])
        rc = read_bytes(r, e, where[1], word[1], &out->off);
    if (rc == PCL_OK && word[2])
        rc = read_bytes(r, e, where[2], word[2], &out->len);
    if (rc == PCL_OK && out->len > PCL_OFF_MAX - out->off)
        return pcl_fail_value(r, e, where[0], "%s: '%s' ends behind 2^63 - 1", e->key, word[0]);
    return rc;
}

int pcl_read_do(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj)
{
    struct pcl_group *g = obj;
    struct pcl_list l = {.text = e->value};
    size_t most = 1;

    if (!*e->value)
        return PCL_OK;
    for (const char *p = e->value; *p; p++)
        most += *p == ';';
    if (most > MOST_OPS)
        return pcl_fail_value(r, e, 0, "%s: want at most %d operations", e->key, MOST_OPS);
    g->list = pcl_arena_alloc(&r->s->arena, most, sizeof *g->list);
    g->n_list = 0;
    while (pcl_list_next(r, &l, ';')) {
        int rc = read_one(r, e, l.item, l.start, &g->list[g->n_list]);

        if (rc != PCL_OK)
            return rc;
        g->n_list++;
    }
    return PCL_OK;
}

void pcl_write_do(FILE *out, const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_group *g = obj;

    (void)s;
    for (size_t i = 0; i < g->n_list; i++) {
        (void)fprintf(out, "%s%s ", i ? "; " : "", pcl_op_name(g->list[i].op));
        pcl_write_size(out, g->list[i].off);
        (void)fputc(' ', out);
        pcl_write_size(out, g->list[i].len);
    }
}
