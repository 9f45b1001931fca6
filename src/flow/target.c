/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/target.h"

#include <limits.h>
#include <string.h>

#include "util/file.h"

static hl_rc
not_there(const char *dir, hl_err *err)
{
	return hl_fail(err, HL_ENODEV, "read the simulated chip",
	    "make one: hsmlic-sim chip new DIR",
	    "there is no chip in %s (no certificate.bin)", dir);
}

static hl_rc
read_uid(const char *dir, hl_uid *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	if ((rc = hl_path(path, sizeof(path), err, "%s/uid.hex", dir)) != HL_OK)
		return rc;
	rc = hl_file_read(path, 256, &text, err);
	if (rc == HL_ENOTFOUND) {
		out->n = 0;
		return HL_OK;
	}
	while (rc == HL_OK && text.n > 0 &&
	    (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--, text.p[text.n] = '\0';
	if (rc == HL_OK)
		rc = hl_uid_parse(hl_buf_str(&text), out, err);
	if (rc != HL_OK)
		hl_err_what(err, "read %s", path);
	hl_buf_free(&text);
	return rc;
}

static hl_rc
read_sim(const char *dir, hl_target_chip *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s/certificate.bin", dir);
	if (rc != HL_OK)
		return rc;
	rc = hl_cert_read(&out->cert, path, false, err);
	if (rc == HL_ENOTFOUND)
		return not_there(dir, err);
	return rc == HL_OK ? read_uid(dir, &out->uid, err) : rc;
}

hl_rc
hl_target_read(const char *target, hl_target_chip *out, hl_err *err)
{
	memset(out, 0, sizeof(*out));
	if (strncmp(target, "sim:", 4) == 0)
		return read_sim(target + 4, out, err);
	return hl_fail(err, HL_EUSAGE, "find the target",
	    "use sim:DIR, or give --cert FILE",
	    "\"%s\" is of no kind that is known", target);
}
