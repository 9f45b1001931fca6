/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-in for tests; not ST's program: see standin.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

static int
ignored(struct tool *t, const struct words *w)
{
	(void)t;
	(void)w;
	return 0;
}

static int
log_to(struct tool *t, const struct words *w)
{
	if (w->n > 0 && t->log == NULL &&
	    (t->log = fopen(w->w[0], "ae")) == NULL)
		world_broken(w->w[0], strerror(errno));
	return 0;
}

/* What it writes where is nothing to the stand-in. The text is SYNTHETIC. */
static int
other(struct tool *t, const struct words *w)
{
	(void)w;
	if (!target_needed(t))
		return 1;
	say(t, "(synthetic) done");
	return 0;
}

static const struct {
	const char *name, *alias;
	command_run *run;
} commands[] = {
	{ "-log", "-l", log_to },
	{ "-c", "-connect", target_connect },
	{ "-gc", "-getcertificate", target_certificate },
	{ "-r32", NULL, target_read32 },
	{ "-ob", "-optionbytes", target_option_bytes },
	{ "-hsmgetinfo", NULL, hsm_get_info },
	{ "-hsmgetcounter", NULL, hsm_get_counter },
	{ "-hsmgetfwid", NULL, hsm_get_firmware },
	{ "-hsmgetstatus", NULL, hsm_get_status },
	{ "-hsmgetlicense", NULL, hsm_get_license },
	{ "-hsmgetlicensefromcertifbin", "-hsmglfcb",
	    hsm_license_from_certificate },
	{ "-sfi", NULL, install_sfi },
	{ "-ssp", NULL, install_ssp },
	{ "-installipmodule", NULL, install_module },
	{ "-rsse", NULL, ignored },
	{ "-el", "-extload", ignored },
	{ "-mcsv", NULL, ignored },
	{ "-vb", "-verbosity", ignored },
	{ "-q", "-quietMode", ignored },
	{ "-y", NULL, ignored },
	{ "-w", "-write", other },
	{ "-d", "-download", other },
	{ "-e", "-erase", other },
	{ "-v", "-verify", other },
	{ "-rst", NULL, other },
	{ "-hardRst", NULL, other },
};

static bool
is(const char *word, const char *name)
{
	return name != NULL &&
	    (strcmp(word, name) == 0 ||
		(word[0] == '-' && strcmp(word + 1, name) == 0));
}

static command_run *
command_of(const struct tool *t, const char *word)
{
	for (size_t i = 0; i < HL_COUNT(commands); i++) {
		if (!is(word, commands[i].name) && !is(word, commands[i].alias))
			continue;
		if (commands[i].run == hsm_license_from_certificate &&
		    world_has(t, "no-hsmglfcb"))
			return NULL;
		return commands[i].run;
	}
	return NULL;
}

/* From argv[*at], which is moved on to the next command. */
static int
run_one(struct tool *t, int *at)
{
	command_run *run = command_of(t, t->argv[*at]);
	struct words w = { 0 };

	if (run == NULL) /* the text is SYNTHETIC */
		return say_error(
		    t, "(synthetic) unknown command %s", t->argv[*at]);
	++*at;
	w.w = t->argv + *at;
	while (*at < t->argc && t->argv[*at][0] != '-') {
		++*at;
		w.n++;
	}
	return run(t, &w);
}

/* One after the other until one fails. */
static int
run_all(struct tool *t)
{
	int at = 1, rc = 0;

	say_banner(t);
	if (t->argc == 1 || is(t->argv[1], "-help") || is(t->argv[1], "-h") ||
	    strcmp(t->argv[1], "-?") == 0) {
		help_print(t);
		return 0;
	}
	if (is(t->argv[1], "-version")) {
		fputs("stand-in for tests; not ST's program\n", stderr);
		return 0;
	}
	while (rc == 0 && at < t->argc)
		rc = run_one(t, &at);
	return rc;
}

int
main(int argc, char **argv)
{
	struct tool t = { .argc = argc, .argv = argv, .garbage = 1 };
	int rc;

	world_open(&t);
	world_spawn_child(&t);
	rc = run_all(&t);
	if (rc != 0 && world_has(&t, "exit0-on-failure"))
		rc = 0;
	else if (rc == 0 && world_has(&t, "exit1-on-success"))
		rc = 1;
	if (t.log != NULL)
		(void)fclose(t.log);
	world_close(&t);
	return rc;
}
