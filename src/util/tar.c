/* SPDX-License-Identifier: Apache-2.0 */
#include "util/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define BLOCK 512
#define REGULAR '0'
#define SUM_DIGITS 6 /* then NUL and a space */

/* POSIX.1-2017, pax, "ustar Header Block". Numbers are octal texts. */
typedef struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8];
	char type, link[100], magic[6], version[2], uname[32], gname[32];
	char major[8], minor[8], prefix[155], pad[12];
} header;

_Static_assert(sizeof(header) == BLOCK, "a header is one block");

/* The sum of all bytes, those of the sum itself taken for spaces. */
static unsigned
sum_of(const header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	const size_t from = offsetof(header, sum);
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= from && i < from + sizeof(h->sum) ? ' ' : p[i];
	return sum;
}

/* ---- writing ------------------------------------------------------------ */

static hl_rc
fail_write(hl_err *err, int e)
{
	const bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;

	return hl_fail(err, full ? HL_EFULL : HL_EIO, "write the archive",
	    full ? "make room, or choose another place" : "", "%s",
	    strerror(e));
}

static hl_rc
put(hl_tar *t, const void *p, size_t n, hl_err *err)
{
	errno = EIO;
	return n == 0 || fwrite(p, 1, n, t->f) == n ? HL_OK
						    : fail_write(err, errno);
}

static hl_rc
put_header(hl_tar *t, uint64_t size, hl_err *err)
{
	header h;

	memset(&h, 0, sizeof(h));
	memcpy(h.name, t->name, strlen(t->name));
	(void)snprintf(
	    h.mode, sizeof(h.mode), "%07o", (unsigned)t->mode & 0777);
	(void)snprintf(h.uid, sizeof(h.uid), "%07o", 0U);
	(void)snprintf(h.gid, sizeof(h.gid), "%07o", 0U);
	(void)snprintf(h.size, sizeof(h.size), "%011" PRIo64, size);
	(void)snprintf(h.mtime, sizeof(h.mtime), "%011o", 0U);
	h.type = REGULAR;
	memcpy(h.magic, "ustar", sizeof(h.magic));
	memcpy(h.version, "00", sizeof(h.version));
	(void)snprintf(h.sum, SUM_DIGITS + 1, "%0*o", SUM_DIGITS, sum_of(&h));
	h.sum[SUM_DIGITS + 1] = ' ';
	return put(t, &h, sizeof(h), err);
}

void
hl_tar_start(hl_tar *t, FILE *f)
{
	*t = (hl_tar){ .f = f, .header = -1 };
}

hl_rc
hl_tar_begin(hl_tar *t, const char *name, mode_t mode, hl_err *err)
{
	const size_t n = strlen(name);

	if (n == 0 || n > HL_TAR_NAME_MAX)
		return hl_fail(err, HL_EINPUT, "write the archive", "",
		    "a name is empty, or has more than %d bytes",
		    HL_TAR_NAME_MAX);
	memcpy(t->name, name, n + 1);
	t->mode = mode;
	if ((t->header = ftello(t->f)) < 0)
		return fail_write(err, errno);
	return put_header(t, 0, err); /* the size is not known yet */
}

hl_rc
hl_tar_put(hl_tar *t, const void *p, size_t n, hl_err *err)
{
	return put(t, p, n, err);
}

static hl_rc
pad(hl_tar *t, uint64_t size, hl_err *err)
{
	static const char zeros[BLOCK];

	return put(t, zeros, (size_t)((BLOCK - size % BLOCK) % BLOCK), err);
}

hl_rc
hl_tar_end(hl_tar *t, hl_err *err)
{
	const off_t at = ftello(t->f);
	const uint64_t size = (uint64_t)(at - t->header) - BLOCK;
	hl_rc rc;

	if (at < 0)
		return fail_write(err, errno);
	if (size > HL_TAR_SIZE_MAX)
		return hl_fail(err, HL_EFULL, "write the archive", "",
		    "%s has 8 GiB or more, which do not fit into it", t->name);
	if ((rc = pad(t, size, err)) != HL_OK)
		return rc;
	if (fseeko(t->f, t->header, SEEK_SET) != 0)
		return fail_write(err, errno);
	t->header = -1;
	if ((rc = put_header(t, size, err)) != HL_OK)
		return rc;
	return fseeko(t->f, 0, SEEK_END) == 0 ? HL_OK : fail_write(err, errno);
}

hl_rc
hl_tar_add(hl_tar *t, const char *name, mode_t mode, const void *p, size_t n,
    hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_tar_begin(t, name, mode, err)) != HL_OK ||
	    (rc = hl_tar_put(t, p, n, err)) != HL_OK)
		return rc;
	return hl_tar_end(t, err);
}

hl_rc
hl_tar_finish(hl_tar *t, hl_err *err)
{
	static const char zeros[2 * BLOCK];
	hl_rc rc = put(t, zeros, sizeof(zeros), err);

	if (rc == HL_OK && fflush(t->f) != 0)
		rc = fail_write(err, errno);
	return rc;
}

/* ---- reading ------------------------------------------------------------ */

static hl_rc
fail_read(hl_err *err, hl_rc rc, const char *why)
{
	return hl_fail(err, rc, "read the archive", "", "%s", why);
}

/* Octal digits, then NUL or space, or the end of the field. */
static bool
octal(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v > UINT64_MAX >> 4)
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	*out = v;
	return i > 0 && (i == n || p[i] == '\0' || p[i] == ' ');
}

static bool
all_zero(const header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	uint8_t any = 0;

	for (size_t i = 0; i < BLOCK; i++)
		any |= p[i];
	return any == 0;
}

/* HL_ENOTFOUND: the archive ends here. */
static hl_rc
read_header(FILE *f, header *h, uint64_t *size, hl_err *err)
{
	uint64_t sum;

	errno = 0;
	if (fread(h, 1, BLOCK, f) != BLOCK)
		return ferror(f) ? fail_read(err, HL_EIO, strerror(errno))
				 : fail_read(err, HL_EINPUT, "it is cut off");
	if (all_zero(h))
		return HL_ENOTFOUND;
	if (memcmp(h->magic, "ustar", 5) != 0 ||
	    !octal(h->sum, sizeof(h->sum), &sum) || sum != sum_of(h))
		return fail_read(err, HL_EINPUT, "it is no tar archive");
	if (!octal(h->size, sizeof(h->size), size))
		return fail_read(
		    err, HL_EINPUT, "it has a file of a size that cannot be");
	return HL_OK;
}

/* False: not a file, or its name is too long. */
static bool
name_of(const header *h, char out[HL_TAR_NAME_MAX + 1])
{
	const char *is = h->name;
	size_t n = strnlen(is, sizeof(h->name));

	if (h->prefix[0] != '\0' || (h->type != REGULAR && h->type != '\0'))
		return false;
	if (n >= 2 && is[0] == '.' && is[1] == '/') {
		is += 2;
		n -= 2;
	}
	if (n == 0 || n > HL_TAR_NAME_MAX)
		return false;
	memcpy(out, is, n);
	out[n] = '\0';
	return true;
}

/* Bytes from here to the end. */
static hl_rc
bytes_left(FILE *f, uint64_t *left, hl_err *err)
{
	const off_t at = ftello(f);
	off_t end;

	if (at < 0 || fseeko(f, 0, SEEK_END) != 0 || (end = ftello(f)) < at ||
	    fseeko(f, at, SEEK_SET) != 0)
		return fail_read(err, HL_EIO, strerror(errno));
	*left = (uint64_t)(end - at);
	return HL_OK;
}

/* Passes over what is left of an entry whose content begins at `from`. */
static hl_rc
skip_entry(FILE *f, off_t from, uint64_t n, uint64_t left, hl_err *err)
{
	n += (BLOCK - n % BLOCK) % BLOCK;
	if (n > left)
		return fail_read(err, HL_EINPUT, "it is cut off");
	return fseeko(f, from + (off_t)n, SEEK_SET) == 0
	    ? HL_OK
	    : fail_read(err, HL_EIO, strerror(errno));
}

hl_rc
hl_tar_each(FILE *f, bool (*entry)(void *arg, const char *name, uint64_t size),
    void *arg, hl_err *err)
{
	char name[HL_TAR_NAME_MAX + 1];
	uint64_t n = 0, left = 0;
	header h;
	off_t at;
	hl_rc rc;

	if (fseeko(f, 0, SEEK_SET) != 0)
		return fail_read(err, HL_EIO, strerror(errno));
	for (;;) {
		rc = read_header(f, &h, &n, err);
		if (rc == HL_ENOTFOUND)
			return HL_OK;
		if (rc != HL_OK || (rc = bytes_left(f, &left, err)) != HL_OK)
			return rc;
		at = ftello(f);
		if (n <= left && name_of(&h, name) && !entry(arg, name, n))
			return HL_OK;
		if ((rc = skip_entry(f, at, n, left, err)) != HL_OK)
			return rc;
	}
}

struct finding {
	const char *name;
	uint64_t size;
	bool found;
};

static bool
is_it(void *arg, const char *name, uint64_t size)
{
	struct finding *x = arg;

	x->found = strcmp(name, x->name) == 0;
	x->size = size;
	return !x->found;
}

hl_rc
hl_tar_find(FILE *f, const char *name, uint64_t *size, hl_err *err)
{
	struct finding x = { .name = name };
	hl_rc rc = hl_tar_each(f, is_it, &x, err);

	if (rc == HL_OK && !x.found)
		return hl_fail(err, HL_ENOTFOUND, "read the archive", "",
		    "there is no %s in it", name);
	if (rc == HL_OK)
		*size = x.size;
	return rc;
}
