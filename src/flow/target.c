/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/target.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "flow/target_int.h"
#include "util/file.h"
#include "util/text.h"

#define SIM "sim:"
#define FILE_ "file:"
#define OPENOCD "openocd:"

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
read_folder(const char *dir, hl_target_chip *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s/certificate.bin", dir);
	if (rc != HL_OK)
		return rc;
	rc = hl_cert_read(&out->cert, path, false, err);
	return rc == HL_OK ? read_uid(dir, &out->uid, err) : rc;
}

static hl_rc
read_sim(const char *dir, hl_target_chip *out, hl_err *err)
{
	hl_rc rc = read_folder(dir, out, err);

	return rc == HL_ENOTFOUND ? not_there(dir, err) : rc;
}

static hl_rc
read_file(const char *path, hl_target_chip *out, hl_err *err)
{
	struct stat st;
	hl_rc rc;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rc = read_folder(path, out, err);
	else
		rc = hl_cert_read(&out->cert, path, false, err);
	if (rc != HL_ENOTFOUND)
		return rc;
	return hl_fail(err, HL_ENODEV, "read the chip's certificate",
	    "name a certificate file, or a folder with certificate.bin",
	    "there is none at %s", path);
}

hl_rc
hl_target_read(const char *target, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err)
{
	hl_target_connect c;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if (hl_target_is_sim(target))
		return read_sim(target + strlen(SIM), out, err);
	if (hl_text_starts(target, FILE_))
		return read_file(target + strlen(FILE_), out, err);
	if (hl_text_starts(target, OPENOCD))
		return hl_target_openocd(
		    target + strlen(OPENOCD), opt, out, err);
	if (hl_target_is_segger(target) != NULL)
		return hl_target_segger(
		    hl_target_is_segger(target), opt, out, err);
	if (hl_target_is_stm32prog(target)) {
		rc = hl_target_connect_parse(&c, target, err);
		return rc == HL_OK
		    ? hl_target_read_connected(&c.words, opt, out, err)
		    : rc;
	}
	return hl_fail(err, HL_EUSAGE, "find the target",
	    "use stm32prog:port=SWD, segger:, openocd:CONFIG,..., file:PATH or "
	    "sim:DIR, or give --cert FILE",
	    "\"%s\" is of no kind that is known", target);
}

bool
hl_target_is_sim(const char *target)
{
	return hl_text_starts(target, SIM);
}
