/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each line. Who says so stands in brackets behind a cause.
 * Lines for "no reader", "no card", "counter zero" are not here, because nobody
 * has shown them.
 */
#include "flow/explain.h"

#define MCU "https://community.st.com/t5/stm32-mcus-security/"
#define U535                                                                   \
	MCU "error-when-writing-secure-firmware-image-to-stm32u535/td-p/"      \
	    "635458"
#define U535_F5                                                                \
	"https://community.st.com/t5/stm32cubeprogrammer-mcus/"                \
	"error-execution-of-rss-cmd-failed-returned-value-0xf5f5f5f5/td-p/"    \
	"795945"
#define H573_NRST MCU "failing-to-provision-secure-manager/td-p/625066"
#define H573_SFSP MCU "failed-to-provision-secure-manager-1-2/td-p/741981"
#define H7A3                                                                   \
	MCU "sfi-error-rss-internal-system-error-or-license-is-invalid/td-p/"  \
	    "65122"
#define H753                                                                   \
	MCU "stm32h753-sfi-error-invalid-state-after-sfi-install/td-p/855142"
#define U599 MCU "sfi-without-trustzone-on-stm32u5-is-possible/td-p/727442"
#define MP1                                                                    \
	"https://community.st.com/t5/stm32-mpus-products/"                     \
	"st-hsmv2-programming-personalization-data-fw-id/td-p/123195"
#define POLKIT "https://blog.apdu.fr/posts/2023/11/pcsc-lite-and-polkit/"
#define BEFORE_SFI "AN5054 rev 18, 4.3.6"
#define REUSE "AN5054 rev 18, 3.2.1"

#define PREPARE                                                                \
	"before an install: flash erased, no WRP or PCROP zone active, "       \
	"mode=HOTPLUG on SWD"
#define PREFLIGHT                                                              \
	"let hsmlic preflight look at the option byte CSV that the image was " \
	"made with"
#define OLD_SFSP                                                               \
	"the chip's secure system flash (SFSP) is an old version: 0.1.1 on "   \
	"an "                                                                  \
	"early STM32H573I-DK, where only a new board helped (ST staff)"
#define READ_SFSP "read \"SFSP Version\" in the tool's banner; v2.21.0 shows it"
#define NRST                                                                   \
	"something on the board that is connected to NRST: it went away "      \
	"without it (reported by a user, STM32H573)"
#define RIGHT_RSSE                                                             \
	"check that -rsse names the RSSe file of this family; STM32L5, WL, "   \
	"U5, WBA, H5 and H7R/S need one"

const char hl_explain_retry[] =
    "try again with the license that this chip has (hsm=0 LICENSE): that "
    "spends nothing";

const hl_explanation hl_explanations[] = {
	{ .id = "rss-cmd-failed-0x1",
	    .pattern = "Execution of RSS CMD failed, returned value = 0x1",
	    .means = "ST's code in the chip (RSS) refused a step of the "
		     "install. What 0x1 stands for is not public. If a card "
		     "was asked, it has counted before this.",
	    .causes = { "the option bytes of the image have RDP level 0 "
			"(0xAA) or TZEN 0: SFI on STM32U5 needs TrustZone "
			"enabled and RDP 0.5 at least (ST staff, about an "
			"STM32U535 with v2.15.0)" },
	    .next = { PREFLIGHT,
		"make the image anew with TZEN 1 and RDP 0.5: build the "
		"application as secure, or add a small secure stub in the last "
		"sector",
		PREPARE, hl_explain_retry },
	    .sources = { U535, BEFORE_SFI, REUSE } },
	{ .id = "rss-cmd-failed-0xf5f5f5f5",
	    .pattern = "Execution of RSS CMD failed, returned value = "
		       "0xF5F5F5F5",
	    .means = "ST's code in the chip (RSS) refused a step of the "
		     "install, or did not answer. What the number stands for "
		     "is not public. Seen on STM32U535, where the card had "
		     "counted before, and on STM32H573.",
	    .causes = { NRST },
	    .next = { "look at the NRST line of the board, and try a board "
		      "without anything on it",
		PREFLIGHT, PREPARE, hl_explain_retry },
	    .sources = { U535_F5, H573_NRST, BEFORE_SFI } },
	{ .id = "rss-cmd-failed",
	    .pattern = "Execution of RSS CMD failed",
	    .means = "ST's code in the chip (RSS) refused a step of the "
		     "install. Only the values 0x1 and 0xF5F5F5F5 were ever "
		     "reported; what another one stands for is not known.",
	    .next = { PREFLIGHT, PREPARE, hl_explain_retry },
	    .sources = { U535, U535_F5, BEFORE_SFI } },
	{ .id = "rss-error-or-license-invalid",
	    .pattern = "RSS internal system error or License is invalid",
	    .means = "One message for two things: a fault of ST's code in the "
		     "chip (RSS), or a license that does not fit. Which of "
		     "them it was cannot be told from it.",
	    .causes = { "the license is for another chip, or was made by a "
			"card with another key than the image's (deduced from "
			"AN5054 3.1.2: it fits one chip and one key)",
		"the card was personalised for another product or license "
		"type (deduced from AN5054 4.3.5)" },
	    .next = { "keep the license: this line alone does not show that "
		      "it is bad",
		"check that the license is of the chip that is connected, by "
		"its certificate",
		"check that the image was encrypted under the key of the card "
		"that made the license",
		PREPARE },
	    .sources = { H7A3, H753, "AN5054 rev 18, 3.1.2" },
	    .doubts_license = true },
	{ .id = "security-state-fail",
	    .pattern = "SECURITY State Fail",
	    .means = "Printed after an SFI that failed on STM32H7, together "
		     "with \"Invalid state after SFI install\" and \"RSS "
		     "internal system error or License is invalid\". By "
		     "itself it names no cause.",
	    .next = { "read the other error lines of the same run", PREPARE,
		hl_explain_retry },
	    .sources = { H7A3, H753, BEFORE_SFI } },
	{ .id = "invalid-state-after-sfi",
	    .pattern = "Invalid state after SFI install",
	    .means = "The tool looked at the chip after the install and did "
		     "not find it as it wanted. By itself it names no cause; "
		     "on STM32H7 it came with \"RSS internal system error or "
		     "License is invalid\".",
	    .next = { "read the other error lines of the same run", PREPARE,
		hl_explain_retry },
	    .sources = { H7A3, H753, BEFORE_SFI } },
	{ .id = "cannot-launch-rsse",
	    .pattern = "Cannot launch RSSe",
	    .means = "The extension of RSS that -rsse names was not started, "
		     "so the install did not begin.",
	    .causes = { OLD_SFSP, NRST,
		"the RSSe file is of another family (deduced from AN5054: "
		"there is one for each)" },
	    .next = { READ_SFSP, RIGHT_RSSE,
		"look at the NRST line of the board", hl_explain_retry },
	    .sources = { H573_SFSP, H573_NRST, "AN5054 rev 18, 3.4" } },
	{ .id = "rsse-status",
	    .pattern = "Failed to get RSSe Status",
	    .means = "The extension of RSS was loaded and did not report "
		     "itself. \"Cannot launch RSSe\" follows.",
	    .causes = { OLD_SFSP, NRST },
	    .next = { READ_SFSP, RIGHT_RSSE,
		"look at the NRST line of the board", hl_explain_retry },
	    .sources = { H573_SFSP, H573_NRST } },
	{ .id = "sfi-not-supported-stlink",
	    .pattern = "SFI command is not supported for the current device "
		       "configuration using STLINK interfaces",
	    .means = "The tool takes this chip, as it is now, for one that "
		     "cannot have an SFI over ST-LINK.",
	    .causes = { OLD_SFSP },
	    .next = { READ_SFSP, RIGHT_RSSE, hl_explain_retry },
	    .sources = { H573_SFSP } },
	{ .id = "sfi-install-failure",
	    .pattern = "SFI file Install Operation Failure",
	    .means = "The last line of an SFI that failed. It names no cause: "
		     "that stands in the lines before it.",
	    .next = { "read the error lines before it", hl_explain_retry },
	    .sources = { H573_SFSP, REUSE } },
	{ .id = "no-active-configuration",
	    .pattern = "no active configuration for this device",
	    .means = "Printed at the end of an SFI on STM32U599, after it had "
		     "connected again. What the line itself says is not "
		     "known; TrustZone was enabled afterwards, though the "
		     "image's option bytes had not set it.",
	    .causes = { "the image's option bytes do not set TrustZone, which "
			"SFI on STM32U5 needs (ST staff)" },
	    .next = { "read the option bytes of the chip (-ob displ) and see "
		      "whether the application runs",
		PREFLIGHT, hl_explain_retry },
	    .sources = { U599 } },
	{ .id = "virtual-partition-0xf1",
	    .pattern = "uploading data from the virtual partition 0xF1",
	    .means = "The certificate of an STM32MP1 could not be read.",
	    .causes = { "-gc was given without the signed TF-A for SSP "
			"(reported by a user; the tool's help asks for it)" },
	    .next = { "give it: -gc FILE TFA-SSP. Its first run probably "
		      "programs a one-time bit of the chip, for ever (deduced "
		      "from TF-A)" },
	    .sources = { MP1, "STM32_Programmer_CLI --help",
		"STMicroelectronics/arm-trusted-firmware, v2.4-stm32mp" } },
	{ .id = "failed-to-reconnect",
	    .pattern = "failed to reconnect after reset",
	    .means = "No failure by itself: AN5054 shows it in the middle of "
		     "an install on STM32H7R/S that went through.",
	    .next = { "look for \"Time elapsed during SFI install operation\" "
		      "behind it, and see whether the application runs",
		hl_explain_retry },
	    .sources = { "AN5054 rev 18, 10.3.4, figure 59" } },
	{ .id = "pcsc-access-denied",
	    .pattern = "SCardEstablishContext: Access denied",
	    .means = "The system does not let this user reach smart cards. No "
		     "card was asked.",
	    .causes = { "polkit allows PC/SC to who sits at the machine, not "
			"over SSH or in a service (" POLKIT ")" },
	    .next = { "run hsmlic doctor",
		"allow org.debian.pcsc-lite.access_pcsc and access_card to "
		"the user by a polkit rule; hsmlic(1) has one" },
	    .sources = { POLKIT } },
	{ .id = "pcsc-not-authorized",
	    .pattern = "NOT authorized for action: access_pcsc",
	    .means = "pcscd's own words for having refused a user. No card was "
		     "asked.",
	    .causes = { "polkit allows PC/SC to who sits at the machine, not "
			"over SSH or in a service (" POLKIT ")" },
	    .next = { "run hsmlic doctor",
		"allow org.debian.pcsc-lite.access_pcsc and access_card to "
		"the user by a polkit rule; hsmlic(1) has one" },
	    .sources = { POLKIT } },
	{ .id = "pcsc-security-violation",
	    .pattern = "0x8010006A",
	    .means = "SCARD_W_SECURITY_VIOLATION: the system does not let this "
		     "user reach smart cards.",
	    .causes = { "polkit allows PC/SC to who sits at the machine, not "
			"over SSH or in a service (" POLKIT ")" },
	    .next = { "run hsmlic doctor",
		"allow org.debian.pcsc-lite.access_pcsc and access_card to "
		"the user by a polkit rule; hsmlic(1) has one" },
	    .sources = { POLKIT } },
	{ .id = "reader-exclusive",
	    .pattern = "Error Reader Exclusive",
	    .means = "pcscd says that another program has the card for itself.",
	    .causes = { "a browser or gpg-agent polls the reader (reported by "
			"users)" },
	    .next = { "end the other program, or give the card a reader that "
		      "it does not use" },
	    .sources = { "https://itsfoss.gitlab.io" } },
	{ .id = "libcrypto-1.0.0",
	    .pattern = "libcrypto.so.1.0.0",
	    .means = "The library by which the tool talks to cards on Linux "
		     "(libstp11_SAM.so) wants OpenSSL 1.0.0, and it is not "
		     "there. No card can be asked so.",
	    .causes = { "current distributions do not have it, and some "
			"packages of the tool leave its card libraries out "
			"(deduced from their build recipes)" },
	    .next = { "use the tool as ST installs it, with its folder bin/HSM",
		"get licenses at a station where the card works, and carry "
		"them over: hsmlic license export and import" },
	    .sources = { "libstp11_SAM.so of STM32CubeProgrammer for Linux" } },
	{ .id = NULL },
};
