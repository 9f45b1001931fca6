/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS #11 URIs: what was read is written, and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "crypto/p11_uri.h"
#include "util/text.h"

#include "fuzz/must.h"

static void
put(hl_buf *b, const char *name, const hl_p11_value *v)
{
	MUST(v->given || v->n == 0);
	MUST(v->s[v->n] == '\0');
	if (!v->given)
		return;
	if (b->n > strlen("pkcs11:"))
		hl_buf_u8(b, ';');
	hl_p11_uri_put(b, name, v->s, v->n);
}

static void
put_number(hl_buf *b, const char *name, unsigned long v)
{
	if (b->n > strlen("pkcs11:"))
		hl_buf_u8(b, ';');
	hl_buf_printf(b, "%s=%lu", name, v);
}

static void
put_path(hl_buf *b, const hl_p11_uri *u)
{
	static const char *const types[] = { "", "private", "public", "cert",
		"secret-key", "data" };
	hl_p11_value type = { .given = u->type != HL_P11_ANY };

	put(b, "token", &u->token);
	put(b, "manufacturer", &u->manufacturer);
	put(b, "serial", &u->serial);
	put(b, "model", &u->model);
	put(b, "object", &u->object);
	put(b, "id", &u->id);
	(void)hl_text_copy(type.s, sizeof(type.s), types[u->type]);
	type.n = (uint8_t)strlen(type.s);
	put(b, "type", &type);
	if (u->has_slot_id)
		put_number(b, "slot-id", u->slot_id);
	put(b, "slot-description", &u->slot_description);
	put(b, "slot-manufacturer", &u->slot_manufacturer);
	put(b, "library-manufacturer", &u->library_manufacturer);
	put(b, "library-description", &u->library_description);
	if (u->has_library_version) {
		put_number(b, "library-version", u->library_major);
		hl_buf_printf(b, ".%u", u->library_minor);
	}
}

static void
put_query(hl_buf *b, const hl_p11_uri *u)
{
	char sep = '?';

	if (u->module_path[0] != '\0') {
		hl_buf_u8(b, (uint8_t)sep);
		hl_p11_uri_put(
		    b, "module-path", u->module_path, strlen(u->module_path));
		sep = '&';
	}
	if (u->module_name[0] != '\0') {
		hl_buf_u8(b, (uint8_t)sep);
		hl_p11_uri_put(
		    b, "module-name", u->module_name, strlen(u->module_name));
		sep = '&';
	}
	if (u->pin_file[0] != '\0') {
		char source[PATH_MAX + 5] = "file:";

		memcpy(source + 5, u->pin_file, strlen(u->pin_file) + 1);
		hl_buf_u8(b, (uint8_t)sep);
		hl_p11_uri_put(b, "pin-source", source, strlen(source));
	}
}

static void
same(const hl_p11_value *a, const hl_p11_value *b)
{
	MUST(a->given == b->given && a->n == b->n);
	MUST(memcmp(a->s, b->s, a->n) == 0);
}

static void
check_again(const hl_p11_uri *u)
{
	hl_buf b = HL_BUF_INIT;
	hl_p11_uri v;

	hl_buf_printf(&b, "pkcs11:");
	put_path(&b, u);
	put_query(&b, u);
	/* Encoded it may be longer than what is read at once. */
	if (b.n <= HL_P11_URI_MAX) {
		MUST(hl_p11_uri_parse(hl_buf_str(&b), &v, NULL) == HL_OK);
		same(&u->token, &v.token);
		same(&u->manufacturer, &v.manufacturer);
		same(&u->serial, &v.serial);
		same(&u->model, &v.model);
		same(&u->object, &v.object);
		same(&u->id, &v.id);
		same(&u->slot_description, &v.slot_description);
		same(&u->slot_manufacturer, &v.slot_manufacturer);
		same(&u->library_manufacturer, &v.library_manufacturer);
		same(&u->library_description, &v.library_description);
		MUST(u->type == v.type && u->has_slot_id == v.has_slot_id);
		MUST(u->slot_id == v.slot_id);
		MUST(u->has_library_version == v.has_library_version);
		MUST(u->library_major == v.library_major);
		MUST(u->library_minor == v.library_minor);
		MUST(strcmp(u->module_path, v.module_path) == 0);
		MUST(strcmp(u->module_name, v.module_name) == 0);
		MUST(strcmp(u->pin_file, v.pin_file) == 0);
	}
	hl_buf_free(&b);
}

/* An attribute of that name: at the begin of path or query, or behind what
 * parts attributes there. */
static bool
has_pin(const char *s)
{
	static const char name[] = "pin-value=";
	const char *at = s + strlen("pkcs11:");
	const char *query = strchr(at, '?');

	if (hl_text_starts(at, name) ||
	    (query != NULL && hl_text_starts(query + 1, name)))
		return true;
	for (const char *p = at; (p = strstr(p, name)) != NULL; p++) {
		const bool in_query = query != NULL && p > query;

		if (p > at && p[-1] == (in_query ? '&' : ';'))
			return true;
	}
	return false;
}

static void
check_refused(hl_rc rc, const hl_err *err)
{
	MUST(rc == HL_EINPUT || rc == HL_EUSAGE);
	MUST(err->rc == rc && err->why[0] != '\0');
	MUST(hl_text_valid(err->why, strlen(err->why)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);
	hl_p11_uri u, was;
	hl_err err = { 0 };
	hl_rc rc;

	MUST(s != NULL);
	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	memset(&was, 0x5a, sizeof(was));
	u = was;
	rc = hl_p11_uri_parse(s, &u, &err);
	if (rc == HL_OK) {
		MUST(hl_p11_uri_is(s));
		MUST(!has_pin(s));
		check_again(&u);
	} else {
		check_refused(rc, &err);
		MUST(memcmp(&u, &was, sizeof(u)) == 0);
	}
	free(s);
	return 0;
}
