/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef HL_TOOL_TOOL_INT_H
#define HL_TOOL_TOOL_INT_H

#include "tool/tool.h"

/* Of the folders that a glob pattern stands for, the one with the newest
 * version in its name that has the tool. False: none has it. */
bool hl_tool_newest(hl_tool *out, const char *pattern);
/* Exit 0, which alone means little. */
bool hl_tool_went_well(const hl_ended *end);
/* hl_fail(): what is missing, what the tool said to it, how it ended. */
hl_rc hl_tool_complain(hl_rc rc, const hl_tool_report *r, const hl_ended *end,
    const char *missing, const char *hint, hl_err *err);

#endif
