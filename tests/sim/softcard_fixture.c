/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/softcard_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/hex.h"

#define TEXT_MAX 70000

void
certificate(const struct fixture *f, const char *product, char *out)
{
	uint8_t b[HL_CERT_STM32] = { 0 };

	memcpy(b, product, 8);
	memcpy(b + HL_CERT_KEY_AT, f->chip_pub, sizeof(f->chip_pub));
	hl_hex_upper(out, b, sizeof(b));
}

int
fixture_setup(void **state)
{
	static const uint8_t seed[32] = { 7 };
	static const uint8_t serial[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB,
		0xCD, 0xEF };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/softcard.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/card", f->dir);
	assert_int_equal(
	    hl_p256_generate(seed, f->chip_priv, f->chip_pub, NULL), HL_OK);
	certificate(f, "45002001", f->cert);
	assert_int_equal(
	    hl_softcard_create(f->path, serial, sizeof(serial), NULL), HL_OK);
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	card_off(f);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* nothing is left behind */
	free(f);
	return 0;
}

void
card_on(struct fixture *f)
{
	hl_err err = { 0 };

	if (hl_softcard_open(&f->card, f->path, 0, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	if (f->t0)
		assert_memory_equal(ask(f, SELECT), "61", 2);
	else
		assert_memory_equal(ask(f, SELECT), "6F", 2);
}

void
card_off(struct fixture *f)
{
	hl_softcard_close(&f->card);
	assert_null(f->card);
}

void
card_ready(struct fixture *f, const char *product, uint32_t capacity)
{
	char data[256], hex[17] = "";

	if (product[0] != '\0')
		hl_hex_upper(hex, product, 8);
	(void)snprintf(data, sizeof(data),
	    "E3%sC4026677C503534649C704%08X%s%sCC10" KEY "CD0C" NONCE,
	    product[0] != '\0' ? "39" : "2F", (unsigned)capacity,
	    product[0] != '\0' ? "C808" : "", hex);
	card_on(f);
	expect(f, with_data("80DA0000", data, ""), "9000");
}

uint32_t
counter_of(struct fixture *f)
{
	hl_card_info info;

	assert_int_equal(hl_softcard_peek(f->path, &info, NULL), HL_OK);
	assert_true(info.has_counter);
	return info.counter;
}

const char *
ask(struct fixture *f, const char *apdu)
{
	static char text[2 * TEXT_MAX];
	hl_buf answer = HL_BUF_INIT;
	const size_t len = strlen(apdu);
	uint8_t *in = malloc(len / 2 + 1); /* no byte more: ASan sees it */
	size_t n = 0;

	assert_non_null(in);
	assert_true(hl_hex_decode(apdu, len, in, len / 2, &n));
	in = realloc(in, n != 0 ? n : 1);
	assert_non_null(in);
	hl_softcard_apdu(f->card, f->t0, in, n, &answer);
	free(in);
	assert_false(answer.failed);
	assert_in_range(answer.n, 2, TEXT_MAX - 1);
	hl_hex_upper(text, answer.p, answer.n);
	hl_buf_free(&answer);
	return text;
}

const char *
with_data(const char *head, const char *data, const char *le)
{
	static char text[600];

	assert_in_range(strlen(data) / 2, 1, 255);
	assert_true(
	    snprintf(text, sizeof(text), "%s%02X%s%s", head,
		(unsigned)strlen(data) / 2, data, le) < (int)sizeof(text));
	return text;
}

const char *
request_data(const char *cert, const char *id)
{
	static char text[600];

	(void)snprintf(text, sizeof(text), "E1819DC98188%sCA10%s", cert, id);
	return text;
}

const char *
issue(const char *cert, const char *id)
{
	return with_data("802A0000", request_data(cert, id), "00");
}
