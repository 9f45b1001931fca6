/* SPDX-License-Identifier: Apache-2.0 */
/* The memory and its text, without the file. */
#ifndef HL_LEDGER_MEMORY_INT_H
#define HL_LEDGER_MEMORY_INT_H

#include "ledger/memory.h"
#include "util/lock.h"

typedef struct hl_remembered {
	char origin[HL_ORIGIN_MAX + 1];
	hl_frontier tree;
} hl_remembered;

struct hl_memory {
	char *path;    /* owned; NULL: without a file */
	hl_lock *lock; /* owned */
	char name[HL_ORIGIN_MAX + 1]; /* "": none */
	size_t n;
	hl_remembered *trees; /* owned; no origin twice */
};

/* Of that origin; NULL: none. */
hl_remembered *hl_memory_tree(const hl_memory *m, const char *origin);
/* A new one, of an empty tree. NULL: out of memory. */
hl_remembered *hl_memory_add(hl_memory *m, const char *origin);

/* Appends the file's text. */
HL_CHECK hl_rc hl_memory_write(const hl_memory *m, hl_buf *out, hl_err *err);
/* Fills an empty memory; on failure it is empty again. HL_EINTEGRITY. */
HL_CHECK hl_rc hl_memory_parse(
    hl_memory *m, const void *p, size_t n, hl_err *err);
/* Frees what the memory remembers. */
void hl_memory_clear(hl_memory *m);

#endif
