/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and gauges for people. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define COLUMNS_MAX 16

struct hl_table {
	size_t columns, rows;
	unsigned right;
	size_t width[COLUMNS_MAX];
	hl_buf cells; /* NUL-terminated texts, header first */
};

static void
add_row(hl_table *t, const char *const *cells)
{
	for (size_t i = 0; i < t->columns; i++) {
		const char *s = cells[i] == NULL ? "" : cells[i];
		const size_t w = hl_text_width(s);

		if (w > t->width[i])
			t->width[i] = w;
		hl_buf_put(&t->cells, s, strlen(s) + 1);
	}
}

hl_table *
hl_table_new(const char *const *columns, size_t n, unsigned right)
{
	hl_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->columns = n < COLUMNS_MAX ? n : COLUMNS_MAX;
	t->right = right;
	add_row(t, columns);
	return t;
}

void
hl_table_row(hl_table *t, const char *const *cells)
{
	if (t == NULL)
		return;
	add_row(t, cells);
	t->rows++;
}

static void
pad(size_t n)
{
	while (n-- > 0)
		(void)fputc(' ', stdout);
}

static const char *
print_row(const hl_table *t, const char *s)
{
	for (size_t i = 0; i < t->columns; i++) {
		const size_t gap = t->width[i] - hl_text_width(s);
		const bool right = (t->right & (1U << i)) != 0;

		if (right)
			pad(gap);
		(void)fputs(s, stdout);
		if (i + 1 < t->columns)
			pad((right ? 0 : gap) + 2);
		s += strlen(s) + 1;
	}
	(void)fputc('\n', stdout);
	return s;
}

void
hl_table_free(hl_table **table)
{
	if (*table == NULL)
		return;
	hl_buf_free(&(*table)->cells);
	free(*table);
	*table = NULL;
}

bool
hl_table_is_empty(const hl_table *t)
{
	return t == NULL || t->rows == 0;
}

void
hl_table_print(hl_cli *cli, hl_table **table)
{
	hl_table *t = *table;
	const char *s;

	if (t == NULL)
		return;
	if (t->rows > 0 && !t->cells.failed) {
		s = (const char *)t->cells.p;
		(void)fputs(cli->color_out ? "\033[1m" : "", stdout);
		s = print_row(t, s);
		(void)fputs(cli->color_out ? "\033[0m" : "", stdout);
		for (size_t i = 0; i < t->rows; i++)
			s = print_row(t, s);
	} else if (t->rows == 0) {
		hl_message(cli, "none");
	}
	hl_table_free(table);
}

void
hl_gauge(uint32_t n, uint32_t of, size_t width, hl_buf *out)
{
	size_t full = of == 0 ? 0 : (size_t)((uint64_t)n * width / of);

	if (full > width)
		full = width;
	if (full == 0 && n > 0 && width > 0)
		full = 1; /* the last unit is still to be seen */
	hl_buf_u8(out, '[');
	for (size_t i = 0; i < width; i++)
		hl_buf_u8(out, i < full ? '#' : '.');
	hl_buf_u8(out, ']');
}
