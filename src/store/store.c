/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows which engine a URL means. */
#include "store/store.h"

#include <string.h>

#include "store/sqlite/engine.h"
#include "util/text.h"

const char *
hl_kin_name(hl_kin k)
{
	static const char *const names[] = { "none", "unknown", "stranger",
		"same", "older", "newer", "fork" };

	return (size_t)k < HL_COUNT(names) ? names[k] : "?";
}

static hl_rc
refuse(const char *url, const char *hint, const char *why, hl_err *err)
{
	hl_fail(err, HL_EUSAGE, "", hint, "%s", why);
	hl_err_what(err, "open store \"%s\"", url);
	return HL_EUSAGE;
}

hl_rc
hl_store_open(
    hl_store **out, const char *url, const hl_store_options *opt, hl_err *err)
{
	*out = NULL;
	if (hl_text_starts(url, "postgresql://") ||
	    hl_text_starts(url, "postgres://")) {
		return refuse(url, "name an SQLite store: sqlite:PATH",
		    "this build has no PostgreSQL engine", err);
	}
	if (hl_text_starts(url, "sqlite:"))
		url += strlen("sqlite:");
	else if (strstr(url, "://") != NULL) {
		return refuse(url, "name a file: sqlite:PATH, or its path",
		    "no engine has a URL of this kind", err);
	}
	if (*url == '\0') {
		return refuse(
		    url, "name a file: sqlite:PATH", "it has no path", err);
	}
	return hl_sqlite_open(out, url, opt, err);
}
