/*
 * The list of locks: made from locks.def, in its order; nothing runs before main.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/locks.h>

#define PCL_OPS_PAGE(id) extern const struct pcl_page_lock_ops pcl_lock_##id;
#define PCL_OPS_RANGE(id) extern const struct pcl_range_lock_ops pcl_lock_##id;
#define PCL_LOCK(kind, id) PCL_OPS_##kind(id)
#include "locks.def"
#undef PCL_LOCK

#define PCL_ROW_PAGE(id) {.kind = PCL_LOCK_PAGE, .page = &pcl_lock_##id},
#define PCL_ROW_RANGE(id) {.kind = PCL_LOCK_RANGE, .range = &pcl_lock_##id},
#define PCL_LOCK(kind, id) PCL_ROW_##kind(id)
const struct pcl_lock_entry pcl_lock_list[] = {
#include "locks.def"
};
#undef PCL_LOCK

const size_t pcl_n_locks = sizeof(pcl_lock_list) / sizeof(pcl_lock_list[0]);

const struct pcl_page_lock_ops *pcl_page_lock_find(const char *name)
{
    for (size_t i = 0; i < pcl_n_locks; i++)
        if (pcl_lock_list[i].page && strcmp(pcl_lock_list[i].page->name, name) == 0)
            return pcl_lock_list[i].page;
    return NULL;
}

const struct pcl_range_lock_ops *pcl_range_lock_find(const char *name)
{
    for (size_t i = 0; i < pcl_n_locks; i++)
        if (pcl_lock_list[i].range && strcmp(pcl_lock_list[i].range->name, name) == 0)
            return pcl_lock_list[i].range;
    return NULL;
}

static const char *name_of(const struct pcl_lock_entry *e)
{
    return e->kind == PCL_LOCK_PAGE ? e->page->name : e->range->name;
}

int pcl_lock_suggest(struct pcl_err *err, enum pcl_lock_kind kind, const char *name)
{
    static const char *const kinds[] = {"page lock", "range lock"};
    const char **names = pcl_xcalloc(pcl_n_locks, sizeof(*names));
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < pcl_n_locks; i++)
        if (pcl_lock_list[i].kind == kind)
            names[n++] = name_of(&pcl_lock_list[i]);
    near = pcl_nearest(name, names, n);
    free(names);
    if (near)
        return pcl_hint(err, "did you mean '%s'?", near);
    for (size_t i = 0; i < pcl_n_locks; i++)
        if (strcmp(name_of(&pcl_lock_list[i]), name) == 0)
            return pcl_hint(err, "'%s' is a %s; see pclsim schemes --locks", name,
                            kinds[pcl_lock_list[i].kind]);
    return pcl_hint(err, "see pclsim schemes --locks");
}

int pcl_lock_params(const struct pcl_lock_param_info *info, const struct pcl_lock_choice *choice,
                    const char *lock, int64_t *param, struct pcl_err *err)
{
    const char *names[PCL_MAX_LOCK_PARAMS];
    size_t n = 0;

    for (; info && info[n].name; n++) {
        param[n] = info[n].def;
        names[n] = info[n].name;
    }
    for (unsigned i = 0; i < choice->n_params; i++) {
        const struct pcl_lock_param *p = &choice->param[i];
        size_t k = 0;

        while (k < n && strcmp(names[k], p->name) != 0)
            k++;
        if (k == n) {
            const char *near = pcl_nearest(p->name, names, n);

            pcl_fail(err, PCL_EINVAL, "lock %s has no parameter '%s'", lock, p->name);
            if (near)
                pcl_hint(err, "did you mean '%s'?", near);
            return PCL_EINVAL;
        }
        if (p->value < info[k].lo || p->value > info[k].hi)
            return pcl_fail(err, PCL_EINVAL, "lock %s: %s: want %lld to %lld, found %lld", lock,
                            p->name, (long long)info[k].lo, (long long)info[k].hi,
                            (long long)p->value);
        param[k] = p->value;
    }
    return PCL_OK;
}

const char *pcl_lock_props(unsigned props, char *buf, size_t n)
{
    static const char *const names[] = {"fifo",  "steals",   "spins", "shared",
                                        "exact", "try-only", "null",  "bounded",
                                        "classes", "coarse",   "resident"};
    size_t at = 0;

    if (n)
        buf[0] = '\0';
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(props & (1u << i)))
            continue;
        int k = snprintf(buf + at, n - at, "%s%s", at ? ", " : "", names[i]);

        if (k < 0 || (size_t)k >= n - at)
            break;
        at += (size_t)k;
    }
    return buf;
}

void pcl_lock_stats_init(struct pcl_lock_stats *s)
{
    *s = (struct pcl_lock_stats){0};
    for (int i = 0; i < 2; i++) {
        pcl_hist_init(&s->mode[i].wait);
        pcl_hist_init(&s->mode[i].hold);
    }
    pcl_course_init(&s->line, 0);
}

void pcl_lock_stats_fini(struct pcl_lock_stats *s)
{
    for (int i = 0; i < 2; i++) {
        pcl_hist_fini(&s->mode[i].wait);
        pcl_hist_fini(&s->mode[i].hold);
    }
    pcl_blocked_fini(&s->blocked);
    pcl_course_fini(&s->line);
}
