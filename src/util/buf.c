/* SPDX-License-Identifier: Apache-2.0 */
#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 128

/* Room for `more` bytes and the NUL of hl_buf_str(). */
static bool
reserve(hl_buf *b, size_t more)
{
	size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
	uint8_t *p;

	if (b->failed)
		return false;
	if (more > HL_BUF_MAX - b->n) {
		b->failed = true;
		return false;
	}
	if (b->p != NULL && b->cap - b->n > more)
		return true;
	while (cap - b->n <= more)
		cap *= 2;
	/* realloc() may leave the old bytes behind in freed memory */
	if ((p = malloc(cap)) == NULL) {
		b->failed = true;
		return false;
	}
	if (b->p != NULL) {
		memcpy(p, b->p, b->n);
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
hl_buf_put(hl_buf *b, const void *p, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
hl_buf_u8(hl_buf *b, uint8_t v)
{
	hl_buf_put(b, &v, 1);
}

void
hl_buf_u16(hl_buf *b, uint16_t v)
{
	const uint8_t p[] = { (uint8_t)(v >> 8), (uint8_t)v };

	hl_buf_put(b, p, sizeof(p));
}

void
hl_buf_u32(hl_buf *b, uint32_t v)
{
	const uint8_t p[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	hl_buf_put(b, p, sizeof(p));
}

void
hl_buf_printf(hl_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (n == 0 || !reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	if (vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap) == n)
		b->n += (size_t)n;
	else
		b->failed = true;
	va_end(ap);
}

const char *
hl_buf_str(hl_buf *b)
{
	if (b->p == NULL || b->failed)
		return "";
	b->p[b->n] = 0; /* reserve() keeps one byte more than is used */
	return (const char *)b->p;
}

void
hl_buf_reset(hl_buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	b->n = 0;
	b->failed = false;
}

void
hl_buf_free(hl_buf *b)
{
	hl_buf_reset(b);
	free(b->p);
	*b = (hl_buf)HL_BUF_INIT;
}
