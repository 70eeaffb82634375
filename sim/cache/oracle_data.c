/*
 * What the model shows: the contents of folios, of write-backs under way, and of the disk.
 * Content is a value per extent (who wrote it, and how far from here it was written for), so
 * large folios and long ranges cost what differs in them.
 *
 * Blocks: each allocation takes the next number. Whoever looks blocks up remembers the number
 * that was next then; at the end of the transfer a block with a later number, or none, is not
 * the one that was looked up.
 */
#include "oracle.h"

#include <stdlib.h>

static pcl_u128 odd_key(uint32_t folio, unsigned which, uint64_t page)
{
    return (pcl_u128)folio << 96 | (pcl_u128)which << 64 | page;
}

static void odd_clear(struct pcl_oracle *o, uint32_t folio, unsigned which)
{
    while (o->data[folio].odd[which] > 0) {
        struct pcl_bt_at at = pcl_bt_ge(o->odd, odd_key(folio, which, 0));

        (void)pcl_bt_del(o->odd, pcl_bt_key(o->odd, at));
        o->data[folio].odd[which]--;
    }
}

/* Which of its own pages a folio shows to somebody who takes it for page pgoff of a file. */
static uint64_t own_page(const struct pcl_oracle *o, uint32_t folio, uint64_t pgoff)
{
    return pgoff & ((UINT64_C(1) << o->c->folio[folio].order) - 1);
}

static void data_set(struct pcl_oracle *o, uint32_t folio, unsigned which, uint64_t page,
                     uint64_t val)
{
    struct pcl_folio_data *d = &o->data[folio];

    if (o->c->folio[folio].order == 0)
        d->val[which] = val;
    else if (pcl_bt_set(o->odd, odd_key(folio, which, page), val))
        d->odd[which]++;
}

static uint64_t data_get(const struct pcl_oracle *o, uint32_t folio, unsigned which,
                         uint64_t page)
{
    const struct pcl_folio_data *d = &o->data[folio];

    if (d->odd[which] > 0) {
        pcl_u128 key = odd_key(folio, which, page);
        struct pcl_bt_at at = pcl_bt_le(o->odd, key);

        if (pcl_bt_valid(at) && pcl_bt_key(o->odd, at) == key)
            return pcl_bt_val(o->odd, at);
    }
    return d->val[which];
}

/* Zeroed when its block was given up (block_invalidate_folio()): no write-back writes it until it
 * is made dirty again. */
static bool dropped(uint64_t val)
{
    return val >> 32 == PCL_CONTENT_ID_DROPPED;
}

pcl_content pcl_oracle_folio_content(const struct pcl_oracle *o, uint32_t folio, uint64_t pgoff)
{
    uint64_t page = own_page(o, folio, pgoff), val;

    if (o->conf.dax)
        return pcl_oracle_disk_content(o, o->c->folio[folio].inode, pgoff);
    val = data_get(o, folio, PCL_DATA_OWN, page);
    return dropped(val) ? PCL_CONTENT_ZERO : pcl_content_at(val, page);
}

pcl_content pcl_oracle_disk_content(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff)
{
    return pcl_content_at(pcl_extent_val(o->disk, inode, pgoff), pgoff);
}

/* --- hooks of the cache --------------------------------------------------------------------
 */

void pcl_oracle_folio_new(struct pcl_oracle *o, uint32_t folio)
{
    if (folio >= o->m->n_data) {
        PCL_ASSERT(folio == o->m->n_data);
        o->m->n_data = folio + 1;
        PCL_GROW(o->data, o->cap_data, o->m->n_data);
    }
    o->data[folio] = (struct pcl_folio_data){.inode = PCL_NONE};
    o->data[folio].val[PCL_DATA_OWN] = pcl_value(PCL_CONTENT_ID_GARBAGE, 0);
}

void pcl_oracle_folio_gone(struct pcl_oracle *o, uint32_t folio)
{
    odd_clear(o, folio, PCL_DATA_OWN);
    odd_clear(o, folio, PCL_DATA_SENT);
    o->data[folio] = (struct pcl_folio_data){.inode = PCL_NONE};
}

void pcl_oracle_folio_copy(struct pcl_oracle *o, uint32_t from, uint64_t from_page, uint32_t to,
                           uint64_t page, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t val = data_get(o, from, PCL_DATA_OWN, from_page + i);

        val = pcl_value_moved(val, from_page - page);
        if (page + i == 0)
            o->data[to].val[PCL_DATA_OWN] = val;
        else if (val != o->data[to].val[PCL_DATA_OWN])
            data_set(o, to, PCL_DATA_OWN, page + i, val);
    }
}

void pcl_oracle_folio_cut(struct pcl_oracle *o, uint32_t folio, unsigned order)
{
    struct pcl_folio_data *d = &o->data[folio];
    uint64_t first = data_get(o, folio, PCL_DATA_OWN, 0);
    pcl_u128 from = odd_key(folio, PCL_DATA_OWN, order == 0 ? 0 : UINT64_C(1) << order);
    pcl_u128 end = odd_key(folio, PCL_DATA_OWN, UINT64_MAX);

    while (d->odd[PCL_DATA_OWN] > 0) {
        struct pcl_bt_at at = pcl_bt_ge(o->odd, from);

        if (!pcl_bt_valid(at) || pcl_bt_key(o->odd, at) > end)
            break;
        (void)pcl_bt_del(o->odd, pcl_bt_key(o->odd, at));
        d->odd[PCL_DATA_OWN]--;
    }
    if (order == 0)
        d->val[PCL_DATA_OWN] = first;
}

bool pcl_oracle_folio_is_disk(const struct pcl_oracle *o, uint32_t folio)
{
    const struct pcl_folio *f = &o->c->folio[folio];
    uint64_t n = pcl_folio_pages(o->c, folio), page = 0;

    if (o->conf.dax)
        return true;
    if (n == 1)
        return o->data[folio].val[PCL_DATA_OWN] ==
               pcl_value_moved(pcl_extent_val(o->disk, f->inode, f->pgoff), f->pgoff);
    while (page < n) {
        struct pcl_extent e = pcl_extent_at(o->disk, f->inode, f->pgoff + page);
        uint64_t val = pcl_value_moved(e.val, f->pgoff);

        if (data_get(o, folio, PCL_DATA_OWN, page) != val)
            return false;
        /* without odd pages one speaks for the whole extent */
        page = o->data[folio].odd[PCL_DATA_OWN] == 0 ? e.last - f->pgoff + 1 : page + 1;
    }
    return true;
}

/* --- page cache ----------------------------------------------------------------------------
 */

void pcl_oracle_store(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff)
{
    uint64_t page;

    if (o == NULL)
        return;
    if (o->conf.dax) {
        pcl_oracle_put(o, op, o->c->folio[folio].inode, pgoff);
        return;
    }
    pcl_oracle_show(o, op);
    if (o->op[op].whole == PCL_WHOLE_YES && o->m->n_wholes > 1)
        (void)pcl_torn_store(o, op, folio, pgoff, pcl_oracle_folio_content(o, folio, pgoff));
    page = own_page(o, folio, pgoff);
    data_set(o, folio, PCL_DATA_OWN, page,
             pcl_value(o->op[op].content, (uint32_t)(pgoff - page)));
}

void pcl_oracle_zero(struct pcl_oracle *o, uint32_t folio, uint64_t pgoff)
{
    if (o != NULL)
        data_set(o, folio, PCL_DATA_OWN, own_page(o, folio, pgoff),
                 pcl_value(PCL_CONTENT_ID_DROPPED, 0));
}

void pcl_oracle_dirtied(struct pcl_oracle *o, uint32_t folio)
{
    if (o == NULL)
        return;
    for (uint64_t p = 0, n = pcl_folio_pages(o->c, folio); p < n; p++)
        if (dropped(data_get(o, folio, PCL_DATA_OWN, p)))
            data_set(o, folio, PCL_DATA_OWN, p, PCL_CONTENT_ZERO);
}

void pcl_oracle_stays(struct pcl_oracle *o, uint32_t folio, uint64_t first, uint64_t last)
{
    const struct pcl_folio *f;

    if (o == NULL)
        return;
    f = &o->c->folio[folio];
    first = first > f->pgoff ? first : f->pgoff;
    last = last < pcl_folio_last(o->c, folio) ? last : pcl_folio_last(o->c, folio);
    for (uint64_t p = first; p <= last; p++)
        pcl_history_stays(o, f->inode, p, pcl_oracle_folio_content(o, folio, p));
}

void pcl_oracle_read_in(struct pcl_oracle *o, uint32_t folio)
{
    const struct pcl_folio *f;
    uint64_t last;
    struct pcl_extent e;

    if (o == NULL)
        return;
    f = &o->c->folio[folio];
    if (f->inode == PCL_NONE)
        return;
    odd_clear(o, folio, PCL_DATA_OWN);
    o->data[folio].val[PCL_DATA_OWN] =
        pcl_value_moved(pcl_extent_val(o->disk, f->inode, f->pgoff), f->pgoff);
    if (f->order == 0)
        return;
    last = pcl_folio_last(o->c, folio);
    e = pcl_extent_at(o->disk, f->inode, f->pgoff);
    while (e.last < last) {
        e = pcl_extent_at(o->disk, f->inode, e.last + 1);
        for (uint64_t p = e.first; p <= last && p <= e.last; p++)
            data_set(o, folio, PCL_DATA_OWN, p - f->pgoff, pcl_value_moved(e.val, f->pgoff));
    }
}

/* --- disk ----------------------------------------------------------------------------------
 */

/* Cached pages in runs show what is on disk: before that changes they must have their own. */
static void disk_put(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last,
                     uint64_t val)
{
    pcl_run_break(o->c, inode, first, last);
    pcl_extent_put(o->disk, inode, first, last, val);
}

void pcl_oracle_put(struct pcl_oracle *o, uint32_t op, uint32_t inode, uint64_t pgoff)
{
    struct pcl_wrong_info info = {
        .what = PCL_WRONG_FREED, .inode = inode, .pgoff = pgoff, .folio = PCL_NONE};

    if (o == NULL)
        return;
    pcl_oracle_show(o, op);
    if (pcl_extent_val(o->block, inode, pgoff) == 0) {
        info.seen = pcl_content_at(pcl_value(o->op[op].content, 0), pgoff);
        (void)pcl_oracle_report(o, &info);
        return;
    }
    disk_put(o, inode, pgoff, pgoff, pcl_value(o->op[op].content, 0));
}

void pcl_oracle_initial(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last)
{
    if (o == NULL || first > last)
        return;
    last = pcl_range_end(last);
    pcl_history_init(o, inode, first, last, PCL_CONTENT_ID_INITIAL);
    disk_put(o, inode, first, last, pcl_value(PCL_CONTENT_ID_INITIAL, 0));
    pcl_extent_put(o->block, inode, first, last, o->m->next_block++);
}

void pcl_oracle_allocate(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last)
{
    if (o == NULL)
        return;
    last = pcl_range_end(last);
    while (first <= last) {
        struct pcl_extent e = pcl_extent_at(o->block, inode, first);
        uint64_t end = e.last < last ? e.last : last;

        if (e.val == 0)
            pcl_extent_put(o->block, inode, first, end, o->m->next_block);
        first = end + 1;
    }
    o->m->next_block++;
}

void pcl_oracle_free_blocks(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last)
{
    if (o == NULL)
        return;
    last = pcl_range_end(last);
    if (first > last)
        return;
    disk_put(o, inode, first, last, 0);
    pcl_extent_put(o->block, inode, first, last, 0);
}

/* Moves one of the maps by blocks. The value of what was at a page is told by `moved`. */
static void shift_map(struct pcl_btree *t, uint32_t inode, const struct pcl_shift *s,
                      uint64_t (*moved)(uint64_t val, uint64_t x), uint64_t x)
{
    struct pcl_extent_list l =
        pcl_extent_copy(t, inode, s->from + s->delta, s->last + s->delta);

    if (s->zero <= s->zero_last)
        pcl_extent_put(t, inode, s->zero, s->zero_last, 0);
    for (uint32_t i = 0; i < l.n; i++)
        pcl_extent_put(t, inode, l.v[i].first - s->delta, l.v[i].last - s->delta,
                       moved(l.v[i].val, x));
    free(l.v);
}

static uint64_t new_block(uint64_t val, uint64_t number)
{
    return val == 0 ? 0 : number;
}

void pcl_oracle_shift_blocks(struct pcl_oracle *o, uint32_t op)
{
    const struct pcl_oracle_op *p;
    struct pcl_shift s;

    if (o == NULL || o->op[op].first > o->op[op].last)
        return;
    p = &o->op[op];
    PCL_ASSERT(pcl_oracle_is_shift(p));
    s = pcl_shift_of(p);
    pcl_run_break(o->c, p->inode, p->first, PCL_PAGE_LAST);
    shift_map(o->disk, p->inode, &s, pcl_value_moved, s.delta);
    shift_map(o->block, p->inode, &s, new_block, o->m->next_block++);
}

static void swap_map(struct pcl_btree *t, const struct pcl_oracle_op *a, uint32_t b,
                     uint64_t (*moved)(uint64_t val, uint64_t x), uint64_t x)
{
    struct pcl_extent_list from_a = pcl_extent_copy(t, a->inode, a->first, a->last);
    struct pcl_extent_list from_b = pcl_extent_copy(t, b, a->first, a->last);

    for (uint32_t i = 0; i < from_b.n; i++)
        pcl_extent_put(t, a->inode, from_b.v[i].first, from_b.v[i].last,
                       moved(from_b.v[i].val, x));
    for (uint32_t i = 0; i < from_a.n; i++)
        pcl_extent_put(t, b, from_a.v[i].first, from_a.v[i].last, moved(from_a.v[i].val, x));
    free(from_a.v);
    free(from_b.v);
}

void pcl_oracle_exchange_blocks(struct pcl_oracle *o, uint32_t op, uint32_t peer)
{
    const struct pcl_oracle_op *a;
    uint32_t b;

    if (o == NULL)
        return;
    a = &o->op[op];
    b = o->op[peer].inode;
    pcl_run_break(o->c, a->inode, a->first, a->last);
    pcl_run_break(o->c, b, a->first, a->last);
    swap_map(o->disk, a, b, pcl_value_moved, 0);
    swap_map(o->block, a, b, new_block, o->m->next_block++);
}

/* Whether all blocks of [info->pgoff, last] were there at the epoch and have stayed; reports the
 * first one that was not, with what is written to it. */
static enum pcl_wrong check_blocks(struct pcl_oracle *o, struct pcl_wrong_info *info,
                                   uint64_t last, uint32_t epoch)
{
    for (uint64_t p = info->pgoff; p <= last;) {
        struct pcl_extent e = pcl_extent_at(o->block, info->inode, p);

        if (e.val == 0 || e.val >= epoch) {
            info->what = PCL_WRONG_FREED;
            info->pgoff = p;
            info->right = pcl_oracle_disk_content(o, info->inode, p);
            return pcl_oracle_report(o, info);
        }
        p = e.last + 1;
    }
    return PCL_WRONG_RIGHT;
}

/* --- normal form ---------------------------------------------------------------------------
 *
 * A block's number is only ever compared with the epochs of those who have looked blocks up and
 * are still writing. So it becomes 1 + the epochs that are not behind it, and an epoch 1 + its
 * rank: an old block is older than all of them, whenever it was allocated.
 */

static uint32_t *next_epoch(struct pcl_oracle *o, uint64_t *i)
{
    while (*i < (uint64_t)o->m->n_data + o->m->n_ops) {
        uint32_t *e = *i < o->m->n_data ? &o->data[*i].block_epoch
                                        : &o->op[*i - o->m->n_data].block_epoch;

        ++*i;
        if (*e != 0)
            return e;
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static uint32_t not_behind(const uint32_t *epoch, uint32_t n, uint64_t x)
{
    uint32_t i = 0;

    while (i < n && epoch[i] <= x)
        i++;
    return i;
}

/* Neighbours that have become alike are one extent. */
static void number_extents(struct pcl_oracle *o, const uint32_t *epoch, uint32_t n)
{
    struct pcl_bt_at at = pcl_bt_ge(o->block, 0);
    pcl_u128 before = ~(pcl_u128)0;
    uint64_t last = 0;

    while (pcl_bt_valid(at)) {
        pcl_u128 key = pcl_bt_key(o->block, at);
        uint64_t val = pcl_bt_val(o->block, at);

        val = val == 0 ? 0 : 1 + not_behind(epoch, n, val);
        if (before >> 64 == key >> 64 && last == val) {
            (void)pcl_bt_del(o->block, key);
            at = pcl_bt_ge(o->block, key);
            continue;
        }
        pcl_bt_put(o->block, at, val);
        before = key;
        last = val;
        at = pcl_bt_step(o->block, at);
    }
}

void pcl_oracle_number_blocks(struct pcl_oracle *o)
{
    uint32_t *epoch = pcl_xcalloc((size_t)o->m->n_data + o->m->n_ops + 1, sizeof *epoch);
    uint32_t n = 0, unique = 0, *e;

    for (uint64_t i = 0; (e = next_epoch(o, &i)) != NULL;)
        epoch[n++] = *e;
    qsort(epoch, n, sizeof *epoch, by_number);
    for (uint32_t i = 0; i < n; i++)
        if (unique == 0 || epoch[unique - 1] != epoch[i])
            epoch[unique++] = epoch[i];
    number_extents(o, epoch, unique);
    for (uint64_t i = 0; (e = next_epoch(o, &i)) != NULL;)
        *e = 1 + not_behind(epoch, unique, *e);
    o->m->next_block = unique + 1;
    free(epoch);
}

/* --- write-back ----------------------------------------------------------------------------
 */

/* The next run of pages from *page on that a write-back writes. False: no more. */
static bool next_sent(const struct pcl_oracle *o, uint32_t folio, unsigned which, uint64_t *page,
                      uint64_t *last)
{
    uint64_t n = pcl_folio_pages(o->c, folio);

    if (o->data[folio].odd[which] == 0 && !dropped(o->data[folio].val[which])) {
        *last = n - 1;
        return *page < n;
    }
    while (*page < n && dropped(data_get(o, folio, which, *page)))
        ++*page;
    for (*last = *page; *last + 1 < n && !dropped(data_get(o, folio, which, *last + 1));)
        ++*last;
    return *page < n;
}

void pcl_oracle_wb_begin(struct pcl_oracle *o, uint32_t folio)
{
    const struct pcl_folio *f;
    struct pcl_folio_data *d;
    pcl_u128 end;

    if (o == NULL || o->c->folio[folio].inode == PCL_NONE)
        return;
    f = &o->c->folio[folio];
    d = &o->data[folio];
    for (uint64_t page = 0, end_page; next_sent(o, folio, PCL_DATA_OWN, &page, &end_page);
         page = end_page + 1)
        pcl_oracle_allocate(o, f->inode, f->pgoff + page, f->pgoff + end_page);
    odd_clear(o, folio, PCL_DATA_SENT);
    d->inode = f->inode;
    d->block_epoch = o->m->next_block;
    d->val[PCL_DATA_SENT] = d->val[PCL_DATA_OWN];
    end = odd_key(folio, PCL_DATA_OWN, UINT64_MAX);
    for (pcl_u128 k = odd_key(folio, PCL_DATA_OWN, 0); d->odd[PCL_DATA_OWN] > 0; k++) {
        struct pcl_bt_at at = pcl_bt_ge(o->odd, k);

        if (!pcl_bt_valid(at) || pcl_bt_key(o->odd, at) > end)
            break;
        k = pcl_bt_key(o->odd, at);
        data_set(o, folio, PCL_DATA_SENT, (uint64_t)k, pcl_bt_val(o->odd, at));
    }
}

/* A large folio is written beside a direct write of some of its pages: either may be the last. */
static void overtakes(struct pcl_oracle *o, uint32_t folio, uint32_t inode)
{
    uint64_t first = o->c->folio[folio].pgoff, n = pcl_folio_pages(o->c, folio);

    for (uint32_t i = o->m->first_op; n > 1 && i != PCL_NONE; i = o->op[i].next) {
        const struct pcl_oracle_op *p = &o->op[i];

        if (!p->direct || p->inode != inode)
            continue;
        for (uint64_t page = 0; page < n; page++) {
            uint64_t val = data_get(o, folio, PCL_DATA_SENT, page);

            if (first + page >= p->first && first + page <= p->last && !dropped(val))
                pcl_history_stays(o, inode, first + page, pcl_content_at(val, page));
        }
    }
}

static void send(struct pcl_oracle *o, uint32_t folio, uint32_t inode)
{
    uint64_t first = o->c->folio[folio].pgoff, n = pcl_folio_pages(o->c, folio);

    overtakes(o, folio, inode);
    if (o->data[folio].odd[PCL_DATA_SENT] == 0 && !dropped(o->data[folio].val[PCL_DATA_SENT])) {
        disk_put(o, inode, first, first + n - 1,
                 pcl_value_moved(o->data[folio].val[PCL_DATA_SENT], 0 - first));
        return;
    }
    for (uint64_t i = 0; i < n; i++)
        if (!dropped(data_get(o, folio, PCL_DATA_SENT, i)))
            disk_put(o, inode, first + i, first + i,
                     pcl_value_moved(data_get(o, folio, PCL_DATA_SENT, i), 0 - first));
}

enum pcl_wrong pcl_oracle_wb_end(struct pcl_oracle *o, uint32_t folio)
{
    struct pcl_wrong_info info = {.folio = folio};
    enum pcl_wrong w = PCL_WRONG_RIGHT;
    uint64_t first, page = 0, end;

    if (o == NULL || o->data[folio].inode == PCL_NONE)
        return PCL_WRONG_RIGHT;
    info.inode = o->data[folio].inode;
    first = o->c->folio[folio].pgoff;
    info.seen = pcl_content_at(o->data[folio].val[PCL_DATA_SENT], 0);
    for (; w == PCL_WRONG_RIGHT && next_sent(o, folio, PCL_DATA_SENT, &page, &end); page = end + 1) {
        info.pgoff = first + page;
        w = check_blocks(o, &info, first + end, o->data[folio].block_epoch);
    }
    if (w == PCL_WRONG_RIGHT)
        send(o, folio, info.inode);
    odd_clear(o, folio, PCL_DATA_SENT);
    o->data[folio].val[PCL_DATA_SENT] = 0;
    o->data[folio].inode = PCL_NONE;
    o->data[folio].block_epoch = 0;
    return w;
}

/* --- direct I/O ----------------------------------------------------------------------------
 */

void pcl_oracle_direct_begin(struct pcl_oracle *o, uint32_t op, uint32_t inode, uint64_t first,
                             uint64_t last)
{
    if (o == NULL)
        return;
    pcl_oracle_show(o, op);
    pcl_oracle_allocate(o, inode, first, last);
    o->op[op].block_epoch = o->m->next_block;
    o->op[op].direct = 1;
}

enum pcl_wrong pcl_oracle_direct_end(struct pcl_oracle *o, uint32_t op, uint32_t inode,
                                     uint64_t first, uint64_t last)
{
    struct pcl_wrong_info info = {.inode = inode, .pgoff = first, .folio = PCL_NONE};
    enum pcl_wrong w;

    if (o == NULL || first > pcl_range_end(last))
        return PCL_WRONG_RIGHT;
    last = pcl_range_end(last);
    info.seen = pcl_content_at(pcl_value(o->op[op].content, 0), first);
    w = check_blocks(o, &info, last, o->op[op].block_epoch);
    o->op[op].block_epoch = 0;
    if (w == PCL_WRONG_RIGHT)
        disk_put(o, inode, first, last, pcl_value(o->op[op].content, 0));
    return w;
}

enum pcl_wrong pcl_oracle_direct_read(struct pcl_oracle *o, uint32_t op, uint32_t inode,
                                      uint64_t first, uint64_t last)
{
    enum pcl_wrong worst = PCL_WRONG_RIGHT;

    if (o == NULL)
        return worst;
    last = pcl_range_end(last);
    while (first <= last) {
        struct pcl_extent d = pcl_extent_at(o->disk, inode, first);
        struct pcl_extent t = pcl_extent_at(o->history, inode, first);
        enum pcl_wrong w =
            pcl_oracle_check(o, op, PCL_NONE, inode, first, pcl_content_at(d.val, first));

        /* one page speaks for all that share both extents */
        if (w != PCL_WRONG_RIGHT)
            worst = w;
        first = (d.last < t.last ? d.last : t.last) + 1;
    }
    return worst;
}
