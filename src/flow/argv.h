/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An argument vector of STM32_Programmer_CLI, and the places in it where an HSM
 * card would be asked. Parsed as the tool's own help defines it (option, then
 * its operands; the secure programming and HSM commands of v2.2x) and as AN5054
 * rev 18 uses it (3.2.1, 3.2.2, 9.3.4, 13.3.4).
 *
 * The tool spends a unit for every word that is overlooked here. So option
 *names and key words count in any letter case and behind any number of dashes,
 *and what looks like a use of a card but cannot be understood is an error: such
 *a vector must not be handed to the tool. There are no response files and no
 * quoting inside of a word.
 *
 *	-sfi [protocol=P] FILE [hsm=0|1] [LICENSE|slot=N]
 *	-ssp FILE TFA [hsm=0|1] [LICENSE|slot=N]
 *	-installipmodule FILE [hsm=0|1] [LICENSE|slot=N] [ADDRESS]
 *	-hsmgetlicense FILE [slot=N] [protocol=P] [TFA]
 *	-hsmgetlicensefromcertifbin|-hsmglfcb CERTIFICATE FILE [slot=N]
 *[protocol=P]
 *
 * Words with '=' may stand anywhere among the operands, which end where the
 *next word begins with '-'. One more thing is not seen in a vector: the rows of
 *an -mcsv file can name a firmware of a card in the place of a license
 * (provisioning.bat of STM32CubeH5), see hl_argv.mcsv.
 */
#ifndef HL_FLOW_ARGV_H
#define HL_FLOW_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#include "tool/tool.h"
#include "util/buf.h"
#include "util/err.h"

#define HL_ARGV_USES 8

typedef enum hl_argv_kind {
	HL_ARGV_SFI,
	HL_ARGV_SSP,
	HL_ARGV_MODULE, /* -installipmodule */
	HL_ARGV_GET_LICENSE,
	HL_ARGV_LICENSE_FROM_CERT,
} hl_argv_kind;

/* One place where a license is used or got. Indexes are into argv, -1: not
 * there. */
typedef struct hl_argv_use {
	hl_argv_kind kind;
	int first, last; /* argv[first..last]: the option and its operands */
	bool hsm; /* a card would be asked: hsm=1, or one of the two that get */
	int hsm_at, slot_at, protocol_at;
	int file_at, tfa_at, license_at, address_at;
	unsigned slot;		 /* 1 when it is not said */
	const char *file;	 /* image; or the license file to write */
	const char *certificate; /* LICENSE_FROM_CERT: the file to read */
	const char *tfa;	 /* of -ssp and -hsmgetlicense, or NULL */
	const char *license;	 /* without the card; NULL: none is given */
} hl_argv_use;

/* Everything points into the argv that was parsed. */
typedef struct hl_argv {
	hl_connect connect;
	int connect_at; /* index of -c; -1: none */
	hl_argv_use
	    use[HL_ARGV_USES]; /* in their order, without the card, too */
	size_t n;
	/*
	 * Operands seen; NULL. An -mcsv file is to be read before the tool gets
	 * it: hl_argv_mcsv_asks().
	 */
	const char *mcsv, *rsse;
	const char *gc; /* where -gc writes the certificate to */
	/* There are commands besides the uses: neither -c nor what only says
	 * how (-vb, -q, -log, -y, -rsse, -el). */
	bool other;
} hl_argv;

/*
 * argv[0] is the program and not looked at. HL_EUSAGE, with a hint: a use that
 * cannot be understood (hsm=2, hsm=1 twice, slot=x, no file, words too many),
 * that cannot be served from a store (protocol=live), hsm=1 behind an option
 * that is not known to take it, an unknown option -hsm..., two -c with a use of
 * the card, two -gc (or one without a file) with LICENSE_FROM_CERT, two -mcsv
 * or one without exactly one file, a word that would ask a card when it is taken
 * apart at its blanks, more than HL_ARGV_USES uses.
 */
HL_CHECK hl_rc hl_argv_parse(
    hl_argv *out, int argc, char *const *argv, hl_err *err);

/*
 * Are the files there that the vector makes the tool read: images, the TF-A of
 * a use, and what stands behind -rsse and -el? The tool finds out behind the
 * card, when the unit is spent. HL_EINPUT: one cannot be read; HL_EUSAGE: -rsse
 * or -el has no operand.
 */
HL_CHECK hl_rc hl_argv_check_files(
    const hl_argv *a, int argc, char *const *argv, hl_err *err);

/* Is anything left to do for the tool once the uses of GET_LICENSE and
 * LICENSE_FROM_CERT are served? */
bool hl_argv_needs_tool(const hl_argv *a);

/*
 * The vector without the card: in each -sfi, -ssp and -installipmodule with
 * `hsm`, hsm=1 and slot=N give way to hsm=0 and license[i], the path for
 * use[i]; the uses that get a license are taken out. All other words stay as
 * they are. *out ends with NULL and is freed by free(); its words belong to
 * argv, to `license` or to nobody. HL_EUSAGE: a license is missing, or its path
 * would not be read as one (begins with '-', or is a key word).
 */
HL_CHECK hl_rc hl_argv_rewrite(const hl_argv *a, int argc, char *const *argv,
    const char *const *license, const char ***out, hl_err *err);

/* As a line that a POSIX shell takes apart in the same way; what would disturb
 * a terminal is written as $'\033', which bash, zsh and ksh understand. */
void hl_argv_quote(const char *const *argv, hl_buf *out);

/*
 * Could a row of this -mcsv file make the tool ask a card? Rows are "MODULE,
 * LICENSE.bin or a card's firmware identifier, ADDRESS", # begins a comment
 * (provisioning.bat of STM32CubeH5). Only a second column that ends in ".bin"
 * is taken for a license; a row that is not understood, such as one with
 * quotes, could ask.
 */
bool hl_argv_mcsv_asks(const void *text, size_t n);

#endif
