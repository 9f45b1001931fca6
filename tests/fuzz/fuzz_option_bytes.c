/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option bytes from anywhere, as CSV and as output of the tool. What is taken
 * out of a CSV is written again plainly, and has to be read as the same.
 */
#include <string.h>

#include "flow/option_bytes.h"
#include "util/buf.h"
#include "util/text.h"

#include "fuzz/must.h"

static unsigned
lines_of(const uint8_t *data, size_t size)
{
	unsigned n = 1;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n' || data[i] == '\r';
	return n;
}

static void
check_rows(const hl_option_bytes *ob, const uint8_t *data, size_t size)
{
	unsigned before = 0;

	MUST(ob->n <= HL_OB_ROWS);
	for (size_t i = 0; i < ob->n; i++) {
		const hl_ob_row *r = &ob->row[i];
		const size_t n = strlen(r->name);

		MUST(n > 0 && n < HL_OB_NAME && hl_text_valid(r->name, n));
		MUST(memmem(data, size, r->name, n) != NULL);
		MUST(r->line > before && r->line <= lines_of(data, size));
		MUST(r->same <= i);
		before = r->line;
	}
}

static void
check_found(const hl_option_bytes *ob, hl_ob_field field)
{
	uint32_t v = 12345;
	size_t at, next = 0;

	while ((at = hl_option_bytes_find(ob, field, next, &v)) < ob->n) {
		MUST(at >= next);
		MUST(field == HL_OB_TZEN || v <= ob->row[at].value);
		MUST(hl_rdp_words(v) != NULL);
		next = at + 1;
	}
	MUST(at == ob->n);
}

static void
same_again(const hl_option_bytes *ob)
{
	static hl_option_bytes again;
	hl_buf text = HL_BUF_INIT;

	for (size_t i = 0; i < ob->n; i++)
		hl_buf_printf(
		    &text, "\"%s\",%u\n", ob->row[i].name, ob->row[i].value);
	MUST(!text.failed);
	MUST(hl_option_bytes_parse(&again, text.p, text.n, NULL) == HL_OK);
	MUST(again.n == ob->n);
	for (size_t i = 0; i < ob->n; i++) {
		MUST(strcmp(again.row[i].name, ob->row[i].name) == 0);
		MUST(again.row[i].value == ob->row[i].value);
		MUST(again.row[i].same == ob->row[i].same);
	}
	hl_buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static hl_option_bytes ob;
	hl_err err = { 0 };
	hl_rc rc = hl_option_bytes_parse(&ob, data, size, &err);

	if (rc == HL_OK) {
		MUST(err.rc == HL_OK && ob.n > 0);
		check_rows(&ob, data, size);
		check_found(&ob, HL_OB_RDP);
		check_found(&ob, HL_OB_TZEN);
		same_again(&ob);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(hl_text_valid(err.why, strlen(err.why)));
	}
	hl_option_bytes_displ(&ob, data, size);
	check_rows(&ob, data, size);
	check_found(&ob, HL_OB_RDP);
	check_found(&ob, HL_OB_TZEN);
	return 0;
}
