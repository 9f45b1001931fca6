/* SPDX-License-Identifier: Apache-2.0 */
#include "store/model.h"

#include <string.h>

/* By value of the enumeration. */
static const char *const issue_states[] = { "open", "issued", "issued_bad",
	"not_spent", "lost", "lost_or_outside", "written_off" };
static const char *const license_states[] = { "active", "suspect", "retired" };
static const char *const install_outcomes[] = { "done", "failed", "unknown" };
static const char *const variance_classes[] = { "lost", "in_doubt", "outside",
	"jump", "replaced", "rolled_back", "imported" };

const char *
hl_issue_state_name(hl_issue_state s)
{
	return (size_t)s < HL_COUNT(issue_states) ? issue_states[s] : "?";
}

bool
hl_issue_state_parse(const char *s, hl_issue_state *out)
{
	for (size_t i = 0; i < HL_COUNT(issue_states); i++) {
		if (strcmp(s, issue_states[i]) == 0) {
			*out = (hl_issue_state)i;
			return true;
		}
	}
	return false;
}

const char *
hl_license_state_name(hl_license_state s)
{
	return (size_t)s < HL_COUNT(license_states) ? license_states[s] : "?";
}

const char *
hl_install_outcome_name(hl_install_outcome o)
{
	return (size_t)o < HL_COUNT(install_outcomes) ? install_outcomes[o]
						      : "?";
}

bool
hl_install_outcome_parse(const char *s, hl_install_outcome *out)
{
	for (size_t i = 0; i < HL_COUNT(install_outcomes); i++) {
		if (strcmp(s, install_outcomes[i]) == 0) {
			*out = (hl_install_outcome)i;
			return true;
		}
	}
	return false;
}

const char *
hl_variance_class_name(hl_variance_class c)
{
	return (size_t)c < HL_COUNT(variance_classes) ? variance_classes[c]
						      : "?";
}

bool
hl_variance_class_parse(const char *s, hl_variance_class *out)
{
	for (size_t i = 0; i < HL_COUNT(variance_classes); i++) {
		if (strcmp(s, variance_classes[i]) == 0) {
			*out = (hl_variance_class)i;
			return true;
		}
	}
	return false;
}
