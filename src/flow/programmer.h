/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programmers: programs that install an encrypted image on a chip, with a
 * license from a file.
 *
 *   stm32prog  STM32_Programmer_CLI: -sfi, -ssp or -installipmodule with hsm=0
 *              (its help; AN5054 3.2.1, 3.2.2, 3.4)
 *   segger     SEGGER's STM32-SFI Flasher Commander: SFI and License
 *              (https://kb.segger.com/STM32-SFI_Flasher_Commander). Never run
 *              here; that its options begin with one dash is an inference. SFI
 *              and RSSe are mandatory there: RSSe is among the job's words
 *   sim        hsmlic-sim install
 */
#ifndef HL_FLOW_PROGRAMMER_H
#define HL_FLOW_PROGRAMMER_H

#include <limits.h>

#include "flow/argv.h"
#include "flow/target.h"
#include "store/model.h"
#include "util/spawn.h"

typedef enum hl_programmer {
	HL_PROGRAMMER_STM32PROG,
	HL_PROGRAMMER_SEGGER,
	HL_PROGRAMMER_SIM
} hl_programmer;

const char *hl_programmer_name(hl_programmer p); /* "stm32prog", ... */
bool hl_programmer_parse(const char *name, hl_programmer *out);
/* The one that goes with a target where none is named. */
hl_programmer hl_programmer_for(const char *target);

/* What is to be installed, and where. All borrowed. */
typedef struct hl_job {
	hl_programmer programmer;
	const char *program; /* its path; NULL: it is looked for */
	const char *image, *license, *target;
	const char *tfa;    /* .ssp: the signed TF-A firmware; NULL */
	char *const *extra; /* words for the programmer; ends with NULL */
} hl_job;

/* The command of STM32_Programmer_CLI for an image: -ssp for .ssp,
 * -installipmodule for .smu, -sfi for all others. */
hl_argv_kind hl_job_kind(const char *image);

#define HL_JOB_WORDS 128

/* A job as a command line; borrows from the job and from itself. */
typedef struct hl_job_line {
	const char *argv[HL_JOB_WORDS]; /* argv[0] is a path; ends with NULL */
	size_t n;
	char program[PATH_MAX];
	hl_target_connect connect;
	/* The -mcsv file among the job's words, which is to be looked at before
	 * the programmer gets it: hl_argv_mcsv_asks(). NULL: none. */
	const char *modules;
} hl_job_line;

/*
 * HL_EUSAGE: target and programmer do not go together, a needed file was not
 * named, too many words, or words that would make STM32_Programmer_CLI ask a
 * card; HL_ENODEV: the programmer is not there.
 */
HL_CHECK hl_rc hl_job_line_make(
    hl_job_line *out, const hl_job *job, hl_err *err);

/*
 * How an installation went, from the end of the programmer and all it printed.
 * Done: it ended with 0, no line tells of a failure, and one says that it went
 * through; hsmlic-sim's 0 needs none. Failed: it ended with another status, a
 * line tells of a failure, or, for an SFI by STM32_Programmer_CLI, none says
 * that it went through. Unknown: it was ended from outside; or it ended with 0
 * and no line of success is known, which is so of SSP, of modules, and of
 * SEGGER's program. `detail` says why.
 */
hl_install_outcome hl_job_judge(hl_programmer p, bool sfi, const hl_ended *end,
    const void *text, size_t n, hl_text detail);

/* A program by name: as it is where it has a slash, else by PATH, never this
 * program itself. HL_ENODEV. */
HL_CHECK hl_rc hl_program_find(
    const char *name, char *out, size_t size, hl_err *err);

#endif
