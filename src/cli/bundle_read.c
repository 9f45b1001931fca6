/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bundle.h"
#include "ledger/event.h"
#include "util/file.h"
#include "util/tar.h"

#define TAIL ".jsonl"
#define LOG_PREFIX "log-from-"

static hl_rc
bad(const hl_bundle *b, const char *why, hl_err *err)
{
	return hl_fail(err, HL_EINPUT, "read the bundle",
	    "name a file that hsmlic audit bundle made, or the folder that it "
	    "was unpacked to",
	    "%s: %s", b->path, why);
}

/* ---- what is in it ------------------------------------------------------ */

/* The number between two parts of a name. */
static bool
number_in(
    const char *name, const char *before, const char *after, uint64_t *out)
{
	char digits[24];
	size_t n = strlen(name);

	if (!hl_text_starts(name, before) || !hl_text_ends(name, after) ||
	    n < strlen(before) + strlen(after))
		return false;
	n -= strlen(before) + strlen(after);
	return n < sizeof(digits) &&
	    hl_text_format(digits, sizeof(digits), "%.*s", (int)n,
		name + strlen(before)) &&
	    hl_text_u64(digits, INT64_MAX, out);
}

static bool
take_name(void *arg, const char *name, uint64_t size)
{
	hl_bundle *b = arg;
	uint64_t n;

	(void)size;
	if (strcmp(name, HL_BUNDLE_LOG) == 0) {
		/* the whole log goes before a part */
		b->has_log = true;
		b->log_from = 0;
	} else if (number_in(name, LOG_PREFIX, TAIL, &n) && !b->has_log) {
		b->has_log = true;
		b->log_from = n;
	} else if (number_in(name, HL_BUNDLE_CHECKPOINT, "", &n)) {
		if (!b->has_checkpoint || n > b->newest)
			b->newest = n;
		b->has_checkpoint = true;
	}
	return true;
}

static hl_rc
list_folder(hl_bundle *b, hl_err *err)
{
	DIR *d = opendir(b->path);
	struct dirent *e;

	if (d == NULL)
		return bad(b, strerror(errno), err);
	while ((e = readdir(d)) != NULL)
		(void)take_name(b, e->d_name, 0);
	(void)closedir(d);
	return HL_OK;
}

/* NULL and errno; EBADF: it is none. */
static FILE *
open_regular(const char *path)
{
	/* O_NONBLOCK: a FIFO must not wait for its writer */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	FILE *f = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0) {
		errno = EBADF;
		if (S_ISREG(st.st_mode))
			f = fdopen(fd, "r");
	}
	if (f == NULL) {
		const int e = errno;

		(void)close(fd);
		errno = e;
	}
	return f;
}

static hl_rc
list_archive(hl_bundle *b, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc;

	if ((b->tar = open_regular(b->path)) == NULL)
		return hl_fail(err, errno == ENOENT ? HL_ENOTFOUND : HL_EIO,
		    "read the bundle", "check the path", "%s: %s", b->path,
		    strerror(errno));
	rc = hl_tar_each(b->tar, take_name, b, &why);
	return rc == HL_OK ? HL_OK : bad(b, why.why, err);
}

hl_rc
hl_bundle_open(hl_bundle *b, const char *path, hl_err *err)
{
	struct stat st;
	hl_rc rc;

	*b = (hl_bundle){ .path = path };
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rc = list_folder(b, err);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		rc = bad(b, "it is neither a file nor a folder", err);
	else
		rc = list_archive(b, err);
	if (rc != HL_OK)
		return rc;
	if (!b->has_checkpoint)
		return bad(b, "there is no checkpoint in it", err);
	return b->has_log ? HL_OK : bad(b, "there is no log in it", err);
}

void
hl_bundle_close(hl_bundle *b)
{
	if (b->tar != NULL)
		(void)fclose(b->tar);
	b->tar = NULL;
}

/* ---- one of its files --------------------------------------------------- */

typedef struct part {
	FILE *f;
	bool own;      /* to be closed */
	uint64_t left; /* bytes */
} part;

static hl_rc
bad_part(const hl_bundle *b, const char *name, int e, hl_err *err)
{
	char why[HL_ERR_WHY];

	(void)hl_text_format(why, sizeof(why), "%s: %s", name,
	    e == EBADF ? "it is not a regular file" : strerror(e));
	return bad(b, why, err);
}

static hl_rc
open_part(hl_bundle *b, const char *name, part *p, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	*p = (part){ .f = b->tar, .left = UINT64_MAX };
	if (b->tar != NULL)
		return hl_tar_find(b->tar, name, &p->left, err);
	if ((rc = hl_path(path, sizeof(path), err, "%s/%s", b->path, name)) !=
	    HL_OK)
		return rc;
	p->own = true;
	p->f = open_regular(path);
	return p->f != NULL ? HL_OK : bad_part(b, name, errno, err);
}

static void
close_part(part *p)
{
	if (p->own && p->f != NULL)
		(void)fclose(p->f);
}

/* The next line into `line`, without its end; HL_ENOTFOUND: there is none. */
static hl_rc
read_line(hl_bundle *b, part *p, uint8_t line[HL_EVENT_MAX + 1], size_t *n,
    hl_err *err)
{
	int c = EOF;

	for (*n = 0; p->left > 0; (*n)++) {
		if ((c = getc_unlocked(p->f)) == EOF)
			break;
		p->left--;
		if (c == '\n')
			return HL_OK;
		if (*n == HL_EVENT_MAX)
			return bad(b, "a line of its log is too long", err);
		line[*n] = (uint8_t)c;
	}
	if (ferror(p->f))
		return hl_fail(err, HL_EIO, "read the bundle", "", "%s: %s",
		    b->path, strerror(errno));
	return *n == 0 ? HL_ENOTFOUND
		       : bad(b, "the last line of its log is cut off", err);
}

hl_rc
hl_bundle_checkpoint(hl_bundle *b, hl_checkpoint_file *out, hl_err *err)
{
	uint8_t chunk[4096];
	hl_buf bytes = HL_BUF_INIT;
	char name[64];
	part p;
	size_t n;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	(void)snprintf(
	    name, sizeof(name), HL_BUNDLE_CHECKPOINT "%" PRIu64, b->newest);
	if ((rc = open_part(b, name, &p, err)) == HL_OK) {
		while (p.left > 0 && bytes.n <= HL_NOTE_MAX &&
		    (n = fread(chunk, 1,
			 p.left < sizeof(chunk) ? (size_t)p.left
						: sizeof(chunk),
			 p.f)) > 0) {
			hl_buf_put(&bytes, chunk, n);
			p.left -= n;
		}
		rc = hl_checkpoint_file_take(b->path, &bytes, out, err);
	}
	close_part(&p);
	hl_buf_free(&bytes);
	if (rc == HL_OK && out->c.size != b->newest)
		rc = bad(b, "its newest checkpoint bears another size", err);
	return rc;
}

/* ---- its events --------------------------------------------------------- */

/* The part from `from` on, of which the log's first line may be an earlier
 * one. */
static hl_rc
add_lines(hl_bundle *b, part *p, uint8_t *line, uint64_t from, uint64_t to,
    hl_frontier *add_to, hl_err *err)
{
	hl_hash leaf;
	size_t n;
	hl_rc rc;

	for (uint64_t seq = b->log_from; seq < to; seq++) {
		rc = read_line(b, p, line, &n, err);
		if (rc == HL_ENOTFOUND)
			return hl_fail(err, HL_EINTEGRITY, "read the bundle",
			    "ask for a whole one",
			    "its log ends before event %" PRIu64
			    ", its checkpoint is of %" PRIu64 " events",
			    seq, to);
		if (rc != HL_OK)
			return rc;
		if (seq < from)
			continue;
		if ((rc = hl_leaf_hash(line, n, &leaf, err)) != HL_OK ||
		    (rc = hl_frontier_add(add_to, &leaf, err)) != HL_OK)
			return rc;
	}
	return HL_OK;
}

hl_rc
hl_bundle_leaves(
    void *arg, uint64_t from, uint64_t to, hl_frontier *add_to, hl_err *err)
{
	hl_bundle *b = arg;
	char name[64] = HL_BUNDLE_LOG;
	uint8_t *line;
	part p;
	hl_rc rc;

	if (b->log_from > from)
		return hl_fail(err, HL_EINPUT, "read the bundle",
		    "ask for a bundle that begins earlier: hsmlic audit bundle "
		    "without --from",
		    "it begins with event %" PRIu64
		    ", and the last that this key signed ends before event "
		    "%" PRIu64,
		    b->log_from, from);
	if (b->log_from > 0)
		(void)snprintf(name, sizeof(name), HL_BUNDLE_LOG_FROM,
		    (unsigned long long)b->log_from);
	if ((line = malloc(HL_EVENT_MAX + 1)) == NULL)
		return hl_nomem(err);
	if ((rc = open_part(b, name, &p, err)) == HL_OK)
		rc = add_lines(b, &p, line, from, to, add_to, err);
	close_part(&p);
	free(line);
	return rc;
}
