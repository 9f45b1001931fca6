/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/image.h"

#include <string.h>

#include "card/softcard.h"
#include "sim/sim.h"
#include "util/file.h"
#include "util/hex.h"

#define MAGIC "HLIMG1\0"
#define MAGIC_LEN 8
#define HEAD_LEN (MAGIC_LEN + 4 + HL_SHA256_LEN)

hl_rc
image_parse(
    struct image *out, const char *path, const hl_buf *file, hl_err *err)
{
	hl_rd r = { file->p, file->n };
	uint8_t magic[MAGIC_LEN];
	uint32_t len;

	if (!hl_rd_copy(&r, magic, sizeof(magic)) ||
	    memcmp(magic, MAGIC, MAGIC_LEN) != 0)
		return hl_fail(err, HL_EINPUT, "read the image",
		    "make one with: " SIM_NAME " image new",
		    "%s is not an image of the stand-in programmer", path);
	if (!hl_rd_u32(&r, &len) ||
	    !hl_rd_copy(&r, out->sha256, sizeof(out->sha256)) ||
	    !hl_rd_copy(&r, out->tag, sizeof(out->tag)) || r.n != len)
		return hl_fail(err, HL_EINPUT, "read the image",
		    "copy it again, or make it anew",
		    "%s is cut short, or has bytes behind its end", path);
	out->head = (hl_rd){ file->p, HEAD_LEN };
	out->sealed = r;
	return HL_OK;
}

hl_rc
image_open(const struct image *img, const hl_firmware_key *key, hl_buf *out,
    hl_err *err)
{
	uint8_t sum[HL_SHA256_LEN];
	hl_rc rc;

	hl_buf_reset(out);
	hl_buf_put(out, img->sealed.p, img->sealed.n);
	if (out->failed)
		return hl_nomem(err);
	rc = hl_gcm_decrypt(key->key, key->nonce, img->head.p, img->head.n,
	    out->p, out->n, out->p, img->tag, err);
	if (rc == HL_EINTEGRITY)
		return hl_fail(err, HL_EPROGRAMMER, "decrypt the image",
		    "use the image and the license of one and the same "
		    "firmware",
		    "the image is under another key than the license, or "
		    "damaged");
	if (rc == HL_OK)
		rc = hl_sha256(out->p, out->n, sum, err);
	if (rc == HL_OK && memcmp(sum, img->sha256, sizeof(sum)) != 0)
		rc = hl_fail(err, HL_EINTEGRITY, "decrypt the image",
		    "make the image anew",
		    "what was in it does not match its SHA-256");
	return rc;
}

static hl_rc
seal(hl_buf *img, const hl_firmware_key *key, const hl_buf *in, hl_err *err)
{
	uint8_t sum[HL_SHA256_LEN], tag[HL_GCM_TAG] = { 0 };
	const size_t body = HEAD_LEN + sizeof(tag);
	hl_rc rc;

	if ((rc = hl_sha256(in->p, in->n, sum, err)) != HL_OK)
		return rc;
	hl_buf_put(img, MAGIC, MAGIC_LEN);
	hl_buf_u32(img, (uint32_t)in->n);
	hl_buf_put(img, sum, sizeof(sum));
	hl_buf_put(img, tag, sizeof(tag));
	hl_buf_put(img, in->p, in->n);
	if (img->failed)
		return hl_nomem(err);
	rc = hl_gcm_encrypt(key->key, key->nonce, img->p, HEAD_LEN,
	    img->p + body, in->n, img->p + body, tag, err);
	if (rc == HL_OK)
		memcpy(img->p + HEAD_LEN, tag, sizeof(tag));
	return rc;
}

static hl_rc
report(const struct sim *sim, size_t n, const uint8_t *sum, hl_err *err)
{
	char hex[2 * HL_SHA256_LEN + 1];

	hl_hex_lower(hex, sum, HL_SHA256_LEN);
	if (sim->opt[OPT_JSON] == NULL)
		printf("image     %s\nbytes     %zu\nsha256    %s\n",
		    sim->operands[0], n, hex);
	return sim_done(sim,
	    json_pack("{s:s,s:I,s:s}", "path", sim->operands[0], "bytes",
		(json_int_t)n, "sha256", hex),
	    err);
}

hl_rc
sim_image_new(const struct sim *sim, hl_err *err)
{
	hl_buf in = HL_BUF_INIT, img = HL_BUF_INIT;
	uint8_t sum[HL_SHA256_LEN];
	hl_firmware_key key;
	hl_rc rc;

	if ((rc = hl_softcard_key(sim->opt[OPT_CARD], &key, err)) != HL_OK)
		return rc;
	rc = hl_file_read(sim->opt[OPT_IN], SIM_IMAGE_MAX, &in, err);
	if (rc == HL_OK && in.n == 0)
		rc = hl_fail(err, HL_EINPUT, "make the image",
		    "give the binary to be installed", "%s is empty",
		    sim->opt[OPT_IN]);
	if (rc == HL_OK)
		rc = seal(&img, &key, &in, err);
	if (rc == HL_OK)
		rc = hl_sha256(in.p, in.n, sum, err);
	if (rc == HL_OK)
		rc = sim_put(sim->operands[0], &img, 0644, err);
	if (rc == HL_OK)
		rc = report(sim, in.n, sum, err);
	explicit_bzero(&key, sizeof(key));
	hl_buf_free(&in);
	hl_buf_free(&img);
	return rc;
}

hl_rc
sim_image_show(const struct sim *sim, hl_err *err)
{
	const char *path = sim->operands[0];
	hl_buf file = HL_BUF_INIT;
	struct image img;
	hl_rc rc;

	rc = hl_file_read(path, SIM_IMAGE_MAX + 4096, &file, err);
	if (rc == HL_OK)
		rc = image_parse(&img, path, &file, err);
	if (rc == HL_OK)
		rc = report(sim, img.sealed.n, img.sha256, err);
	hl_buf_free(&file);
	return rc;
}
