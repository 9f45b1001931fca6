/* SPDX-License-Identifier: Apache-2.0 */
/* audit log: the events, as they are stored or in words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"

#define LAST_MAX INT64_C(1000000000)

enum { SEQ, AT, KIND, STATION, OPERATOR, COLUMNS };

typedef struct showing {
	hl_cli *cli;
	hl_event_filter filter;
	void (*show)(
	    struct showing *s, const hl_event_row *r, const hl_event *e);
	uint64_t from, to;
	uint64_t next; /* the event that has to come */
	uint64_t n;    /* events that match */
	uint64_t skip; /* of them, before the first that is shown */
	size_t width[COLUMNS];
	hl_rc rc; /* of an event that is not what was written */
	hl_err *err;
} showing;

/* ---- the three forms ---------------------------------------------------- */

static void
show_line(showing *s, const hl_event_row *r, const hl_event *e)
{
	(void)s;
	(void)e;
	(void)fwrite(r->bytes, 1, r->n, stdout);
	(void)fputc('\n', stdout);
}

/* Events are objects of JSON already. */
static void
show_element(showing *s, const hl_event_row *r, const hl_event *e)
{
	(void)e;
	if (s->n > s->skip)
		(void)fputc(',', stdout);
	(void)fwrite(r->bytes, 1, r->n, stdout);
}

/* Widths only grow: a whole table would have to be kept. */
static void
put_cells(showing *s, char *const cells[COLUMNS], const char *words)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t gap;

		hl_text_clean(cells[i]);
		if (hl_text_width(cells[i]) > s->width[i])
			s->width[i] = hl_text_width(cells[i]);
		gap = s->width[i] - hl_text_width(cells[i]);
		(void)printf("%*s%s%*s  ", i == SEQ ? (int)gap : 0, "",
		    cells[i], i == SEQ ? 0 : (int)gap, "");
	}
	(void)printf("%s\n", words);
}

static void
show_header(showing *s)
{
	char seq[] = "SEQ", at[] = "TIME", kind[] = "KIND",
	     station[] = "STATION", operator_[] = "OPERATOR";
	char *const cells[COLUMNS] = { seq, at, kind, station, operator_ };
	char last[24];

	s->width[SEQ] = (size_t)snprintf(last, sizeof(last), "%" PRIu64, s->to);
	s->width[AT] = HL_TIME_TEXT - 1;
	s->width[KIND] = strlen("license.imported");
	(void)fputs(s->cli->color_out ? "\033[1m" : "", stdout);
	put_cells(s, cells, "WHAT");
	(void)fputs(s->cli->color_out ? "\033[0m" : "", stdout);
}

static void
show_row(showing *s, const hl_event_row *r, const hl_event *e)
{
	char seq[24], at[HL_TIME_TEXT], kind[HL_EVENT_KIND_MAX + 1];
	hl_text station, operator_;
	char *const cells[COLUMNS] = { seq, at, kind, station, operator_ };
	hl_buf words = HL_BUF_INIT;
	char *clean;

	if (s->n == s->skip)
		show_header(s);
	(void)snprintf(seq, sizeof(seq), "%" PRIu64, r->seq);
	hl_time_text(e->at, at);
	(void)hl_text_copy(kind, sizeof(kind), e->kind);
	(void)hl_text_copy(station, sizeof(station), e->station);
	(void)hl_text_copy(operator_, sizeof(operator_), e->operator_);
	hl_event_words(s->cli, e, &words);
	clean = strdup(hl_buf_str(&words));
	if (clean != NULL)
		hl_text_clean(clean);
	put_cells(s, cells, clean == NULL ? "" : clean);
	free(clean);
	hl_buf_free(&words);
}

/* ---- going through them ------------------------------------------------- */

/* A log with a gap must not look like a whole one. */
static bool
fail_missing(showing *s)
{
	s->rc = hl_fail(s->err, HL_EINTEGRITY, "show the events",
	    "run hsmlic audit verify",
	    "event %" PRIu64 " is missing: the ledger was altered", s->next);
	return false;
}

static bool
on_event(void *arg, const hl_event_row *r)
{
	showing *s = arg;
	hl_event e;

	if (r->seq != s->next)
		return fail_missing(s);
	s->next++;
	if ((s->rc = hl_audit_read_event(r, &e, s->err)) != HL_OK)
		return false;
	if (hl_event_matches(&s->filter, &e)) {
		if (s->n >= s->skip && s->show != NULL)
			s->show(s, r, &e);
		s->n++;
	}
	hl_event_free(&e);
	return !ferror(stdout);
}

static hl_rc
go_through(showing *s, hl_err *err)
{
	hl_rc rc;

	s->n = 0;
	s->rc = HL_OK;
	s->err = err;
	s->next = s->from;
	rc = hl_store_events(s->cli->store, s->from, s->to, on_event, s, err);
	if (rc == HL_OK && s->rc == HL_OK && s->next < s->to && !ferror(stdout))
		(void)fail_missing(s);
	return rc == HL_OK ? s->rc : rc;
}

/* Only the last ones: from the end, more and more are looked at until there are
 * so many. */
static hl_rc
find_last(showing *s, uint64_t last, hl_err *err)
{
	const uint64_t first = s->from, end = s->to;
	uint64_t n = 0, window = last;
	hl_rc rc = HL_OK;

	for (s->from = end; s->from > first && n < last && rc == HL_OK;
	     window *= 2) {
		s->to = s->from;
		s->from = s->to - first > window ? s->to - window : first;
		rc = go_through(s, err);
		n += s->n;
	}
	s->to = end;
	s->skip = n > last ? n - last : 0;
	return rc;
}

static void
end_object(hl_rc rc, const hl_err *err)
{
	json_t *error = rc == HL_OK ? NULL : hl_json_error(err);

	(void)fputc(']', stdout);
	if (rc != HL_OK) {
		(void)fputs(",\"error\":", stdout);
		if (error == NULL ||
		    json_dumpf(error, stdout, JSON_COMPACT) != 0)
			(void)fputs("{}", stdout);
	}
	(void)puts("}");
	json_decref(error);
}

static hl_rc
print_events(showing *s, uint64_t size, hl_err *err)
{
	hl_store_info info;
	json_t *origin;
	hl_rc rc;

	if (s->cli->json) {
		if ((rc = hl_store_info_get(s->cli->store, &info, err)) !=
		    HL_OK)
			return rc;
		origin = hl_json_text(info.origin);
		(void)printf("{\"schema\":\"hsmlic/audit-log/1\",\"origin\":");
		(void)json_dumpf(origin, stdout, JSON_ENCODE_ANY);
		(void)printf(",\"size\":%" PRIu64 ",\"events\":[", size);
		json_decref(origin);
		s->cli->result_printed = true;
		s->show = show_element;
	} else if (hl_opt_set(s->cli, "jsonl")) {
		s->show = show_line;
	} else {
		s->show = show_row;
	}
	rc = go_through(s, err);
	if (s->cli->json)
		end_object(rc, err);
	else if (rc == HL_OK && s->n == 0)
		hl_message(s->cli, "none");
	return rc;
}

hl_rc
hl_cmd_audit_log(hl_cli *cli, char **operands, hl_err *err)
{
	showing s = { .cli = cli };
	hl_frontier tree;
	uint64_t last;
	hl_rc rc;

	(void)operands;
	if (cli->json && hl_opt_set(cli, "jsonl"))
		return hl_fail(err, HL_EUSAGE, "show the events",
		    "take --json or --jsonl",
		    "one object and one line for each event cannot both be");
	if ((rc = hl_event_filter_set(cli, &s.filter, err)) != HL_OK ||
	    (rc = hl_opt_number(cli, "last", LAST_MAX, LAST_MAX, &last, err)) !=
		HL_OK ||
	    (rc = hl_store_tree(cli->store, &tree, err)) != HL_OK)
		return rc;
	hl_event_filter_range(&s.filter, tree.size, &s.from, &s.to);
	if (hl_opt(cli, "last") != NULL &&
	    (rc = find_last(&s, last, err)) != HL_OK)
		return rc;
	return print_events(&s, tree.size, err);
}
