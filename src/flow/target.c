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

/* A chip may keep its UID to itself. */
static hl_rc
read_uid(const char *dir, hl_uid *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_err e = { 0 };
	hl_rc rc;

	if ((rc = hl_path(path, sizeof(path), err, "%s/uid.hex", dir)) != HL_OK)
		return rc;
	rc = hl_uid_read(out, path, &e);
	if (rc == HL_OK || rc == HL_ENOTFOUND)
		return HL_OK;
	if (err != NULL)
		*err = e;
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
