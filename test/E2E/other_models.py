#!/usr/bin/env python3
"""Sizes, types and options that no published model has: compiled code against the interpreter.

usage: other_models.py DSV3_RUN DSV3_COMPILE DSV3_INTERPRET [VARIANT]     needs numpy

Each model is random and small. The interpreter runs the module as it was imported, or as its
weights were encoded, in double precision; compiled code must be in the class of f32 of it. Models take turns with the variants that
this machine runs, and a commit with a sixth of the models (share.py); VARIANT compiles all of them for one. Where there is a config.json alone, both
make up the same weights. What dsv3 does not support must be refused by name.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import numpy

import make_model
import share

RUN, COMPILE, INTERPRET = sys.argv[1:4]
YARN = make_model.YARN
ODD = {"hidden_size": 100, "intermediate_size": 60, "moe_intermediate_size": 28,
       "qk_nope_head_dim": 12, "qk_rope_head_dim": 6, "v_head_dim": 20, "kv_lora_rank": 36,
       "q_lora_rank": 52}
LEAST = {"hidden_size": 3, "intermediate_size": 1, "moe_intermediate_size": 1,
         "qk_nope_head_dim": 1, "qk_rope_head_dim": 2, "v_head_dim": 1, "kv_lora_rank": 1,
         "q_lora_rank": 1}
ODDEST = {"hidden_size": 73, "intermediate_size": 51, "moe_intermediate_size": 17,
          "qk_nope_head_dim": 11, "v_head_dim": 13, "kv_lora_rank": 29, "q_lora_rank": 31}
RAGGED = dict(ODD, hidden_size=200, intermediate_size=150, moe_intermediate_size=136,
              kv_lora_rank=140)
SHORT = (1, 7, 40)  # lengths of prompts: one token, absorbed attention, expanded attention


def model(changes, lengths=SHORT, **written):
    """Changes of the config, lengths of the prompts, and how make_model.write writes it.
    `encoding`: what --weights and --head are."""
    return changes, lengths, written


def encoding_flags(written):
    """The flags of an encoding, and what else there is to write."""
    flags = [f"--{flag}={name}" for flag, name in zip(("weights", "head"), written.get("encoding", ()))]
    return flags, {key: value for key, value in written.items() if key != "encoding"}


MODELS = {
    "1 head": model({"num_attention_heads": 1}),
    "3 heads, odd sizes": model(dict(ODD, num_attention_heads=3)),
    "5 heads, odd sizes, no query rank": model(dict(ODD, num_attention_heads=5, q_lora_rank=None)),
    "7 heads, least sizes": model(dict(LEAST, num_attention_heads=7)),
    "3 heads, odd numbers": model(dict(ODDEST, num_attention_heads=3)),
    "FP16": model(ODD, stored="F16"),
    "FP32": model(ODD, stored="F32"),
    "FP8, ragged blocks": model(dict(RAGGED, num_attention_heads=5), block=(128, 128)),
    "FP8, small blocks": model(ODD, block=(16, 24)),
    "FP8, long blocks, powers of two": model(ODD, block=(1, 32), ue8m0=True, stored="F16"),
    "FP8, tied, no query rank": model({"tie_word_embeddings": True, "q_lora_rank": None},
                                      block=(64, 32), stored="F32"),
    "tied embeddings": model({"tie_word_embeddings": True}),
    "dense by null": model({"n_routed_experts": None, "first_k_dense_replace": 2}),
    "dense by zero experts": model({"n_routed_experts": 0, "first_k_dense_replace": 0}),
    "dense but for the MTP layer": model({"first_k_dense_replace": 2}),
    "no dense layer": model({"first_k_dense_replace": 0, "num_hidden_layers": 3}, shards=3),
    "top 1": model({"num_experts_per_tok": 1}),
    "every expert": model({"num_experts_per_tok": 8, "topk_group": 4}),
    "one group, odd experts": model({"n_group": 1, "topk_group": 1, "n_routed_experts": 13}),
    "one expert": model({"n_group": 1, "topk_group": 1, "n_routed_experts": 1,
                         "num_experts_per_tok": 1}),
    "all groups": model({"topk_group": 4}),
    "no shared expert": model({"n_shared_experts": 0}),
    "3 shared experts, sums kept": model({"n_shared_experts": 3, "norm_topk_prob": False}),
    "negative biased scores": model({"num_experts_per_tok": 4}, bias=-3.0),
    "ties in the router": model({}, ties=True),
    "negative scale of the experts": model({"routed_scaling_factor": -1.5}),
    "small scale of the experts": model({"routed_scaling_factor": 0.5, "rms_norm_eps": 1e-3}),
    "multiplier of cos and sin": model({"rope_scaling": dict(YARN, mscale_all_dim=0.5)}),
    "attention factor": model({"rope_scaling": dict(YARN, attention_factor=1.3, factor=4)}),
    "no rope scaling": model({"rope_scaling": None, "rope_theta": 50000}),
    "rope_parameters": model({"rope_scaling": None,
                              "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}),
    "beyond the original context": model(
        {"rope_scaling": dict(YARN, original_max_position_embeddings=16)}, [100]),
    "pages": model({}, [63, 64, 65, 128, 129]),
    "the whole context": model({"max_position_embeddings": 130}, [129, 130]),
    "1 layer, no MTP": model({"num_hidden_layers": 1, "first_k_dense_replace": 0,
                              "num_nextn_predict_layers": 0}),
    "several ends": model({"eos_token_id": [1] + list(range(40, 97))}, shards=2),
    "int8": model(dict(ODD, num_attention_heads=3), encoding=("int8", "int8")),
    "int8 of FP8, ragged": model(dict(RAGGED, num_attention_heads=5), block=(128, 128),
                                 encoding=("int8", "fp8")),
    "int8, least sizes": model(dict(LEAST, num_attention_heads=7), encoding=("int8", "bf16")),
    "int4": model({}, stored="F32", encoding=("int4", "int8")),
    "int4, odd numbers": model(dict(ODDEST, num_attention_heads=3), encoding=("int4", "int8")),
    "int4 of FP8, no query rank": model({"q_lora_rank": None}, block=(64, 32),
                                        encoding=("int4", "bf16")),
    "fp8 of FP16, ragged": model(dict(RAGGED, num_attention_heads=5), stored="F16",
                                 encoding=("fp8", "fp8")),
    "bf16 of FP8": model(ODD, block=(16, 24), stored="F32", encoding=("bf16", "bf16")),
}
# Configurations alone: both programs make the weights up, from the seed.
MADE_UP = {
    "made up": model(dict(ODD, num_attention_heads=3)),
    "made up, FP8": model(dict(RAGGED, num_attention_heads=5), block=(128, 128)),
    "made up, FP16, tied, no query rank": model({"tie_word_embeddings": True, "q_lora_rank": None},
                                                stored="F16"),
    "made up, int4": model(dict(ODD, num_attention_heads=3), encoding=("int4", "int8")),
    "made up, int8 of FP8": model(dict(RAGGED, num_attention_heads=5), block=(128, 128),
                                  encoding=("int8", "int8")),
}
# changes of the config: what the message must name
REFUSED = [
    ({"rope_scaling": dict(YARN, type="linear")}, "rope_scaling.type"),
    ({"rope_scaling": {"rope_type": "llama3", "factor": 8}}, "rope_scaling.rope_type"),
    ({"rope_interleave": False}, "rope_interleave"),
    ({"qk_rope_head_dim": 7}, "qk_rope_head_dim"),
    ({"num_key_value_heads": 2}, "num_key_value_heads"),
    ({"n_group": 3}, "n_group"),
    ({"n_group": 8, "topk_group": 2, "num_experts_per_tok": 1}, "n_group"),
    ({"num_experts_per_tok": 5}, "num_experts_per_tok"),
    ({"num_experts_per_tok": 0}, "num_experts_per_tok"),
    ({"topk_group": 5}, "topk_group"),
    ({"moe_layer_freq": 2}, "moe_layer_freq"),
    ({"scoring_func": "softmax"}, "scoring_func"),
    ({"attention_bias": True}, "attention_bias"),
    ({"hidden_act": "gelu"}, "hidden_act"),
    ({"num_nextn_predict_layers": 2}, "num_nextn_predict_layers"),
    ({"torch_dtype": "float64"}, "torch_dtype"),
    ({"quantization_config": {"quant_method": "awq", "bits": 4}},
     "quantization_config.quant_method"),
    ({"model_type": "deepseek_v2"}, "model_type"),
]


class Different(Exception):
    """Two executions do not agree; the text says where."""


def call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Different(f"{os.path.basename(command[0])} {command[1]}: exit status "
                        f"{done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


def variants():
    """The variants whose code this machine runs."""
    with open("/proc/cpuinfo") as file:
        flags = set(next(line for line in file if line.startswith("flags")).split())
    wide = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags
    return ["x86-64-v3", "x86-64-v4"] if wide else ["x86-64-v3"]


def compare(expected, found, moe_layers):
    """Both hold the same tensors, in the class of f32."""
    names = {"logits", "hidden"} | {f"router.{layer}.{part}" for layer in moe_layers
                                    for part in ("experts", "weights")}
    if set(expected) != set(found) or set(expected) - {"mtp_logits"} != names:
        raise Different(f"expected {sorted(names)}, found {sorted(expected)} and {sorted(found)}")
    for name, want in expected.items():
        have = found[name]
        if want.shape != have.shape:
            raise Different(f"{name}: expected {want.shape}, found {have.shape}")
        if name.endswith("experts"):
            rows = (want != have).any(axis=1).sum()
            if rows:
                raise Different(f"{name}: {rows} rows have other experts")
            continue
        limit = 1e-2 if name == "hidden" else 1e-4 if name.endswith("weights") else 1e-3
        distance = numpy.abs(want.astype("f8") - have).max(initial=0)
        if not distance <= limit:  # NaN is not
            raise Different(f"{name}: {distance:.1e} from the interpreter's, allowed {limit}")
    if numpy.std(expected["logits"]) < 0.1:
        raise Different("the model is no test: its logits are all alike")


def check(folder, changes, lengths, written, variant):
    """Compiles one model and compares scores and greedy tokens for prompts of some lengths."""
    source, bundle = os.path.join(folder, "model"), os.path.join(folder, "bundle")
    encoding, written = encoding_flags(written)
    config = make_model.write(source, changes, **written)
    call(COMPILE, "--model", source, "-o", bundle, "--variant", variant, *encoding)
    compare_prompts(folder, config, lengths, ["--model", source, *encoding], ["--model", bundle])


def check_made_up(folder, changes, lengths, written, variant):
    """The same without a checkpoint: the weights depend on seed and config alone."""
    os.mkdir(folder)
    path, bundle = os.path.join(folder, "config.json"), os.path.join(folder, "bundle")
    encoding, written = encoding_flags(written)
    config = make_model.config_of(changes, **written)
    with open(path, "w") as file:
        json.dump(config, file)
    call(COMPILE, "--config", path, "-o", bundle, "--variant", variant, *encoding)
    dummy = ["--dummy", "--dummy-seed", "5", "--threads", "2"]
    compare_prompts(folder, config, lengths, ["--config", path, *dummy, *encoding],
                    ["--model", bundle, *dummy])


def compare_prompts(folder, config, lengths, interpreted, compiled):
    """Scores and greedy tokens for prompts of these lengths; the last two name the model."""
    random = numpy.random.default_rng(3)
    first = config["first_k_dense_replace"] if config["n_routed_experts"] else 1 << 30
    flags = ["--hidden", "--router"] + ["--mtp"] * config["num_nextn_predict_layers"]
    for length in lengths:
        ids = ",".join(map(str, [0, *random.integers(2, config["vocab_size"], length - 1)]))
        expected, found = os.path.join(folder, "expected"), os.path.join(folder, "found")
        encodes = any(flag.startswith("--weights") for flag in interpreted)
        phase = "graph" if encodes else "import"
        reference = [*interpreted, "--f64", f"--phase={phase}", "--ids", ids]
        try:
            call(INTERPRET, "score", *reference, *flags, "--output", expected)
            call(RUN, "score", *compiled, "--ids", ids, *flags, "--output", found)
            compare(make_model.read_safetensors(expected), make_model.read_safetensors(found),
                    range(first, config["num_hidden_layers"]))
            tail = ["--max-tokens", "8", "--temperature", "0", "--print-ids"]
            want = call(INTERPRET, "generate", *reference, *tail).strip()
            have = call(RUN, "generate", *compiled, "--ids", ids, *tail).strip()
            if want != have:
                raise Different(f"greedy tokens: expected {want}, found {have}")
        except Different as different:
            raise Different(f"a prompt of {length}: {different}") from different


def check_refusal(folder, changes, name):
    """dsv3-run and dsv3-compile end with a message that names the field."""
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(make_model.config_of(changes), file)
    config = os.path.join(folder, "config.json")
    for command in ([RUN, "generate", "--model", folder, "--dummy", "--ids", "0"],
                    [COMPILE, "--config", config, "--plan-only"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 1 or name not in done.stderr or done.stdout:
            raise Different(f"expected a refusal that names {name}, found exit status "
                            f"{done.returncode} and {done.stderr.strip()[-600:]!r}")


def main():
    usable = sys.argv[4:] or variants()
    failures = 0
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        os.environ["XDG_CACHE_HOME"] = os.path.join(scratch, "cache")
        jobs = {}
        shares, index = share.shares_to_run(1 if sys.argv[4:] else 6)
        for number, (name, what) in list(enumerate((MODELS | MADE_UP).items()))[index::shares]:
            folder, how = os.path.join(scratch, str(number)), check_made_up if name in MADE_UP else check
            jobs[name] = pool.submit(how, folder, *what, usable[number // shares % len(usable)])
        for number, (changes, name) in enumerate(REFUSED):
            folder = os.path.join(scratch, f"refused{number}")
            os.mkdir(folder)
            jobs[f"{changes} is refused"] = pool.submit(check_refusal, folder, changes, name)
        for name, job in jobs.items():
            try:
                job.result()
            except Different as different:
                failures += 1
                print(f"{name}: {different}")
    print(f"{len(jobs)} models, {failures} failures")
    sys.exit(failures > 0)


main()
