/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/install.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/explain_view.h"
#include "util/file.h"

#define TEXT_MAX ((size_t)512 * 1024)
/* A programmer that is ended midway leaves a chip half installed. */
#define UNTIL_DONE hl_deadline_in(UINT32_MAX)

/* ---- licenses on their way to a programmer ------------------------------- */

hl_rc
hl_handing_make(hl_handing *h, hl_err *err)
{
	const char *tmp = getenv("TMPDIR");
	hl_rc rc;

	memset(h, 0, sizeof(*h));
	rc = hl_path(h->dir, sizeof(h->dir), err, "%s/hsmlic-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (rc != HL_OK || mkdtemp(h->dir) != NULL)
		return rc;
	rc = hl_fail(err, HL_EIO, "hand the license to the programmer",
	    "set TMPDIR to a folder that can be written",
	    "no temporary folder can be made at %s", h->dir);
	h->dir[0] = '\0';
	return rc;
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
	hl_note(cli, text);
}

static void
doubt(hl_cli *cli, const hl_installing *in, hl_installed *out)
{
	for (size_t i = 0; i < out->n_known && !out->doubted; i++)
		out->doubted = out->known[i]->doubts_license &&
		    hl_store_license_doubt(cli->store, &in->license->id,
			out->record.detail, &cli->actor, NULL) == HL_OK;
}

static void
describe(const hl_cli *cli, const hl_installing *in, hl_install *r)
{
	memset(r, 0, sizeof(*r));
	r->license = in->license->id;
	r->chip = in->chip->id;
	r->firmware = in->license->firmware;
	r->actor = cli->actor;
	(void)hl_text_copy(r->programmer, sizeof(r->programmer),
	    hl_programmer_name(in->programmer));
	describe_image(in->image, r);
	r->at = hl_now_ms();
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

hl_rc
hl_install_run(
    hl_cli *cli, const hl_installing *in, hl_installed *out, hl_err *err)
{
	const int64_t begun = hl_mono_ms();
	hl_buf text = HL_BUF_INIT;
	hl_install *r = &out->record;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	describe(cli, in, r);
	(void)fflush(stdout);
	rc = in->silent
	    ? hl_spawn_read(
		  in->argv, TEXT_MAX, &text, &out->end, UNTIL_DONE, err)
	    : hl_run_for_user(cli, in->argv, TEXT_MAX, &text, &out->end, err);
	if (rc != HL_OK)
		goto out;
	r->duration_ms = (uint32_t)(hl_mono_ms() - begun);
	r->exit_status = hl_ended_code(&out->end);
	r->outcome = hl_job_judge(
	    in->programmer, in->sfi, &out->end, text.p, text.n, r->detail);
	record(cli, r);
	if (r->outcome != HL_INSTALL_DONE) {
		out->n_known = hl_explain(
		    text.p, text.n, out->known, HL_COUNT(out->known));
		doubt(cli, in, out);
	}
out:
	hl_buf_free(&text);
	return rc;
}

/* ---- what is known of it ---------------------------------------------------
 */

void
hl_install_explain(const hl_cli *cli, const hl_installed *r)
{
	char text[HL_TEXT_MAX];

	for (size_t i = 0; i < r->n_known; i++)
		hl_explanation_print(r->known[i], stderr);
	if (!r->doubted)
		return;
	(void)hl_text_format(text, sizeof(text),
	    "the license is kept, and suspect now: it is not handed out until "
	    "hsmlic license trust says that it is good");
	hl_note(cli, text);
}
