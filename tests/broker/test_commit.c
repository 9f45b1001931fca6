/* SPDX-License-Identifier: Apache-2.0 */
/* A license has left the card, and the store does not take it. */
#include <stdlib.h>
#include <unistd.h>

#include "broker/ballast.h"
#include "broker/internal.h"
#include "broker/settle.h"
#include "store/fixture.h"
#include "store/raw.h"
#include "store/vfs.h"
#include "util/file.h"

#define LICENSE "license"

typedef struct scene {
	fixture *f;
	hl_broker *b;
	hl_cert cert;
	hl_issue issue;
	hl_settled out;
	hl_license kept;
	char line[8192]; /* HSMLIC-RESCUE, as the last resort printed it */
	bool deaf;	 /* and nobody saw it */
} scene;

static bool
on_rescue(void *arg, const char *line)
{
	scene *s = arg;

	assert_true(hl_text_copy(s->line, sizeof(s->line), line));
	return !s->deaf;
}

/* In the store's side directory. */
static const char *
beside(const scene *s, const char *name)
{
	static char path[4200];

	OK(s->f, hl_path(path, sizeof(path), NULL, "%s/%s", s->b->side, name));
	return path;
}

/* An intent at counter 10 whose license has come. */
static scene *
begin(fixture *f)
{
	static scene s;
	const hl_broker_options opt = { .rescue = on_rescue, .arg = &s };
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);

	s = (scene){ .f = f, .cert = fx_cert(1) };
	OK(f, hl_broker_new(&s.b, f->s, &opt, &f->err));
	OK(f, hl_dir_make(beside(&s, "spool"), &f->err));
	OK(f, hl_ballast_load(s.b->side, &f->err));
	OK(f,
	    hl_path(s.b->rescue_dir, sizeof(s.b->rescue_dir), &f->err, "%s",
		beside(&s, "rescue")));
	s.issue = fx_open(f, &chip, &card, 10);
	s.out = (hl_settled){ .state = HL_ISSUE_ISSUED,
		.counter_known = true,
		.counter_after = 9,
		.license = LICENSE,
		.n = strlen(LICENSE) };
	return &s;
}

static void
end(scene *s)
{
	hl_broker_free(&s->b);
}

static void
use_store(scene *s, bool read_only)
{
	const hl_store_options opt = { .read_only = read_only };
	fixture *f = s->f;

	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	s->b->store = f->s;
	s->b->side = hl_store_side_dir(f->s);
}

/* Whatever stands where the folder should be, not a file can be made in it. */
static void
block(scene *s, const char *folder)
{
	const char *path = beside(s, folder);

	(void)rmdir(path);
	OK(s->f, hl_file_write(path, "", 0, 0600, &s->f->err));
}

static hl_rc
commit(scene *s)
{
	return hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
	    &s->f->actor, &s->kept, &s->f->err);
}

static void
commit_is_in_doubt(scene *s)
{
	use_store(s, true);
	EXPECT(s->f, HL_EDOUBT, commit(s));
	assert_int_equal(s->f->err.units_spent, 1);
	use_store(s, false);
}

static void
expect_kept(scene *s)
{
	fixture *f = s->f;
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license l;
	hl_issue i;
	size_t n;

	OK(f, hl_store_issue_by_id(f->s, &s->issue.id, &i, &f->err));
	assert_int_equal(i.state, HL_ISSUE_ISSUED);
	assert_int_equal(i.counter_after, 9);
	OK(f, hl_store_license_find(f->s, &i.chip, &i.firmware, &l, &f->err));
	OK(f, hl_store_license_bytes(f->s, &l.id, bytes, &n, &f->err));
	assert_int_equal(n, strlen(LICENSE));
	assert_memory_equal(bytes, LICENSE, n);
	fx_check_clean(f);
}

static void
import(scene *s, const char *text)
{
	fixture *f = s->f;
	unsigned n;

	OK(f,
	    hl_broker_import_rescue(
		s->b, text, strlen(text), &f->actor, &n, &f->err));
	assert_int_equal(n, 1);
	expect_kept(s);
	/* Twice is no mistake. */
	OK(f,
	    hl_broker_import_rescue(
		s->b, text, strlen(text), &f->actor, &n, &f->err));
	expect_kept(s);
}

/* The reserve is given up for the second try, and that one goes through. */
static void
the_ballast_makes_room(void **state)
{
	scene *s = begin(*state);

	assert_int_equal(access(beside(s, "ballast"), F_OK), 0);
	vfs_break(VFS_WRITE, 1);
	OK(s->f, commit(s));
	assert_true(vfs_fired());
	assert_int_not_equal(access(beside(s, "ballast"), F_OK), 0);
	assert_int_equal(s->kept.size, strlen(LICENSE));
	expect_kept(s);
	end(s);
}

static void
the_spool_keeps_it(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	hl_rescue r;

	commit_is_in_doubt(s);
	assert_non_null(strstr(f->err.hint, "hsmlic recover"));
	assert_non_null(strstr(f->err.hint, s->b->rescue_dir));
	OK(f, hl_spool_find(s->b->side, &s->issue.id, &r, &f->err));
	assert_int_equal(r.counter_after, 9);
	assert_memory_equal(r.license, LICENSE, r.n);
	/* The spool is on the disk that has just failed. */
	OK(f,
	    hl_rescue_find(
		"/nowhere", s->b->rescue_dir, &s->issue.id, &r, &f->err));
	assert_memory_equal(r.license, LICENSE, r.n);
	assert_string_equal(s->line, "");
	end(s);
}

static void
a_rescue_file_keeps_it(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	hl_buf text = HL_BUF_INIT;
	char id[HL_UUID_TEXT], path[4300];

	block(s, "spool");
	commit_is_in_doubt(s);
	hl_uuid_text(&s->issue.id, id);
	OK(f,
	    hl_path(path, sizeof(path), &f->err, "%s/%s.rescue",
		s->b->rescue_dir, id));
	assert_non_null(strstr(f->err.hint, "--import-rescue"));
	assert_string_equal(s->line, "");
	OK(f, hl_file_read(path, sizeof(s->line), &text, &f->err));
	import(s, hl_buf_str(&text));
	hl_buf_free(&text);
	end(s);
}

static void
a_line_is_the_last_resort(void **state)
{
	scene *s = begin(*state);

	block(s, "spool");
	block(s, "rescue");
	commit_is_in_doubt(s);
	assert_non_null(strstr(s->f->err.hint, "HSMLIC-RESCUE"));
	assert_memory_equal(s->line, HL_RESCUE_WORD, strlen(HL_RESCUE_WORD));
	import(s, s->line);
	end(s);
}

/* No place, and nobody to tell: no line is spoken of that is not there. */
static void
a_line_that_nobody_saw_is_not_spoken_of(void **state)
{
	scene *s = begin(*state);

	block(s, "spool");
	block(s, "rescue");
	s->deaf = true;
	commit_is_in_doubt(s);
	assert_null(strstr(s->f->err.hint, "HSMLIC-RESCUE"));
	assert_non_null(strstr(s->f->err.hint, "recover"));
	end(s);
}

/* Bytes that will not be handed out have left a card as well. */
static void
suspect_bytes_wait_in_the_spool(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	hl_rescue r;

	s->out.state = HL_ISSUE_BAD;
	commit_is_in_doubt(s);
	EXPECT(f, HL_ENOTFOUND,
	    hl_rescue_find(
		s->b->side, s->b->rescue_dir, &s->issue.id, &r, &f->err));
	OK(f, hl_suspect_find(s->b->side, &s->issue.id, &r, &f->err));
	assert_memory_equal(r.license, LICENSE, r.n);
	OK(f, commit(s));
	EXPECT(f, HL_ENOTFOUND,
	    hl_suspect_find(s->b->side, &s->issue.id, &r, &f->err));
	end(s);
}

/* The card gave the license after all: nothing of the request stays behind. */
static void
suspect_bytes_go_when_the_license_comes(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	hl_rescue r;

	hl_settled_rescue(&s->out, &s->issue, &s->cert, &r);
	OK(f, hl_suspect_put(s->b->side, &r, &f->err));
	OK(f, commit(s));
	expect_kept(s);
	EXPECT(f, HL_ENOTFOUND,
	    hl_suspect_find(s->b->side, &s->issue.id, &r, &f->err));
	end(s);
}

/* Given up by a person, and found after all: kept, and its unit is where that
 * decision has left it. */
static void
what_was_written_off_is_kept_when_it_turns_up(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	const hl_outcome off =
	    fx_outcome(f, &s->issue, HL_ISSUE_WRITTEN_OFF, 0, 0);
	hl_license l;
	hl_issue i;
	unsigned n;

	block(s, "spool");
	block(s, "rescue");
	commit_is_in_doubt(s);
	OK(f, hl_store_intent_close(f->s, &off, NULL, &f->err));
	for (int times = 0; times < 2; times++)
		OK(f,
		    hl_broker_import_rescue(s->b, s->line, strlen(s->line),
			&f->actor, &n, &f->err));
	OK(f, hl_store_issue_by_id(f->s, &s->issue.id, &i, &f->err));
	assert_int_equal(i.state, HL_ISSUE_WRITTEN_OFF);
	OK(f, hl_store_license_find(f->s, &i.chip, &i.firmware, &l, &f->err));
	assert_int_equal(l.size, strlen(LICENSE));
	fx_check_clean(f);
	end(s);
}

/* The request was taken for lost by somebody else while its license came. */
static void
a_license_for_a_loss_is_taken_back(void **state)
{
	scene *s = begin(*state);
	fixture *f = s->f;
	const hl_outcome lost =
	    fx_outcome(f, &s->issue, HL_ISSUE_LOST_OR_OUTSIDE, 9, 0);

	OK(f, hl_store_intent_close(f->s, &lost, NULL, &f->err));
	OK(f, commit(s));
	assert_int_equal(s->kept.size, strlen(LICENSE));
	expect_kept(s);
	end(s);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(the_ballast_makes_room),
		T(the_spool_keeps_it),
		T(a_rescue_file_keeps_it),
		T(a_line_is_the_last_resort),
		T(a_line_that_nobody_saw_is_not_spoken_of),
		T(suspect_bytes_wait_in_the_spool),
		T(suspect_bytes_go_when_the_license_comes),
		T(what_was_written_off_is_kept_when_it_turns_up),
		T(a_license_for_a_loss_is_taken_back),
	};

	vfs_install();
	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
