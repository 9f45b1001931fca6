/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/open-license-card.md, section 10: the sessions are replayed against the
 * software card, the values computed anew. The card's ephemeral key is fixed by
 * standing between it and hl_license_make().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "card/softcard.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "util/file.h"
#include "util/hex.h"

#define DOC HSMLIC_SOURCE "/docs/open-license-card.md"
#define DIGITS 1200

static const uint8_t ephemeral_seed[32] = "worked example";

static hl_buf doc = HL_BUF_INIT;

hl_rc __real_hl_license_make(const hl_firmware_key *key, const uint8_t *pub,
    const char *type, const uint8_t *seed, uint8_t *out, hl_err *err);
hl_rc __wrap_hl_license_make(const hl_firmware_key *key, const uint8_t *pub,
    const char *type, const uint8_t *seed, uint8_t *out, hl_err *err);

hl_rc
__wrap_hl_license_make(const hl_firmware_key *key, const uint8_t *pub,
    const char *type, const uint8_t *seed, uint8_t *out, hl_err *err)
{
	assert_null(seed); /* a card draws its key */
	return __real_hl_license_make(key, pub, type, ephemeral_seed, out, err);
}

/* Text that ends where the fence does; *text is where it begins. */
static const char *
fence(const char *name, const char **text)
{
	char head[32];
	const char *p;

	(void)snprintf(head, sizeof(head), "\n```%s\n", name);
	p = strstr(hl_buf_str(&doc), head);
	if (p == NULL)
		fail_msg("no block %s in the page", name);
	*text = p + strlen(head);
	p = strstr(*text, "\n```\n");
	assert_non_null(p);
	return p + 1;
}

static const char *
next_line(const char *p)
{
	return strchr(p, '\n') + 1;
}

/* Digits from `p` to the end of the line and of the indented ones after it. */
static const char *
digits(const char *p, char out[DIGITS])
{
	size_t n = 0;

	do {
		for (p += 2; *p != '\n'; p++) {
			assert_true(n < DIGITS - 1);
			out[n++] = *p;
		}
		p++;
	} while (p[0] == ' ' && p[1] == ' ');
	out[n] = '\0';
	return p;
}

static void
ask(hl_softcard *card, bool t0, const char *command, char out[DIGITS])
{
	uint8_t apdu[DIGITS / 2];
	hl_buf answer = HL_BUF_INIT;
	size_t n = 0;

	assert_true(
	    hl_hex_decode(command, strlen(command), apdu, sizeof(apdu), &n));
	hl_softcard_apdu(card, t0, apdu, n, &answer);
	assert_in_range(answer.n, 2, DIGITS / 2 - 1);
	hl_hex_upper(out, answer.p, answer.n);
	hl_buf_free(&answer);
}

/* Plays the session between p and end; how many commands it had. */
static unsigned
play(hl_softcard *card, bool t0, const char *p, const char *end)
{
	char command[DIGITS], want[DIGITS], is[DIGITS];
	unsigned n = 0;

	while (p < end) {
		if (*p != '>') {
			assert_true(*p == '#' || *p == '\n');
			p = next_line(p);
			continue;
		}
		p = digits(p, command);
		assert_int_equal(*p, '<');
		p = digits(p, want);
		ask(card, t0, command, is);
		if (strcmp(is, want) != 0)
			fail_msg("%s\nis answered by\n%s\nthe page says\n%s",
			    command, is, want);
		n++;
	}
	return n;
}

static void
session(const char *name, bool t0, unsigned commands)
{
	static const uint8_t serial[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB,
		0xCD, 0xEF };
	char dir[] = "/tmp/olc-example.XXXXXX", path[64];
	const char *text, *end = fence(name, &text);
	hl_softcard *card;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/card", dir);
	assert_int_equal(
	    hl_softcard_create(path, serial, sizeof(serial), NULL), HL_OK);
	assert_int_equal(hl_softcard_open(&card, path, 0, NULL), HL_OK);
	assert_int_equal(play(card, t0, text, end), commands);
	hl_softcard_close(&card);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_session_t1(void **state)
{
	(void)state;
	session("apdu t1", false, 15);
}

static void
test_session_t0(void **state)
{
	(void)state;
	session("apdu t0", true, 9);
}

/* The value that stands under its name in the page. */
static void
value(const char *name, uint8_t *out, size_t n)
{
	const char *p, *end = fence("values", &p);
	char text[DIGITS];
	size_t got = 0;

	while (p < end && strncmp(p, name, strlen(name)) != 0)
		p = next_line(p);
	if (p >= end)
		fail_msg("no value \"%s\" in the page", name);
	(void)digits(next_line(p), text);
	assert_true(hl_hex_decode(text, strlen(text), out, n, &got));
	assert_int_equal(got, n);
}

static void
test_values(void **state)
{
	uint8_t chip_priv[32], priv[32], pub[64], z[32], k[48], lic[136];
	uint8_t plain[32], is[64], is_z[32], is_k[48];
	hl_firmware_key key;

	(void)state;
	value("private key of chip 1", chip_priv, sizeof(chip_priv));
	value("ephemeral private key", priv, sizeof(priv));
	value("S, ephemeral public key", pub, sizeof(pub));
	value("Z", z, sizeof(z));
	value("K", k, sizeof(k));
	value("plaintext", plain, sizeof(plain));
	value("license", lic, sizeof(lic));

	assert_int_equal(
	    hl_p256_generate(ephemeral_seed, is_z, is, NULL), HL_OK);
	assert_memory_equal(is_z, priv, sizeof(priv));
	assert_memory_equal(is, pub, sizeof(pub));
	assert_memory_equal(lic + 24, pub, sizeof(pub));
	assert_int_equal(hl_p256_ecdh(chip_priv, pub, is_z, NULL), HL_OK);
	assert_memory_equal(is_z, z, sizeof(z));
	assert_int_equal(hl_x963_kdf(z, sizeof(z), pub, sizeof(pub), is_k,
			     sizeof(is_k), NULL),
	    HL_OK);
	assert_memory_equal(is_k, k, sizeof(k));
	assert_int_equal(
	    hl_license_open(lic, sizeof(lic), chip_priv, &key, NULL), HL_OK);
	assert_memory_equal(plain, key.nonce, sizeof(key.nonce));
	assert_memory_equal(plain + 12, "\0\0\0\0", 4);
	assert_memory_equal(plain + 16, key.key, sizeof(key.key));
}

static int
read_doc(void **state)
{
	(void)state;
	return hl_file_read(DOC, (size_t)1 << 20, &doc, NULL) == HL_OK ? 0 : -1;
}

static int
free_doc(void **state)
{
	(void)state;
	hl_buf_free(&doc);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_t1),
		cmocka_unit_test(test_session_t0),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, read_doc, free_doc);
}
