#!/usr/bin/env python3
"""The small trained model: the same answers to eval.json's questions, the same likelihood of unseen texts.

usage: nano.py [--every N] [--answers CASE] DSV3_RUN [flags for score and generate]
Needs numpy, and DSV3_ORACLES. --every N takes each Nth question and text alone, for a device that is slow;
which is the first depends on the commit (share.py).
--answers CASE asks the questions of nano-bf16 or nano-fp8 and scores no text, for a precision with another likelihood.
Exits with 77, which ctest counts as skipped, where the oracles are not at hand.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

import numpy

import share

oracles = os.environ.get("DSV3_ORACLES", "")
if not os.path.isdir(oracles):
    print("skipped: DSV3_ORACLES names no directory")
    sys.exit(77)
given = sys.argv[1:]
options = {"--every": "1", "--answers": ""}
while given[0] in options:
    options[given[0]], given = given[1], given[2:]
every, answers_of = int(options["--every"]), options["--answers"]
first = share.share_of_commit(every)
runner, *flags = given


def run(*arguments):
    done = subprocess.run([runner, *arguments, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit status {done.returncode}\n{done.stderr.decode()}")
    return done.stdout.decode()


def read_logits(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))["logits"]
        file.seek(8 + size + entry["data_offsets"][0])
        data = file.read(entry["data_offsets"][1] - entry["data_offsets"][0])
    return numpy.frombuffer(data, "<f4").reshape(entry["shape"]).astype(numpy.float64)


def check_answers(case):
    """At least 99 % of the answers are the reference's; each kind has the reference's score."""
    with open(os.path.join(case, "eval.json")) as file:
        evaluation = json.load(file)
    same, scores, counts = 0, collections.Counter(), collections.Counter()
    questions = evaluation["questions"][first::every]
    for question in questions:
        answer = run("generate", "--model", os.path.join(case, "model"), "--chat",
                     question["question"], "--max-tokens", "64", "--temperature", "0").strip()
        same += answer == question["reference_answer"].strip()
        counts[question["kind"]] += 1
        scores[question["kind"]] += question["must_contain"] in answer
    total = len(questions)
    print(f"{case}: {same} of {total} answers as the reference's")
    failed = same < 0.99 * total
    for kind, expected in evaluation["reference_score"].items():
        found = f"{scores[kind]}/{counts[kind]}"
        if every == 1 and found != expected:
            print(f"{case}: {kind}: expected {expected}, found {found}")
            failed = True
    return failed


def check_likelihood(case, scratch):
    """Each text's likelihood to 1e-3, the mean over all tokens to 1e-5."""
    with open(os.path.join(case, "likelihood.json")) as file:
        likelihood = json.load(file)
    total, tokens, worst = 0.0, 0, 0.0
    output = os.path.join(scratch, "scores.safetensors")
    texts = likelihood["texts"][first % len(likelihood["texts"])::every]
    for text in texts:
        ids = text["ids"]
        run("score", "--model", os.path.join(case, "model"), "--ids", ",".join(map(str, ids)),
            "--output", output)
        logits = read_logits(output)[:-1]
        top = logits.max(axis=1, keepdims=True)
        logs = logits - top - numpy.log(numpy.exp(logits - top).sum(axis=1, keepdims=True))
        nll = -logs[numpy.arange(len(ids) - 1), ids[1:]].sum()
        worst = max(worst, abs(nll - text["nll"]))
        total, tokens = total + nll, tokens + len(ids) - 1
    mean = total / tokens
    expected = likelihood["mean_nll"] if every == 1 else sum(text["nll"] for text in texts) / tokens
    print(f"{case}: mean likelihood {mean:.6f}, expected {expected:.6f}; "
          f"largest difference of a text {worst:.1e}")
    return abs(mean - expected) > 1e-5 or worst > 1e-3


failures = []
with tempfile.TemporaryDirectory() as scratch:
    for name in [answers_of] if answers_of else ["nano-bf16", "nano-fp8"]:
        case = os.path.join(oracles, name)
        failures += [not answers_of and check_likelihood(case, scratch), check_answers(case)]
sys.exit(any(failures))
