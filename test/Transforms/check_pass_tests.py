"""Each pass has the tests that its kind asks for: one for what it does, -invalid where it can refuse something,
-remarks where it decides something.

usage: check_pass_tests.py ROOT
A pass is a `def` of a Passes.td; its file has the def's name. Prints what is missing, and a count; fails if something
is missing, if a test belongs to neither a pass nor another conversion (a folder of lib/Conversion), or if there is no pass at all.
"""
import glob
import os
import re
import sys

REFUSES = re.compile(r"signalPassFailure|emitError")
DECIDES = re.compile(r"remark::(passed|missed|analysis|failed)")


def passes(root):
    """(test folder, def, text of its file) of each pass."""
    for part in ["Transforms", "Conversion"]:
        with open(os.path.join(root, f"include/dsv3/{part}/Passes.td"), encoding="utf-8") as file:
            names = re.findall(r"^def (\w+) : \w*Pass<", file.read(), re.M)
        for name in names:
            short = name.removeprefix("Convert")
            (path,) = glob.glob(os.path.join(root, f"lib/{part}/**/{short}.cpp"), recursive=True)
            with open(path, encoding="utf-8") as file:
                yield f"test/{part}", short, file.read()


def kebab(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def main(root):
    expected, folders, count, problems = set(), set(), 0, []
    for folder, name, text in passes(root):
        count += 1
        folders.add(folder)
        wanted = ["", "-invalid" * bool(REFUSES.search(text)), "-remarks" * bool(DECIDES.search(text))]
        expected |= {f"{folder}/{kebab(name)}{suffix}.mlir" for suffix in wanted}
    found = {os.path.relpath(path, root) for folder in folders
             for path in glob.glob(os.path.join(root, folder, "*.mlir"))}
    others = tuple(f"test/Conversion/{kebab(os.path.basename(os.path.dirname(path)))}"
                   for path in glob.glob(os.path.join(root, "lib/Conversion/*/")))
    problems += [f"missing: {path}" for path in sorted(expected - found)]
    problems += [f"of no pass: {path}" for path in sorted(found - expected) if not path.startswith(others)]
    for line in problems:
        print(line)
    print(f"{count} passes, {len(found)} tests, {len(problems)} problems")
    return bool(problems) or count == 0


sys.exit(main(sys.argv[1]))
