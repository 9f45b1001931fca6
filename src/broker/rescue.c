/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rescue.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "util/file.h"
#include "util/rd.h"

static const char magic[4] = { 'H', 'L', 'R', '1' };

hl_rc
hl_rescue_encode(const hl_rescue *r, hl_buf *out, hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	const size_t start = out->n;
	hl_rc rc;

	hl_buf_put(out, magic, sizeof(magic));
	hl_buf_put(out, r->issue.b, sizeof(r->issue.b));
	hl_buf_put(out, r->cert_sha256, sizeof(r->cert_sha256));
	hl_buf_u32(out, r->counter_after);
	hl_buf_u16(out, (uint16_t)r->n);
	hl_buf_put(out, r->license, r->n);
	if (out->failed)
		return hl_nomem(err);
	rc = hl_sha256(out->p + start, out->n - start, hash, err);
	if (rc != HL_OK)
		return rc;
	hl_buf_put(out, hash, sizeof(hash));
	return out->failed ? hl_nomem(err) : HL_OK;
}

static bool
hash_matches(const uint8_t *p, size_t n)
{
	uint8_t hash[HL_SHA256_LEN];

	if (n < sizeof(hash) ||
	    hl_sha256(p, n - sizeof(hash), hash, NULL) != HL_OK)
		return false;
	return hl_bytes_equal(hash, p + n - sizeof(hash), sizeof(hash));
}

bool
hl_rescue_decode(const uint8_t *p, size_t n, hl_rescue *out)
{
	hl_rd r = { p, n };
	char head[sizeof(magic)];
	hl_rescue got = { 0 };
	uint16_t len;

	if (!hash_matches(p, n))
		return false;
	if (!hl_rd_copy(&r, head, sizeof(head)) ||
	    memcmp(head, magic, sizeof(magic)) != 0 ||
	    !hl_rd_copy(&r, got.issue.b, sizeof(got.issue.b)) ||
	    !hl_rd_copy(&r, got.cert_sha256, sizeof(got.cert_sha256)) ||
	    !hl_rd_u32(&r, &got.counter_after) || !hl_rd_u16(&r, &len))
		return false;
	if (len == 0 || len > sizeof(got.license) ||
	    !hl_rd_copy(&r, got.license, len) || r.n != HL_SHA256_LEN)
		return false;
	got.n = len;
	*out = got;
	return true;
}

hl_rc
hl_rescue_line(const hl_rescue *r, hl_buf *out, hl_err *err)
{
	hl_buf raw = HL_BUF_INIT;
	hl_rc rc = hl_rescue_encode(r, &raw, err);

	if (rc == HL_OK) {
		hl_buf_put(out, HL_RESCUE_WORD, strlen(HL_RESCUE_WORD));
		hl_base64_put(out, raw.p, raw.n);
		if (out->failed)
			rc = hl_nomem(err);
	}
	hl_buf_free(&raw);
	return rc;
}

bool
hl_rescue_parse(const char *line, size_t len, hl_rescue *out)
{
	const size_t word = strlen(HL_RESCUE_WORD);
	hl_buf raw = HL_BUF_INIT;
	bool ok;

	while (len > 0 &&
	    (line[len - 1] == '\r' || line[len - 1] == '\n' ||
		line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len <= word || memcmp(line, HL_RESCUE_WORD, word) != 0)
		return false;
	ok = hl_base64_decode(line + word, len - word, &raw) &&
	    hl_rescue_decode(raw.p, raw.n, out);
	hl_buf_free(&raw);
	return ok;
}

#define LICENSE "license"
#define SUSPECT "suspect"

static hl_rc
spool_path(char *out, size_t size, const char *side, const hl_uuid *issue,
    const char *kind, hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(issue, id);
	return hl_path(out, size, err, "%s/spool/%s.%s", side, id, kind);
}

static hl_rc
write_line(const char *path, const hl_rescue *r, hl_err *err)
{
	hl_buf line = HL_BUF_INIT;
	hl_rc rc = hl_rescue_line(r, &line, err);

	hl_buf_u8(&line, '\n');
	if (rc == HL_OK && line.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_file_write(path, line.p, line.n, 0600, err);
	hl_buf_free(&line);
	return rc;
}

static hl_rc
spool_put(const char *side, const hl_rescue *r, const char *kind, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = spool_path(path, sizeof(path), side, &r->issue, kind, err);
	return rc == HL_OK ? write_line(path, r, err) : rc;
}

hl_rc
hl_spool_put(const char *side, const hl_rescue *r, hl_err *err)
{
	return spool_put(side, r, LICENSE, err);
}

hl_rc
hl_suspect_put(const char *side, const hl_rescue *r, hl_err *err)
{
	return spool_put(side, r, SUSPECT, err);
}

static hl_rc
read_line(const char *path, const hl_uuid *issue, hl_rescue *out, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rescue got;
	hl_rc rc;

	if ((rc = hl_file_read(path, 16384, &text, err)) != HL_OK)
		goto out;
	if (!hl_rescue_parse(hl_buf_str(&text), text.n, &got) ||
	    !hl_uuid_equal(&got.issue, issue)) {
		rc = hl_fail(err, HL_ENOTFOUND, "read a kept license", "",
		    "%s is damaged", path);
		goto out;
	}
	*out = got;
out:
	hl_buf_free(&text);
	return rc;
}

static hl_rc
spool_find(const char *side, const hl_uuid *issue, const char *kind,
    hl_rescue *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc = spool_path(path, sizeof(path), side, issue, kind, err);

	return rc == HL_OK ? read_line(path, issue, out, err) : rc;
}

hl_rc
hl_spool_find(
    const char *side, const hl_uuid *issue, hl_rescue *out, hl_err *err)
{
	return spool_find(side, issue, LICENSE, out, err);
}

hl_rc
hl_suspect_find(
    const char *side, const hl_uuid *issue, hl_rescue *out, hl_err *err)
{
	return spool_find(side, issue, SUSPECT, out, err);
}

/* Not synced: a spool file that comes back after a power cut belongs to a
 * closed issue, and nobody reads it any more. */
static void
spool_drop(const char *side, const hl_uuid *issue, const char *kind)
{
	char path[PATH_MAX];

	if (spool_path(path, sizeof(path), side, issue, kind, NULL) == HL_OK)
		(void)unlink(path);
}

void
hl_spool_drop(const char *side, const hl_uuid *issue)
{
	spool_drop(side, issue, LICENSE);
}

void
hl_suspect_drop(const char *side, const hl_uuid *issue)
{
	spool_drop(side, issue, SUSPECT);
}

static hl_rc
rescue_path(
    char *out, size_t size, const char *dir, const hl_uuid *issue, hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(issue, id);
	return hl_path(out, size, err, "%s/%s.rescue", dir, id);
}

/* Whoever owns a folder can remove what others put there. */
static hl_rc
check_owner(const char *dir, hl_err *err)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return hl_fail(err, errno == ENOENT ? HL_ENOTFOUND : HL_EIO,
		    "use the rescue directory",
		    "set rescue-dir in the configuration", "%s: %s", dir,
		    strerror(errno));
	if (st.st_uid == geteuid() || st.st_uid == 0)
		return HL_OK;
	return hl_fail(err, HL_EACCESS, "use the rescue directory",
	    "set rescue-dir in the configuration to a folder of this user's",
	    "%s belongs to another user (%lu)", dir, (unsigned long)st.st_uid);
}

hl_rc
hl_rescue_file(const char *dir, const hl_rescue *r, char *path,
    size_t path_size, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_dir_make(dir, err)) != HL_OK ||
	    (rc = check_owner(dir, err)) != HL_OK)
		return rc;
	rc = rescue_path(path, path_size, dir, &r->issue, err);
	return rc == HL_OK ? write_line(path, r, err) : rc;
}

static hl_rc
find_file(const char *dir, const hl_uuid *issue, hl_rescue *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc = rescue_path(path, sizeof(path), dir, issue, err);

	if (rc == HL_OK)
		rc = check_owner(dir, err);
	return rc == HL_OK ? read_line(path, issue, out, err) : rc;
}

hl_rc
hl_rescue_find(const char *side, const char *rescue_dir, const hl_uuid *issue,
    hl_rescue *out, hl_err *err)
{
	const hl_rc spooled = hl_spool_find(side, issue, out, err);

	if (spooled == HL_ENOTFOUND)
		return find_file(rescue_dir, issue, out, err);
	/* One that cannot be read is not nothing. */
	if (spooled != HL_OK &&
	    find_file(rescue_dir, issue, out, NULL) == HL_OK)
		return HL_OK;
	return spooled;
}
