/* SPDX-License-Identifier: Apache-2.0 */
/* chip new: UID, certificate and private key of a simulated chip. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "chip/cert.h"
#include "chip/uid.h"
#include "crypto/p256.h"
#include "sim/sim.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/text.h"

#define DEFAULT_PRODUCT "45002001"

struct chip {
	uint8_t uid[HL_UID_STM32];
	uint8_t priv[HL_P256_SCALAR];
	uint8_t cert[HL_CERT_STM32];
};

/* Its private key is in these words: it vouches for nothing. */
static const char authority[] = "hsmlic-sim certification authority";

/* 32 bytes for one purpose out of the chip's seed. */
static hl_rc
derive(const char *purpose, const char *seed, uint8_t out[HL_SHA256_LEN],
    hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	hl_buf_printf(&b, "hsmlic-sim chip %s %s", purpose, seed);
	rc = b.failed ? hl_nomem(err) : hl_sha256(b.p, b.n, out, err);
	hl_buf_free(&b);
	return rc;
}

static hl_rc
sign(struct chip *c, const char *seed, hl_err *err)
{
	uint8_t secret[HL_SHA256_LEN], nonce[HL_SHA256_LEN];
	uint8_t ca_priv[HL_P256_SCALAR], ca_pub[HL_P256_POINT];
	hl_rc rc;

	rc = hl_sha256(authority, sizeof(authority) - 1, secret, err);
	if (rc == HL_OK)
		rc = hl_p256_generate(secret, ca_priv, ca_pub, err);
	if (rc == HL_OK)
		rc = derive("signature", seed, nonce, err);
	if (rc == HL_OK)
		rc = hl_p256_sign_seeded(ca_priv, nonce, c->cert,
		    HL_CERT_SIG_AT, c->cert + HL_CERT_SIG_AT, err);
	return rc;
}

static hl_rc
generate(struct chip *c, const char *product, const char *seed, hl_err *err)
{
	uint8_t b[HL_SHA256_LEN];
	hl_rc rc;

	if ((rc = derive("uid", seed, b, err)) != HL_OK)
		goto out;
	memcpy(c->uid, b, sizeof(c->uid));
	if ((rc = derive("key", seed, b, err)) != HL_OK)
		goto out;
	memcpy(c->cert, product, 8);
	rc = hl_p256_generate(b, c->priv, c->cert + HL_CERT_KEY_AT, err);
	if (rc == HL_OK)
		rc = sign(c, seed, err);
out:
	explicit_bzero(b, sizeof(b));
	return rc;
}

static hl_rc
refuse_existing(const char *dir, hl_err *err)
{
	static const char *const names[] = { "uid.hex", "certificate.bin",
		"private.key" };
	char path[PATH_MAX];
	hl_rc rc;

	for (size_t i = 0; i < HL_COUNT(names); i++) {
		rc = hl_path(path, sizeof(path), err, "%s/%s", dir, names[i]);
		if (rc != HL_OK)
			return rc;
		if (access(path, F_OK) == 0)
			return hl_fail(err, HL_EEXIST, "make simulated chip",
			    "choose another folder; a chip is never replaced",
			    "%s is there already", path);
	}
	return HL_OK;
}

static hl_rc
write_part(const char *dir, const char *name, const void *p, size_t n,
    mode_t mode, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s/%s", dir, name);
	return rc == HL_OK ? hl_file_write(path, p, n, mode, err) : rc;
}

static hl_rc
write_chip(const char *dir, const struct chip *c, char *uid, hl_err *err)
{
	char line[2 * HL_UID_STM32 + 2];
	hl_rc rc;

	hl_hex_upper(uid, c->uid, sizeof(c->uid));
	(void)snprintf(line, sizeof(line), "%s\n", uid);
	if ((rc = hl_dir_make(dir, err)) != HL_OK ||
	    (rc = refuse_existing(dir, err)) != HL_OK)
		return rc;
	rc =
	    write_part(dir, "private.key", c->priv, sizeof(c->priv), 0600, err);
	if (rc == HL_OK)
		rc = write_part(dir, "certificate.bin", c->cert,
		    sizeof(c->cert), 0644, err);
	if (rc == HL_OK)
		rc = write_part(
		    dir, "uid.hex", line, sizeof(line) - 1, 0644, err);
	return rc;
}

/* The seed in words: as given, or random. */
static hl_rc
seed_text(const char *given, char out[65], hl_err *err)
{
	uint8_t b[32];
	uint64_t n;
	hl_rc rc;

	if (given != NULL) {
		if (!hl_text_u64(given, UINT64_MAX, &n))
			return hl_fail(err, HL_EUSAGE, "make simulated chip",
			    "give --seed in digits alone, or leave it out",
			    "\"%s\" is no number", given);
		(void)snprintf(out, 65, "%llu", (unsigned long long)n);
		return HL_OK;
	}
	if ((rc = hl_random(b, sizeof(b), err)) == HL_OK)
		hl_hex_lower(out, b, sizeof(b));
	explicit_bzero(b, sizeof(b));
	return rc;
}

hl_rc
sim_chip_new(const struct sim *sim, hl_err *err)
{
	const char *product = sim->opt[OPT_PRODUCT];
	const char *dir = sim->operands[0];
	char seed[65], uid[2 * HL_UID_STM32 + 1];
	struct chip c;
	hl_rc rc;

	if (product == NULL)
		product = DEFAULT_PRODUCT;
	if (!hl_product_id_valid(product, strlen(product)))
		return hl_fail(err, HL_EUSAGE, "make simulated chip",
		    "give 8 upper-case hex digits to --product, or leave it "
		    "out",
		    "\"%s\" is no product ID", product);
	if ((rc = seed_text(sim->opt[OPT_SEED], seed, err)) != HL_OK)
		return rc;
	rc = generate(&c, product, seed, err);
	if (rc == HL_OK)
		rc = write_chip(dir, &c, uid, err);
	explicit_bzero(&c, sizeof(c));
	explicit_bzero(seed, sizeof(seed));
	if (rc != HL_OK)
		return rc;
	if (sim->opt[OPT_JSON] == NULL)
		printf("chip      %s\nproduct   %s\nfolder    %s\n", uid,
		    product, dir);
	return sim_done(sim,
	    json_pack("{s:s,s:s,s:s}", "uid", uid, "product_id", product,
		"path", dir),
	    err);
}
