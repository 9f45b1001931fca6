/* SPDX-License-Identifier: Apache-2.0 */
/* A software card in a folder of its own, and APDUs written in hex. */
#ifndef HSMLIC_TEST_SOFTCARD_FIXTURE_H
#define HSMLIC_TEST_SOFTCARD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "card/softcard.h"
#include "chip/cert.h"
#include "crypto/p256.h"

#define SELECT "00A4040008F048534D4C49430100"
#define INFO "80CA000000"
#define ID1 "000102030405060708090A0B0C0D0E0F"
#define ID2 "F00102030405060708090A0B0C0D0E0F"
#define ID3 "F10102030405060708090A0B0C0D0E0F"
#define SERIAL "0123456789ABCDEF"
#define KEY "101112131415161718191A1B1C1D1E1F"
#define NONCE "202122232425262728292A2B"

struct fixture {
	char dir[32];
	char path[48];
	hl_softcard *card;
	bool t0;
	uint8_t chip_priv[HL_P256_SCALAR];
	uint8_t chip_pub[HL_P256_POINT];
	char cert[2 * HL_CERT_STM32 + 1]; /* product ID 45002001 */
};

int fixture_setup(void **state); /* a blank card, not open */
int fixture_teardown(void **state);

/* Opens the card and selects the application. */
void card_on(struct fixture *f);
void card_off(struct fixture *f);
/* The same, personalised first: firmware "fw", type SFI. `product` "" any. */
void card_ready(struct fixture *f, const char *product, uint32_t capacity);
uint32_t counter_of(struct fixture *f);

/* Sends; the answer in upper-case hex, valid until the next call. */
const char *ask(struct fixture *f, const char *apdu);
#define expect(f, apdu, answer) assert_string_equal(ask((f), (apdu)), (answer))

/* The short APDU head + Lc + data + Le ("00" or ""). Valid until the next. */
const char *with_data(const char *head, const char *data, const char *le);
/* Data of ISSUE LICENSE in hex: E1 { C9 certificate, CA id }. */
const char *request_data(const char *cert, const char *id);
/* ISSUE LICENSE for that certificate, with Le = 00. */
const char *issue(const char *cert, const char *id);
/* Hex text of a certificate for this product ID, with the fixture's key. */
void certificate(const struct fixture *f, const char *product, char *out);

#endif
