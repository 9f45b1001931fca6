/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-times [--runs N] [--warm-up N] [--fields FILE] [--log FILE]
 *     @NAME COMMAND [ARG...] @NAME COMMAND [ARG...] ...
 *
 * Times whole processes, from before the spawn to after the wait, in turns: A
 * B A B and not A A B B, so that whatever else the machine does meets all of
 * them alike. In every argument {1} to {9} become the fields of that round's
 * line in FILE. Output of the commands goes nowhere, their messages to the log.
 * A line of samples_print() for each, with its ratio to the first command; any
 * exit status but 0 ends it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "samples.h"

extern char **environ;

enum { COMMANDS_MAX = 8, FIELDS_MAX = 9, ROUNDS_MAX = 1000000 };

struct command {
	char **argv; /* argc words, as they were given */
	int argc;
	samples took;
};

struct bench {
	size_t runs, warm_up;
	FILE *fields;
	const char *log;
	struct command commands[COMMANDS_MAX];
	size_t n;
};

static void
give_up(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-times: %s: %s\n", what, why);
	exit(1);
}

/* ---- words of one round -------------------------------------------------- */

struct fields {
	char line[4096];
	const char *v[FIELDS_MAX];
	size_t n;
};

static void
read_fields(FILE *f, struct fields *out)
{
	char *at = out->line;

	out->n = 0;
	if (f == NULL)
		return;
	if (fgets(out->line, sizeof(out->line), f) == NULL)
		give_up("fields", "fewer lines than rounds");
	while (out->n < FIELDS_MAX) {
		at += strspn(at, " \t\n");
		if (*at == '\0')
			break;
		out->v[out->n++] = at;
		at += strcspn(at, " \t\n");
		if (*at != '\0')
			*at++ = '\0';
	}
}

/* The field that a text begins with, as {1}; NULL: none. */
static const char *
field_at(const char *text, const struct fields *f)
{
	if (text[0] != '{' || text[1] < '1' || text[1] > '9' || text[2] != '}')
		return NULL;
	if ((size_t)(text[1] - '1') >= f->n)
		give_up(text, "the line has fewer fields");
	return f->v[text[1] - '1'];
}

static char *
fill_in(const char *word, const struct fields *f)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		give_up(word, strerror(errno));
	while (*word != '\0') {
		const char *field = field_at(word, f);

		if (field != NULL)
			(void)fputs(field, out);
		else
			(void)fputc(*word, out);
		word += field != NULL ? 3 : 1;
	}
	if (fclose(out) != 0)
		give_up("fields", strerror(errno));
	return text;
}

static char **
make_argv(const struct command *c, const struct fields *f)
{
	char **argv = calloc((size_t)c->argc + 1, sizeof(*argv));

	if (argv == NULL)
		give_up(c->took.name, strerror(errno));
	for (int i = 0; i < c->argc; i++)
		argv[i] = fill_in(c->argv[i], f);
	return argv;
}

static void
free_argv(char **argv)
{
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* ---- running ------------------------------------------------------------- */

static double
run(const struct bench *b, char **argv)
{
	posix_spawn_file_actions_t a;
	double before, after;
	int status, e;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&a);
	(void)posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&a, 1, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(
	    &a, 2, b->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	before = samples_now();
	e = posix_spawnp(&pid, argv[0], &a, NULL, argv, environ);
	if (e != 0)
		give_up(argv[0], strerror(e));
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			give_up(argv[0], strerror(errno));
	}
	after = samples_now();
	(void)posix_spawn_file_actions_destroy(&a);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr,
		    "bench-times: wait status %04x of:", (unsigned)status);
		for (size_t i = 0; argv[i] != NULL; i++)
			(void)fprintf(stderr, " %s", argv[i]);
		give_up("\n", "it failed");
	}
	return after - before;
}

static void
run_round(struct bench *b, struct fields *f, bool counts)
{
	read_fields(b->fields, f);
	for (size_t i = 0; i < b->n; i++) {
		char **argv = make_argv(&b->commands[i], f);
		const double us = run(b, argv);

		free_argv(argv);
		if (counts)
			samples_add(&b->commands[i].took, us);
	}
}

/* ---- arguments ----------------------------------------------------------- */

static char **
read_options(struct bench *b, char **argv)
{
	for (; argv[0] != NULL && argv[0][0] != '@'; argv += 2) {
		if (argv[1] == NULL)
			give_up(argv[0], "a value is wanted");
		if (strcmp(argv[0], "--runs") == 0)
			b->runs = samples_count(argv[1], ROUNDS_MAX);
		else if (strcmp(argv[0], "--warm-up") == 0)
			b->warm_up = samples_count(argv[1], ROUNDS_MAX);
		else if (strcmp(argv[0], "--log") == 0)
			b->log = argv[1];
		else if (strcmp(argv[0], "--fields") != 0)
			give_up(argv[0], "no such option");
		else if ((b->fields = fopen(argv[1], "re")) == NULL)
			give_up(argv[1], strerror(errno));
	}
	return argv;
}

static void
read_commands(struct bench *b, char **argv)
{
	while (*argv != NULL && b->n < COMMANDS_MAX) {
		struct command *c = &b->commands[b->n++];

		c->took = samples_new(*argv++ + 1, b->runs);
		c->argv = argv;
		while (*argv != NULL && (*argv)[0] != '@')
			argv++;
		c->argc = (int)(argv - c->argv);
		if (c->argc == 0)
			give_up(c->took.name, "a command is wanted");
	}
	if (b->n == 0 || *argv != NULL)
		give_up("commands", "1 to 8 of them are wanted");
}

int
main(int argc, char **argv)
{
	static struct bench b = {
		.runs = 20, .warm_up = 2, .log = "/dev/null"
	};
	static struct fields f;

	(void)argc;
	read_commands(&b, read_options(&b, argv + 1));
	for (size_t i = 0; i < b.warm_up + b.runs; i++)
		run_round(&b, &f, i >= b.warm_up);
	for (size_t i = 0; i < b.n; i++)
		samples_print(&b.commands[i].took, &b.commands[0].took);
	for (size_t i = 0; i < b.n; i++)
		samples_free(&b.commands[i].took);
	if (b.fields != NULL)
		(void)fclose(b.fields);
	return 0;
}
