/*
 * Opening and closing: one writer per file, kept out by a lock of our own; a log on a local
 * disk while writing; and a finished store is one plain file again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "store_internal.h"

/* --- statements --------------------------------------------------------------------------- */

static const char *const sql[PCL_N_STMTS] = {
    [PCL_STMT_STUDY_FIND] =
        "SELECT study_id FROM study WHERE workload=?1 AND kind=?2 AND title=?3 AND build=?4",
    [PCL_STMT_STUDY_ADD] = "INSERT INTO study(workload,kind,title,build) VALUES(?1,?2,?3,?4)",
    [PCL_STMT_CONFIG_FIND] = "SELECT config_id FROM config WHERE hash=?1",
    [PCL_STMT_CONFIG_ADD] =
        "INSERT INTO config(study_id,hash,label,params,scheme,scheme_text,machine,machine_text,"
        "scenario_text,trace_sha256,replay,varies,source) "
        "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PCL_STMT_PARAM_ADD] = "INSERT INTO param(config_id,name,value) VALUES(?1,?2,?3)",
    [PCL_STMT_RUN_FIND] = "SELECT run_id, state, fingerprint FROM run WHERE key=?1",
    [PCL_STMT_RUN_DROP] = "DELETE FROM run WHERE run_id=?1",
    [PCL_STMT_RUN_ADD] =
        "INSERT INTO run(config_id,rep,seed,key,state,code,error,fingerprint,sim_ns,warmup_ns,"
        "ops,events,violations) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PCL_STMT_METRIC_FIND] =
        "SELECT metric_id FROM metric WHERE name=?1 AND unit=?2 AND better=?3",
    [PCL_STMT_METRIC_ADD] = "INSERT INTO metric(name,unit,better) VALUES(?1,?2,?3)",
    [PCL_STMT_SCALAR_ADD] =
        "INSERT INTO scalar(run_id,metric_id,object,value) VALUES(?1,?2,?3,?4)",
    [PCL_STMT_HIST_ADD] =
        "INSERT INTO hist(run_id,name,object,count,enc) VALUES(?1,?2,?3,?4,?5)",
    [PCL_STMT_COURSE_ADD] = "INSERT INTO course(run_id,lock,enc) VALUES(?1,?2,?3)",
    [PCL_STMT_LOCK_ADD] = "INSERT INTO lockstat "
                          "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,"
                          "?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,"
                          "?34)",
    [PCL_STMT_BLOCKED_ADD] =
        "INSERT INTO blocked VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [PCL_STMT_POINT_ADD] = "INSERT INTO lockpoint VALUES(?1,?2,?3,?4,?5,?6)",
    [PCL_STMT_VIOLATION_ADD] =
        "INSERT INTO violation(run_id,seq,kind,at_ns,text,steps) VALUES(?1,?2,?3,?4,?5,?6)",
    [PCL_STMT_HOST_ADD] = "INSERT INTO run_host(run_id,wall_s,stored_at,host,kernel,cpu) "
                          "VALUES(?1,?2,?3,?4,?5,?6)",
    [PCL_STMT_RUN_PEEK] = "SELECT run_id,state,code,violations,error,wall_s"
                          " FROM run LEFT JOIN run_host USING(run_id) WHERE key=?1",
    [PCL_STMT_VALUE_PEEK] =
        "SELECT value FROM scalar WHERE run_id=?1 AND object=?3 AND metric_id IN"
        " (SELECT metric_id FROM metric WHERE name=?2)",
    [PCL_STMT_RUN_GET] =
        "SELECT run_id,scheme,seed,rep,state,code,error,sim_ns,warmup_ns,ops,events,"
        "fingerprint,violations,wall_s"
        " FROM run JOIN config USING(config_id) LEFT JOIN run_host USING(run_id) WHERE key=?1",
    [PCL_STMT_SCALAR_GET] = "SELECT metric_id,object,value FROM scalar WHERE run_id=?1"
                            " ORDER BY metric_id,object",
    [PCL_STMT_CONFIG_RUNS] = "SELECT key,seed,rep,state,code,error,sim_ns,warmup_ns,ops,events,"
                             "fingerprint,violations,run_id FROM run WHERE config_id=?1"
                             " ORDER BY seed,rep",
    [PCL_STMT_HIST_GET] =
        "SELECT name,object,enc FROM hist WHERE run_id=?1 ORDER BY name,object",
    [PCL_STMT_HIST_ONE] = "SELECT enc FROM hist JOIN run USING(run_id)"
                          " WHERE key=?1 AND name=?2 AND object=?3",
    [PCL_STMT_COURSE_GET] = "SELECT lock,enc FROM course WHERE run_id=?1 ORDER BY lock",
    [PCL_STMT_COURSE_ONE] = "SELECT enc FROM course JOIN run USING(run_id)"
                              " WHERE key=?1 AND lock=?2",
    [PCL_STMT_LOCK_GET] = "SELECT * FROM lockstat WHERE run_id=?1 ORDER BY lock,mode",
    [PCL_STMT_BLOCKED_GET] =
        "SELECT lock,waiter,waiter_mode,holder,holder_mode,behind,behind_mode,count,total_ns,"
        "longest_ns FROM blocked WHERE run_id=?1 ORDER BY lock,total_ns DESC,waiter,waiter_mode,"
        "holder,holder_mode,behind,behind_mode",
    [PCL_STMT_POINT_GET] = "SELECT lock,who,at,what,count FROM lockpoint WHERE run_id=?1"
                           " ORDER BY lock,who DESC,count DESC,at",
    [PCL_STMT_VIOLATION_GET] =
        "SELECT kind,at_ns,text,steps FROM violation WHERE run_id=?1 ORDER BY seq",
};

/* Why there was no room to write, NULL when that was not it. A quota and a limit on the size of files
 * are a full disk too; SQLite calls them I/O errors, and does not keep the system's code each time. */
static const char *why_full(sqlite3 *db, int code, int os)
{
    if ((code & 0xff) == SQLITE_FULL)
        return "disk full";
    if ((code & 0xff) != SQLITE_IOERR)
        return NULL;
    for (int i = 0; i < 2; i++, os = sqlite3_system_errno(db)) {
        if (os == ENOSPC)
            return "disk full";
        if (os == EDQUOT)
            return "disk quota";
        if (os == EFBIG)
            return "limit on the size of a file";
    }
    return NULL;
}

int pcl_store_error(struct pcl_store *s, struct pcl_err *err, const char *doing)
{
    int os = errno, code = sqlite3_errcode(s->db);
    const char *full = why_full(s->db, code, os);

    if (full)
        return pcl_fail(err, PCL_EIO,
                        "%s: no space left to write (%s); what was stored before is intact",
                        s->path, full);
    switch (code & 0xff) {
    case SQLITE_NOTADB:
        return pcl_fail(err, PCL_EINVAL, "%s is no pclsim store (not an SQLite database)",
                        s->path);
    case SQLITE_CORRUPT:
        return pcl_fail(err, PCL_EIO, "%s is damaged: %s", s->path, sqlite3_errmsg(s->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pcl_fail(err, PCL_EIO, "%s is in use by another process", s->path);
    default:
        return pcl_fail(err, PCL_EIO, "%s: %s: %s (SQLite code %d)", s->path, doing,
                        sqlite3_errmsg(s->db), sqlite3_extended_errcode(s->db));
    }
}

int pcl_store_exec(struct pcl_store *s, const char *text, struct pcl_err *err)
{
    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return pcl_store_error(s, err, "cannot write");
    return PCL_OK;
}

int64_t pcl_store_int(struct pcl_store *s, const char *text)
{
    sqlite3_stmt *st = NULL;
    int64_t v = -1;

    if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        v = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    return v;
}

sqlite3_stmt *pcl_store_stmt(struct pcl_store *s, enum pcl_stmt which)
{
    if (s->stmt[which]) {
        (void)sqlite3_reset(s->stmt[which]);
        (void)sqlite3_clear_bindings(s->stmt[which]);
    } else if (sqlite3_prepare_v3(s->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                  &s->stmt[which], NULL) != SQLITE_OK) {
        return NULL;
    }
    return s->stmt[which];
}

void pcl_store_bind(sqlite3_stmt *st, const char *letters, ...)
{
    va_list ap;

    va_start(ap, letters);
    for (int i = 1; *letters; letters++, i++) {
        if (*letters == 's')
            (void)sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        else if (*letters == 'd')
            (void)sqlite3_bind_double(st, i, va_arg(ap, double)); /* NaN arrives as NULL */
        else
            (void)sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
    }
    va_end(ap);
}

const char *pcl_column(sqlite3_stmt *st, int i)
{
    const unsigned char *t = sqlite3_column_text(st, i);

    return t ? (const char *)t : "";
}

/* --- opening ------------------------------------------------------------------------------ */

/* Write-ahead logs need memory shared by all readers: never across a network. */
static bool network_disk(const char *path)
{
    static const unsigned long types[] = {0x6969,     0x517b,     0xff534d42, 0xfe534d42,
                                          0x0bd00bd0, 0x65735546, 0x01021997, 0x00c36400,
                                          0x5346414f, 0x19830326};
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return true;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (((unsigned long)fs.f_type & 0xffffffffUL) == types[i])
            return true;
    return false;
}

/* Says what is wrong with a path before SQLite makes a file of it or finds it "not a database".
 */
static int check_file(const char *path, bool write, struct pcl_err *err)
{
    static const char magic[16] = "SQLite format 3";
    char head[16] = {0};
    struct stat st;
    FILE *f;
    size_t n;

    if (stat(path, &st) != 0) {
        if (errno == ENOENT && write)
            return PCL_OK;
        return pcl_fail(err, errno == ENOENT ? PCL_ENOENT : PCL_EIO, "%s: %s", path,
                        errno == ENOENT ? "there is no such store" : strerror(errno));
    }
    if (S_ISDIR(st.st_mode))
        return pcl_fail(err, PCL_EINVAL, "%s is a directory, not a store", path);
    if (!S_ISREG(st.st_mode))
        return pcl_fail(err, PCL_EINVAL, "%s is not a regular file", path);
    f = fopen(path, "rb");
    if (!f)
        return pcl_fail(err, PCL_EIO, "%s: %s", path, strerror(errno));
    n = fread(head, 1, sizeof(head), f);
    (void)fclose(f);
    if (n > 0 && (n < sizeof(head) || memcmp(head, magic, sizeof(magic)) != 0))
        return pcl_fail(err, PCL_EINVAL,
                        "%s is no pclsim store (not an SQLite database); nothing was changed",
                        path);
    return PCL_OK;
}

/* flock() and SQLite's fcntl() locks do not see each other on a local disk. Held until close.
 */
static int lock_writer(struct pcl_store *s, struct pcl_err *err)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};

    s->lock_fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->lock_fd < 0)
        return pcl_fail(err, PCL_EIO, "%s: %s", s->path, strerror(errno));
    for (int i = 0; i < 40; i++) {
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
            return PCL_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return PCL_OK; /* a file system without flock(): SQLite's locks must do */
        (void)nanosleep(&pause, NULL);
    }
    return pcl_fail(err, PCL_EIO,
                    "%s is being written by another process; a store has one writer", s->path);
}

static void describe_host(struct pcl_store *s)
{
    struct utsname u;
    char line[256];
    FILE *f;

    if (uname(&u) == 0) {
        (void)snprintf(s->host, sizeof(s->host), "%s", u.nodename);
        (void)snprintf(s->kernel, sizeof(s->kernel), "%s %s", u.sysname, u.release);
    }
    f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(s->cpu, sizeof(s->cpu), "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f)
        (void)fclose(f);
}

static int open_writer(struct pcl_store *s, struct pcl_err *err)
{
    bool net = network_disk(s->path);
    int rc = net ? PCL_OK : lock_writer(s, err);

    if (rc == PCL_OK)
        rc = pcl_schema_check(s, err);
    if (rc != PCL_OK)
        return rc;
    /* an answer other than wal is fine: the rollback journal is only slower */
    (void)sqlite3_exec(s->db, net ? "PRAGMA journal_mode=DELETE" : "PRAGMA journal_mode=WAL",
                       NULL, NULL, NULL);
    describe_host(s);
    return pcl_store_exec(s,
                          net ? "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"
                              : "PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
                          err);
}

static int open_reader(struct pcl_store *s, struct pcl_err *err)
{
    int rc = pcl_schema_check(s, err);

    return rc == PCL_OK ? pcl_store_exec(s, "PRAGMA query_only=ON", err) : rc;
}

/* A writer that was killed may have left half a transaction, which SQLite takes back on the next
 * opening; one for reading may not. Then this opens the file for writing once. */
static void roll_back_if_needed(const char *path, sqlite3 *db)
{
    sqlite3 *w = NULL;
    int rc = sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);

    if (rc != SQLITE_READONLY_ROLLBACK && rc != SQLITE_READONLY_RECOVERY)
        return;
    if (sqlite3_open_v2(path, &w, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        (void)sqlite3_exec(w, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    (void)sqlite3_close(w);
}

int pcl_store_open(const char *path, unsigned flags, struct pcl_store **out,
                   struct pcl_err *err)
{
    bool write = flags & PCL_STORE_WRITE;
    struct pcl_store *s;
    int rc = check_file(path, write, err);

    if (rc != PCL_OK)
        return rc;
    s = pcl_xcalloc(1, sizeof(*s));
    s->path = pcl_xstrdup(path);
    s->write = write;
    s->lock_fd = -1;
    if (sqlite3_open_v2(
            path, &s->db,
            (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                SQLITE_OPEN_NOMUTEX,
            NULL) != SQLITE_OK) {
        rc = pcl_fail(err, PCL_EIO, "%s: cannot %s: %s", path, write ? "write" : "read",
                      s->db ? strerror(sqlite3_system_errno(s->db)) : "out of memory");
        pcl_store_close(s);
        return rc;
    }
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, 10000);
    (void)sqlite3_exec(s->db, "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536", NULL, NULL,
                       NULL);
    if (write && access(path, F_OK) != 0) /* SQLite makes the file when it first writes */
        (void)sqlite3_exec(s->db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL);
    if (!write)
        roll_back_if_needed(path, s->db);
    if (write && sqlite3_db_readonly(s->db, "main") == 1)
        rc = pcl_fail(err, PCL_EIO, "%s: no permission to write", path);
    else
        rc = write ? open_writer(s, err) : open_reader(s, err);
    if (rc != PCL_OK) {
        pcl_store_close(s);
        return rc;
    }
    *out = s;
    return PCL_OK;
}

void pcl_store_close(struct pcl_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < PCL_N_STMTS; i++)
        (void)sqlite3_finalize(s->stmt[i]);
    /* a file without a log can be read on read-only media and copied; while somebody reads it
     * this is refused, and nothing is lost */
    if (s->db && s->write) {
        (void)sqlite3_busy_timeout(s->db, 100);
        (void)sqlite3_exec(s->db, "PRAGMA optimize; PRAGMA journal_mode=DELETE", NULL, NULL,
                           NULL);
    }
    (void)sqlite3_close(s->db);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd); /* after SQLite: closing any descriptor drops its locks */
    free(s->metric);
    free(s->path);
    free(s);
}

const char *pcl_store_path(const struct pcl_store *s)
{
    return s->path;
}
