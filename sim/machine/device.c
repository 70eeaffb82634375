/*
 * The storage device: a number of channels, each with one request at a time; a latency drawn per
 * request from its key; one bus for reads and one for writes whose bandwidth the transfers share.
 *
 * With dev_program, channels are flash dies and no longer a pool. A read needs the die where its
 * data lie. A write is done once it is in the drive's buffer, which is programmed to the dies in
 * turn, a unit at a time, and a die that is being programmed reads nothing:
 *
 *      writes --> buffer --unit--> die 0  [ program      ]   [ program      ]
 *                        --unit--> die 1     [ program      ]
 *      read of die 0 ....................|  waits  |read|
 *
 * A unit is what one die programs in that time when all of them make up the write bandwidth. Each
 * die has room for one unit: a write that fills another waits until the die begins with it.
 *
 * Everything is computed when a request is submitted; the device is one entity whose event is the
 * earliest completion.
 */
#include <stdlib.h>

#include "internal.h"

void pcl_device_init(struct pcl_machine *m)
{
    int64_t n = m->p->dev_channels > 0 ? m->p->dev_channels : 1;

    m->channel_free = pcl_xcalloc((size_t)n, sizeof(*m->channel_free));
    m->free_io = PCL_NONE;
}

void pcl_device_fini(struct pcl_machine *m)
{
    free(m->io);
    free(m->dev_heap);
    free(m->channel_free);
}

static bool sooner(const struct pcl_machine *m, uint32_t a, uint32_t b)
{
    return m->io[a].due != m->io[b].due ? m->io[a].due < m->io[b].due : a < b;
}

static void heap_push(struct pcl_machine *m, uint32_t io)
{
    uint32_t i = m->n_flight++;

    while (i > 0 && sooner(m, io, m->dev_heap[(i - 1) / 2])) {
        m->dev_heap[i] = m->dev_heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    m->dev_heap[i] = io;
}

static uint32_t heap_pop(struct pcl_machine *m)
{
    uint32_t top = m->dev_heap[0], last = m->dev_heap[--m->n_flight], i = 0;

    for (;;) {
        uint32_t kid = 2 * i + 1;

        if (kid + 1 < m->n_flight && sooner(m, m->dev_heap[kid + 1], m->dev_heap[kid]))
            kid++;
        if (kid >= m->n_flight || !sooner(m, m->dev_heap[kid], last))
            break;
        m->dev_heap[i] = m->dev_heap[kid];
        i = kid;
    }
    m->dev_heap[i] = last;
    return top;
}

static uint32_t io_new(struct pcl_machine *m)
{
    if (m->free_io != PCL_NONE) {
        uint32_t io = m->free_io;

        m->free_io = m->io[io].next;
        return io;
    }
    if (m->n_io == m->cap_io) {
        m->cap_io = m->cap_io ? m->cap_io * 2 : 16;
        m->io = pcl_xrealloc(m->io, m->cap_io, sizeof(*m->io));
        m->dev_heap = pcl_xrealloc(m->dev_heap, m->cap_io, sizeof(*m->dev_heap));
    }
    return m->n_io++;
}

static void submit(struct pcl_machine *m, pcl_ns due, uint32_t kind, uint64_t arg)
{
    uint32_t io = io_new(m);

    m->ios++;
    m->io[io] = (struct pcl_io){.next = PCL_NONE,
                                .cpu = m->ideal ? 0 : m->cur_cpu,
                                .kind = kind,
                                .arg = arg,
                                .due = due};
    heap_push(m, io);
    pcl_event_set(&m->eng, device_entity(m), m->io[m->dev_heap[0]].due);
}

static uint32_t first_channel(const struct pcl_machine *m)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < (uint32_t)m->p->dev_channels; i++)
        if (m->channel_free[i] < m->channel_free[best])
            best = i;
    return best;
}

static pcl_ns transfer_ns(uint64_t bytes, int64_t bw)
{
    pcl_u128 ns = bw > 0 ? (pcl_u128)bytes * 1000000000u / (pcl_u128)bw : 0;

    return ns < (pcl_u128)PCL_NS_MAX ? (pcl_ns)ns : PCL_NS_MAX;
}

static pcl_ns later(pcl_ns a, pcl_ns b)
{
    return a > b ? a : b;
}

static pcl_ns times_ns(pcl_ns ns, uint64_t times)
{
    pcl_u128 all = (pcl_u128)ns * times;

    return all < (pcl_u128)PCL_NS_MAX ? (pcl_ns)all : PCL_NS_MAX;
}

struct request {
    bool write;
    uint64_t bytes;
    pcl_ns wait; /* latency drawn for it */
};

/* Moves the data once both they and the bus are there; when that is done. */
static pcl_ns move(struct pcl_machine *m, const struct request *q, pcl_ns from)
{
    pcl_ns *bus = q->write ? &m->write_bus_free : &m->read_bus_free;

    *bus = pcl_ns_add(later(from, *bus),
                      transfer_ns(q->bytes, q->write ? m->p->dev_write_bw : m->p->dev_read_bw));
    return *bus;
}

static pcl_ns serve_by_any(struct pcl_machine *m, const struct request *q)
{
    pcl_ns *channel = &m->channel_free[first_channel(m)], start = later(m->at, *channel);

    *channel = later(pcl_ns_add(start, q->wait), move(m, q, start));
    return *channel;
}

/* Bytes that one program writes; 0: this device's reads do not wait for programs. */
static uint64_t program_unit(const struct pcl_profile *p)
{
    if (p->dev_program <= 0 || p->dev_write_bw <= 0 || p->dev_channels <= 0)
        return 0;
    pcl_u128 unit = (pcl_u128)p->dev_program * (pcl_u128)p->dev_write_bw / 1000000000u /
                    (pcl_u128)p->dev_channels;

    return unit ? (uint64_t)unit : 1;
}

/* Reads a unit of each die from the first one on. */
static pcl_ns read_dies(struct pcl_machine *m, const struct request *q, uint64_t unit,
                        uint64_t first)
{
    uint64_t n = (uint64_t)m->p->dev_channels, units = q->bytes / unit + (q->bytes % unit != 0);
    pcl_ns start = m->at, due = m->at;

    for (uint64_t i = 0; i < n && i < units; i++) {
        pcl_ns *die = &m->channel_free[(first + i) % n], begins = later(m->at, *die);

        *die = pcl_ns_add(begins, times_ns(q->wait, units / n + (i < units % n)));
        start = later(start, begins);
        due = later(due, *die);
    }
    return later(due, move(m, q, start));
}

/* Takes the data into the buffer, whose full units go to the dies. */
static pcl_ns program_dies(struct pcl_machine *m, const struct request *q, uint64_t unit)
{
    uint64_t n = (uint64_t)m->p->dev_channels, units = q->bytes / unit;
    pcl_ns moved = move(m, q, m->at), due = later(moved, pcl_ns_add(m->at, q->wait));

    m->unprogrammed += q->bytes % unit;
    if (m->unprogrammed >= unit) {
        m->unprogrammed -= unit;
        units++;
    }
    for (uint64_t i = 0; i < n && i < units; i++) {
        uint64_t times = units / n + (i < units % n);
        pcl_ns *die = &m->channel_free[(m->next_die + i) % n], begins = later(moved, *die);

        *die = pcl_ns_add(begins, times_ns(m->p->dev_program, times));
        due = later(due, pcl_ns_add(begins, times_ns(m->p->dev_program, times - 1)));
    }
    m->next_die = (uint32_t)((m->next_die + units) % n);
    return due;
}

void pcl_device_io(struct pcl_machine *m, bool write, uint64_t bytes, uint64_t key,
                   uint32_t kind, uint64_t arg)
{
    const struct pcl_profile *p = m->p;
    struct pcl_dist latency = {.kind = PCL_DIST_LOGNORMAL,
                               .a = write ? p->dev_write : p->dev_read,
                               .s = (double)(write ? p->dev_write_cv : p->dev_read_cv) / 100.0};
    struct pcl_stream draws = pcl_stream(m->seed, m->replication, key, PCL_DRAW_DEVICE);
    uint64_t unit = program_unit(p);

    if (m->explore) {
        pcl_irq_raise(m, 0, kind, arg);
        return;
    }
    if (latency.s <= 0)
        latency.kind = PCL_DIST_CONST;
    struct request q = {write, bytes, pcl_dist_draw(&latency, draws, write)};

    if (!unit)
        submit(m, serve_by_any(m, &q), kind, arg);
    else if (write)
        submit(m, program_dies(m, &q, unit), kind, arg);
    else
        submit(m, read_dies(m, &q, unit, pcl_below(draws, 2, 0, (uint64_t)p->dev_channels)),
               kind, arg);
}

void pcl_device_flush(struct pcl_machine *m, uint32_t kind, uint64_t arg)
{
    if (m->explore) {
        pcl_irq_raise(m, 0, kind, arg);
        return;
    }
    submit(m, pcl_ns_add(m->at, m->p->dev_flush), kind, arg);
}

void pcl_device_event(struct pcl_machine *m)
{
    while (m->n_flight && m->io[m->dev_heap[0]].due <= m->eng.now) {
        uint32_t io = heap_pop(m);
        struct pcl_io done = m->io[io];

        m->io[io].next = m->free_io;
        m->free_io = io;
        pcl_irq_raise(m, done.cpu, done.kind, done.arg);
    }
    if (m->n_flight)
        pcl_event_set(&m->eng, device_entity(m), m->io[m->dev_heap[0]].due);
}
