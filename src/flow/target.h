/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: chips that are connected now, or that left their certificate.
 *
 *   stm32prog:port=SWD[,sn=...][,...]  through STM32_Programmer_CLI: its words
 *       behind -c, with commas; mode=HOTPLUG is added for SWD and JTAG
 *   openocd:CONFIG,...,device=NAME|uid=ADDRESS  the UID alone, by OpenOCD
 *   segger:[SERIAL]  through SEGGER's STM32-SFI Flasher Commander
 *   file:PATH  a certificate, or a folder with certificate.bin and uid.hex
 *   sim:DIR    a simulated chip (hsmlic-sim chip new DIR)
 */
#ifndef HL_FLOW_TARGET_H
#define HL_FLOW_TARGET_H

#include "chip/cert.h"
#include "chip/uid.h"
#include "tool/tool.h"

typedef struct hl_target_chip {
	hl_cert cert; /* n 0: this kind of target does not tell it */
	hl_uid uid;   /* n 0: it could not be read */
	bool has_device_id;
	uint32_t device_id;
	char device_name[64]; /* as ST's program calls it; "" */
} hl_target_chip;

typedef struct hl_target_options {
	const char *stm32prog; /* path of STM32_Programmer_CLI; NULL: found */
	const char *openocd;   /* path of OpenOCD; NULL: in PATH */
	const char *segger;    /* path of SEGGER's program; NULL: in PATH */
	/* Signed TF-A firmware, which an STM32MP1 needs to tell its certificate
	 * (HELP); NULL: none. */
	const char *tfa;
	hl_deadline until;
	/* What a person should know before it is done. May be NULL. */
	void (*note)(void *arg, const char *text);
	void *arg;
} hl_target_options;

/* The words behind -c of ST's program, and where they are kept. */
typedef struct hl_target_connect {
	char text[512];
	hl_connect words; /* into text, or static */
} hl_target_connect;

/*
 * Reads the chip at a target. HL_EUSAGE: no such kind of target; HL_ENODEV:
 * nothing there, or the program that reads it; HL_EINPUT: what it says is
 * malformed; HL_ETIMEOUT. A UID that cannot be read is no failure where a
 * certificate is there.
 */
HL_CHECK hl_rc hl_target_read(const char *target, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err);

bool hl_target_is_stm32prog(const char *target);
bool hl_target_is_sim(const char *target);
/* The probe's serial number, "" when none is named; NULL: another kind. */
const char *hl_target_is_segger(const char *target);
#define HL_SEGGER_PROGRAM "SFI_FC_x64" /* .exe on Windows */
/* From "stm32prog:..." or the part behind it. HL_EUSAGE: also for a blank in it
 * and for a key that stands twice, since another board could be meant. */
HL_CHECK hl_rc hl_target_connect_parse(
    hl_target_connect *out, const char *target, hl_err *err);
/* As hl_target_read() of a stm32prog: target, from words of a command line. */
HL_CHECK hl_rc hl_target_read_connected(const hl_connect *c,
    const hl_target_options *opt, hl_target_chip *out, hl_err *err);

#endif
