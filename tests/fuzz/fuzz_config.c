/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: refused with a reason, or taken without an accident. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_cli *cli = calloc(1, sizeof(*cli));
	char *text = malloc(size + 1);
	hl_err err = { 0 };
	hl_rc rc;

	MUST(cli != NULL && text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	cli->command = &hl_commands[0]; /* get */
	rc = hl_config_parse(cli, "config", text, &err);
	if (rc == HL_OK) {
		for (size_t i = 0; i < cli->n_values; i++) {
			const hl_option *o = cli->values[i].option;

			MUST((o->flags & HL_OPT_LINE_ONLY) == 0);
			MUST(hl_opt(cli, o->name) == cli->values[i].text);
			MUST(!cli->values[i].on_line);
		}
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc && err.why[0] != '\0');
	}
	hl_config_free(cli);
	free(cli);
	free(text);
	return 0;
}
