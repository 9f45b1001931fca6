/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chip_put.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/parts.h"
#include "cli/sidecar.h"
#include "util/file.h"

#define MODE 0600

/* What is a file's name for this program, and for others a stream. */
static hl_rc
refuse_dash(hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, "write the certificate",
	    "name a file or a folder", "there is no -o - here");
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return hl_text_ends(path, "/") ||
	    (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static hl_rc
check(hl_cli *cli, const char *path, hl_err *err)
{
	hl_rc rc = hl_output_check(cli, path, err);

	if (rc != HL_OK)
		hl_err_what(err, "write the certificate");
	return rc;
}

static hl_rc
put(hl_cli *cli, const char *path, const void *p, size_t n, hl_err *err)
{
	const bool force = hl_opt_set(cli, "force");

	return cli->dry_run ? HL_OK : hl_file_put(path, p, n, MODE, force, err);
}

/* Who the chip is, for the one who has the card. */
static hl_rc
put_chip_file(hl_cli *cli, const char *path, const hl_cert *cert,
    const hl_uid *uid, hl_err *err)
{
	hl_sidecar s = { .has_cert = true, .uid = *uid };
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	memcpy(s.cert_sha256, cert->sha256, sizeof(s.cert_sha256));
	memcpy(s.product_id, cert->product_id, sizeof(s.product_id));
	rc = hl_chip_file_write(&s, &text, err);
	if (rc == HL_OK)
		rc = put(cli, path, text.p, text.n, err);
	hl_buf_free(&text);
	return rc;
}

/* The certificate comes last: it is never there without its UID. */
static hl_rc
put_into_folder(hl_cli *cli, const char *dir, const hl_cert *cert,
    const hl_uid *uid, char path[PATH_MAX], hl_err *err)
{
	const char *slash = hl_text_ends(dir, "/") ? "" : "/";
	char name[HL_CHIP_NAME];
	char side[PATH_MAX];
	hl_rc rc;

	hl_chip_file_name(uid, true, cert->sha256, name);
	if ((rc = hl_path(side, sizeof(side), err, "%s%s%s.chip.json", dir,
		 slash, name)) != HL_OK ||
	    (rc = hl_path(path, PATH_MAX, err, "%s%s%s.certificate.bin", dir,
		 slash, name)) != HL_OK)
		return rc;
	if (!cli->dry_run && (rc = hl_dir_make(dir, err)) != HL_OK)
		return rc;
	if ((rc = check(cli, path, err)) != HL_OK ||
	    (rc = put_chip_file(cli, side, cert, uid, err)) != HL_OK)
		return rc;
	return put(cli, path, cert->b, cert->n, err);
}

hl_rc
hl_chip_put(hl_cli *cli, const char *to, const hl_cert *cert, const hl_uid *uid,
    char **path, hl_err *err)
{
	char at[PATH_MAX];
	hl_rc rc;

	*path = NULL;
	if (strcmp(to, "-") == 0)
		return refuse_dash(err);
	if (is_folder(to))
		rc = put_into_folder(cli, to, cert, uid, at, err);
	else if ((rc = hl_path(at, sizeof(at), err, "%s", to)) == HL_OK &&
	    (rc = check(cli, at, err)) == HL_OK)
		rc = put(cli, at, cert->b, cert->n, err);
	if (rc == HL_OK && (*path = strdup(at)) == NULL)
		rc = hl_nomem(err);
	return rc;
}
