/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/device.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "util/err.h"
#include "util/hex.h"

#define STM32 "STM32"
#define STM32_LEN 5
#define ID_DIGITS 3

#define UID_H7 0x1FF1E800U
#define UID_H7AB 0x08FFF800U /* and H7R/S, H5 */
#define UID_L4 0x1FFF7590U   /* and G0, G4, WB, WL */
#define UID_L5 0x0BFA0590U
#define UID_U5 0x0BFA0700U /* and U3, WBA6 */
#define UID_WBA5 0x0BF90700U
#define UID_WBA2 0x0BF8D700U
#define UID_C0 0x1FFF7550U
#define UID_MP1 0x5C005234U

#define RSSE .needs_rsse = true
#define TZ .has_tz = true
#define STATES .product_state = true

#define H74_75                                                                 \
	{                                                                      \
		.id = 0x450, .series = "STM32H74x/75x", .uid_address = UID_H7  \
	}
#define H7AB                                                                   \
	{                                                                      \
		.id = 0x480, .series = "STM32H7A/B", .uid_address = UID_H7AB   \
	}
#define L5(i)                                                                  \
	{                                                                      \
		.id = (i), .series = "STM32L5", .uid_address = UID_L5, RSSE,   \
		TZ, .tz_off_first = true                                       \
	}
#define U5(i)                                                                  \
	{                                                                      \
		.id = (i), .series = "STM32U5", .uid_address = UID_U5, RSSE,   \
		TZ, .sfi_needs_tz = true                                       \
	}
#define H5(i)                                                                  \
	{                                                                      \
		.id = (i), .series = "STM32H5", .uid_address = UID_H7AB, RSSE, \
		TZ, STATES                                                     \
	}
#define WL(i)                                                                  \
	{                                                                      \
		.id = (i), .series = "STM32WL", .uid_address = UID_L4, RSSE    \
	}
#define WBA(i, name, uid)                                                      \
	{                                                                      \
		.id = (i), .series = (name), .uid_address = (uid), RSSE, TZ    \
	}
#define PLAIN(i, name, uid)                                                    \
	{                                                                      \
		.id = (i), .series = (name), .uid_address = (uid)              \
	}

/* The device ID of STM32U535/545 is in none of the sources: by its name. */
static const hl_device by_id[] = {
	H74_75,
	H7AB,
	L5(0x472),
	PLAIN(0x462, "STM32L4", UID_L4),
	WL(0x497),
	U5(0x481),
	H5(0x484), /* H56x/573 */
	H5(0x478), /* H523/533 */
	WBA(0x492, "STM32WBA5", UID_WBA5),
	PLAIN(0x495, "STM32WB", UID_L4),
	PLAIN(0x500, "STM32MP15", UID_MP1),
};

/*
 * By the beginning of a name without "STM32". What has no series is another
 * kind of chip than those that its name begins like. Left out are series
 * whose headers have more than one address.
 */
static const struct named {
	const char *prefix;
	hl_device device;
} by_name[] = {
	{ "H72", PLAIN(0, "STM32H72x/73x", UID_H7) },
	{ "H73", PLAIN(0, "STM32H72x/73x", UID_H7) },
	{ "H74", H74_75 },
	{ "H75", H74_75 },
	{ "H7A", H7AB },
	{ "H7B", H7AB },
	{ "H7R",
	    { .series = "STM32H7R/S", .uid_address = UID_H7AB, RSSE, STATES } },
	{ "H7S",
	    { .series = "STM32H7R/S", .uid_address = UID_H7AB, RSSE, STATES } },
	{ "H5", H5(0) },
	{ "L4", PLAIN(0, "STM32L4", UID_L4) },
	{ "L5", L5(0) },
	{ "U5", U5(0) },
	{ "U3", { .series = "STM32U3", .uid_address = UID_U5, TZ } },
	{ "WL", WL(0) },
	{ "WL3", { .series = NULL } },
	{ "WB", PLAIN(0, "STM32WB", UID_L4) },
	{ "WB0", { .series = NULL } },
	{ "WBA", WBA(0, "STM32WBA", 0) },
	{ "WBA2", WBA(0, "STM32WBA2", UID_WBA2) },
	{ "WBA5", WBA(0, "STM32WBA5", UID_WBA5) },
	{ "WBA6", WBA(0, "STM32WBA6", UID_U5) },
	{ "G0", PLAIN(0, "STM32G0", UID_L4) },
	{ "G4", PLAIN(0, "STM32G4", UID_L4) },
	{ "C0", PLAIN(0, "STM32C0", UID_C0) },
	{ "F2", PLAIN(0, "STM32F2", 0x1FFF7A10) },
	{ "F4", PLAIN(0, "STM32F4", 0x1FFF7A10) },
	{ "F0", PLAIN(0, "STM32F0", 0x1FFFF7AC) },
	{ "F3", PLAIN(0, "STM32F3", 0x1FFFF7AC) },
	{ "F1", PLAIN(0, "STM32F1", 0x1FFFF7E8) },
	{ "L0", PLAIN(0, "STM32L0", 0x1FF80050) },
	{ "MP1", PLAIN(0, "STM32MP1", UID_MP1) },
};

const hl_device *
hl_device_by_id(uint32_t id)
{
	for (size_t i = 0; i < HL_COUNT(by_id); i++)
		if (by_id[i].id == id)
			return &by_id[i];
	return NULL;
}

const hl_device *
hl_device_by_name(const char *name)
{
	const struct named *best = NULL;
	size_t n, best_n = 0;

	if (name == NULL)
		return NULL;
	name += strspn(name, " \t");
	if (strncasecmp(name, STM32, STM32_LEN) == 0)
		name += STM32_LEN;
	for (size_t i = 0; i < HL_COUNT(by_name); i++) {
		n = strlen(by_name[i].prefix);
		if (n > best_n &&
		    strncasecmp(name, by_name[i].prefix, n) == 0) {
			best = &by_name[i];
			best_n = n;
		}
	}
	return best == NULL || best->device.series == NULL ? NULL
							   : &best->device;
}

const hl_device *
hl_device_by_product(const char *product_id)
{
	uint32_t id = 0;
	int digit;

	if (product_id == NULL)
		return NULL;
	for (size_t i = 0; i < ID_DIGITS; i++) {
		if ((digit = hl_hex_digit(product_id[i])) < 0)
			return NULL;
		id = id << 4 | (uint32_t)digit;
	}
	return hl_device_by_id(id);
}
