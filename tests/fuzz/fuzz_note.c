/* SPDX-License-Identifier: Apache-2.0 */
/* A signed note: what is accepted is put together again of its parts; what
 * verifies has the text of one of the notes that were signed. */
#include <string.h>

#include "crypto/hash.h"
#include "ledger/note.h"

#include "fuzz/must.h"
#include "ledger/keys.h"

static void
check_parts(const hl_note *n, const uint8_t *data, size_t size)
{
	hl_buf b = HL_BUF_INIT;

	MUST(n->sigs_n >= 1 && n->sigs_n <= HL_NOTE_SIGS_MAX);
	MUST(n->text_n > 0 && n->text[n->text_n - 1] == '\n');
	hl_buf_put(&b, n->text, n->text_n);
	hl_buf_u8(&b, '\n');
	for (size_t i = 0; i < n->sigs_n; i++) {
		const hl_note_sig *s = &n->sigs[i];
		hl_buf sig = HL_BUF_INIT;

		hl_buf_put(&b, "\xe2\x80\x94 ", 4);
		hl_buf_put(&b, s->name, s->name_n);
		hl_buf_u8(&b, ' ');
		MUST(hl_base64_decode(s->base64, s->base64_n, &sig));
		MUST(sig.n > HL_KEY_ID_LEN);
		MUST(memcmp(sig.p, s->id, HL_KEY_ID_LEN) == 0);
		hl_base64_put(&b, sig.p, sig.n);
		hl_buf_u8(&b, '\n');
		hl_buf_free(&sig);
	}
	MUST(b.n == size && memcmp(b.p, data, size) == 0);
	hl_buf_free(&b);
}

static int
is_text(const hl_note *n, const char *text)
{
	return n->text_n == strlen(text) && memcmp(n->text, text, n->text_n) == 0;
}

static void
check_verified(const hl_note *n)
{
	static hl_vkey keys[3];
	hl_err err = { 0 };
	bool verified[3];
	uint64_t times[3];
	hl_rc rc;

	if (keys[0].name[0] == '\0') {
		MUST(hl_vkey_parse(FOO_VKEY, &keys[0], NULL) == HL_OK);
		MUST(hl_vkey_parse(TV_VKEY, &keys[1], NULL) == HL_OK);
		MUST(hl_vkey_parse(TV_WITNESS_VKEY, &keys[2], NULL) == HL_OK);
	}
	rc = hl_note_verify(n, keys, 3, verified, times, &err);
	MUST(rc == HL_OK || (rc == HL_EINTEGRITY && err.rc == rc));
	MUST((rc == HL_OK) == (verified[0] || verified[1] || verified[2]));
	MUST(!verified[0] || is_text(n, FOO_TEXT));
	MUST(!verified[1] || is_text(n, TV_BODY));
	MUST(!verified[2] || (is_text(n, TV_BODY) && times[2] == TV_TIME));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_err err = { 0 };
	hl_note n, was;
	hl_rc rc;

	memset(&n, 0x5a, sizeof(n));
	was = n;
	rc = hl_note_parse(data, size, &n, &err);
	if (rc == HL_OK) {
		check_parts(&n, data, size);
		check_verified(&n);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(memcmp(&n, &was, sizeof(n)) == 0);
	}
	return 0;
}
