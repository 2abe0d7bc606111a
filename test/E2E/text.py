#!/usr/bin/env python3
"""Oracle cases of tokenizer and chat templates through dsv3-run: each must come out exactly.

usage: text.py [--every N] DSV3_RUN     needs DSV3_ORACLES
--every N: one case of N. Exits with 77, which ctest counts as skipped, where the oracles are not at hand.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

oracles = os.environ.get("DSV3_ORACLES", "")
if not os.path.isdir(oracles):
    print("skipped: DSV3_ORACLES names no directory")
    sys.exit(77)
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--every", type=int, default=1)
parser.add_argument("runner")
options = parser.parse_args()
failures = 0


def run(*arguments, data=b""):
    return subprocess.run([options.runner, *arguments], input=data, capture_output=True)


def expect(what, result, output):
    """The command succeeded with this output, byte for byte."""
    global failures
    if result.returncode != 0 or result.stdout != output:
        failures += 1
        print(f"{what}: exit code {result.returncode}, expected {output!r}, found {result.stdout!r}",
              result.stderr.decode(errors="replace"))


def cases(name):
    """The lists of cases of a file, by name, of which every `--every`th is taken."""
    with open(os.path.join(oracles, name, "cases.json"), encoding="utf-8") as file:
        return {key: value[::options.every] for key, value in json.load(file).items() if isinstance(value, list)}


def text_of(ids):
    return ",".join(map(str, ids)).encode()


def check_tokenizer():
    model = os.path.join(oracles, "tokenizer")
    golden = cases("tokenizer")
    for case in golden["encode"]:
        ids, data = case["ids"], case["text"].encode()
        expect(f"tokenize {data!r}", run("tokenize", "--model", model, data=data), text_of(ids) + b"\n")
        expect(f"detokenize {ids}", run("detokenize", "--model", model, data=text_of(ids)),
               case["decoded"].encode())
    for case in golden["decode"]:
        ids = text_of(case["ids"])
        result = run("detokenize", "--model", model, "--json", data=b"[" + ids + b"]")
        found = json.loads(result.stdout) if result.returncode == 0 else None
        expect(f"detokenize --json {ids}", result, result.stdout if found == case["decoded"] else
               case["decoded"].encode())
        expect(f"detokenize --skip-special {ids}",
               run("detokenize", "--model", model, "--skip-special", data=ids),
               case["decoded_without_special"].encode())
    return len(golden["encode"]) + len(golden["decode"])


def check_templates(folder):
    template, context = os.path.join(folder, "template"), os.path.join(folder, "context")
    golden = cases("template")["cases"]
    for case in golden:
        with open(template, "w", encoding="utf-8", newline="") as file:
            file.write(case["template"])
        with open(context, "w", encoding="utf-8") as file:
            json.dump(case["context"], file)
        result = run("render", "--template", template, "--context", context)
        if "error" not in case:
            expect(f"render {case['template']!r}", result, case["text"].encode())
            continue
        message = result.stderr.decode()
        where = f"line {case['line']}:" if "line" in case else "line "
        if result.returncode != 1 or result.stdout or case["error"] not in message or where not in message:
            global failures
            failures += 1
            print(f"render {case['template']!r}: expected {case['error']!r} and the line, found {message!r}")
    return len(golden)


with tempfile.TemporaryDirectory() as folder:
    count = check_tokenizer() + check_templates(folder)
print(f"{count} cases, {failures} failures")
sys.exit(failures > 0)
