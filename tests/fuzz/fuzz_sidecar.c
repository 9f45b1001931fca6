/* SPDX-License-Identifier: Apache-2.0 */
/* JSON files beside licenses and certificates: refused with a reason, or such
 * that writing what was read and reading that again changes nothing. */
#include <string.h>

#include "cli/sidecar.h"
#include "fuzz/must.h"

static void
check_refused(hl_rc rc, const hl_err *err, const hl_sidecar *s)
{
	static const hl_sidecar none;

	MUST(rc == HL_EINPUT && err->rc == rc && err->why[0] != '\0' &&
	    err->hint[0] != '\0');
	MUST(memcmp(s, &none, sizeof(none)) == 0);
}

static void
check_chip(const hl_sidecar *a, const hl_sidecar *b)
{
	MUST(b->there && hl_uid_equal(&a->uid, &b->uid));
	MUST(a->has_cert == b->has_cert);
	MUST(memcmp(a->cert_sha256, b->cert_sha256, HL_SHA256_LEN) == 0);
	MUST(strcmp(a->product_id, b->product_id) == 0);
}

static void
check_license(const hl_sidecar *s)
{
	hl_buf text = HL_BUF_INIT;
	hl_sidecar again;

	MUST(hl_sidecar_write(s, &text, NULL) == HL_OK);
	MUST(hl_sidecar_parse(text.p, text.n, &again, NULL) == HL_OK);
	check_chip(s, &again);
	MUST(strcmp(s->firmware, again.firmware) == 0);
	MUST(strcmp(s->identifier, again.identifier) == 0);
	MUST(strcmp(s->type, again.type) == 0);
	MUST(s->size == again.size);
	MUST(memcmp(s->license_sha256, again.license_sha256, HL_SHA256_LEN) ==
	    0);
	/* What tells a license tells its chip, too. */
	MUST(hl_chip_file_parse(text.p, text.n, &again, NULL) == HL_OK);
	check_chip(s, &again);
	hl_buf_free(&text);
}

static void
check_chip_file(const hl_sidecar *s)
{
	hl_buf text = HL_BUF_INIT;
	hl_sidecar again;

	MUST(hl_chip_file_write(s, &text, NULL) == HL_OK);
	MUST(hl_chip_file_parse(text.p, text.n, &again, NULL) == HL_OK);
	check_chip(s, &again);
	/* It is about no license. */
	MUST(hl_sidecar_parse(text.p, text.n, &again, NULL) == HL_OK);
	MUST(!again.there);
	hl_buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_err err = { 0 };
	hl_sidecar s;
	hl_rc rc;

	rc = hl_sidecar_parse(data, size, &s, &err);
	if (rc != HL_OK)
		check_refused(rc, &err, &s);
	else if (s.there)
		check_license(&s);
	memset(&err, 0, sizeof(err));
	rc = hl_chip_file_parse(data, size, &s, &err);
	if (rc != HL_OK)
		check_refused(rc, &err, &s);
	else if (s.there)
		check_chip_file(&s);
	return 0;
}
