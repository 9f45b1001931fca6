/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The STM32HSM card. Its commands are not public, so not one is sent to it: it
 * is known by its ATR, and its licenses come through the vendor's own tool,
 * with the chip connected.
 */
#include <string.h>

#include "card/atr.h"
#include "card/driver.h"

#define MARK "HSM_SFI_"

static hl_rc
stm32hsm_probe(hl_channel *ch, bool *mine, unsigned *can, bool *extended,
    hl_deadline until, hl_err *err)
{
	hl_rd h;

	(void)until;
	(void)err;
	*extended = false;
	*can = HL_NEEDS_TARGET;
	*mine = hl_atr_historical(ch->atr, ch->atr_n, &h) &&
	    memmem(h.p, h.n, MARK, sizeof(MARK) - 1) != NULL;
	return HL_OK;
}

static hl_rc
stm32hsm_read(hl_channel *ch, bool extended, hl_card_info *out,
    hl_deadline until, hl_err *err)
{
	(void)ch;
	(void)extended;
	(void)until;
	(void)err;
	out->state = HL_CARD_UNKNOWN;
	return HL_OK;
}

const hl_card_driver hl_driver_stm32hsm = {
	.name = "stm32hsm",
	.can = HL_NEEDS_TARGET,
	.probe = stm32hsm_probe,
	.read = stm32hsm_read,
	.issue = NULL,
};
