#!/usr/bin/env python3
"""A model of about 1 GB lives in the memory that its plan says, and 200 MB more; the scores of a
long prompt do not stay in memory.

usage: resident.py DSV3_RUN DSV3_COMPILE     needs numpy
The weights are made up from a config.json alone.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import make_model

RUN, COMPILE = sys.argv[1:3]
SLACK = 200e6
MODEL = {"vocab_size": 32000, "hidden_size": 1024, "intermediate_size": 3072,
         "moe_intermediate_size": 512, "num_hidden_layers": 8, "num_attention_heads": 16,
         "q_lora_rank": 512, "kv_lora_rank": 256, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32,
         "v_head_dim": 64, "n_routed_experts": 32, "num_experts_per_tok": 4,
         "max_position_embeddings": 4096, "num_nextn_predict_layers": 0}


def measure(*command):
    """Output of a command, and its largest resident memory in bytes."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)[:300]}: exit status {process.returncode}\n"
                     f"{errors.read()}")
        return output.read(), usage.ru_maxrss * 1024


def bytes_of(report, pattern):
    number, unit = re.search(pattern + r"\s+([0-9.]+) (\w+)", report).groups()
    return float(number) * {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]


def check_scores(folder):
    """Logits of 400 MB go to the file as they come; steps of 16 tokens touch 6 MB of outputs."""
    model = {**MODEL, "vocab_size": 100000, "hidden_size": 64, "intermediate_size": 128,
             "moe_intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
             "q_lora_rank": 32, "kv_lora_rank": 32, "n_routed_experts": 8}
    path, output = os.path.join(folder, "wide"), os.path.join(folder, "scores")
    os.mkdir(path)
    with open(os.path.join(path, "config.json"), "w") as file:
        json.dump(make_model.config_of(model), file)
    ids = ",".join(str(number) for number in range(1000))
    measure(RUN, "generate", "--model", path, "--dummy", "--ids", "0", "--max-tokens", "1")
    _, resident = measure(RUN, "score", "--model", path, "--dummy", "--ids", ids, "--chunk", "16",
                          "--output", output)
    size = os.path.getsize(output)
    os.unlink(output)
    print(f"scores of {size / 1e6:.1f} MB; resident {resident / 1e6:.1f} MB")
    if not 400e6 < size or resident > 200e6:
        sys.exit("the scores are in memory")


with tempfile.TemporaryDirectory() as folder:
    os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
    check_scores(folder)
    path = os.path.join(folder, "config.json")
    with open(path, "w") as file:
        json.dump(make_model.config_of(MODEL), file)
    report, _ = measure(COMPILE, "--config", path, "--plan-only")
    weights = bytes_of(report, "weights")
    # Of the variants the first; the others need the same but for a few panels.
    planned = bytes_of(report, "total")
    ids = ",".join(str(number * 7 % 32000) for number in range(1000))
    tokens, resident = measure(RUN, "generate", "--model", folder, "--dummy", "--ids", ids,
                               "--max-tokens", "8", "--ignore-eos", "--temperature", "0",
                               "--print-ids")
print(f"planned {planned / 1e6:.1f} MB, of which weights {weights / 1e6:.1f} MB; "
      f"resident {resident / 1e6:.1f} MB")
if not 0.8e9 < weights < 1.2e9 or len(tokens.split(",")) != 8:
    sys.exit("the model is not what it should be")
# Less than the weights would mean that the measure is wrong.
sys.exit(not weights < resident <= planned + SLACK)
