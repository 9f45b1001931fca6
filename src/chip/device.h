/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the series of STM32 chips: only facts that have a source.
 * UID addresses: the CMSIS device headers of each series (UID_BASE). Device IDs
 * and product IDs: ST AN5054, and console output of STM32CubeProgrammer. Which
 * installations need an RSSe file: the examples of AN5054. What an SFI needs of
 * TrustZone on STM32U5: an ST employee in community.st.com, td-p/635458.
 */
#ifndef HL_CHIP_DEVICE_H
#define HL_CHIP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hl_device {
	uint32_t id;	      /* DBGMCU device ID; 0: of a whole series */
	const char *series;   /* "STM32U5" */
	uint32_t uid_address; /* of the 96-bit UID; 0: not known */
	bool needs_rsse;      /* -sfi wants -rsse; false: not known to */
	/* An SFI has to turn TrustZone on and to leave RDP level 0. */
	bool sfi_needs_tz;
	bool has_tz;	    /* has TrustZone (general knowledge) */
	bool tz_off_first;  /* TZEN is to be 0 before the SFI (AN5054) */
	bool product_state; /* product states in the place of RDP levels */
} hl_device;

/* All results are static, NULL where nothing is known. 0x500 is that of
 * STM32MP15's product IDs. */
const hl_device *hl_device_by_id(uint32_t id);
/*
 * A part ("STM32U535CE"), the name that ST's tool gives ("STM32U535/545",
 * "STM32H7A/B") or a series ("STM32U5", "u5"): by the longest beginning that
 * facts are known of. "STM32H7" alone is several: NULL.
 */
const hl_device *hl_device_by_name(const char *name);
/* The first three digits of a product ID ("47201003") are the device ID. */
const hl_device *hl_device_by_product(const char *product_id);

#endif
