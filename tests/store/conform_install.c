/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of programmers on chips. */
#include <stdio.h>

#include "store/conform.h"
#include "util/clock.h"

typedef struct list {
	unsigned n, stop;
	hl_install all[80];
} list;

static bool
keep(void *arg, const hl_install *i)
{
	list *l = arg;

	assert_true(l->n < HL_COUNT(l->all));
	l->all[l->n] = *i;
	return ++l->n != l->stop;
}

static unsigned
read_list(fixture *f, const hl_chip *chip, list *l)
{
	memset(l, 0, sizeof(*l));
	OK(f, hl_store_install_list_chip(f->s, &chip->id, keep, l, &f->err));
	return l->n;
}

static hl_uuid
import(fixture *f, const hl_chip *chip, const hl_uuid *firmware)
{
	size_t n;
	const uint8_t *bytes = fx_license_bytes(1, &n);
	hl_uuid id;

	OK(f,
	    hl_store_license_import(
		f->s, &chip->id, firmware, bytes, n, &f->actor, &id, &f->err));
	return id;
}

static void
all_comes_back(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	hl_install in = fx_install(f, &chip, HL_INSTALL_FAILED);
	list l;

	in.license = import(f, &chip, &card.firmware);
	in.firmware = card.firmware;
	in.at = hl_now_ms() - 60000;
	in.duration_ms = UINT32_MAX;
	in.exit_status = 255;
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	assert_int_equal(read_list(f, &chip, &l), 1);
	assert_memory_equal(&l.all[0], &in, sizeof(in));
	fx_check_clean(f);
}

/* What `run` knows of a programmer that was given no license of ours. */
static void
little_is_known(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	hl_install in = fx_install(f, &chip, HL_INSTALL_UNKNOWN);
	list l;

	memset(in.image, 0, sizeof(in.image));
	memset(in.detail, 0, sizeof(in.detail));
	in.has_image_sha256 = false;
	memset(in.image_sha256, 0, sizeof(in.image_sha256));
	in.exit_status = HL_EXIT_UNKNOWN;
	in.at = 1;
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	assert_int_equal(read_list(f, &chip, &l), 1);
	assert_memory_equal(&l.all[0], &in, sizeof(in));
	fx_check_clean(f);
}

static void
when_it_began(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	hl_install in = fx_install(f, &chip, HL_INSTALL_DONE);
	const int64_t before = hl_now_ms();
	int64_t after;
	list l;

	OK(f, hl_store_install_add(f->s, &in, &f->err));
	in.id = fx_uuid();
	in.at = before + 3600000; /* the clock went back meanwhile */
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	after = hl_now_ms();
	assert_int_equal(read_list(f, &chip, &l), 2);
	assert_in_range(
	    l.all[0].at, before - in.duration_ms, after - in.duration_ms);
	assert_in_range(l.all[1].at, before, after);
}

static void
refused(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 10), card2 = fx_card(f, 2, 10);
	const hl_uuid license = import(f, &chip, &card.firmware);
	const hl_install good = fx_install(f, &chip, HL_INSTALL_DONE);
	hl_install in;
	list l;

#define REFUSE(want, change)                                                   \
	in = good;                                                             \
	in.id = fx_uuid();                                                     \
	change;                                                                \
	EXPECT(f, want, hl_store_install_add(f->s, &in, &f->err))
	REFUSE(HL_EINPUT, in.programmer[0] = '\0');
	REFUSE(HL_EINPUT, strcpy(in.programmer, "a\nb"));
	REFUSE(HL_EINPUT, strcpy(in.image, "\xff"));
	REFUSE(HL_EINPUT, strcpy(in.detail, "\x1b[2J"));
	REFUSE(HL_EINPUT, strcpy(in.actor.use_class, "holiday"));
	REFUSE(HL_EINPUT, in.exit_status = -2);
	REFUSE(HL_EINPUT, in.exit_status = 256);
	REFUSE(HL_EINPUT, in.at = -1);
	REFUSE(HL_EINPUT, in.outcome = (hl_install_outcome)3);
	REFUSE(HL_ENOTFOUND, in.chip = fx_uuid());
	REFUSE(HL_ENOTFOUND, in.firmware = fx_uuid());
	REFUSE(HL_ENOTFOUND, in.license = fx_uuid());
	REFUSE(HL_ECONFLICT, in.license = license); /* no firmware */
	REFUSE(HL_ECONFLICT, in.license = license;
	       in.firmware = card2.firmware);
	REFUSE(HL_ECONFLICT, in.license = license; in.firmware = card.firmware;
	       in.chip = other.id);
#undef REFUSE
	assert_int_equal(read_list(f, &chip, &l), 0);
	OK(f, hl_store_install_add(f->s, &good, &f->err));
	EXPECT(f, HL_EEXIST, hl_store_install_add(f->s, &good, &f->err));
	assert_int_equal(read_list(f, &chip, &l), 1);
	assert_int_equal(read_list(f, &other, &l), 0);
	fx_check_clean(f);
}

/* A license that is suspect or retired by now may have been installed. */
static void
of_a_license_in_any_state(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	hl_install in = fx_install(f, &chip, HL_INSTALL_FAILED);

	in.license = import(f, &chip, &card.firmware);
	in.firmware = card.firmware;
	OK(f,
	    hl_store_license_doubt(f->s, &in.license, "x", &f->actor, &f->err));
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	OK(f,
	    hl_store_license_retire(
		f->s, &in.license, "x", &f->actor, &f->err));
	in.id = fx_uuid();
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	fx_check_clean(f);
}

/* More than any engine fetches at once, of this chip alone, and no further
 * than wanted. */
static void
list_in_order(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	hl_install in;
	list l;

	for (unsigned i = 0; i < 70; i++) {
		in = fx_install(f, &chip, HL_INSTALL_DONE);
		in.duration_ms = i;
		OK(f, hl_store_install_add(f->s, &in, &f->err));
		in = fx_install(f, &other, HL_INSTALL_DONE);
		OK(f, hl_store_install_add(f->s, &in, &f->err));
	}
	assert_int_equal(read_list(f, &chip, &l), 70);
	for (unsigned i = 0; i < l.n; i++)
		assert_int_equal(l.all[i].duration_ms, i);
	memset(&l, 0, sizeof(l));
	l.stop = 66;
	OK(f, hl_store_install_list_chip(f->s, &chip.id, keep, &l, &f->err));
	assert_int_equal(l.n, 66);
}

/* A chip that was programmed is one that something refers to. */
static void
halves_with_installs_stay_two(void **state)
{
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1);
	hl_chip a, b, joined;
	hl_install in;
	list l;

	OK(f, hl_store_chip_put(f->s, &cert, NULL, &f->actor, &a, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &b, &f->err));
	in = fx_install(f, &b, HL_INSTALL_DONE);
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	OK(f,
	    hl_store_chip_put(f->s, &cert, &uid, &f->actor, &joined, &f->err));
	assert_memory_equal(&joined.id, &b.id, sizeof(b.id));
	assert_int_equal(read_list(f, &joined, &l), 1);

	const hl_cert cert2 = fx_cert(2);
	const hl_uid uid2 = fx_uid(2);

	OK(f, hl_store_chip_put(f->s, &cert2, NULL, &f->actor, &a, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid2, &f->actor, &b, &f->err));
	in = fx_install(f, &a, HL_INSTALL_DONE);
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	in = fx_install(f, &b, HL_INSTALL_DONE);
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_chip_put(
		f->s, &cert2, &uid2, &f->actor, &joined, &f->err));
	fx_check_clean(f);
}

static void
figures_by_outcome(void **state)
{
	static const unsigned n[] = { 3, 2, 1 };
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	hl_figures fig;

	for (unsigned o = 0; o < HL_COUNT(n); o++) {
		for (unsigned i = 0; i < n[o]; i++) {
			hl_install in =
			    fx_install(f, &chip, (hl_install_outcome)o);

			in.at = 1000 + i;
			OK(f, hl_store_install_add(f->s, &in, &f->err));
		}
	}
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.installs_done, 3);
	assert_int_equal(fig.installs_failed, 2);
	assert_int_equal(fig.installs_unknown, 1);
	OK(f, hl_store_figures(f->s, 1001, 1002, &fig, &f->err));
	assert_int_equal(fig.installs_done, 1);
	assert_int_equal(fig.installs_failed, 1);
	assert_int_equal(fig.installs_unknown, 0);
}

int
conform_installs(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_comes_back),
		TEST(little_is_known),
		TEST(when_it_began),
		TEST(refused),
		TEST(of_a_license_in_any_state),
		TEST(list_in_order),
		TEST(halves_with_installs_stay_two),
		TEST(figures_by_outcome),
	};

	return cmocka_run_group_tests_name("installs", tests, NULL, NULL);
}
