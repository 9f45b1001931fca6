/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"

static const hl_uid no_uid = { .n = 0 };

static hl_chip
put(fixture *f, int cert_n, int uid_n)
{
	hl_cert cert;
	hl_uid uid = no_uid;
	hl_chip chip;

	if (cert_n >= 0)
		cert = fx_cert((unsigned)cert_n);
	if (uid_n >= 0)
		uid = fx_uid((unsigned)uid_n);
	OK(f,
	    hl_store_chip_put(f->s, cert_n >= 0 ? &cert : NULL, &uid, &f->actor,
		&chip, &f->err));
	return chip;
}

static void
put_conflict(fixture *f, unsigned cert_n, unsigned uid_n)
{
	const hl_cert cert = fx_cert(cert_n);
	const hl_uid uid = fx_uid(uid_n);
	hl_chip chip, untouched;

	memset(&chip, 0x5a, sizeof(chip));
	untouched = chip;
	assert_int_equal(
	    hl_store_chip_put(f->s, &cert, &uid, &f->actor, &chip, &f->err),
	    HL_ECONFLICT);
	assert_memory_equal(&chip, &untouched, sizeof(chip));
}

static void
found_by_each_name(void **state)
{
	fixture *f = *state;
	const hl_chip made = put(f, 1, 1);
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1);
	hl_chip by;

	OK(f, hl_store_chip_by_uid(f->s, &uid, &by, &f->err));
	assert_memory_equal(&by.id, &made.id, sizeof(by.id));
	OK(f, hl_store_chip_by_cert(f->s, cert.sha256, &by, &f->err));
	assert_memory_equal(&by.id, &made.id, sizeof(by.id));
	OK(f, hl_store_chip_by_id(f->s, &made.id, &by, &f->err));
	assert_true(hl_uid_equal(&by.uid, &uid));
	assert_true(by.has_cert);
	assert_memory_equal(by.cert_sha256, cert.sha256, HL_SHA256_LEN);
	assert_true(by.first_seen > 0);
	assert_string_equal(by.label, "");
	assert_int_equal(by.licenses, 0);
}

static void
unknown_is_not_found(void **state)
{
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1);
	const hl_uuid id = fx_uuid();
	hl_cert out;
	hl_chip by;

	EXPECT(f, HL_ENOTFOUND, hl_store_chip_by_uid(f->s, &uid, &by, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_chip_by_cert(f->s, cert.sha256, &by, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_chip_by_id(f->s, &id, &by, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_chip_by_label(f->s, "", &by, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_chip_cert(f->s, &id, &out, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_chip_label(f->s, &id, "x", &f->actor, &f->err));
	put(f, -1, 1);
	OK(f, hl_store_chip_by_uid(f->s, &uid, &by, &f->err));
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_chip_cert(f->s, &by.id, &out, &f->err));
}

static void
nothing_given_is_refused(void **state)
{
	fixture *f = *state;
	hl_chip chip;

	EXPECT(f, HL_EINPUT,
	    hl_store_chip_put(f->s, NULL, NULL, &f->actor, &chip, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_put(f->s, NULL, &no_uid, &f->actor, &chip, &f->err));
}

static void
completed_by_either(void **state)
{
	static const struct {
		const char *why;
		int cert, uid;
	} first[] = {
		{ "certificate first", 1, -1 },
		{ "UID first", -1, 1 },
	};
	fixture *f = *state;

	for (size_t i = 0; i < HL_COUNT(first); i++) {
		const int n = (int)i * 10 + 1;
		const hl_chip a = put(
		    f, first[i].cert < 0 ? -1 : n, first[i].uid < 0 ? -1 : n);
		const hl_chip b = put(f, n, n), c = put(f, n, n);

		assert_memory_equal(&a.id, &b.id, sizeof(a.id));
		assert_memory_equal(&b, &c, sizeof(b));
		assert_int_equal(b.uid.n, HL_UID_STM32);
		assert_true(b.has_cert);
		assert_int_equal(a.first_seen, b.first_seen);
	}
	fx_check_clean(f);
}

static void
conflicts_both_ways(void **state)
{
	fixture *f = *state;
	const hl_chip one = put(f, 1, 1);
	hl_chip by;

	put_conflict(f, 2, 1); /* the UID with another certificate */
	assert_non_null(strstr(f->err.why, "UID 010032333435"));
	put_conflict(f, 1, 2); /* the certificate with another UID */
	assert_non_null(strstr(f->err.why, "020032333435"));
	put(f, 3, -1);
	put_conflict(f, 3, 1); /* a certificate known alone, a UID taken */
	put(f, -1, 4);
	put_conflict(f, 1, 4);
	OK(f, hl_store_chip_by_id(f->s, &one.id, &by, &f->err));
	assert_memory_equal(&by, &one, sizeof(by));
	fx_check_clean(f);
}

/* Met by certificate, met by UID, then both at once: one chip. */
static void
halves_are_joined(void **state)
{
	fixture *f = *state;
	const hl_chip by_cert = put(f, 1, -1), by_uid = put(f, -1, 1);
	const hl_cert cert = fx_cert(1);
	hl_chip joined, other;
	size_t len;
	hl_uuid id;

	OK(f,
	    hl_store_chip_label(
		f->s, &by_cert.id, "board 1", &f->actor, &f->err));
	const hl_card_row card = fx_card(f, 1, 10);
	const uint8_t *lic = fx_license_bytes(1, &len);
	OK(f,
	    hl_store_license_import(f->s, &by_uid.id, &card.firmware, lic, len,
		&f->actor, &id, &f->err));
	joined = put(f, 1, 1);
	assert_memory_equal(&joined.id, &by_uid.id, sizeof(joined.id));
	assert_string_equal(joined.label, "board 1");
	assert_int_equal(joined.licenses, 1);
	OK(f, hl_store_chip_by_cert(f->s, cert.sha256, &other, &f->err));
	assert_memory_equal(&other, &joined, sizeof(other));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_chip_by_id(f->s, &by_cert.id, &other, &f->err));
	fx_check_clean(f);
}

static void
halves_with_licenses_each_stay(void **state)
{
	fixture *f = *state;
	const hl_chip a = put(f, 1, -1), b = put(f, -1, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid ids[] = { a.id, b.id };
	size_t len;
	const uint8_t *lic = fx_license_bytes(1, &len);
	hl_uuid id;

	for (size_t i = 0; i < HL_COUNT(ids); i++) {
		OK(f,
		    hl_store_license_import(f->s, &ids[i], &card.firmware, lic,
			len, &f->actor, &id, &f->err));
	}
	put_conflict(f, 1, 1);
	fx_check_clean(f);
}

static void
certificate_comes_back(void **state)
{
	static const uint8_t odd[] = { 1, 2, 3 };
	fixture *f = *state;
	const hl_chip chip = put(f, 1, 1);
	const hl_cert in = fx_cert(1);
	hl_cert out, any;
	hl_chip other;

	OK(f, hl_store_chip_cert(f->s, &chip.id, &out, &f->err));
	assert_int_equal(out.n, in.n);
	assert_memory_equal(out.b, in.b, in.n);
	assert_memory_equal(out.sha256, in.sha256, sizeof(in.sha256));
	OK(f, hl_cert_parse(&any, odd, sizeof(odd), true, &f->err));
	OK(f,
	    hl_store_chip_put(f->s, &any, &no_uid, &f->actor, &other, &f->err));
	assert_string_equal(other.product_id, "");
	OK(f, hl_store_chip_cert(f->s, &other.id, &out, &f->err));
	assert_int_equal(out.n, sizeof(odd));
}

static void
labels(void **state)
{
	fixture *f = *state;
	const hl_chip a = put(f, 1, 1), b = put(f, 2, 2);
	char longest[HL_TEXT_MAX + 2];
	hl_chip by;

	memset(longest, 'x', sizeof(longest));
	longest[HL_TEXT_MAX + 1] = '\0';
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_label(f->s, &a.id, longest, &f->actor, &f->err));
	longest[HL_TEXT_MAX] = '\0';
	OK(f, hl_store_chip_label(f->s, &a.id, longest, &f->actor, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_label(f->s, &a.id, "\xff", &f->actor, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_label(f->s, &a.id, "a\nb", &f->actor, &f->err));
	OK(f,
	    hl_store_chip_label(
		f->s, &a.id, "gr\xc3\xbcn", &f->actor, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_chip_label(
		f->s, &b.id, "gr\xc3\xbcn", &f->actor, &f->err));
	OK(f,
	    hl_store_chip_label(
		f->s, &a.id, "gr\xc3\xbcn", &f->actor, &f->err));
	OK(f, hl_store_chip_by_label(f->s, "gr\xc3\xbcn", &by, &f->err));
	assert_memory_equal(&by.id, &a.id, sizeof(by.id));
	OK(f, hl_store_chip_label(f->s, &a.id, "", &f->actor, &f->err));
	OK(f,
	    hl_store_chip_label(
		f->s, &b.id, "gr\xc3\xbcn", &f->actor, &f->err));
	OK(f, hl_store_chip_label(f->s, &b.id, "", &f->actor, &f->err));
}

static void
actor_is_checked(void **state)
{
	fixture *f = *state;
	const hl_uid uid = fx_uid(1);
	hl_actor a = f->actor;
	hl_chip chip;

	strcpy(a.use_class, "holiday");
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_put(f->s, NULL, &uid, &a, &chip, &f->err));
	a = f->actor;
	strcpy(a.operator_, "\x1b[2J");
	EXPECT(f, HL_EINPUT,
	    hl_store_chip_put(f->s, NULL, &uid, &a, &chip, &f->err));
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	memset(&a, 0, sizeof(a));
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &a, &chip, &f->err));
}

typedef struct seen {
	fixture *f;
	unsigned n, stop;
	bool write;
} seen;

static bool
see(void *arg, const hl_chip *chip)
{
	seen *w = arg;
	const hl_uid uid = fx_uid(w->n);
	char label[32];

	assert_true(hl_uid_equal(&chip->uid, &uid));
	if (w->write) {
		snprintf(label, sizeof(label), "chip %u", w->n);
		OK(w->f,
		    hl_store_chip_label(
			w->f->s, &chip->id, label, &w->f->actor, &w->f->err));
	}
	return ++w->n != w->stop;
}

/* More than any engine fetches at once; in order; the row may write. */
static void
list_in_order(void **state)
{
	fixture *f = *state;
	seen w = { .f = f };

	OK(f, hl_store_chip_list(f->s, see, &w, &f->err));
	assert_int_equal(w.n, 0);
	for (unsigned i = 0; i < 200; i++)
		put(f, -1, (int)i);
	w = (seen){ .f = f, .write = true };
	OK(f, hl_store_chip_list(f->s, see, &w, &f->err));
	assert_int_equal(w.n, 200);
	w = (seen){ .f = f, .stop = 70 };
	OK(f, hl_store_chip_list(f->s, see, &w, &f->err));
	assert_int_equal(w.n, 70);
}

int
conform_chips(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(found_by_each_name),
		TEST(unknown_is_not_found),
		TEST(nothing_given_is_refused),
		TEST(completed_by_either),
		TEST(conflicts_both_ways),
		TEST(halves_are_joined),
		TEST(halves_with_licenses_each_stay),
		TEST(certificate_comes_back),
		TEST(labels),
		TEST(actor_is_checked),
		TEST(list_in_order),
	};

	return cmocka_run_group_tests_name("chips", tests, NULL, NULL);
}
