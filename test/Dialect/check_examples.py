"""Parses and verifies every ```mlir example of the dialects' TableGen files, and names each
op whose description has no example or no numbered constraints.

Operands of an example are free variables. Each is declared before the example as
`"test.value"() : () -> type`; the type is what the parser says that the example
uses it with, so nothing about it has to be written twice.

usage: check_examples.py FILE.td…
"""
import re
import subprocess
import sys
import textwrap

WRONG_TYPE = re.compile(
    r"use of value '%(\w+)' expects different type than prior uses: '(.*)' vs '(none|i1)'")


OP = re.compile(r'^def \w+Op : \w+<"([\w.]+)".*?(?=^def |^class |\Z)', re.S | re.M)
# What a description has, and how it shows.
PARTS = [("example", "```mlir\n"), ("numbered constraint", r"^\s*1\. ")]


def lacking(path):
    """(line, mnemonic, part) of each part that the description of an op of a file lacks."""
    text = open(path, encoding="utf-8").read()
    for match in OP.finditer(text):
        description = re.search(r"let description = \[\{(.*?)\}\];", match[0], re.S)
        for part, pattern in PARTS:
            if not description or not re.search(pattern, description[1], re.M):
                yield text[:match.start()].count("\n") + 1, match[1], part


def examples(path):
    """(line, text) of each example of a file."""
    text = open(path, encoding="utf-8").read()
    for match in re.finditer(r"```mlir\n(.*?)```", text, re.S):
        yield text[:match.start()].count("\n") + 2, textwrap.dedent(match.group(1))


def free_values(text):
    """Names of values that an example uses without defining them."""
    uses = re.findall(r"%(\w+)", text)
    defined = {name for line in re.findall(r"^\s*((?:%\w+,? *)+)=", text, re.M)
               for name in re.findall(r"%(\w+)", line)}
    defined |= set(re.findall(r"%(\w+): ", text))
    return [name for name in dict.fromkeys(uses) if name not in defined]


def check(text):
    """The parser's complaint about an example, or None."""
    types = dict.fromkeys(free_values(text), "none")
    for _ in range(len(types) + 1):
        values = "".join(f'%{name} = "test.value"() : () -> {t}\n' for name, t in types.items())
        run = subprocess.run(["dsv3-opt", "--allow-unregistered-dialect", "-o", "-", "-"],
                             input=f"module {{\n{values}{text}}}\n", capture_output=True, text=True, check=False)
        if run.returncode == 0:
            return None
        wrong = WRONG_TYPE.search(run.stderr)
        if not wrong or types.get(wrong[1]) != "none":
            return run.stderr
        types[wrong[1]] = wrong[2]
    return run.stderr


def main(paths):
    count, bad, missing = 0, 0, 0
    for path in paths:
        for line, name, part in lacking(path):
            missing += 1
            print(f"{path}:{line}: {name} has no {part}")
        for line, text in examples(path):
            count += 1
            complaint = check(text)
            if complaint:
                bad += 1
                print(f"{path}:{line}: the example is refused\n{text}{complaint}")
    print(f"{count} examples, {bad} refused, {missing} missing")
    return bad != 0 or missing != 0 or count == 0


sys.exit(main(sys.argv[1:]))
