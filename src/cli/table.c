/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of commands and options. */
#include "cli/cli.h"

#define END                                                                    \
	{                                                                      \
		NULL, 0, NULL, NULL, 0                                         \
	}

const hl_option hl_global_options[] = {
	{ "store", 0, "URL", "the store: sqlite:PATH or a path", 0 },
	{ "config", 0, "FILE",
	    "read this configuration file instead of the user's",
	    HL_OPT_LINE_ONLY },
	{ "json", 0, NULL, "one JSON object on standard output", 0 },
	{ "plain", 0, NULL, "no color, no bars", 0 },
	{ "quiet", 'q', NULL, "errors only", 0 },
	{ "verbose", 'v', NULL, "say more; -vv traces APDUs", HL_OPT_REPEAT },
	{ "timeout", 0, "SECONDS", "for everything, waits included (60)", 0 },
	{ "operator", 0, "NAME", "who acts (the login name)", 0 },
	{ "station", 0, "NAME", "where (the host name)", 0 },
	{ "yes", 0, NULL, "answer yes to what would be asked", 0 },
	{ "dry-run", 0, NULL, "say what would be done, do nothing", 0 },
	{ "version", 0, NULL, "print the version", HL_OPT_LINE_ONLY },
	{ "help", 'h', NULL, "print help", HL_OPT_LINE_ONLY },
	END,
};

const hl_option hl_settings[] = {
	{ "spend", 0, "ask|allow", "may units be spent without asking", 0 },
	{ "rescue-dir", 0, "DIR",
	    "where a license goes that the store cannot take", 0 },
	{ "stm32prog", 0, "PATH", "STM32_Programmer_CLI (it is looked for)",
	    0 },
	{ "openocd", 0, "PATH", "openocd (in PATH)", 0 },
	{ "segger", 0, "PATH", "SEGGER's SFI Flasher Commander", 0 },
	END,
};

#define CHIP_OPTIONS                                                           \
	{ "cert", 0, "FILE", "the chip's certificate", HL_OPT_CHIP },          \
	    { "uid", 0, "HEX", "the chip's unique ID", HL_OPT_CHIP },          \
	    { "target", 0, "TARGET",                                           \
		    "a chip that is connected: stm32prog:port=SWD, ...",       \
		    HL_OPT_CHIP },                                             \
	    { "tfa", 0, "FILE", "signed TF-A firmware, for an STM32MP1", 0 },  \
	{                                                                      \
		"any-certificate", 0, NULL,                                    \
		    "take certificates that are not of an STM32", 0            \
	}

static const hl_option get_options[] = {
	CHIP_OPTIONS,
	{ "chip", 0, "CHIP", "a chip that is known: UID, hash or label",
	    HL_OPT_CHIP },
	{ "firmware", 0, "NAME", "which firmware the license is for", 0 },
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	{ "cached", 0, NULL, "never touch a card", 0 },
	{ "lot", 0, "ID", "work order that this belongs to", 0 },
	{ "class", 0, "test|production", "what it is used for (production)",
	    0 },
	{ "note", 0, "TEXT", "a note for the record", 0 },
	{ "output", 'o', "FILE", "write the license there; - is stdout", 0 },
	{ "force", 0, NULL, "replace a file with other content", 0 },
	END,
};

static const hl_option prefetch_options[] = {
	{ "firmware", 0, "NAME", "which firmware the licenses are for", 0 },
	{ "card", 0, "CARD", "a card that may be asked; several times",
	    HL_OPT_MANY },
	{ "partial", 0, NULL, "serve as many as the cards have units for", 0 },
	{ "any-certificate", 0, NULL,
	    "take certificates that are not of an STM32", 0 },
	{ "lot", 0, "ID", "work order that this belongs to", 0 },
	{ "class", 0, "test|production", "what it is used for (production)",
	    0 },
	{ "note", 0, "TEXT", "a note for the record", 0 },
	END,
};

static const hl_option program_options[] = {
	{ "target", 0, "TARGET",
	    "the chip: stm32prog:port=SWD, segger: or sim:DIR", 0 },
	{ "programmer", 0, "stm32prog|segger|sim",
	    "what installs it (goes with the target)", 0 },
	{ "firmware", 0, "NAME", "which firmware the license is for", 0 },
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	{ "cached", 0, NULL, "never touch a card", 0 },
	{ "csv", 0, "FILE", "option bytes of the image, for preflight", 0 },
	{ "device", 0, "NAME", "series or part of the chip, for preflight", 0 },
	{ "tfa", 0, "FILE", "signed TF-A firmware, for an STM32MP1", 0 },
	{ "force", 0, "FINDING,...", "go on in spite of these findings", 0 },
	{ "lot", 0, "ID", "work order that this belongs to", 0 },
	{ "class", 0, "test|production", "what it is used for (production)",
	    0 },
	{ "note", 0, "TEXT", "a note for the record", 0 },
	END,
};

static const hl_option run_options[] = {
	CHIP_OPTIONS,
	{ "firmware", 0, "NAME", "which firmware the license is for", 0 },
	{ "card", 0, "CARD", "instead of slot=N: label, serial, sim:FILE, ...",
	    0 },
	{ "cached", 0, NULL, "never touch a card", 0 },
	{ "lot", 0, "ID", "work order that this belongs to", 0 },
	{ "class", 0, "test|production", "what it is used for (production)",
	    0 },
	{ "note", 0, "TEXT", "a note for the record", 0 },
	END,
};

static const hl_option card_options[] = {
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	END,
};

static const hl_option card_add_options[] = {
	{ "card", 0, "CARD", "serial, reader:TEXT, slot:N or sim:FILE", 0 },
	{ "firmware", 0, "NAME", "it holds the key of this known firmware", 0 },
	{ "new-firmware", 0, "NAME", "it holds a key of its own", 0 },
	{ "label", 0, "TEXT", "what to call it", 0 },
	{ "slot", 0, "N", "its reader is slot=N of STM32_Programmer_CLI here",
	    0 },
	{ "driver", 0, "DRIVER", "stm32hsm: ask cards of an unknown kind so",
	    0 },
	END,
};

static const hl_option chip_read_options[] = {
	CHIP_OPTIONS,
	{ "label", 0, "TEXT", "what to call it", 0 },
	{ "output", 'o', "FILE|DIR", "write the certificate there", 0 },
	{ "force", 0, NULL, "replace a file with other content", 0 },
	END,
};

static const hl_option license_list_options[] = {
	{ "firmware", 0, "NAME", "of this firmware only", 0 },
	{ "chip", 0, "CHIP", "of this chip only", 0 },
	{ "all", 0, NULL, "retired and suspect ones, too", 0 },
	END,
};

static const hl_option license_one_options[] = {
	{ "firmware", 0, "NAME", "the chip's license for this firmware", 0 },
	END,
};

static const hl_option license_export_options[] = {
	{ "firmware", 0, "NAME", "of this firmware only", 0 },
	{ "output", 'o', "FILE", "write one license there; - is stdout", 0 },
	{ "dir", 0, "DIR", "write one file a chip, with its certificate", 0 },
	{ "force", 0, NULL, "replace files with other content", 0 },
	END,
};

static const hl_option license_import_options[] = {
	CHIP_OPTIONS,
	{ "firmware", 0, "NAME", "the firmware that it is for", 0 },
	{ "new-firmware", 0, NULL, "make that firmware known", 0 },
	{ "type", 0, "TYPE", "license type of a new firmware (SFI)", 0 },
	{ "identifier", 0, "ID",
	    "what the cards of a new firmware say (its name)", 0 },
	{ "dir", 0, "DIR", "take in every pair of this folder", 0 },
	{ "note", 0, "TEXT", "a note for the record", 0 },
	END,
};

/* retire, doubt, trust */
static const hl_option license_state_options[] = {
	{ "firmware", 0, "NAME", "the chip's license for this firmware", 0 },
	{ "reason", 0, "TEXT", "why; needed", 0 },
	END,
};

static const hl_option recover_options[] = {
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	{ "import-rescue", 0, "FILE", "take in HSMLIC-RESCUE lines; - is stdin",
	    0 },
	{ "write-off", 0, "ID", "give up this request: its card is gone", 0 },
	{ "reason", 0, "TEXT", "why it is written off", 0 },
	END,
};

/* What is signed off is said each time, not by a file. */
static const hl_option reconcile_options[] = {
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	{ "sign-off", 0, "REASON", "take the card's differences for known",
	    HL_OPT_LINE_ONLY },
	{ "imported", 0, "CHIP|ID",
	    "a license that one of the units bought; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	{ "all", 0, NULL, "sign off those of all cards", HL_OPT_LINE_ONLY },
	END,
};

static const hl_option explain_options[] = {
	{ "list", 0, NULL, "all lines that are known", 0 },
	END,
};

static const hl_option preflight_options[] = {
	{ "target", 0, "TARGET", "the chip: stm32prog:port=SWD, sim:DIR",
	    HL_OPT_CHIP },
	{ "csv", 0, "FILE", "option bytes that the image was made with", 0 },
	{ "device", 0, "NAME", "part or series of the chip, as STM32U535", 0 },
	{ "product", 0, "HEX8", "product ID of the chip", 0 },
	{ "card", 0, "CARD", "label, serial, reader:TEXT, slot:N or sim:FILE",
	    0 },
	{ "firmware", 0, "NAME", "which firmware is to be installed", 0 },
	{ "need", 0, "N", "how many licenses are needed of the card", 0 },
	{ "rsse", 0, "FILE", "RSSe file that the installation uses", 0 },
	{ "no-rsse", 0, NULL, "the installation uses none", 0 },
	{ "type", 0, "TYPE", "license type, where the card does not tell", 0 },
	{ "ob-displ", 0, "FILE", "what ST's tool printed for -ob displ", 0 },
	END,
};

static const hl_option init_options[] = {
	{ "origin", 0, "NAME", "its name in signed statements, for ever",
	    HL_OPT_LINE_ONLY },
	END,
};

static const hl_option restore_options[] = {
	{ "force", 0, NULL, "put the present store aside", 0 },
	{ "damaged", 0, NULL, "take a copy that has findings, as it is",
	    HL_OPT_LINE_ONLY },
	{ "checkpoint", 0, "FILE", "a checkpoint of this store; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	END,
};

/* About these stores: none is a setting, least of all a --firmware. */
static const hl_option merge_options[] = {
	{ "firmware", 0, "THEIRS=OURS",
	    "what their firmware is called here; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	{ "same-card", 0, "THEIRS=OURS",
	    "two cards without serial number are one; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	{ "new-card", 0, "THEIRS",
	    "a card without serial number is another one; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	{ "restored", 0, NULL, "take a ledger that was set back",
	    HL_OPT_LINE_ONLY },
	END,
};

/* What an auditor asks for is on the command line: a setting that hides events
 * would not be seen. */
#define CHOICE(name, value, help)                                              \
	{                                                                      \
		name, 0, value, help, HL_OPT_LINE_ONLY                         \
	}

static const hl_option audit_log_options[] = {
	CHOICE("from", "TIME|SEQ", "from this time, or this number, on"),
	CHOICE("to", "TIME|SEQ", "up to there, without it"),
	{ "kind", 0, "KIND", "such as issue.outcome, or issue; several times",
	    HL_OPT_MANY | HL_OPT_LINE_ONLY },
	CHOICE("card", "CARD", "about this card: label or serial number"),
	CHOICE("chip", "CHIP", "about this chip: UID, hash or label"),
	CHOICE("issue", "ID", "about this request"),
	CHOICE("lot", "ID", "about this work order"),
	CHOICE("last", "N", "the last N of them alone"),
	CHOICE("jsonl", NULL, "the bytes that are in the tree, one a line"),
	END,
};

/* HSMLIC_KEY may name the key that signs; it is not one to verify with. */
#define VERIFIERS                                                              \
	{                                                                      \
		"key", 0, "KEY",                                               \
		    "who may sign: a verifier key, or a file with keys; "      \
		    "several times",                                           \
		    HL_OPT_MANY | HL_OPT_LINE_ONLY                             \
	}
#define CHECKPOINTS(help)                                                      \
	{                                                                      \
		"checkpoint", 0, "FILE", help, HL_OPT_MANY | HL_OPT_LINE_ONLY  \
	}

static const hl_option audit_verify_options[] = {
	CHECKPOINTS("that the ledger has to go through; several times"),
	VERIFIERS,
	END,
};

static const hl_option audit_prove_options[] = {
	CHOICE("issue", "ID", "the outcome of this request"),
	CHOICE("event", "SEQ", "the event of this number"),
	CHOICE("kind", "KIND", "another event of the request (issue.outcome)"),
	CHECKPOINTS("the signed tree that the event is in"),
	CHOICE("from", "CHECKPOINT", "that the ledger continues this one"),
	CHOICE("to", "CHECKPOINT", "up to this one (the ledger as it is)"),
	VERIFIERS,
	{ "output", 'o', "FILE", "write the proof there", HL_OPT_LINE_ONLY },
	CHOICE("leaf", "FILE", "write the event's bytes there (FILE.leaf)"),
	END,
};

#define SIGNER_OPTIONS(pin_help, pin_flags)                                    \
	{ "module", 0, "PATH",                                                 \
		"PKCS #11 module of the token (opensc-pkcs11.so)", 0 },        \
	    { "pin", 0, "env:NAME|file:PATH|fd:N", pin_help, pin_flags },      \
	{                                                                      \
		"last-pin-try", 0, NULL,                                       \
		    "even if a wrong PIN would lock the token",                \
		    HL_OPT_LINE_ONLY                                           \
	}

static const hl_option audit_checkpoint_options[] = {
	{ "key", 0, "FILE|URI",
	    "signs: a PEM file or pkcs11:...; several times", HL_OPT_MANY },
	SIGNER_OPTIONS(
	    "where PIN or passphrase is (asked for); one for each key",
	    HL_OPT_MANY),
	CHOICE("new-key", NULL, "the keys that sign are the log's from now on"),
	CHOICE("new-memory", NULL, "sign though the key's memory is lost"),
	CHOICE(
	    "quick", NULL, "verify only the events that are new to the keys"),
	{ "memory", 0, "FILE", "what the key signed last (KEY.memory)",
	    HL_OPT_MANY },
	{ "output", 'o', "FILE", "write it there; - is stdout", 0 },
	{ "force", 0, NULL, "replace an older checkpoint of this log", 0 },
	END,
};

static const hl_option audit_bundle_options[] = {
	{ "output", 'o', "FILE", "write the archive there", HL_OPT_LINE_ONLY },
	CHECKPOINTS("goes in; several times"),
	CHOICE("from", "CHECKPOINT", "only what came after this one"),
	VERIFIERS,
	END,
};

static const hl_option audit_witness_options[] = {
	{ "key", 0, "FILE|URI", "cosigns: an Ed25519 key", 0 },
	SIGNER_OPTIONS("where PIN or passphrase is (it is asked for)", 0),
	{ "name", 0, "NAME", "what this witness is called", 0 },
	{ "log-key", 0, "KEY", "who may sign the log; several times",
	    HL_OPT_MANY },
	{ "memory", 0, "FILE", "what the key signed last (KEY.memory)", 0 },
	{ "output", 'o', "FILE", "write it there; - is stdout", 0 },
	END,
};

static const hl_option audit_key_options[] = {
	CHOICE("type", "ed25519|p256", "of a new key (ed25519)"),
	CHOICE("encrypt", NULL, "ask for a passphrase for a new key"),
	CHOICE("name", "NAME", "whose key it is (the store's origin)"),
	CHOICE("witness", NULL, "show it as the key of a witness"),
	SIGNER_OPTIONS("where PIN or passphrase is (it is asked for)", 0),
	END,
};

#define WORDS_MAX 4096 /* of a programmer's command line */
#define STORE HL_NEED_STORE
#define BROKER (HL_NEED_STORE | HL_NEED_BROKER)
#define MAKE HL_NEED_MAKE
#define READ HL_NEED_READ
#define LOOK (HL_NEED_LOOK | HL_NEED_BROKER)
#define READS HL_ONLY_READS

const hl_command hl_commands[] = {
	{ NULL, "get", "", "get the license of one chip", 0, 0, BROKER | MAKE,
	    get_options, hl_cmd_get },
	{ NULL, "prefetch", "FILE|DIR...", "get the licenses of many chips", 1,
	    HL_OPERANDS_MANY, BROKER | MAKE, prefetch_options,
	    hl_cmd_prefetch },
	{ NULL, "status", "", "cards, counters and figures on one screen", 0, 0,
	    BROKER | READS, card_options, hl_cmd_status },
	{ "card", "list", "", "show the cards present and known", 0, 0,
	    LOOK | READS, card_options, hl_cmd_card_list },
	{ "card", "show", "[CARD]", "show one card", 0, 1, LOOK | READS,
	    card_options, hl_cmd_card_show },
	{ "card", "add", "[CARD]", "make a card known", 0, 1, BROKER | MAKE,
	    card_add_options, hl_cmd_card_add },
	{ "card", "label", "CARD LABEL", "name a known card", 2, 2, BROKER,
	    NULL, hl_cmd_card_label },
	{ "card", "retire", "CARD", "take a card out of use", 1, 1, BROKER,
	    NULL, hl_cmd_card_retire },
	{ "card", "slot", "", "find out which slot=N a reader is", 0, 0, BROKER,
	    NULL, hl_cmd_card_slot },
	{ "card", "watch", "", "report readers and cards as they change", 0, 0,
	    0, NULL, hl_cmd_card_watch },
	{ "chip", "list", "", "show the chips known", 0, 0, STORE | READS, NULL,
	    hl_cmd_chip_list },
	{ "chip", "show", "CHIP", "show one chip with all that is its", 1, 1,
	    STORE | READS, NULL, hl_cmd_chip_show },
	{ "chip", "read", "", "make a chip known", 0, 0, STORE | MAKE,
	    chip_read_options, hl_cmd_chip_read },
	{ "chip", "label", "CHIP LABEL", "name a chip", 2, 2, STORE, NULL,
	    hl_cmd_chip_label },
	{ "license", "list", "", "show the licenses kept", 0, 0, STORE | READS,
	    license_list_options, hl_cmd_license_list },
	{ "license", "show", "CHIP|ID", "show one license", 1, 1, STORE | READS,
	    license_one_options, hl_cmd_license_show },
	{ "license", "export", "[CHIP|ID]", "write licenses to files", 0, 1,
	    STORE, license_export_options, hl_cmd_license_export },
	{ "license", "import", "[FILE|DIR]", "take in licenses from files", 0,
	    1, STORE | MAKE, license_import_options, hl_cmd_license_import },
	{ "license", "retire", "CHIP|ID", "never hand this license out again",
	    1, 1, STORE, license_state_options, hl_cmd_license_retire },
	{ "license", "doubt", "CHIP|ID", "stop handing out a license for now",
	    1, 1, STORE, license_state_options, hl_cmd_license_doubt },
	{ "license", "trust", "CHIP|ID", "hand out a suspect license again", 1,
	    1, STORE, license_state_options, hl_cmd_license_trust },
	{ NULL, "preflight", "IMAGE|CSV",
	    "find what would make an installation fail", 1, 1, 0,
	    preflight_options, hl_cmd_preflight },
	{ NULL, "program", "IMAGE [-- ARGS]",
	    "get the license and install an image on a chip", 1, WORDS_MAX,
	    BROKER | MAKE | HL_TAKES_WORDS, program_options, hl_cmd_program },
	{ NULL, "run", "-- PROGRAM ARGS",
	    "run a programmer's command with the card taken out of it", 1,
	    WORDS_MAX, MAKE | HL_STDOUT_LENT | HL_TAKES_WORDS, run_options,
	    hl_cmd_run },
	{ NULL, "recover", "", "resolve requests that were cut short", 0, 0,
	    BROKER, recover_options, hl_cmd_recover },
	{ NULL, "reconcile", "[CARD]",
	    "account for every unit of the cards known", 0, 1, 0,
	    reconcile_options, hl_cmd_reconcile },
	{ "store", "init", "", "make a store", 0, 0, 0, init_options,
	    hl_cmd_store_init },
	{ "store", "check", "", "check everything that needs no card", 0, 0,
	    STORE | READS, NULL, hl_cmd_store_check },
	{ "store", "backup", "FILE", "write a consistent copy", 1, 1, STORE,
	    NULL, hl_cmd_store_backup },
	{ "store", "restore", "FILE", "put a copy in the store's place", 1, 1,
	    0, restore_options, hl_cmd_store_restore },
	{ "store", "upgrade", "", "bring a store to the schema of today", 0, 0,
	    0, NULL, hl_cmd_store_upgrade },
	{ "store", "merge", "STORE...",
	    "bring the stores of other stations into this one", 1,
	    HL_OPERANDS_MANY, STORE, merge_options, hl_cmd_store_merge },
	{ "audit", "log", "", "show the events of the ledger", 0, 0, READ,
	    audit_log_options, hl_cmd_audit_log },
	{ "audit", "verify", "", "find whatever was altered", 0, 0,
	    READ | HL_SEES_ALTERED, audit_verify_options, hl_cmd_audit_verify },
	{ "audit", "prove", "", "prove that an event is in a signed ledger", 0,
	    0, READ, audit_prove_options, hl_cmd_audit_prove },
	{ "audit", "checkpoint", "", "sign the ledger as it is now", 0, 0,
	    STORE, audit_checkpoint_options, hl_cmd_audit_checkpoint },
	{ "audit", "bundle", "", "put all that an auditor needs into a file", 0,
	    0, READ, audit_bundle_options, hl_cmd_audit_bundle },
	{ "audit", "witness", "BUNDLE|DIR",
	    "cosign a ledger, without its store", 1, 1, 0,
	    audit_witness_options, hl_cmd_audit_witness },
	{ "audit", "key", "new FILE | show FILE|URI",
	    "make a signing key, or show its public half", 2, 2, 0,
	    audit_key_options, hl_cmd_audit_key },
	{ NULL, "doctor", "", "try everything that a get needs", 0, 0, 0,
	    card_options, hl_cmd_doctor },
	{ NULL, "explain", "[TEXT...]",
	    "say what is known of a programmer's error lines", 0,
	    HL_OPERANDS_MANY, 0, explain_options, hl_cmd_explain },
	{ NULL, "completion", "bash|zsh|fish", "print a completion script", 1,
	    1, 0, NULL, hl_cmd_completion },
	{ NULL, "help", "[COMMAND [SUBCOMMAND]]", "print help", 0, 2, 0, NULL,
	    hl_cmd_help },
	{ NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL },
};
