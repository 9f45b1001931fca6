/* SPDX-License-Identifier: Apache-2.0 */
/* install: a stand-in for a programmer and the chip under it. */
#include <limits.h>
#include <string.h>

#include "chip/uid.h"
#include "sim/image.h"
#include "sim/sim.h"
#include "util/file.h"

#define WHAT "install on the simulated chip"

static hl_rc
no_chip(const char *dir, const char *lacks, hl_err *err)
{
	return hl_fail(err, HL_ENODEV, WHAT,
	    "make one with: " SIM_NAME " chip new",
	    "%s is not a simulated chip: it has no %s", dir, lacks);
}

static hl_rc
chip_file(
    const char *dir, const char *name, size_t max, hl_buf *out, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s/%s", dir, name);
	if (rc == HL_OK)
		rc = hl_file_read(path, max, out, err);
	return rc == HL_ENOTFOUND ? no_chip(dir, name, err) : rc;
}

static hl_rc
chip_uid(const char *dir, char out[HL_UID_TEXT], hl_err *err)
{
	char path[PATH_MAX];
	hl_uid uid;
	hl_rc rc;

	if ((rc = hl_path(path, sizeof(path), err, "%s/uid.hex", dir)) != HL_OK)
		return rc;
	rc = hl_uid_read(&uid, path, err);
	if (rc == HL_ENOTFOUND)
		return no_chip(dir, "uid.hex", err);
	if (rc == HL_OK)
		hl_uid_text(&uid, out);
	return rc;
}

/* The chip opens the license with the key that never leaves it. */
static hl_rc
license_open(
    const struct sim *sim, const char *uid, hl_firmware_key *key, hl_err *err)
{
	hl_buf priv = HL_BUF_INIT, lic = HL_BUF_INIT;
	hl_rc rc;

	rc = chip_file(
	    sim->opt[OPT_CHIP], "private.key", HL_P256_SCALAR, &priv, err);
	if (rc == HL_OK && priv.n != HL_P256_SCALAR)
		rc = hl_fail(err, HL_EINPUT, WHAT, "make the chip anew",
		    "private.key has %zu bytes instead of 32", priv.n);
	if (rc == HL_OK)
		rc = hl_file_read(sim->operands[1], HL_LICENSE_MAX, &lic, err);
	if (rc == HL_OK)
		rc = hl_license_open(lic.p, lic.n, priv.p, key, err);
	if (rc == HL_EINTEGRITY)
		rc = hl_fail(err, HL_EPROGRAMMER, WHAT,
		    "get the license of this very chip; nothing was written",
		    "the license %s was not made for chip %s", sim->operands[1],
		    uid);
	hl_buf_free(&priv);
	hl_buf_free(&lic);
	return rc;
}

static hl_rc
decrypt(const struct sim *sim, const hl_firmware_key *key, hl_buf *plain,
    hl_err *err)
{
	hl_buf file = HL_BUF_INIT;
	struct image img;
	hl_rc rc;

	rc = hl_file_read(sim->operands[0], SIM_IMAGE_MAX + 4096, &file, err);
	if (rc == HL_OK)
		rc = image_parse(&img, sim->operands[0], &file, err);
	if (rc == HL_OK)
		rc = image_open(&img, key, plain, err);
	hl_buf_free(&file);
	return rc;
}

static hl_rc
flash(const struct sim *sim, const hl_buf *plain, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc = HL_OK;

	if (sim->opt[OPT_OUT] != NULL)
		rc = sim_put(sim->opt[OPT_OUT], plain, 0600, err);
	if (rc == HL_OK)
		rc = hl_path(path, sizeof(path), err, "%s/flash.bin",
		    sim->opt[OPT_CHIP]);
	if (rc == HL_OK)
		rc = hl_file_write(path, plain->p, plain->n, 0600, err);
	return rc;
}

hl_rc
sim_install(const struct sim *sim, hl_err *err)
{
	hl_buf plain = HL_BUF_INIT;
	hl_firmware_key key = { 0 };
	char uid[HL_UID_TEXT];
	hl_rc rc;

	if ((rc = chip_uid(sim->opt[OPT_CHIP], uid, err)) != HL_OK)
		return rc;
	rc = license_open(sim, uid, &key, err);
	if (rc == HL_OK)
		rc = decrypt(sim, &key, &plain, err);
	explicit_bzero(&key, sizeof(key));
	if (rc == HL_OK)
		rc = flash(sim, &plain, err);
	if (rc == HL_OK && sim->opt[OPT_JSON] == NULL)
		printf("simulated programmer: %zu bytes installed on chip "
		       "%s\n",
		    plain.n, uid);
	if (rc == HL_OK)
		rc = sim_done(sim,
		    json_pack("{s:s,s:I,s:b}", "uid", uid, "bytes",
			(json_int_t)plain.n, "simulated", 1),
		    err);
	hl_buf_free(&plain);
	return rc;
}
