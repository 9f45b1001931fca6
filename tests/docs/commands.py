#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""commands.py HELP PAGE...: the commands of hsmlic that pages show, in indented
blocks and in backquotes, against `hsmlic help --json`. Prints what it does not
have, a line each: a command, or a command and its option."""
import json
import re
import sys


def shown(page):
    text = open(page, encoding="utf-8").read()
    for line in re.findall(r"^ {4}(?:.*? )?(hsmlic [a-z-].*)$", text, re.M):
        yield line
    for line in re.findall(r"`(hsmlic\s[^`]+)`", text):
        yield " ".join(line.split())


def table(path):
    known = json.load(open(path, encoding="utf-8"))
    everywhere = {"--" + o["name"] for o in known["options"]}
    return {
        " ".join(filter(None, (c["group"], c["name"]))):
            everywhere | {"--" + o["name"] for o in c["options"]}
        for c in known["commands"]
    }


def unknown(line, commands):
    line = re.split(r" -- | [|>#;] | && ", line)[0]
    words = line.split()[1:]
    while words and words[0].startswith("-"):  # --store FILE in front
        words = words[1 if "=" in words[0] else 2:]
    if not words or not re.fullmatch(r"[a-z]+", words[0]):
        return
    groups = {c.split()[0] for c in commands if " " in c}
    n = 2 if words[0] in groups and len(words) > 1 else 1
    name = " ".join(words[:n])
    if name not in commands:
        yield name
        return
    for word in re.findall(r"(?<=[ \[])--[a-z-]+", line):
        if word not in commands[name]:
            yield f"{name} {word}"


def main():
    commands = table(sys.argv[1])
    found = {
        u
        for page in sys.argv[2:]
        for line in shown(page)
        for u in unknown(line, commands)
    }
    print("\n".join(sorted(found)), end="\n" if found else "")


main()
