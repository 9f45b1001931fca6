/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the error lines of ST's programmer. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/explain_view.h"
#include "util/file.h"

#define FOUND_MAX 64 /* more than there are */

/* All of it: the line that explains may be the last of a long log. */
static hl_rc
read_stdin(hl_buf *out, hl_err *err)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
		hl_buf_put(out, chunk, (size_t)n);
		if (out->failed)
			return hl_fail(err, HL_EINPUT, "read standard input",
			    "give its error lines alone, such as by grep Error",
			    "there is too much");
	}
	if (n < 0)
		return hl_fail(err, HL_EIO, "read standard input",
		    "give the text as an operand", "it cannot be read");
	return HL_OK;
}

/* A log that is named rather than piped; no error line is a file's name. */
static bool
is_file(char *const *operands)
{
	struct stat st;

	return operands[0] != NULL && operands[1] == NULL &&
	    stat(operands[0], &st) == 0 && S_ISREG(st.st_mode);
}

/* Without quotes a line comes in many operands. */
static hl_rc
read_text(char **operands, hl_buf *out, hl_err *err)
{
	if (operands[0] == NULL && isatty(STDIN_FILENO) == 1)
		return hl_fail(err, HL_EUSAGE, "explain",
		    "give the programmer's error line, or its whole output "
		    "through a pipe",
		    "there is no text");
	if (operands[0] == NULL ||
	    (strcmp(operands[0], "-") == 0 && operands[1] == NULL))
		return read_stdin(out, err);
	if (is_file(operands))
		return hl_file_read(operands[0], HL_BUF_MAX, out, err);
	for (; *operands != NULL; operands++) {
		hl_buf_put(out, *operands, strlen(*operands));
		hl_buf_u8(out, ' ');
	}
	return out->failed ? hl_nomem(err) : HL_OK;
}

static size_t
list_all(const hl_explanation **out, size_t max)
{
	size_t n = 0;

	while (n < max && hl_explanations[n].id != NULL) {
		out[n] = &hl_explanations[n];
		n++;
	}
	return n;
}

static hl_rc
show(hl_cli *cli, const hl_explanation *const *found, size_t n, hl_err *err)
{
	json_t *array;

	if (cli->json) {
		array = json_array();
		for (size_t i = 0; i < n; i++)
			(void)json_array_append_new(
			    array, hl_json_explanation(found[i]));
		return hl_print_json(
		    cli, json_pack("{s:o}", "explanations", array), err);
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)putchar('\n');
		/* In a list each is read for itself. */
		if (hl_opt_set(cli, "list"))
			hl_explanation_print(&found[i], 1, 0, stdout);
		else
			hl_explanation_print(found, n, i, stdout);
	}
	if (n == 0)
		(void)puts("nothing is known of this text; keep all of it as "
			   "it is");
	return HL_OK;
}

hl_rc
hl_cmd_explain(hl_cli *cli, char **operands, hl_err *err)
{
	const hl_explanation *found[FOUND_MAX];
	hl_buf text = HL_BUF_INIT;
	size_t n = 0;
	hl_rc rc;

	if (hl_opt_set(cli, "list")) {
		if (operands[0] != NULL)
			return hl_fail(err, HL_EUSAGE, "explain",
			    "leave one of them away",
			    "--list shows all, and takes no text");
		return show(cli, found, list_all(found, FOUND_MAX), err);
	}
	rc = read_text(operands, &text, err);
	if (rc == HL_OK) {
		n = hl_explain(text.p, text.n, found, FOUND_MAX);
		rc = show(cli, found, n, err);
	}
	hl_buf_free(&text);
	if (rc == HL_OK && n == 0)
		cli->exit_code = 1;
	return rc;
}
