/*
 * What the lock events of a recording measured, as a table.
 *
 *   class    mode  acquired  waited     mean  longest    mean  longest
 */
#include <pclsim/trace_info.h>

#include <jansson.h>

/* A time in us with as many decimals as it deserves; "-" when nothing was measured. */
static void put_us(FILE *out, int width, pcl_ns ns, bool known)
{
    double us = (double)ns / 1000.0;

    if (known)
        (void)fprintf(out, " %*.*f", width, us < 100.0 ? 2 : us < 10000.0 ? 1 : 0, us);
    else
        (void)fprintf(out, " %*s", width, "-");
}

static pcl_ns mean(pcl_ns total, uint64_t n)
{
    return n > 0 ? (pcl_ns)((uint64_t)total / n) : 0;
}

static void put_row(FILE *out, const struct pcl_trace_lock *l)
{
    char acquired[24] = "-";

    if (l->all)
        (void)snprintf(acquired, sizeof(acquired), "%llu", (unsigned long long)l->acquisitions);
    (void)fprintf(out, "%-11s %c %8s %7llu", l->name, l->mode, acquired,
                  (unsigned long long)l->contentions);
    put_us(out, 8, mean(l->wait_total, l->contentions), l->contentions > 0);
    put_us(out, 8, l->wait_max, l->contentions > 0);
    put_us(out, 7, mean(l->hold_total, l->holds), l->holds > 0);
    put_us(out, 8, l->hold_max, l->holds > 0);
    (void)fputc('\n', out);
}

void pcl_trace_locks_text(FILE *out, const struct pcl_trace *t)
{
    uint64_t failed = 0;
    bool bare = false;

    if (t->n_locks == 0) {
        (void)fprintf(out, "no lock events in this recording (%s)\n", t->format);
        return;
    }
    (void)fprintf(out, "%-13s %8s %7s %17s %16s\n", "times in us", "", "", "wait", "hold");
    (void)fprintf(out, "%-8s %s %8s %7s %8s %8s %7s %8s\n", "class", "mode", "acquired", "waited",
                  "mean", "longest", "mean", "longest");
    for (size_t i = 0; i < t->n_locks; i++) {
        put_row(out, &t->locks[i]);
        failed += t->locks[i].trylock_failures;
        bare = bare || !t->locks[i].all;
    }
    if (failed > 0)
        (void)fprintf(out, "%llu tries that failed are not among the acquisitions\n",
                      (unsigned long long)failed);
    if (bare)
        (void)fprintf(out, "-: only those that waited show in the recording\n");
}

int pcl_trace_locks_json(FILE *out, const struct pcl_trace *t)
{
    json_t *list = json_array();
    int rc;

    for (size_t i = 0; i < t->n_locks; i++) {
        const struct pcl_trace_lock *l = &t->locks[i];
        json_t *o = json_pack(
            "{ss ss% sb sI sI sI sI sI sI sI sI sI sI}", "class", l->name, "mode", &l->mode,
            (size_t)1, "all_acquisitions_show", (int)l->all, "acquisitions",
            (json_int_t)l->acquisitions, "contentions", (json_int_t)l->contentions, "holds",
            (json_int_t)l->holds, "trylock_failures", (json_int_t)l->trylock_failures,
            "wait_min_ns", (json_int_t)l->wait_min, "wait_max_ns", (json_int_t)l->wait_max,
            "wait_total_ns", (json_int_t)l->wait_total, "hold_min_ns", (json_int_t)l->hold_min,
            "hold_max_ns", (json_int_t)l->hold_max, "hold_total_ns",
            (json_int_t)l->hold_total);
        rc = json_array_append_new(list, o);
        PCL_ASSERT(rc == 0);
    }
    rc = json_dumpf(list, out, JSON_INDENT(1));
    json_decref(list);
    return rc == 0 && fputc('\n', out) != EOF ? PCL_OK : PCL_EIO;
}
