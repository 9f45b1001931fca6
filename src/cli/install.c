/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/explain_view.h"
#include "util/file.h"

#define TEXT_MAX ((size_t)512 * 1024)

/* ---- licenses on their way to a programmer ------------------------------- */

hl_rc
hl_handing_make(hl_handing *h, hl_err *err)
{
	memset(h, 0, sizeof(*h));
	return hl_dir_temporary(h->dir, sizeof(h->dir), err);
}

static hl_rc
handing_path(
    const hl_handing *h, unsigned n, char *path, size_t size, hl_err *err)
{
	return hl_path(path, size, err, "%s/license-%u.bin", h->dir, n);
}

hl_rc
hl_handing_put(
    hl_handing *h, const hl_get_result *r, char *path, size_t size, hl_err *err)
{
	hl_rc rc = handing_path(h, h->n + 1, path, size, err);

	if (rc == HL_OK)
		rc = hl_file_write(path, r->bytes, r->n, 0600, err);
	if (rc == HL_OK)
		h->n++;
	return rc;
}

void
hl_handing_clear(hl_handing *h)
{
	char path[PATH_MAX];

	if (h->dir[0] == '\0')
		return;
	for (unsigned i = 1; i <= h->n; i++)
		if (handing_path(h, i, path, sizeof(path), NULL) == HL_OK)
			(void)unlink(path);
	(void)rmdir(h->dir);
	h->dir[0] = '\0';
}

/* ---- the programmer at work ---------------------------------------------- */

static void
describe_image(const char *image, hl_install *r)
{
	const char *slash = strrchr(image, '/');
	hl_buf bytes = HL_BUF_INIT;

	(void)hl_text_format(r->image, sizeof(r->image), "%s",
	    slash == NULL ? image : slash + 1);
	hl_text_clean(r->image);
	r->has_image_sha256 =
	    hl_file_read(image, HL_BUF_MAX, &bytes, NULL) == HL_OK &&
	    hl_sha256(bytes.p, bytes.n, r->image_sha256, NULL) == HL_OK;
	hl_buf_free(&bytes);
}

/* It happened whether it can be recorded or not. */
static void
record(hl_cli *cli, hl_install *r)
{
	char text[HL_ERR_WHY + 64];
	hl_err e = { 0 };
	hl_rc rc = hl_uuid_new(&r->id, &e);

	if (rc == HL_OK)
		rc = hl_store_install_add(cli->store, r, &e);
	if (rc == HL_OK)
		return;
	(void)hl_text_format(text, sizeof(text),
	    "this installation could not be recorded: %s", e.why);
	hl_print_note(cli, text);
}

/* Which of several licenses is meant, the programmer does not tell. */
static void
doubt(hl_cli *cli, const hl_installing *in, hl_installed *out)
{
	const hl_explanation *why = NULL;
	hl_text reason;

	for (size_t i = 0; i < out->n_known && why == NULL; i++)
		if (out->known[i]->doubts_license)
			why = out->known[i];
	if (why == NULL)
		return;
	(void)hl_text_format(reason, sizeof(reason),
	    "an installation ended with \"%s\"", why->pattern);
	for (size_t i = 0; i < in->n; i++)
		if (hl_store_license_doubt(cli->store,
			&in->images[i].license->id, reason, &cli->actor,
			NULL) == HL_OK)
			out->doubted++;
}

/* What differs from image to image. */
static void
describe(const hl_installed_image *image, hl_install *r)
{
	r->license = image->license->id;
	r->chip = image->chip->id;
	r->firmware = image->license->firmware;
	describe_image(image->path, r);
}

static void
record_all(hl_cli *cli, const hl_installing *in, const hl_install *first)
{
	hl_install r = *first;

	for (size_t i = 0; i < in->n; i++) {
		if (i > 0)
			describe(&in->images[i], &r);
		record(cli, &r);
	}
}

hl_rc
hl_run_for_user(const hl_cli *cli, const char *const *argv, size_t max,
    hl_buf *copy, hl_ended *end, hl_err *err)
{
	const mode_t ours = umask(cli->mask);
	hl_rc rc = hl_spawn_tee(argv, max, copy, end, 0, err);

	(void)umask(ours);
	return rc;
}

/* All that the programmer prints goes to our stderr: stdout is for the one
 * object that tells the result. */
static hl_rc
run_beside(const hl_cli *cli, const char *const *argv, hl_buf *copy,
    hl_ended *end, hl_err *err)
{
	const int out =
	    fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	hl_rc rc;

	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		rc = hl_fail(err, HL_EIO, "run the programmer",
		    "close what is not needed", "no descriptor is left: %s",
		    strerror(errno));
	} else {
		rc = hl_run_for_user(cli, argv, TEXT_MAX, copy, end, err);
		(void)dup2(out, STDOUT_FILENO);
	}
	if (out >= 0)
		(void)close(out);
	return rc;
}

hl_rc
hl_install_run(
    hl_cli *cli, const hl_installing *in, hl_installed *out, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	int64_t begun;
	hl_install *r = &out->record;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	r->actor = cli->actor;
	r->at = hl_now_ms();
	(void)hl_text_copy(r->programmer, sizeof(r->programmer),
	    hl_programmer_name(in->programmer));
	/* Now: it may be gone, or another one, when the programmer ends. */
	describe(&in->images[0], r);
	(void)fflush(stdout);
	begun = hl_mono_ms();
	rc = in->beside
	    ? run_beside(cli, in->argv, &text, &out->end, err)
	    : hl_run_for_user(cli, in->argv, TEXT_MAX, &text, &out->end, err);
	if (rc != HL_OK)
		goto out;
	r->duration_ms = (uint32_t)(hl_mono_ms() - begun);
	r->exit_status = hl_ended_code(&out->end);
	r->outcome = hl_job_judge(
	    in->programmer, in->sfi, &out->end, text.p, text.n, r->detail);
	record_all(cli, in, r);
	if (r->outcome != HL_INSTALL_DONE) {
		out->n_known = hl_explain(
		    text.p, text.n, out->known, HL_COUNT(out->known));
		doubt(cli, in, out);
	}
out:
	hl_buf_free(&text);
	return rc;
}

/* ---- what is known of it ------------------------------------------------ */

void
hl_install_explain(const hl_installed *r)
{
	for (size_t i = 0; i < r->n_known; i++)
		hl_explanation_print(r->known, r->n_known, i, stderr);
}

void
hl_install_kept(const hl_installed *r, char *out, size_t size)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&r->record.license, id);
	if (r->doubted == 0)
		(void)hl_text_copy(out, size,
		    "the license is kept: the next try spends nothing");
	else if (r->doubted == 1)
		(void)hl_text_format(out, size,
		    "the license is kept, and suspect now: check what is said "
		    "above, then hsmlic license trust %s --reason TEXT and try "
		    "again; it is not handed out before, and nothing is spent "
		    "instead",
		    id);
	else
		(void)hl_text_copy(out, size,
		    "the licenses are kept, and suspect now: check what is "
		    "said above, then see hsmlic license list --all, trust "
		    "each "
		    "by hsmlic license trust ID --reason TEXT, and try again");
}

/* ---- a license that is doubted ------------------------------------------ */

struct doubted {
	hl_store *store;
	hl_license found;
	bool any;
};

static bool
keep_doubted(void *arg, const hl_license *l)
{
	struct doubted *d = arg;
	hl_issue issue;

	if (l->state != HL_LICENSE_SUSPECT ||
	    (hl_store_issue_by_id(d->store, &l->issue, &issue, NULL) == HL_OK &&
		issue.state == HL_ISSUE_BAD))
		return true;
	d->found = *l;
	d->any = true;
	return false;
}

hl_rc
hl_refuse_doubted(
    const hl_cli *cli, const hl_chip *chip, const char *firmware, hl_err *err)
{
	struct doubted d = { .store = cli->store };
	hl_license_filter filter = { &chip->id, NULL, true };
	char id[HL_UUID_TEXT];
	hl_firmware f;
	hl_rc rc;

	if (firmware != NULL) {
		rc = hl_store_firmware_by_name(d.store, firmware, &f, err);
		if (rc != HL_OK)
			return rc == HL_ENOTFOUND ? HL_OK : rc;
		filter.firmware = &f.id;
	}
	rc = hl_store_license_list(d.store, &filter, keep_doubted, &d, err);
	if (rc != HL_OK || !d.any)
		return rc;
	hl_uuid_text(&d.found.id, id);
	(void)hl_fail(err, HL_EDENIED, "get a license", "",
	    "this chip has license %s, which is suspect: %s", id,
	    d.found.reason);
	hl_err_hint(err,
	    "check RDP, TrustZone, the RSSe file, and that the image is made "
	    "with this card's key; then hsmlic license trust %s --reason TEXT "
	    "and try again, or hsmlic get another one, for a unit",
	    id);
	return HL_EDENIED;
}

hl_rc
hl_got_none(const hl_cli *cli, const hl_chip *chip, const char *firmware,
    hl_rc rc, hl_err *err)
{
	hl_err e = { 0 };

	if ((rc != HL_ENODEV && rc != HL_EACCESS && rc != HL_ENOLICENSE) ||
	    hl_refuse_doubted(cli, chip, firmware, &e) != HL_EDENIED)
		return rc;
	if (err != NULL)
		*err = e;
	return HL_EDENIED;
}
