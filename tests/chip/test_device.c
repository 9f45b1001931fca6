/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/device.h"

#include "crypto/hexvec.h"
#include "util/err.h"

/* By letters: Rsse, trustZone needed, Has trustzone, Off first, State. */
static void
check_facts(const char *why, const hl_device *d, const char *series,
    uint32_t uid, const char *letters)
{
	CHECK(d != NULL, why);
	CHECK(strcmp(d->series, series) == 0, why);
	CHECK(d->uid_address == uid, why);
	CHECK(d->needs_rsse == (strchr(letters, 'R') != NULL), why);
	CHECK(d->sfi_needs_tz == (strchr(letters, 'Z') != NULL), why);
	CHECK(d->has_tz == (strchr(letters, 'H') != NULL), why);
	CHECK(d->tz_off_first == (strchr(letters, 'O') != NULL), why);
	CHECK(d->product_state == (strchr(letters, 'S') != NULL), why);
}

static void
by_device_id(void **state)
{
	static const struct {
		uint32_t id;
		const char *series;
		uint32_t uid;
		const char *letters;
	} rows[] = {
		{ 0x450, "STM32H74x/75x", 0x1FF1E800, "" },
		{ 0x480, "STM32H7A/B", 0x08FFF800, "" },
		{ 0x472, "STM32L5", 0x0BFA0590, "RHO" },
		{ 0x462, "STM32L4", 0x1FFF7590, "" },
		{ 0x497, "STM32WL", 0x1FFF7590, "R" },
		{ 0x481, "STM32U5", 0x0BFA0700, "RZH" },
		{ 0x484, "STM32H5", 0x08FFF800, "RHS" },
		{ 0x478, "STM32H5", 0x08FFF800, "RHS" },
		{ 0x492, "STM32WBA5", 0x0BF90700, "RH" },
		{ 0x495, "STM32WB", 0x1FFF7590, "" },
		{ 0x500, "STM32MP15", 0x5C005234, "" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_device *d = hl_device_by_id(rows[i].id);

		check_facts(rows[i].series, d, rows[i].series, rows[i].uid,
		    rows[i].letters);
		CHECK(d->id == rows[i].id, rows[i].series);
	}
}

static void
by_name(void **state)
{
	static const struct {
		const char *name, *series;
		uint32_t uid;
		const char *letters;
	} rows[] = {
		{ "STM32U535/545", "STM32U5", 0x0BFA0700, "RZH" },
		{ "STM32U535CEU6", "STM32U5", 0x0BFA0700, "RZH" },
		{ "STM32U5", "STM32U5", 0x0BFA0700, "RZH" },
		{ "u5", "STM32U5", 0x0BFA0700, "RZH" },
		{ " stm32u585", "STM32U5", 0x0BFA0700, "RZH" },
		{ "STM32H7A/B", "STM32H7A/B", 0x08FFF800, "" },
		{ "STM32H7B3xx", "STM32H7A/B", 0x08FFF800, "" },
		{ "STM32H753AII6", "STM32H74x/75x", 0x1FF1E800, "" },
		{ "STM32H735", "STM32H72x/73x", 0x1FF1E800, "" },
		{ "STM32H7S3", "STM32H7R/S", 0x08FFF800, "RS" },
		{ "STM32H7Rx/7Sx", "STM32H7R/S", 0x08FFF800, "RS" },
		{ "STM32H533/523", "STM32H5", 0x08FFF800, "RHS" },
		{ "STM32L552", "STM32L5", 0x0BFA0590, "RHO" },
		{ "STM32L4R9", "STM32L4", 0x1FFF7590, "" },
		{ "STM32WB5x", "STM32WB", 0x1FFF7590, "" },
		{ "STM32WBxx", "STM32WB", 0x1FFF7590, "" },
		{ "STM32WBA52", "STM32WBA5", 0x0BF90700, "RH" },
		{ "STM32WBA65", "STM32WBA6", 0x0BFA0700, "RH" },
		{ "STM32WBA25", "STM32WBA2", 0x0BF8D700, "RH" },
		{ "STM32WBA", "STM32WBA", 0, "RH" },
		{ "STM32WL55", "STM32WL", 0x1FFF7590, "R" },
		{ "STM32G474", "STM32G4", 0x1FFF7590, "" },
		{ "STM32MP157", "STM32MP1", 0x5C005234, "" },
	};
	static const char *const unknown[] = { "", "STM32", "STM32H7",
		"STM32H7xx", "STM32WB09", "STM32WL33", "STM32N6", "STM32MP257",
		"STM32F7", "STM32U0", "nRF52", "XSTM32U5", "STM3 U5" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		check_facts(rows[i].name, hl_device_by_name(rows[i].name),
		    rows[i].series, rows[i].uid, rows[i].letters);
	for (size_t i = 0; i < HL_COUNT(unknown); i++)
		CHECK(hl_device_by_name(unknown[i]) == NULL, unknown[i]);
	assert_null(hl_device_by_name(NULL));
}

static void
by_product_id(void **state)
{
	/* Those that the sources print. */
	static const struct {
		const char *product;
		uint32_t id;
	} rows[] = {
		{ "45002001", 0x450 },
		{ "46201002", 0x462 },
		{ "47201003", 0x472 },
		{ "49701005", 0x497 },
		{ "49202013", 0x492 },
		{ "5000200A", 0x500 },
		{ "5000300A", 0x500 },
	};
	static const char *const unknown[] = { "", "4", "45", "45G02001",
		"ABC02001", "00000000" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_device *d = hl_device_by_product(rows[i].product);

		CHECK(d != NULL && d->id == rows[i].id, rows[i].product);
		CHECK(d == hl_device_by_id(rows[i].id), rows[i].product);
	}
	for (size_t i = 0; i < HL_COUNT(unknown); i++)
		CHECK(hl_device_by_product(unknown[i]) == NULL, unknown[i]);
	assert_null(hl_device_by_product(NULL));
}

static void
nothing_is_made_up(void **state)
{
	(void)state;
	assert_null(hl_device_by_id(0)); /* "not known" is no device */
	assert_null(
	    hl_device_by_id(0x455)); /* U535's: in none of the sources */
	assert_null(hl_device_by_id(0x483));   /* H72x/73x: the same */
	assert_null(hl_device_by_id(0x10481)); /* no mask over the ID */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_device_id),
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_product_id),
		cmocka_unit_test(nothing_is_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
