/*
 * The canonical dump: one line per row, rows in the order of natural keys, no row ids, nothing
 * of run_host. Two stores with equal results give equal bytes, however they came to be.
 */
#include <inttypes.h>

#include "store_internal.h"

static const struct {
    const char *table, *sql;
} parts[] = {
    {"study", "SELECT workload,kind,title,build FROM study ORDER BY 1,2,3,4"},
    {"config", "SELECT hash,workload,kind,build,label,params,scheme,scheme_text,machine,"
               "machine_text,scenario_text,trace_sha256,replay,varies"
               " FROM config JOIN study USING(study_id) ORDER BY hash"},
    {"param", "SELECT hash,name,value FROM param JOIN config USING(config_id) ORDER BY 1,2"},
    {"run", "SELECT key,hash AS config,rep,seed,state,code,error,fingerprint,sim_ns,warmup_ns,"
            "ops,events,violations FROM run JOIN config USING(config_id) ORDER BY key"},
    {"scalar", "SELECT key,name,object,unit,better,value FROM scalar JOIN run USING(run_id)"
               " JOIN metric USING(metric_id) ORDER BY 1,2,3,4,5"},
    {"hist",
     "SELECT key,name,object,count,enc FROM hist JOIN run USING(run_id) ORDER BY 1,2,3"},
    {"course", "SELECT key,lock,enc FROM course JOIN run USING(run_id) ORDER BY 1,2"},
    {"lockstat", "SELECT key,lock,mode,acquisitions,contentions,con_bounces,acq_bounces,"
                 "wait_min_ns,wait_max_ns,wait_total_ns,hold_min_ns,hold_max_ns,hold_total_ns,"
                 "steals,handoffs,lost_retries,trylock_failures,walk_visits,walk_foreign,walks,"
                 "walk_max,walk_foreign_max,wasted_wakes,sleeps,line_transfers,bypass_max,"
                 "wait_line_ns,wait_spinlock_ns,wait_optimistic_ns,wait_conflict_ns,"
                 "wait_wakeup_ns,wait_cpu_ns,irqs_off_max_ns,irqs_off_in_irq_ns"
                 " FROM lockstat JOIN run USING(run_id) ORDER BY 1,2,3"},
    {"blocked", "SELECT key,lock,waiter,waiter_mode,holder,holder_mode,behind,behind_mode,count,"
                "total_ns,longest_ns FROM blocked JOIN run USING(run_id)"
                " ORDER BY 1,2,3,4,5,6,7,8"},
    {"lockpoint", "SELECT key,lock,who,at,what,count FROM lockpoint JOIN run USING(run_id)"
                  " ORDER BY 1,2,3,4"},
    {"violation", "SELECT key,seq,kind,at_ns,text,steps FROM violation JOIN run USING(run_id)"
                  " ORDER BY 1,2"},
};

/* Tabs and line ends separate fields and rows. */
static void put_text(FILE *out, const char *t)
{
    for (; *t; t++) {
        if (*t == '\n')
            (void)fputs("\\n", out);
        else if (*t == '\t')
            (void)fputs("\\t", out);
        else if (*t == '\\')
            (void)fputs("\\\\", out);
        else
            (void)fputc(*t, out);
    }
}

static void put_column(FILE *out, sqlite3_stmt *st, int i)
{
    const unsigned char *blob;

    (void)fprintf(out, "\t%s=", sqlite3_column_name(st, i));
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        (void)fprintf(out, "%" PRId64, (int64_t)sqlite3_column_int64(st, i));
        break;
    case SQLITE_FLOAT:
        (void)fprintf(out, "%.17g", sqlite3_column_double(st, i));
        break;
    case SQLITE_BLOB:
        blob = sqlite3_column_blob(st, i);
        for (int k = 0; k < sqlite3_column_bytes(st, i); k++)
            (void)fprintf(out, "%02x", blob[k]);
        break;
    case SQLITE_NULL:
        (void)fputs("null", out);
        break;
    default:
        put_text(out, pcl_column(st, i));
        break;
    }
}

static int dump_part(struct pcl_store *s, size_t part, FILE *out, struct pcl_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc;

    if (sqlite3_prepare_v2(s->db, parts[part].sql, -1, &st, NULL) != SQLITE_OK)
        return pcl_store_error(s, err, "cannot dump");
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        (void)fputs(parts[part].table, out);
        for (int i = 0; i < sqlite3_column_count(st); i++)
            put_column(out, st, i);
        (void)fputc('\n', out);
    }
    rc = rc == SQLITE_DONE ? PCL_OK : pcl_store_error(s, err, "cannot dump");
    (void)sqlite3_finalize(st);
    return rc;
}

int pcl_store_dump(struct pcl_store *s, FILE *out, struct pcl_err *err)
{
    int rc = pcl_store_exec(s, "BEGIN", err);

    if (rc != PCL_OK)
        return rc;
    (void)fprintf(out, "pclsim store, schema %d\n", PCL_STORE_SCHEMA);
    for (size_t i = 0; rc == PCL_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
        rc = dump_part(s, i, out, err);
    (void)sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc == PCL_OK && (fflush(out) != 0 || ferror(out)))
        rc = pcl_fail(err, PCL_EIO, "cannot write the dump");
    return rc;
}
