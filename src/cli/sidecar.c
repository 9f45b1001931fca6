/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sidecar.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/hex.h"

#define SCHEMA "hsmlic/license-file/1"
#define CHIP_SCHEMA "hsmlic/chip-file/1"
#define SIDECAR_MAX ((size_t)64 * 1024)

/* ---- writing ------------------------------------------------------------ */

/* Takes the object over; NULL: no memory. */
static hl_rc
write_object(json_t *o, hl_buf *out, hl_err *err)
{
	char *text = NULL;

	if (o != NULL)
		text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(o);
	if (text == NULL)
		return hl_nomem(err);
	hl_buf_printf(out, "%s\n", text);
	free(text);
	return out->failed ? hl_nomem(err) : HL_OK;
}

hl_rc
hl_chip_file_write(const hl_sidecar *s, hl_buf *out, hl_err *err)
{
	return write_object(
	    json_pack("{s:s,s:o,s:o,s:o}", "schema", CHIP_SCHEMA, "uid",
		hl_json_uid(&s->uid), "certificate_sha256",
		hl_json_hex(s->cert_sha256, s->has_cert ? HL_SHA256_LEN : 0),
		"product_id", hl_json_text(s->product_id)),
	    out, err);
}

hl_rc
hl_sidecar_write(const hl_sidecar *s, hl_buf *out, hl_err *err)
{
	json_t *o;

	o = json_pack("{s:s,s:o,s:o,s:o,s:{s:o,s:o,s:o},s:o,s:I}", "schema",
	    SCHEMA, "uid", hl_json_uid(&s->uid), "certificate_sha256",
	    hl_json_hex(s->cert_sha256, s->has_cert ? HL_SHA256_LEN : 0),
	    "product_id", hl_json_text(s->product_id), "firmware", "name",
	    hl_json_text(s->firmware), "identifier",
	    hl_json_text(s->identifier), "type", hl_json_text(s->type),
	    "license_sha256", hl_json_hex(s->license_sha256, HL_SHA256_LEN),
	    "size", (json_int_t)s->size);
	return write_object(o, out, err);
}

/* ---- reading ------------------------------------------------------------ */

static hl_rc
bad_field(const char *name, hl_err *err)
{
	return hl_fail(err, HL_EINPUT, "read the file beside the license",
	    "export the license again, or move that file away",
	    "its field \"%s\" is malformed", name);
}

/* The text of a field; "" when it is null or not there. */
static hl_rc
get_text(const json_t *o, const char *name, char *out, size_t size, hl_err *err)
{
	const json_t *v = json_object_get(o, name);
	const char *s = json_string_value(v);

	out[0] = '\0';
	if (v == NULL || json_is_null(v))
		return HL_OK;
	if (s == NULL || hl_text_check(name, s, true, NULL) != HL_OK ||
	    !hl_text_copy(out, size, s))
		return bad_field(name, err);
	return HL_OK;
}

/* Sets *there to whether the field tells a hash. */
static hl_rc
get_hash(const json_t *o, const char *name, uint8_t out[HL_SHA256_LEN],
    bool *there, hl_err *err)
{
	char text[2 * HL_SHA256_LEN + 1];
	size_t n;
	hl_rc rc;

	rc = get_text(o, name, text, sizeof(text), err);
	*there = rc == HL_OK && text[0] != '\0';
	if (rc != HL_OK || !*there)
		return rc;
	if (!hl_hex_decode(text, strlen(text), out, HL_SHA256_LEN, &n) ||
	    n != HL_SHA256_LEN)
		return bad_field(name, err);
	return HL_OK;
}

static hl_rc
get_uid(const json_t *o, hl_uid *out, hl_err *err)
{
	hl_text text;
	hl_rc rc;

	out->n = 0;
	rc = get_text(o, "uid", text, sizeof(text), err);
	if (rc != HL_OK || text[0] == '\0')
		return rc;
	return hl_uid_parse(text, out, NULL) == HL_OK ? HL_OK
						      : bad_field("uid", err);
}

static hl_rc
get_chip(const json_t *o, hl_sidecar *s, hl_err *err)
{
	hl_rc rc;

	if ((rc = get_uid(o, &s->uid, err)) != HL_OK ||
	    (rc = get_hash(o, "certificate_sha256", s->cert_sha256,
		 &s->has_cert, err)) != HL_OK)
		return rc;
	return get_text(
	    o, "product_id", s->product_id, sizeof(s->product_id), err);
}

static hl_rc
get_fields(const json_t *o, hl_sidecar *s, hl_err *err)
{
	const json_t *f = json_object_get(o, "firmware");
	const json_t *size = json_object_get(o, "size");
	bool has_license = false;
	hl_rc rc;

	if (!json_is_object(f))
		return bad_field("firmware", err);
	if (!json_is_integer(size) || json_integer_value(size) < 1)
		return bad_field("size", err);
	s->size = (uint64_t)json_integer_value(size);
	if ((rc = get_chip(o, s, err)) != HL_OK ||
	    (rc = get_text(f, "name", s->firmware, sizeof(s->firmware), err)) !=
		HL_OK ||
	    (rc = get_text(f, "identifier", s->identifier,
		 sizeof(s->identifier), err)) != HL_OK ||
	    (rc = get_text(f, "type", s->type, sizeof(s->type), err)) !=
		HL_OK ||
	    (rc = get_hash(o, "license_sha256", s->license_sha256, &has_license,
		 err)) != HL_OK)
		return rc;
	return has_license ? HL_OK : bad_field("license_sha256", err);
}

/* The object of a text; its schema in *schema, NULL when it tells none. */
static hl_rc
load(const void *text, size_t n, json_t **out, const char **schema, hl_err *err)
{
	json_error_t why;

	*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (*out == NULL)
		return hl_fail(err, HL_EINPUT,
		    "read the file beside the license",
		    "export the license again, or move that file away",
		    "it is not JSON (line %d: %s)", why.line, why.text);
	*schema = json_string_value(json_object_get(*out, "schema"));
	return HL_OK;
}

hl_rc
hl_sidecar_parse(const void *text, size_t n, hl_sidecar *out, hl_err *err)
{
	hl_sidecar s = { .there = true };
	const char *schema = NULL;
	json_t *o;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = load(text, n, &o, &schema, err)) != HL_OK)
		return rc;
	if (schema != NULL && strcmp(schema, SCHEMA) == 0) {
		rc = get_fields(o, &s, err);
		if (rc == HL_OK)
			*out = s;
	}
	json_decref(o);
	return rc;
}

hl_rc
hl_chip_file_parse(const void *text, size_t n, hl_sidecar *out, hl_err *err)
{
	hl_sidecar s = { .there = true };
	const char *schema = NULL;
	json_t *o;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = load(text, n, &o, &schema, err)) != HL_OK)
		return rc;
	if (schema != NULL &&
	    (strcmp(schema, SCHEMA) == 0 || strcmp(schema, CHIP_SCHEMA) == 0)) {
		rc = get_chip(o, &s, err);
		if (rc == HL_OK)
			*out = s;
	}
	json_decref(o);
	return rc;
}

static hl_rc
read_one(const char *path, hl_sidecar *out, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_err e = { 0 };
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	rc = hl_file_read(path, SIDECAR_MAX, &text, &e);
	if (rc == HL_OK)
		rc = hl_sidecar_parse(text.p, text.n, out, &e);
	hl_buf_free(&text);
	if (rc == HL_OK || rc == HL_ENOTFOUND)
		return HL_OK;
	hl_err_what(&e, "read %s", path);
	if (err != NULL)
		*err = e;
	return rc;
}

/* Length of the path without the end that says what is in the file. */
static size_t
stem_length(const char *path)
{
	static const char *const ends[] = { ".license.bin", ".bin" };
	const size_t n = strlen(path);

	for (size_t i = 0; i < HL_COUNT(ends); i++) {
		const size_t k = strlen(ends[i]);

		if (n > k && strcmp(path + n - k, ends[i]) == 0)
			return n - k;
	}
	return 0;
}

hl_rc
hl_sidecar_read(const char *license_path, hl_sidecar *out, hl_err *err)
{
	const size_t stem = stem_length(license_path);
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s.json", license_path);
	if (rc == HL_OK)
		rc = read_one(path, out, err);
	if (rc != HL_OK || out->there || stem == 0)
		return rc;
	rc = hl_path(
	    path, sizeof(path), err, "%.*s.json", (int)stem, license_path);
	return rc == HL_OK ? read_one(path, out, err) : rc;
}
