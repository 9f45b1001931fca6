/* SPDX-License-Identifier: Apache-2.0 */
/* A card's figures in the lines of -hsmgetinfo and its sisters. */
#ifndef HL_TOOL_CARD_FIGURES_H
#define HL_TOOL_CARD_FIGURES_H

#include "tool/output.h"

/* A figure that two lines give differently is not known. */
typedef struct hl_card_figures {
	char firmware_id[65], state[32], type[9], version[16];
	uint32_t counter;
	bool has_counter;
	bool two_firmwares, two_states, two_types, two_versions, two_counters;
} hl_card_figures;

/* True when the line was the firmware identifier's: it is somebody's free text,
 * and nothing else is to be read out of it. */
bool hl_card_figures_line(hl_card_figures *f, const char *line);
/* With -hsmgetcounter's output only: "counter = 25", "counter is 25". */
void hl_card_figures_sentence(hl_card_figures *f, const char *line);
void hl_card_figures_end(const hl_card_figures *f, hl_tool_report *out);

#endif
