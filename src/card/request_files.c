/* SPDX-License-Identifier: Apache-2.0 */
#include "card/request_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

hl_rc
hl_request_files_name(hl_request_files *f, const char *dir,
    const hl_uuid *request_id, hl_err *err)
{
	char id[HL_UUID_TEXT];
	hl_rc rc;

	hl_uuid_text(request_id, id);
	if ((rc = hl_path(f->base, sizeof(f->base), err, "%s/%s.tool", dir,
		 id)) != HL_OK ||
	    (rc = hl_path(f->cert, sizeof(f->cert), err, "%s.cert", f->base)) !=
		HL_OK ||
	    (rc = hl_path(f->check, sizeof(f->check), err, "%s.check",
		 f->base)) != HL_OK ||
	    (rc = hl_path(f->after, sizeof(f->after), err, "%s.after",
		 f->base)) != HL_OK)
		return rc;
	return hl_path(
	    f->license, sizeof(f->license), err, "%s.license", f->base);
}

/* Longer than any license: so it is none, and reading it again helps nobody. */
static bool
is_too_long(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > HL_ISSUE_MAX;
}

static hl_rc
read_license(const hl_request_files *f, hl_buf *out, hl_err *err)
{
	hl_err why = { 0 };
	const hl_rc rc = hl_file_read(f->license, HL_ISSUE_MAX, out, &why);

	if (rc == HL_OK)
		return out->n > 0 ? HL_OK : HL_ENOTFOUND;
	if (rc == HL_ENOTFOUND)
		return rc;
	if (is_too_long(f->license))
		return hl_fail(
		    err, HL_EINPUT, "take the license", "", "%s", why.why);
	return hl_fail(err, rc == HL_EINPUT ? HL_EACCESS : rc,
	    "take the license",
	    "make that file readable, then run hsmlic recover",
	    "%s may be the license, and cannot be read: %s", f->license,
	    why.why);
}

hl_rc
hl_request_files_take(const hl_request_files *f, const hl_ended *end,
    const hl_tool_report *report, hl_card_answer *out, bool *good, hl_err *err)
{
	hl_buf bytes = HL_BUF_INIT;
	hl_rc rc = read_license(f, &bytes, err);

	*good = false;
	if (rc == HL_OK) {
		memcpy(out->license, bytes.p, bytes.n);
		out->n = bytes.n;
		/* also one that says 0 when it is made to end */
		*good = end->exited && end->status == 0 && !end->late &&
		    !report->failure;
	}
	hl_buf_free(&bytes);
	return rc;
}

/* Nothing in it, or nothing that is not safe elsewhere. */
static bool
may_go(const char *path, const uint8_t *safe, size_t n)
{
	hl_buf bytes = HL_BUF_INIT;
	const bool yes =
	    hl_file_read(path, HL_ISSUE_MAX, &bytes, NULL) == HL_OK &&
	    (bytes.n == 0 || (bytes.n == n && memcmp(bytes.p, safe, n) == 0));

	hl_buf_free(&bytes);
	return yes;
}

static void
remove_end(const hl_request_files *f, const char *end)
{
	char path[PATH_MAX];

	if (hl_path(path, sizeof(path), NULL, "%s%s", f->base, end) == HL_OK)
		(void)unlink(path);
}

/* The license first: without its end and its check, it would seem to be what it
 * is not to whoever comes after a crash. */
void
hl_request_files_remove(
    const hl_request_files *f, bool log, const uint8_t *safe, size_t n)
{
	if (may_go(f->license, safe, n))
		remove_end(f, ".license");
	remove_end(f, ".end");
	remove_end(f, ".check");
	remove_end(f, ".after");
	remove_end(f, ".cert");
	if (log)
		remove_end(f, ".log");
}

/* Nobody knows how it ended: then its license may be cut short. */
static hl_rc
how_it_ended(const hl_request_files *f, hl_ended *end, hl_tool_report *report,
    hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc =
	    hl_spawn_kept_end(f->base, HL_REQUEST_TEXT_MAX, &text, end, err);

	if (rc == HL_ENOTFOUND) {
		*end = (hl_ended){ .exited = false };
		rc = HL_OK;
	}
	hl_tool_parse(text.p, text.n, report);
	hl_buf_free(&text);
	return rc;
}

static bool
is_away(const char *path)
{
	struct stat st;

	return lstat(path, &st) != 0 && errno == ENOENT;
}

hl_rc
hl_card_left_behind(const char *dir, const hl_uuid *request_id,
    hl_card_answer *out, bool *good, hl_err *err)
{
	hl_tool_report report;
	hl_request_files f;
	hl_ended end;
	hl_rc rc;

	*out = (hl_card_answer){ .n = 0 };
	if ((rc = hl_request_files_name(&f, dir, request_id, err)) != HL_OK ||
	    (rc = how_it_ended(&f, &end, &report, err)) != HL_OK)
		return rc;
	rc = hl_request_files_take(&f, &end, &report, out, good, err);
	if (rc == HL_OK && !is_away(f.check))
		*good = false;
	return rc == HL_EINPUT ? HL_ENOTFOUND : rc;
}

void
hl_card_forget(const char *dir, const hl_uuid *request_id, bool log,
    const uint8_t *safe, size_t n)
{
	hl_request_files f;

	if (hl_request_files_name(&f, dir, request_id, NULL) == HL_OK)
		hl_request_files_remove(&f, log, safe, n);
}

hl_rc
hl_card_printed(const char *dir, const hl_uuid *request_id, char *path,
    size_t path_size, hl_buf *text, hl_err *err)
{
	hl_request_files f;
	hl_rc rc;

	if ((rc = hl_request_files_name(&f, dir, request_id, err)) != HL_OK ||
	    (rc = hl_path(path, path_size, err, "%s.log", f.base)) != HL_OK)
		return rc;
	return hl_file_read(path, HL_REQUEST_TEXT_MAX, text, err);
}
