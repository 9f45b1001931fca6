/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the preflight share. */
#ifndef HL_FLOW_PREFLIGHT_INT_H
#define HL_FLOW_PREFLIGHT_INT_H

#include "chip/device.h"
#include "flow/option_bytes.h"
#include "flow/preflight.h"

typedef struct hl_checks {
	const hl_preflight *in;
	const hl_device *device; /* NULL: series not known */
	hl_image_kind kind;
	void (*found)(void *arg, const hl_finding *f);
	void *arg;
	unsigned n;
	hl_option_bytes ob; /* of what is being looked at */
} hl_checks;

#define HL_SOURCE_U5 "ST employee, community.st.com td-p/635458"

/* Empties it and sets its name. */
void hl_finding_start(hl_finding *f, const char *id, const char *source);
void hl_finding_what(hl_finding *f, const char *fmt, ...) HL_PRINTF(2, 3);
void hl_finding_why(hl_finding *f, const char *fmt, ...) HL_PRINTF(2, 3);
void hl_finding_mend(hl_finding *f, const char *fmt, ...) HL_PRINTF(2, 3);
/* Hands it over and counts it. */
void hl_finding_put(hl_checks *c, hl_finding *f);

/* preflight_csv.c: c->ob is the CSV, or c->in->csv is NULL. */
void hl_check_csv(hl_checks *c);
/* preflight_live.c: c->ob is what -ob displ showed. */
void hl_check_live(hl_checks *c);

#endif
