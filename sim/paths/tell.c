/*
 * What the kernel does, in words for people: the micro-step that was taken last, where a call
 * stands, what a call is. Asked by the explorer, and where the oracle has objected.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "step.h"

void pcl_told(struct pcl_kernel *k, const struct pcl_call *c, const struct pcl_step *s)
{
    k->told = (struct pcl_told){.step = s, .pc = c->pc, .phase = c->phase, .page = c->cur};
    if (c->folio != PCL_NONE)
        k->told.page = k->cache->folio[c->folio].pgoff;
}

/* "lock INVALIDATE" is written "lock invalidate X"; "L_BUSY:" as "busy". */
static void lower(char *p)
{
    for (; *p; p++)
        *p = (char)(*p == '_' ? '-' : tolower((unsigned char)*p));
}

static bool is_lock(const struct pcl_step *s)
{
    return s->act == act_lock || s->act == act_unlock;
}

/* Has the step a page of its own? */
static bool of_page(const struct pcl_step *s)
{
    return !is_lock(s) && s->act != act_cpu && s->act != act_fs_cpu && s->act != act_enter &&
           s->act != act_exit && s->act != act_unmap_range && s->act != act_free_blocks &&
           s->act != act_alloc_range && s->act != act_set_size && s->act != act_append_position &&
           s->act != act_dontneed && s->act != act_kill;
}

/* mode: of a lock, 'S' or 'X'. */
static void step_name(const struct pcl_step *s, char mode, uint64_t page, char *buf, size_t n)
{
    size_t at;

    (void)snprintf(buf, n, "%s", s->name);
    lower(buf);
    at = strlen(buf);
    if (s->act == act_lock)
        (void)snprintf(buf + at, n - at, " %c", mode);
    else if (of_page(s))
        (void)snprintf(buf + at, n - at, " %" PRIu64, page);
}

static char mode_of(const struct pcl_kernel *k, const struct pcl_call *c, const struct pcl_step *s)
{
    if (s->act != act_lock)
        return '-';
    return pcl_call_mode(k, c, (enum pcl_role)s->role) == PCL_EXCLUSIVE ? 'X' : 'S';
}

/* The label that a step went to in place of the next one, "" when it did not. */
static void way_out(const struct pcl_kernel *k, const struct pcl_call *c, char *buf, size_t n)
{
    const struct pcl_step *to = &k->path[c->op].steps[c->pc];

    *buf = '\0';
    if (!c->active || c->pc == k->told.pc || c->pc == k->told.pc + 1 || to->act != act_label)
        return;
    (void)snprintf(buf, n, "%.*s", (int)strcspn(to->name + 2, ":"), to->name + 2);
    lower(buf);
}

const char *pcl_call_told(const struct pcl_kernel *k, uint32_t body, char *buf, size_t n)
{
    const struct pcl_call *c = pcl_call_of(k, body);
    char to[32];

    if (!k->told.step)
        return strcpy(buf, "");
    step_name(k->told.step, mode_of(k, c, k->told.step), k->told.page, buf, n);
    way_out(k, c, to, sizeof to);
    if (*to)
        (void)snprintf(buf + strlen(buf), n - strlen(buf), " -> %s", to);
    return buf;
}

const char *pcl_call_stands(const struct pcl_kernel *k, uint32_t body, char *buf, size_t n)
{
    const struct pcl_call *c = pcl_call_of(k, body);
    uint64_t page = c->folio == PCL_NONE ? c->cur : k->cache->folio[c->folio].pgoff;

    if (!c->active)
        return strcpy(buf, "");
    const struct pcl_step *s = &k->path[c->op].steps[c->pc];

    step_name(s, mode_of(k, c, s), page, buf, n);
    return buf;
}

static void pages(const char *name, uint64_t first, uint64_t last, char *buf, size_t n)
{
    if (first >= last)
        (void)snprintf(buf, n, "%s page %" PRIu64, name, first);
    else if (last == PCL_PAGE_LAST)
        (void)snprintf(buf, n, "%s page %" PRIu64 " to the end", name, first);
    else
        (void)snprintf(buf, n, "%s pages %" PRIu64 "-%" PRIu64, name, first, last);
}

/* The mode of a lock is the operation's, before what the particular call adds. */
const char *pcl_last_tell(const struct pcl_kernel *k, const struct pcl_last_step *at, char *buf,
                          size_t n)
{
    enum pcl_op op = (enum pcl_op)at->op;
    const struct pcl_step *s = &k->path[op].steps[at->pc];
    const char *name = op < PCL_N_OPS ? pcl_op_name(op) : "write-back";

    if (at->pc != 0) {
        step_name(s, s->act == act_lock && op < PCL_N_OPS
                         ? pcl_personality_mode(k->fs, op, (enum pcl_role)s->role)
                         : 'S',
                  at->page, buf, n);
        return buf;
    }
    (void)snprintf(buf, n, "> ");
    pages(name, at->page, at->last, buf + 2, n - 2);
    return buf;
}

const char *pcl_request_tell(const struct pcl_request *r, char *buf, size_t n)
{
    const char *name = pcl_op_name((enum pcl_op)r->op);
    uint64_t first = (uint64_t)r->off >> PCL_PAGE_SHIFT;
    uint64_t last = ((uint64_t)r->off + (uint64_t)(r->len > 0 ? r->len - 1 : 0)) >> PCL_PAGE_SHIFT;

    if (r->inode == PCL_NONE)
        (void)snprintf(buf, n, "%s", name);
    else if (r->op == PCL_OP_KILL)
        (void)snprintf(buf, n, "%s task %" PRId64, name, r->off);
    else if (r->op == PCL_OP_TRUNCATE)
        (void)snprintf(buf, n, "%s to %" PRId64, name, r->off);
    else
        pages(name, first, last, buf, n);
    return buf;
}
