/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger costs.
 *
 * bench-audit fill STORE N: makes a store whose ledger has about N events, each
 * of a license that was handed out. The store's own code writes them, in big
 * transactions that are not synced: a crash while filling leaves a useless
 * file.
 *
 * bench-audit verify STORE FILE: hl_store_audit() beside `openssl dgst -sha256`
 * of the same events, which go to FILE. Prints a table.
 *
 * bench-audit cost STORE ROUNDS: what events add to the transactions of a hit
 * and of a miss. In every other round the linker's --wrap has hl_log_event()
 * and hl_log_close() do nothing, all else is the same. Prints lines of
 * samples_print().
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"
#include "store/sqlite/log.h"
#include "store/store.h"

enum { EVENTS_A_COMMIT = 100000, EVENTS_MAX = 100000000, ROUNDS_MAX = 100000 };

static const hl_actor actor = { .station = "bench", .operator_ = "bench" };
static bool silent; /* no events */

static void
need(hl_rc rc, const hl_err *err)
{
	if (rc == HL_OK)
		return;
	(void)fprintf(stderr, "bench-audit: %s: %s\n", err->what, err->why);
	exit(1);
}

static void
need_os(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

hl_rc __real_hl_log_event(hl_store *s, const char *kind, const hl_actor *who,
    const hl_event_fact *facts, size_t n, hl_err *err);
hl_rc __real_hl_log_close(hl_store *s, hl_err *err);
hl_rc __wrap_hl_log_event(hl_store *s, const char *kind, const hl_actor *who,
    const hl_event_fact *facts, size_t n, hl_err *err);
hl_rc __wrap_hl_log_close(hl_store *s, hl_err *err);

hl_rc
__wrap_hl_log_event(hl_store *s, const char *kind, const hl_actor *who,
    const hl_event_fact *facts, size_t n, hl_err *err)
{
	return silent ? HL_OK
		      : __real_hl_log_event(s, kind, who, facts, n, err);
}

hl_rc
__wrap_hl_log_close(hl_store *s, hl_err *err)
{
	return silent ? HL_OK : __real_hl_log_close(s, err);
}

/* ---- a store with a card, a chip and a license --------------------------- */

static hl_uuid
new_id(void)
{
	hl_err err = { 0 };
	hl_uuid u;

	need(hl_uuid_new(&u, &err), &err);
	return u;
}

static hl_chip
add_chip(hl_store *s, uint32_t n)
{
	hl_uid uid = { .n = HL_UID_STM32, .b = { 0x31 } };
	hl_err err = { 0 };
	hl_chip chip;

	memcpy(uid.b + 1, &n, sizeof(n));
	need(hl_store_chip_put(s, NULL, &uid, &actor, &chip, &err), &err);
	return chip;
}

static hl_card_row
add_card(hl_store *s)
{
	hl_firmware f = { .id = new_id(), .name = "bench", .type = "SFI" };
	hl_card_row c = { .id = new_id(),
		.firmware = f.id,
		.driver = "olc",
		.state = "OPERATIONAL_STATE",
		.first_counter = UINT32_MAX };
	hl_err err = { 0 };

	need(hl_store_card_add(s, &c, &f, &actor, &err), &err);
	return c;
}

static hl_store *
make_store(const char *path)
{
	const hl_store_options opt = { .create = true, .must_create = true };
	hl_err err = { 0 };
	hl_store *s = NULL;

	need(hl_store_open(&s, path, &opt, &err), &err);
	return s;
}

static hl_uuid
add_license(hl_store *s, const hl_card_row *card)
{
	static const uint8_t bytes[HL_LICENSE_OLC] = { 1 };
	const hl_chip chip = add_chip(s, UINT32_MAX);
	hl_err err = { 0 };
	hl_uuid id;

	need(hl_store_license_import(s, &chip.id, &card->firmware, bytes,
		 sizeof(bytes), &actor, &id, &err),
	    &err);
	return id;
}

/* ---- a long ledger ------------------------------------------------------- */

static void
put_use(hl_store *s, const hl_uuid *license)
{
	const hl_uuid id = new_id();
	hl_err err = { 0 };
	hl_q q;

	q = hl_q_new(s,
	    "INSERT INTO uses (id, license, at, how, station, operator, lot, "
	    "note, use_class) VALUES (?, ?, ?, 'store', ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, license);
	hl_q_int(&q, s->now);
	hl_q_actor(&q, &actor);
	need(hl_q_run(&q, &err), &err);
	need(hl_log_event(s, "license.used", &actor, NULL, 0, &err), &err);
}

static void
fill(const char *path, size_t n)
{
	hl_store *s = make_store(path);
	const hl_card_row card = add_card(s);
	const hl_uuid license = add_license(s, &card);
	hl_err err = { 0 };

	need(hl_db_exec(s,
		 "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; "
		 "PRAGMA cache_size = -500000",
		 &err),
	    &err);
	for (size_t i = 0; i < n;) {
		need(hl_tx_begin(s, "fill", &err), &err);
		do
			put_use(s, &license);
		while (++i < n && i % EVENTS_A_COMMIT != 0);
		need(hl_tx_end(s, HL_OK, &err), &err);
	}
	hl_store_close(&s);
}

/* ---- verifying it -------------------------------------------------------- */

static bool
dump_event(void *arg, const hl_event_row *row)
{
	FILE *out = arg;

	return fwrite(row->bytes, 1, row->n, out) == row->n;
}

static void
dump(hl_store *s, const char *file)
{
	FILE *out = fopen(file, "wb");
	hl_err err = { 0 };

	need_os(out != NULL, file);
	need(hl_store_events(s, 0, INT64_MAX, dump_event, out, &err), &err);
	need_os(!ferror(out) && fclose(out) == 0, file);
}

static double
run_openssl(const char *file)
{
	const double before = samples_now();
	const pid_t child = fork();
	int status;

	need_os(child >= 0, "fork");
	if (child == 0) {
		const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
			execlp("openssl", "openssl", "dgst", "-sha256", file,
			    (char *)NULL);
		_exit(127);
	}
	need_os(waitpid(child, &status, 0) == child, "waitpid");
	if (status != 0) {
		(void)fputs("bench-audit: openssl failed\n", stderr);
		exit(1);
	}
	return samples_now() - before;
}

static void
tell(void *arg, const char *text)
{
	(void)arg;
	(void)fprintf(stderr, "bench-audit: finding: %s\n", text);
}

static long
peak_kib(void)
{
	struct rusage u;

	need_os(getrusage(RUSAGE_SELF, &u) == 0, "getrusage");
	return u.ru_maxrss;
}

static void
verify(const char *path, const char *file)
{
	const hl_store_options opt = { .read_only = true };
	hl_audit_result r;
	hl_err err = { 0 };
	hl_store *s = NULL;
	double t, audit, openssl;
	struct stat st, db;

	need(hl_store_open(&s, path, &opt, &err), &err);
	dump(s, file);
	t = samples_now();
	need(hl_store_audit(s, NULL, 0, tell, NULL, NULL, &r, &err), &err);
	audit = samples_now() - t;
	hl_store_close(&s);
	if (r.findings > 0)
		exit(1);
	openssl = run_openssl(file);
	need_os(stat(file, &st) == 0 && stat(path, &db) == 0, file);
	(void)printf("| events | MB of events | MB of store | audit, s | "
		     "events a second | openssl dgst -sha256, s | ratio | "
		     "peak memory, MB |\n|---|---|---|---|---|---|---|---|\n"
		     "| %" PRIu64
		     " | %.1f | %.1f | %.2f | %.0f | %.2f | %.1f | "
		     "%.1f |\n",
	    r.events, (double)st.st_size / 1e6, (double)db.st_size / 1e6,
	    audit / 1e6, (double)r.events / (audit / 1e6), openssl / 1e6,
	    audit / openssl, (double)peak_kib() * 1024 / 1e6);
}

/* ---- what an event adds -------------------------------------------------- */

typedef struct miss {
	hl_issue in;
	hl_outcome out;
	uint8_t bytes[HL_LICENSE_OLC];
} miss;

static miss
prepare_miss(const hl_chip *chip, const hl_card_row *card, uint32_t counter)
{
	miss m = { .in = { .id = new_id(),
		       .owner = new_id(),
		       .chip = chip->id,
		       .firmware = card->firmware,
		       .card = card->id,
		       .counter_before = counter,
		       .actor = actor },
		.bytes = { 2 } };

	m.out = (hl_outcome){ .issue = m.in.id,
		.state = HL_ISSUE_ISSUED,
		.counter_known = true,
		.counter_after = counter - 1,
		.license_n = sizeof(m.bytes),
		.actor = actor };
	return m;
}

static void
run_miss(hl_store *s, miss *m)
{
	hl_intent_result r;
	hl_err err = { 0 };
	hl_license l;

	need(hl_store_intent_open(
		 s, &m->in, "OPERATIONAL_STATE", "reader", &r, &err),
	    &err);
	if (r.verdict != HL_INTENT_OPENED)
		exit(1);
	m->out.license = m->bytes;
	need(hl_store_intent_close(s, &m->out, &l, &err), &err);
}

enum { HIT_WITHOUT, HIT, MISS_WITHOUT, MISS, THINGS };

static void
cost(const char *path, size_t rounds)
{
	static const char *const names[THINGS] = {
		"a hit's transaction without events",
		"a hit's transaction",
		"a miss's two transactions without events",
		"a miss's two transactions",
	};
	hl_store *s = make_store(path);
	const hl_card_row card = add_card(s);
	const hl_uuid license = add_license(s, &card);
	uint32_t counter = card.first_counter;
	samples took[THINGS];
	hl_err err = { 0 };

	for (int i = 0; i < THINGS; i++)
		took[i] = samples_new(names[i], rounds);
	for (size_t i = 0; i < rounds * 2; i++) {
		/* who goes first changes, too */
		const bool with = (i % 4 == 1 || i % 4 == 2);
		const hl_chip chip = add_chip(s, (uint32_t)i);
		miss m = prepare_miss(&chip, &card, counter--);
		double t;

		silent = !with;
		t = samples_now();
		need(hl_store_license_use(s, &license, "store", &actor, &err),
		    &err);
		samples_add(&took[with ? HIT : HIT_WITHOUT], samples_now() - t);
		t = samples_now();
		run_miss(s, &m);
		samples_add(
		    &took[with ? MISS : MISS_WITHOUT], samples_now() - t);
		silent = false;
	}
	for (int i = 0; i < THINGS; i++) {
		samples_print(&took[i],
		    &took[i < MISS_WITHOUT ? HIT_WITHOUT : MISS_WITHOUT]);
	}
	for (int i = 0; i < THINGS; i++)
		samples_free(&took[i]);
	hl_store_close(&s);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		fill(argv[2], samples_count(argv[3], EVENTS_MAX));
	else if (argc == 4 && strcmp(argv[1], "verify") == 0)
		verify(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "cost") == 0)
		cost(argv[2], samples_count(argv[3], ROUNDS_MAX));
	else {
		(void)fputs("usage: bench-audit fill STORE N\n"
			    "       bench-audit verify STORE FILE\n"
			    "       bench-audit cost STORE ROUNDS\n",
		    stderr);
		return 2;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
