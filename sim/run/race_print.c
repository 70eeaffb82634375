/*
 * A schedule as people draw races: one column for each task that takes part, time runs down.
 *
 *   CPU0 collapse page 1     | CPU1 fault page 2
 *   -------------------------+-------------------------
 *   lock iolock X            |
 *                            | lookup 2
 *   remove 1                 |
 *                            | page-lock 2; sleeps
 *
 * Micro-steps of one step that follow each other are one line.
 */
#include "race.h"
#include "wrong.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = 160
};

struct drawing {
    struct race *s;
    struct columns c; /* the last one is the interrupts', if there are any */
    uint32_t *column;        /* [n_bodies] */
    uint8_t *was;            /* [n_bodies] run states before the micro-step */
    char row[WORDS];         /* not printed yet: of body */
    char same[WORDS];        /* its step, without what came of it */
    uint32_t body;
};

static void flush_row(struct drawing *d)
{
    if (*d->row)
        columns_row(&d->c, d->column[d->body], d->row);
    *d->row = *d->same = '\0';
}

static void append(char *row, const char *text)
{
    size_t at = strlen(row);

    (void)snprintf(row + at, WORDS - at, "%s", text);
}

/* What a micro-step did to others and to its own body. */
static void outcome(struct drawing *d, uint32_t body, bool yes)
{
    const struct pcl_task_model *model = d->s->m.model;
    char text[40];

    if (yes && d->s->m.asked)
        append(d->row, "; its time is up");
    for (uint32_t b = 0; b < d->s->n_tasks; b++)
        if (b != body && d->was[b] == PCL_RUN_ASLEEP && model[b].run == PCL_RUN_RUNNABLE) {
            (void)snprintf(text, sizeof text, "; wakes CPU%" PRIu32, b);
            append(d->row, text);
        }
    if (body >= d->s->n_tasks)
        return;
    if (model[body].run == PCL_RUN_ASLEEP)
        append(d->row, "; sleeps");
    else if (model[body].run == PCL_RUN_SPINNING)
        append(d->row, "; spins");
    else if (model[body].run == PCL_RUN_WATCHING)
        append(d->row, "; spins for a while");
}

static void what(const struct drawing *d, uint32_t body, char *buf, size_t n)
{
    const struct race *s = d->s;
    struct pcl_action a;
    char text[80];

    if (body >= s->n_tasks)
        (void)snprintf(buf, n, "interrupt");
    else if (s->k.told.step)
        (void)pcl_call_told(&s->k, body, buf, n);
    else if (s->body[body].calls && race_action(s, body, s->body[body].i - 1, &a))
        (void)snprintf(buf, n, "> %s", pcl_request_tell(&a.req, text, sizeof text));
    else
        (void)snprintf(buf, n, "ends");
}

static void remember(struct drawing *d)
{
    for (uint32_t b = 0; b < d->s->m.n_bodies; b++)
        d->was[b] = d->s->m.model[b].run;
}

static bool tell(void *arg, uint32_t body, bool yes)
{
    struct drawing *d = arg;
    char text[WORDS];
    size_t n;

    what(d, body, text, sizeof text);
    n = strlen(d->same);
    if (body != d->body || !*d->same || strncmp(text, d->same, n) != 0) {
        flush_row(d);
        d->body = body;
        (void)snprintf(d->row, sizeof d->row, "%s", text);
        (void)snprintf(d->same, sizeof d->same, "%s", text);
    } else if (text[n]) { /* the step is over, and leads elsewhere */
        append(d->row, text + n);
    }
    outcome(d, body, yes);
    remember(d);
    return true;
}

/* Who takes part: tasks in their order, then the interrupts. */
static void set_columns(struct drawing *d, const char *schedule, int width)
{
    bool *takes = pcl_xcalloc(d->s->m.n_bodies, sizeof *takes);

    for (const char *p = schedule; *p; p += strcspn(p, "."), p += *p == '.') {
        uint64_t b = strtoull(p, NULL, 10);

        if (b < d->s->m.n_bodies)
            takes[b] = true;
    }
    for (uint32_t b = 0; b < d->s->m.n_bodies; b++)
        d->column[b] = takes[b] ? d->c.n++ : 0;
    d->c.n += d->c.n == 0;
    d->c.width = ((uint32_t)width + 3) / d->c.n - 3;
    for (uint32_t b = 0; b < d->s->n_tasks; b++) {
        char head[32];

        (void)snprintf(head, sizeof head, "CPU%" PRIu32, b);
        if (takes[b])
            (void)fprintf(d->c.out, "%-*s%s", d->column[b] + 1 < d->c.n ? (int)d->c.width + 1 : 0,
                          head, d->column[b] + 1 < d->c.n ? "| " : "\n");
    }
    if (takes[d->s->n_tasks])
        (void)fprintf(d->c.out, "interrupts\n");
    columns_rule(&d->c);
    free(takes);
}

int pcl_race_print(const struct pcl_race_conf *conf, const char *schedule, FILE *out, int width,
                   struct pcl_err *err)
{
    struct race s;
    int rc = race_init(&s, conf, err);
    size_t at = 0;

    if (rc == PCL_OK) {
        struct drawing d = {.s = &s,
                            .c = {.out = out},
                            .column = pcl_xcalloc(s.m.n_bodies, sizeof *d.column),
                            .was = pcl_xcalloc(s.m.n_bodies, 1),
                            .body = PCL_NONE};

        set_columns(&d, schedule, width);
        remember(&d);
        rc = pcl_explore_replay(&s.m, schedule, tell, &d, &at);
        flush_row(&d);
        free(d.column);
        free(d.was);
        if (rc != PCL_OK)
            (void)pcl_fail(err, rc,
                           "want a schedule of this scenario and scheme, such as 0.0.1+.0, found "
                           "'%.20s' at character %zu", schedule + at, at + 1);
    }
    race_fini(&s);
    return rc;
}
