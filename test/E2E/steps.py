#!/usr/bin/env python3
"""How a prompt is cut into steps, and how many threads run them, does not change what comes out.

usage: steps.py DSV3_RUN DSV3_COMPILE MODEL     needs numpy
MODEL has a context of at least 1024 tokens and no near ties (models/nano). Chunks and decoding
agree in the class of f32 with the same greedy tokens; threads agree bit for bit.
"""
import filecmp
import json
import os
import subprocess
import sys
import tempfile

import numpy

import make_model

RUN, COMPILE, MODEL = sys.argv[1:4]
failures = []


def call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)[:300]}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def prompt(length):
    """Ids that some model could have read; the generator's numbers are the same everywhere."""
    return [0, *map(int, numpy.random.default_rng(length).integers(2, 2000, length - 1))]


def text_of(ids):
    return ",".join(map(str, ids))


def score(bundle, ids, path, *flags):
    call(RUN, "score", "--model", bundle, "--ids", text_of(ids), "--output", path, *flags)
    return make_model.read_safetensors(path)


def generate(bundle, ids, count, *flags):
    printed = call(RUN, "generate", "--model", bundle, "--ids", text_of(ids), "--max-tokens",
                   str(count), "--temperature", "0", "--ignore-eos", "--print-ids", *flags)
    return [int(word) for word in printed.replace(",", " ").split()]


def expect(holds, what):
    if not holds:
        failures.append(what)
        print(what)


def expect_class(want, have, what):
    """All tensors are in the class of f32."""
    expect(set(want) == set(have), f"{what}: other tensors")
    for name in want:
        if name.endswith("experts"):
            expect((want[name] == have[name]).all(), f"{what}: {name} differ")
            continue
        limit = 1e-2 if name == "hidden" else 1e-4 if name.endswith("weights") else 1e-3
        distance = numpy.abs(want[name].astype("f8") - have[name]).max(initial=0)
        expect(distance <= limit, f"{what}: {name} differ by {distance:.1e}, allowed {limit}")


def check_chunks(bundle, path):
    """Chunks of any size, on prompts that fit into one step, just do not, or fill the context."""
    parts = ["--hidden", "--router", "--mtp"]
    with open(os.path.join(bundle, "config.json")) as file:
        context = json.load(file)["max_position_embeddings"]
    for length, chunks in ((512, [1, 2, 3, 16, 17, 63, 64, 65, 511]), (513, [512, 511]),
                           (context - 7, [65])):
        ids = prompt(length)
        want = score(bundle, ids, path, *parts)
        tokens = generate(bundle, ids, 8)
        expect(len(tokens) == 8, f"a prompt of {length}: {len(tokens)} tokens instead of 8")
        for chunk in chunks:
            what = f"a prompt of {length} in chunks of {chunk}"
            expect_class(want, score(bundle, ids, path, *parts, "--chunk", str(chunk)), what)
            found = generate(bundle, ids, 8, "--chunk", str(chunk))
            expect(found == tokens, f"{what}: expected tokens {tokens}, found {found}")


def check_limits(bundle, folder, path):
    """A model compiled for other steps and contexts gives the same."""
    ids = prompt(130)
    want, tokens = score(bundle, ids, path), generate(bundle, ids, 8)
    for flags in (["--chunk", "1"], ["--rows", "1", "--chunk", "7"],
                  ["--rows", "64", "--chunk", "64"],
                  ["--rows", "3", "--context", "138", "--batch", "2"]):
        other = os.path.join(folder, "limits")
        call(COMPILE, "--model", MODEL, "-o", other, "--variant", "x86-64-v3", *flags)
        what = f"compiled with {' '.join(flags)}"
        expect_class(want, score(other, ids, path), what)
        found = generate(other, ids, 8)
        expect(found == tokens, f"{what}: expected tokens {tokens}, found {found}")


def check_decoding(bundle, path):
    """A prompt and then tokens one by one see what one long prefill sees: the same greedy tokens,
    and logits in class. Generate shows none, so score decodes: all tokens in chunks of 1, and one
    after a prompt that fills a chunk."""
    for length in (1, 15, 63, 100):
        ids = prompt(length)
        tokens = generate(bundle, ids, 40)
        text = ids + tokens[:-1]
        want = score(bundle, text, path)
        found = want["logits"].argmax(axis=1)[length - 1:]
        expect(tokens == list(found), f"after {length} tokens: expected {list(found)} as in one "
                                      f"prefill, found {tokens}")
        expect_class(want, score(bundle, text, path, "--chunk", "1"),
                     f"{len(text)} tokens one by one")
        expect_class({"logits": want["logits"][:length + 1]},
                     score(bundle, text[:length + 1], path, "--chunk", str(length)),
                     f"one token after a prompt of {length}")


def variants(bundle):
    """The variants of the bundle that this machine runs."""
    result = []
    for name in ("x86-64-v3", "x86-64-v4"):
        done = subprocess.run([RUN, "generate", "--model", bundle, "--ids", "0", "--max-tokens",
                               "1", "--variant", name], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        result += [name] * (done.returncode == 0)
    return result


def check_threads(bundle, folder):
    """Bit for bit the same with any number of threads; variants in class of each other."""
    ids = prompt(150)
    scores = {}
    for variant in variants(bundle):
        first = os.path.join(folder, variant)
        flags = ["--variant", variant, "--hidden", "--router", "--mtp"]
        for threads in (1, 2, 3, 5, 8):
            path = first if threads == 1 else os.path.join(folder, "found")
            scores[variant] = score(bundle, ids, path, *flags, "--threads", str(threads))
            expect(filecmp.cmp(first, path, shallow=False),
                   f"{variant}: {threads} threads differ from 1")
    expect(scores, "no variant runs on this machine")
    for variant, found in scores.items():
        expect_class(scores["x86-64-v3"], found, f"{variant} against x86-64-v3")


def check_same_bytes(bundle, folder):
    """Two runs of dsv3-compile write the same files."""
    other = os.path.join(folder, "other")
    call(COMPILE, "--model", MODEL, "-o", other)
    names = sorted(os.listdir(bundle))
    expect(names == sorted(os.listdir(other)) and "plan.dsv3" in names,
           f"two bundles: {names} and {sorted(os.listdir(other))}")
    _, different, missing = filecmp.cmpfiles(bundle, other, names, shallow=False)
    expect(not different and not missing, f"two bundles differ in {different + missing}")


with tempfile.TemporaryDirectory() as scratch:
    made, output = os.path.join(scratch, "bundle"), os.path.join(scratch, "output")
    call(COMPILE, "--model", MODEL, "-o", made)
    check_same_bytes(made, scratch)
    check_threads(made, scratch)
    check_decoding(made, output)
    check_limits(made, scratch, output)
    check_chunks(made, output)
print(f"{len(failures)} failures")
sys.exit(bool(failures))
