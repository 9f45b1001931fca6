/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"

static hl_uuid
import(fixture *f, const hl_chip *chip, const hl_uuid *firmware, unsigned n)
{
	size_t len;
	const uint8_t *bytes = fx_license_bytes(n, &len);
	hl_uuid id;

	OK(f,
	    hl_store_license_import(f->s, &chip->id, firmware, bytes, len,
		&f->actor, &id, &f->err));
	return id;
}

static void
imported(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid id = import(f, &chip, &card.firmware, 1);
	uint8_t bytes[HL_LICENSE_MAX], hash[HL_SHA256_LEN];
	const uint8_t *given;
	hl_license lic, by;
	size_t n = 0, len;
	hl_chip now;

	OK(f,
	    hl_store_license_find(
		f->s, &chip.id, &card.firmware, &lic, &f->err));
	assert_memory_equal(&lic.id, &id, sizeof(id));
	OK(f, hl_store_license_by_id(f->s, &id, &by, &f->err));
	assert_memory_equal(&lic, &by, sizeof(by));
	assert_int_equal(lic.state, HL_LICENSE_ACTIVE);
	assert_int_equal(lic.size, 136);
	assert_memory_equal(&lic.chip, &chip.id, sizeof(lic.chip));
	assert_string_equal(lic.firmware_name, "firmware 1");
	assert_true(hl_uid_equal(&lic.uid, &chip.uid));
	assert_memory_equal(lic.cert_sha256, chip.cert_sha256, HL_SHA256_LEN);
	assert_true(lic.has_cert && lic.added_at > 0 && lic.retired_at == 0);
	assert_memory_equal(&lic.actor, &f->actor, sizeof(lic.actor));
	for (size_t i = 0; i < sizeof(lic.issue.b); i++)
		assert_int_equal(lic.issue.b[i], 0);
	OK(f, hl_store_license_bytes(f->s, &id, bytes, &n, &f->err));
	given = fx_license_bytes(1, &len);
	assert_memory_equal(bytes, given, len);
	assert_int_equal(n, len);
	OK(f, hl_sha256(bytes, n, hash, &f->err));
	assert_memory_equal(lic.sha256, hash, sizeof(hash));
	OK(f, hl_store_chip_by_id(f->s, &chip.id, &now, &f->err));
	assert_int_equal(now.licenses, 1);
	fx_check_clean(f);
}

static void
imported_again(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10), other = fx_card(f, 2, 10);
	const hl_uuid first = import(f, &chip, &card.firmware, 1);
	size_t len;
	const uint8_t *bytes = fx_license_bytes(1, &len);
	hl_uuid id = fx_uuid(), kept = id;

	EXPECT(f, HL_EEXIST,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes, len,
		&f->actor, &id, &f->err));
	assert_memory_equal(&id, &first, sizeof(id));
	id = kept;
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes,
		len - 1, &f->actor, &id, &f->err));
	assert_memory_equal(&id, &kept, sizeof(id));
	import(f, &chip, &other.firmware, 1); /* another firmware */
	fx_check_clean(f);
}

static void
import_refused(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	static const uint8_t bytes[HL_LICENSE_MAX + 1];
	const hl_uuid none = fx_uuid();
	hl_uuid id;

	EXPECT(f, HL_EINPUT,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes, 0,
		&f->actor, &id, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes,
		sizeof(bytes), &f->actor, &id, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_import(f->s, &none, &card.firmware, bytes, 9,
		&f->actor, &id, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_import(
		f->s, &chip.id, &none, bytes, 9, &f->actor, &id, &f->err));
	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes,
		HL_LICENSE_MAX, &f->actor, &id, &f->err));
}

static void
unknown_is_not_found(void **state)
{
	fixture *f = *state;
	const hl_uuid none = fx_uuid();
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license lic;
	size_t n;

	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_find(f->s, &none, &none, &lic, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_by_id(f->s, &none, &lic, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_bytes(f->s, &none, bytes, &n, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_use(f->s, &none, "store", &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_retire(f->s, &none, "x", &f->actor, &f->err));
}

static void
retired(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid first = import(f, &chip, &card.firmware, 1);
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license lic;
	hl_uuid second;
	size_t n;

	OK(f,
	    hl_store_license_retire(
		f->s, &first, "wrong key", &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_find(
		f->s, &chip.id, &card.firmware, &lic, &f->err));
	OK(f, hl_store_license_by_id(f->s, &first, &lic, &f->err));
	assert_int_equal(lic.state, HL_LICENSE_RETIRED);
	assert_true(lic.retired_at > 0);
	assert_string_equal(lic.reason, "wrong key");
	OK(f, hl_store_license_bytes(f->s, &first, bytes, &n, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_retire(f->s, &first, "again", &f->actor, &f->err));
	second = import(f, &chip, &card.firmware, 1); /* the same bytes */
	assert_memory_not_equal(&first, &second, sizeof(first));
	fx_check_clean(f);
}

/* A doubt is no end: it can be taken back as often as it is raised. */
static void
doubted_and_trusted(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid id = import(f, &chip, &card.firmware, 1);
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license lic;
	hl_chip now;
	size_t n;

	for (unsigned i = 0; i < 2; i++) {
		OK(f,
		    hl_store_license_doubt(
			f->s, &id, "RSS error", &f->actor, &f->err));
		EXPECT(f, HL_ENOTFOUND,
		    hl_store_license_find(
			f->s, &chip.id, &card.firmware, &lic, &f->err));
		OK(f, hl_store_license_by_id(f->s, &id, &lic, &f->err));
		assert_int_equal(lic.state, HL_LICENSE_SUSPECT);
		assert_string_equal(lic.reason, "RSS error");
		assert_true(lic.retired_at == 0);
		OK(f, hl_store_license_bytes(f->s, &id, bytes, &n, &f->err));
		EXPECT(f, HL_ECONFLICT,
		    hl_store_license_doubt(
			f->s, &id, "again", &f->actor, &f->err));
		OK(f,
		    hl_store_license_trust(
			f->s, &id, "TZEN was 0", &f->actor, &f->err));
		OK(f,
		    hl_store_license_find(
			f->s, &chip.id, &card.firmware, &lic, &f->err));
		assert_memory_equal(&lic.id, &id, sizeof(id));
		assert_string_equal(lic.reason, "TZEN was 0");
		EXPECT(f, HL_ECONFLICT,
		    hl_store_license_trust(
			f->s, &id, "again", &f->actor, &f->err));
	}
	OK(f, hl_store_chip_by_id(f->s, &chip.id, &now, &f->err));
	assert_int_equal(now.licenses, 1);
	fx_check_clean(f);
}

/* One active at most: the other one goes first. */
static void
trusted_only_alone(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10), other = fx_card(f, 2, 10);
	const hl_uuid first = import(f, &chip, &card.firmware, 1);
	hl_license lic;
	hl_uuid second;

	OK(f, hl_store_license_doubt(f->s, &first, "", &f->actor, &f->err));
	second = import(f, &chip, &card.firmware, 2);
	import(f, &chip, &other.firmware, 3); /* in nobody's way */
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_trust(f->s, &first, "", &f->actor, &f->err));
	OK(f,
	    hl_store_license_find(
		f->s, &chip.id, &card.firmware, &lic, &f->err));
	assert_memory_equal(&lic.id, &second, sizeof(second));
	OK(f, hl_store_license_doubt(f->s, &second, "", &f->actor, &f->err));
	OK(f, hl_store_license_trust(f->s, &first, "", &f->actor, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_trust(f->s, &second, "", &f->actor, &f->err));
	fx_check_clean(f);
}

static void
doubt_and_trust_are_refused(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid id = import(f, &chip, &card.firmware, 1);
	const hl_uuid none = fx_uuid();
	hl_actor bad = f->actor;
	hl_license lic;

	strcpy(bad.use_class, "holiday");
	EXPECT(f, HL_EINPUT,
	    hl_store_license_doubt(f->s, &id, "x", &bad, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_license_doubt(f->s, &id, "a\nb", &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_doubt(f->s, &none, "x", &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_license_trust(f->s, &none, "x", &f->actor, &f->err));
	OK(f, hl_store_license_doubt(f->s, &id, "x", &f->actor, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_license_trust(f->s, &id, "x", &bad, &f->err));
	/* suspect ones can be retired, and that is the end */
	OK(f, hl_store_license_retire(f->s, &id, "x", &f->actor, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_trust(f->s, &id, "x", &f->actor, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_license_doubt(f->s, &id, "x", &f->actor, &f->err));
	OK(f, hl_store_license_by_id(f->s, &id, &lic, &f->err));
	assert_int_equal(lic.state, HL_LICENSE_RETIRED);
	fx_check_clean(f);
}

/* Of a card: its issue stays what it is, and stands in no other one's way. */
static void
doubted_license_of_a_card(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	hl_issue one = fx_open(f, &chip, &card, 10), now;
	hl_outcome o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 9, 1);
	hl_license lic, second;

	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	OK(f, hl_store_license_doubt(f->s, &lic.id, "x", &f->actor, &f->err));
	fx_check_clean(f);
	OK(f, hl_store_issue_by_id(f->s, &one.id, &now, &f->err));
	assert_int_equal(now.state, HL_ISSUE_ISSUED);
	one = fx_open(f, &chip, &card, 9);
	o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 8, 2);
	OK(f, hl_store_intent_close(f->s, &o, &second, &f->err));
	assert_int_equal(second.state, HL_LICENSE_ACTIVE);
	/* trusted while a request is out: that one's license goes behind it */
	OK(f,
	    hl_store_license_doubt(f->s, &second.id, "x", &f->actor, &f->err));
	one = fx_open(f, &chip, &card, 8);
	OK(f, hl_store_license_trust(f->s, &lic.id, "x", &f->actor, &f->err));
	o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 7, 3);
	OK(f, hl_store_intent_close(f->s, &o, &second, &f->err));
	assert_int_equal(second.state, HL_LICENSE_RETIRED);
	fx_check_clean(f);
}

static void
uses(void **state)
{
	static const char *const ways[] = { "store", "store", "card", "replay",
		"export" };
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_uuid id = import(f, &chip, &card.firmware, 1);
	hl_figures fig;

	for (size_t i = 0; i < HL_COUNT(ways); i++) {
		OK(f,
		    hl_store_license_use(
			f->s, &id, ways[i], &f->actor, &f->err));
	}
	EXPECT(f, HL_EINPUT,
	    hl_store_license_use(f->s, &id, "gift", &f->actor, &f->err));
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.reused, 2);
}

typedef struct list {
	unsigned n, uses;
	hl_license last;
} list;

static bool
count_license(void *arg, const hl_license *l)
{
	list *w = arg;

	w->n++;
	w->uses += l->uses;
	w->last = *l;
	return true;
}

static list
run_list(fixture *f, const hl_uuid *chip, const hl_uuid *firmware, bool all)
{
	const hl_license_filter filter = { chip, firmware, all };
	list w = { .n = 0 };

	OK(f, hl_store_license_list(f->s, &filter, count_license, &w, &f->err));
	return w;
}

static void
lists_by_filter(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10), b = fx_card(f, 2, 10);
	hl_chip chip = fx_chip(f, 0);
	hl_uuid id = import(f, &chip, &a.firmware, 0);
	list w;

	OK(f, hl_store_license_retire(f->s, &id, "old", &f->actor, &f->err));
	for (unsigned i = 0; i < 70; i++) {
		chip = fx_chip(f, i);
		id = import(f, &chip, &a.firmware, i);
	}
	import(f, &chip, &b.firmware, 3);
	OK(f, hl_store_license_use(f->s, &id, "store", &f->actor, &f->err));
	OK(f, hl_store_license_use(f->s, &id, "export", &f->actor, &f->err));
	w = run_list(f, NULL, NULL, false);
	assert_int_equal(w.n, 71);
	assert_int_equal(w.uses, 2);
	assert_int_equal(run_list(f, NULL, NULL, true).n, 72);
	assert_int_equal(run_list(f, NULL, &a.firmware, false).n, 70);
	assert_int_equal(run_list(f, NULL, &a.firmware, true).n, 71);
	assert_int_equal(run_list(f, &chip.id, NULL, false).n, 2);
	w = run_list(f, &chip.id, &b.firmware, true);
	assert_int_equal(w.n, 1);
	assert_string_equal(w.last.firmware_name, "firmware 2");
	chip = fx_chip(f, 0);
	assert_int_equal(run_list(f, &chip.id, &a.firmware, true).n, 2);
	assert_int_equal(run_list(f, &chip.id, &b.firmware, true).n, 0);
}

int
conform_licenses(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(imported),
		TEST(imported_again),
		TEST(import_refused),
		TEST(unknown_is_not_found),
		TEST(retired),
		TEST(doubted_and_trusted),
		TEST(trusted_only_alone),
		TEST(doubt_and_trust_are_refused),
		TEST(doubted_license_of_a_card),
		TEST(uses),
		TEST(lists_by_filter),
	};

	return cmocka_run_group_tests_name("licenses", tests, NULL, NULL);
}
