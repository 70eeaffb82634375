/*
 * The storage device: a number of channels, each with one request at a time; a latency drawn per
 * request from its key; one bus for reads and one for writes whose bandwidth the transfers share.
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

void pcl_device_io(struct pcl_machine *m, bool write, uint64_t bytes, uint64_t key,
                   uint32_t kind, uint64_t arg)
{
    const struct pcl_profile *p = m->p;
    struct pcl_dist latency = {.kind = PCL_DIST_LOGNORMAL,
                               .a = write ? p->dev_write : p->dev_read,
                               .s = (double)(write ? p->dev_write_cv : p->dev_read_cv) / 100.0};

    if (m->explore) {
        pcl_irq_raise(m, 0, kind, arg);
        return;
    }
    if (latency.s <= 0)
        latency.kind = PCL_DIST_CONST;
    pcl_ns wait = pcl_dist_draw(
        &latency, pcl_stream(m->seed, m->replication, key, PCL_DRAW_DEVICE), write);
    uint32_t ch = first_channel(m);
    pcl_ns *bus = write ? &m->write_bus_free : &m->read_bus_free;
    pcl_ns start = m->at > m->channel_free[ch] ? m->at : m->channel_free[ch];
    pcl_ns moved = pcl_ns_add(start > *bus ? start : *bus,
                              transfer_ns(bytes, write ? p->dev_write_bw : p->dev_read_bw));
    pcl_ns due = pcl_ns_add(start, wait);

    *bus = moved;
    if (moved > due)
        due = moved;
    m->channel_free[ch] = due;
    submit(m, due, kind, arg);
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
