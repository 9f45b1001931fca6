/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/license_put.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/parts.h"
#include "cli/sidecar.h"
#include "util/file.h"

#define SAFE_MAX ((size_t)120) /* bytes of a firmware's name in a file's */

/* ---- names -------------------------------------------------------------- */

static bool
is_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Two firmwares never get the same: what is not safe becomes %XX, and a name
 * that grows too long is replaced by the firmware's ID. */
static void
safe_name(const hl_firmware *f, hl_buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char id[HL_UUID_TEXT];

	for (const char *s = f->name; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if (is_safe(*s))
			hl_buf_u8(out, c);
		else
			hl_buf_printf(
			    out, "%%%c%c", digits[c >> 4], digits[c & 15]);
	}
	if (out->n <= SAFE_MAX)
		return;
	hl_buf_reset(out);
	hl_uuid_text(&f->id, id);
	hl_buf_printf(out, "%s", id);
}

static hl_rc
file_path(const hl_put *x, const hl_put_item *it, const char *end,
    char out[PATH_MAX], hl_err *err)
{
	hl_buf firmware = HL_BUF_INIT;
	char name[HL_CHIP_NAME];
	hl_rc rc;

	hl_chip_file_name(&it->uid, it->has_cert, it->cert_sha256, name);
	if (it->several)
		safe_name(&x->firmware, &firmware);
	rc = hl_path(out, PATH_MAX, err, "%s/%s%s%s.%s", x->dir, name,
	    it->several ? "-" : "", hl_buf_str(&firmware), end);
	hl_buf_free(&firmware);
	return rc;
}

/* ---- writing ------------------------------------------------------------ */

/* Is this what the file holds? *there: the file exists. */
static bool
holds(const char *path, const uint8_t *bytes, size_t n, bool *there)
{
	hl_buf now = HL_BUF_INIT;
	struct stat st;
	bool same;

	*there = lstat(path, &st) == 0;
	same = *there &&
	    hl_file_read(path, HL_LICENSE_MAX, &now, NULL) == HL_OK &&
	    now.n == n && memcmp(now.p, bytes, n) == 0;
	hl_buf_free(&now);
	return same;
}

/* What has to be done, in it->result. HL_EEXIST: other content is there. */
static hl_rc
look(const hl_put *x, hl_put_item *it, const char *path, const uint8_t *bytes,
    size_t n, hl_err *err)
{
	bool there;

	it->result = HL_PUT_UNCHANGED;
	if (holds(path, bytes, n, &there))
		return HL_OK;
	if (there && !x->force)
		return hl_fail(err, HL_EEXIST, "write the license",
		    "name another place, or add --force",
		    "%s exists with other content", path);
	it->result = x->cli->dry_run ? HL_PUT_WOULD_WRITE : HL_PUT_WRITTEN;
	return HL_OK;
}

/*
 * The hand-out is recorded before the bytes are there to be taken, and not at
 * all when they are there already.
 */
static hl_rc
put_license(hl_put *x, const hl_put_item *it, const char *path,
    const uint8_t *bytes, size_t n, hl_err *err)
{
	hl_rc rc;

	if (it->result != HL_PUT_WRITTEN)
		return HL_OK;
	rc = hl_store_license_use(
	    x->cli->store, &it->id, "export", &x->cli->actor, err);
	if (rc != HL_OK)
		return rc;
	return hl_file_put(path, bytes, n, 0600, x->force, err);
}

static hl_rc
put_certificate(const hl_put *x, const hl_put_item *it, hl_err *err)
{
	hl_cert *cert;
	char path[PATH_MAX];
	hl_rc rc;

	if (!it->has_cert || x->cli->dry_run)
		return HL_OK;
	if ((cert = calloc(1, sizeof(*cert))) == NULL)
		return hl_nomem(err);
	rc = hl_store_chip_cert(x->cli->store, &it->chip, cert, err);
	if (rc == HL_OK)
		rc = file_path(x, it, "certificate.bin", path, err);
	if (rc == HL_OK)
		rc = hl_file_put(path, cert->b, cert->n, 0600, x->force, err);
	free(cert);
	return rc;
}

static hl_rc
put_sidecar(const hl_put *x, const hl_put_item *it, size_t n, hl_err *err)
{
	const hl_firmware *f = &x->firmware;
	hl_sidecar s = { .uid = it->uid, .has_cert = it->has_cert, .size = n };
	hl_buf text = HL_BUF_INIT;
	char path[PATH_MAX];
	hl_chip chip;
	hl_rc rc;

	if (x->cli->dry_run)
		return HL_OK;
	rc = hl_store_chip_by_id(x->cli->store, &it->chip, &chip, err);
	if (rc != HL_OK)
		return rc;
	memcpy(s.cert_sha256, it->cert_sha256, HL_SHA256_LEN);
	memcpy(s.license_sha256, it->sha256, HL_SHA256_LEN);
	memcpy(s.product_id, chip.product_id, sizeof(s.product_id));
	memcpy(s.firmware, f->name, sizeof(s.firmware));
	memcpy(s.identifier, f->identifier, sizeof(s.identifier));
	memcpy(s.type, f->type, sizeof(s.type));
	rc = hl_sidecar_write(&s, &text, err);
	if (rc == HL_OK)
		rc = file_path(x, it, "json", path, err);
	if (rc == HL_OK)
		rc = hl_file_put(path, text.p, text.n, 0600, x->force, err);
	hl_buf_free(&text);
	return rc;
}

static hl_rc
load_firmware(hl_put *x, const hl_put_item *it, hl_err *err)
{
	if (hl_uuid_equal(&x->firmware.id, &it->firmware))
		return HL_OK;
	return hl_store_firmware_by_id(
	    x->cli->store, &it->firmware, &x->firmware, err);
}

/* Certificate and sidecar come first: a license is never there without them. */
hl_rc
hl_put_into_dir(hl_put *x, hl_put_item *it, hl_err *err)
{
	uint8_t bytes[HL_LICENSE_MAX];
	char path[PATH_MAX];
	size_t n;
	hl_rc rc;

	if ((rc = load_firmware(x, it, err)) != HL_OK ||
	    (rc = file_path(x, it, "license.bin", path, err)) != HL_OK)
		return rc;
	if ((it->path = strdup(path)) == NULL)
		return hl_nomem(err);
	rc = hl_store_license_bytes(x->cli->store, &it->id, bytes, &n, err);
	if (rc == HL_OK)
		rc = look(x, it, path, bytes, n, err);
	if (rc == HL_OK)
		rc = put_certificate(x, it, err);
	if (rc == HL_OK)
		rc = put_sidecar(x, it, n, err);
	if (rc == HL_OK)
		rc = put_license(x, it, path, bytes, n, err);
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}

hl_rc
hl_put_file(hl_put *x, hl_put_item *it, const char *path, const uint8_t *bytes,
    size_t n, hl_err *err)
{
	hl_rc rc = hl_output_check(x->cli, path, err);

	if (rc == HL_OK)
		rc = look(x, it, path, bytes, n, err);
	return rc == HL_OK ? put_license(x, it, path, bytes, n, err) : rc;
}
