/*
 * The arena: memory of one trial, handed out zeroed and dropped whole.
 *
 *   head -> [block: used | free ...] -> [full block] -> [a large object's own block] -> NULL
 *
 * Blocks double from 4 KiB to 1 MiB, so that a small arena stays small and a large one makes
 * few calls. An object that would waste a good part of a block gets a block of its own behind
 * the head, and the head's free part stays in use.
 */
#include <pclsim/base.h>

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define ALIGN ((size_t)16)
#define FIRST_BLOCK ((size_t)4096)
#define LAST_BLOCK ((size_t)1 << 20)

struct pcl_arena_block {
    struct pcl_arena_block *next;
    size_t size, used; /* of data */
    _Alignas(16) unsigned char data[];
};

void pcl_arena_init(struct pcl_arena *a)
{
    a->head = NULL;
    a->total = 0;
}

void pcl_arena_fini(struct pcl_arena *a)
{
    struct pcl_arena_block *b = a->head;

    while (b) {
        struct pcl_arena_block *next = b->next;

        free(b);
        b = next;
    }
    pcl_arena_init(a);
}

static struct pcl_arena_block *block_new(size_t size)
{
    struct pcl_arena_block *b = pcl_xcalloc(1, sizeof *b + size);

    b->size = size;
    return b;
}

static void *take(struct pcl_arena_block *b, size_t bytes)
{
    void *p = b->data + b->used;

    b->used += bytes;
    return p;
}

void *pcl_arena_alloc(struct pcl_arena *a, size_t n, size_t size)
{
    size_t bytes = pcl_checked_size(n, size);
    size_t block = FIRST_BLOCK;
    struct pcl_arena_block *b;

    if (bytes > PTRDIFF_MAX - LAST_BLOCK)
        pcl_out_of_memory(n, size);
    bytes = bytes == 0 ? ALIGN : (bytes + ALIGN - 1) / ALIGN * ALIGN;
    a->total += bytes;
    if (a->head && a->head->size - a->head->used >= bytes)
        return take(a->head, bytes);

    if (a->head) {
        block = a->head->size < LAST_BLOCK / 2 ? a->head->size * 2 : LAST_BLOCK;
        if (bytes > block / 4) {
            b = block_new(bytes);
            b->next = a->head->next;
            a->head->next = b;
            return take(b, bytes);
        }
    }
    b = block_new(bytes > block ? bytes : block);
    b->next = a->head;
    a->head = b;
    return take(b, bytes);
}

char *pcl_arena_strdup(struct pcl_arena *a, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(pcl_arena_alloc(a, n, 1), s, n);
}
