/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out: results, errors, exit codes. */
#include <errno.h>
#include <string.h>

#include "sim/sim.h"
#include "util/file.h"

/* What is not found here is a card, a chip or a reader. */
static int
exit_code(hl_rc rc)
{
	return rc == HL_ENOTFOUND ? hl_rc_exit(HL_ENODEV) : hl_rc_exit(rc);
}

static void
schema_name(const struct sim *sim, char *out, size_t size)
{
	const struct sim_command *c = sim->cmd;

	(void)snprintf(out, size, SIM_NAME "/%s%s%s/1", c->group,
	    c->name != NULL ? "-" : "", c->name != NULL ? c->name : "");
}

static bool
print_json(const struct sim *sim, json_t *result)
{
	char schema[64];
	bool ok;

	schema_name(sim, schema, sizeof(schema));
	ok = result != NULL &&
	    json_object_set_new(result, "schema", json_string(schema)) == 0 &&
	    json_dumpf(result, stdout, JSON_COMPACT | JSON_SORT_KEYS) == 0 &&
	    putchar('\n') == '\n';
	json_decref(result);
	return ok;
}

hl_rc
sim_flush(hl_err *err)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return HL_OK;
	return hl_fail(err, HL_EIO, "print the result",
	    "check where the output goes", "%s", strerror(errno));
}

hl_rc
sim_done(const struct sim *sim, json_t *result, hl_err *err)
{
	if (sim->opt[OPT_JSON] == NULL) {
		json_decref(result);
	} else if (!print_json(sim, result)) {
		return hl_nomem(err);
	}
	return sim_flush(err);
}

hl_rc
sim_put(const char *path, const hl_buf *b, mode_t mode, hl_err *err)
{
	const hl_rc rc = hl_file_put(path, b->p, b->n, mode, false, err);

	if (rc == HL_EEXIST)
		hl_err_hint(err,
		    "choose another name, or remove the file; it is never "
		    "replaced");
	return rc;
}

int
sim_report(const struct sim *sim, const hl_err *err)
{
	json_t *e;

	fprintf(stderr, SIM_NAME ": %s: %s\n", err->what, err->why);
	if (err->hint[0] != '\0')
		fprintf(stderr, SIM_NAME ": hint: %s\n", err->hint);
	if (sim->cmd != NULL && sim->opt[OPT_JSON] != NULL) {
		e = json_pack("{s:{s:s,s:s,s:s,s:s,s:i}}", "error", "code",
		    hl_rc_name(err->rc), "what", err->what, "why", err->why,
		    "hint", err->hint, "units_spent", err->units_spent);
		(void)print_json(sim, e);
		(void)fflush(stdout);
	}
	return exit_code(err->rc);
}
