#!/usr/bin/env python3
"""Kernels of warp groups, which sm_90a has, and of warps there: on the simulated GPU, and through NVRTC.

usage: warp_groups.py DSV3_RUN DSV3_COMPILE MODEL CONFIG…     MODEL: models/nano; CONFIG: of BF16 weights
The oracles' answers are compared where DSV3_ORACLES names them, in classes bf16 and fp8.
"""
import array
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import share

runner, compiler, model, *configs = (os.path.abspath(path) for path in sys.argv[1:])
oracles = os.environ.get("DSV3_ORACLES", "")

# Heads, latents and pages that absorbed attention on warp groups is for.
published_attention = {
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_act": "silu", "torch_dtype": "bfloat16",
    "hidden_size": 256, "intermediate_size": 256, "moe_intermediate_size": 128, "vocab_size": 300,
    "num_attention_heads": 8, "num_key_value_heads": 8, "q_lora_rank": 128, "kv_lora_rank": 512,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 16, "n_shared_experts": 1,
    "num_experts_per_tok": 8, "n_group": 1, "topk_group": 1, "norm_topk_prob": True, "routed_scaling_factor": 2.5,
    "scoring_func": "sigmoid", "topk_method": "noaux_tc", "rms_norm_eps": 1e-6, "rope_theta": 10000,
    "max_position_embeddings": 4096, "tie_word_embeddings": False, "attention_bias": False, "num_nextn_predict_layers": 0}


def logits(file):
    """The values of the tensor `logits`, f32, of a file of safetensors."""
    end = 8 + struct.unpack("<Q", file[:8])[0]
    begin, stop = json.loads(file[8:end])["logits"]["data_offsets"]
    return array.array("f", file[end + begin:end + stop])


class WarpGroupsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-warp-groups-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.folder, "cache"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def compile(self, bundle, *flags, policy="bf16"):
        """A bundle for sm_90a, and how many of its kernels are those of warp groups."""
        done = subprocess.run([compiler, "--policy=" + policy, "--target=cuda", "--arch=sm_90a", *flags, "-o", bundle],
                              capture_output=True, text=True, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(bundle, "sm_90a.cu")) as file:
            return file.read().count("\nDSV3_PERSISTENT\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def scores(self, bundle, *flags, device="sim"):
        """The logits of a prompt of 150 tokens, more than a tile has, as the bytes of a file of safetensors."""
        output = self.path("scores")
        ids = ",".join(str(1 + i * 37 % 250) for i in range(150))
        done = subprocess.run([runner, "score", "--model", bundle, "--device", device, "--ids", ids, "--output", output,
                               *flags], capture_output=True, text=True, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(output, "rb") as file:
            return file.read()

    def test_scores_are_those_of_warps(self):
        # The simulated GPU sums the same way, whatever the schedule.
        flags = ["--model", model, "--weights=bf16"]
        self.assertEqual(self.compile(self.path("mma"), *flags, "--tensor-cores=mma"), 0)
        self.assertGreater(self.compile(self.path("wgmma"), *flags), 4)
        expected = self.scores(self.path("mma"))
        for seed in ("0", "1", "2"):
            self.assertEqual(self.scores(self.path("wgmma"), "--sim-seed", seed), expected, seed)

    def test_scores_of_codes_do_not_depend_on_the_schedule(self):
        bundle = self.path("codes")
        self.assertGreater(self.compile(bundle, "--model", model, policy="w8a8"), 4)
        expected = self.scores(bundle)
        for seed in ("1", "2"):
            self.assertEqual(self.scores(bundle, "--sim-seed", seed), expected, seed)

    def test_absorbed_attention(self):
        # Steps of a few tokens behind others, of a layer as 671B's but for few heads; f32 on the CPU is the measure.
        config = dict(published_attention, num_hidden_layers=2, first_k_dense_replace=2)
        os.mkdir(self.path("dense"))
        with open(self.path("dense/config.json"), "w") as file:
            json.dump(config, file)
        flags = ["--config", self.path("dense/config.json"), "--context=200", "--chunk=8"]
        done = subprocess.run([compiler, *flags, "-o", self.path("cpu")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.compile(self.path("groups"), *flags)
        with open(self.path("groups/sm_90a.cu")) as file:
            self.assertIn("latentAttentionWgmma<8, 8, ", file.read())
        expected = logits(self.scores(self.path("cpu"), "--dummy", device="cpu"))
        found = logits(self.scores(self.path("groups"), "--dummy"))
        self.assertEqual(len(found), 150 * config["vocab_size"])
        for token in range(150):
            row = slice(token * config["vocab_size"], (token + 1) * config["vocab_size"])
            difference = math.dist(expected[row], found[row]) / math.hypot(*expected[row])
            self.assertLess(difference, 0.03, token)  # 0.017 at the most on 2026-11-28

    def check_oracles(self, policy, kind, of_groups, *cases, flags=()):
        if not os.path.isdir(oracles):
            self.skipTest("DSV3_ORACLES names no directory")
        for case in cases:
            folder = self.path(case)
            shutil.copytree(os.path.join(oracles, case), folder, ignore=shutil.ignore_patterns("model"))
            model_of_case = os.path.join(oracles, case, "model")
            found = self.compile(os.path.join(folder, "model"), "--model", model_of_case, *flags, policy=policy)
            self.assertTrue(found > 4 if of_groups else found == 0, found)
            done = subprocess.run([sys.executable, os.path.join(oracles, "compare.py"), "--class", kind, runner,
                                   folder, "--", "--device=sim"], capture_output=True, text=True, env=self.environment)
            print(done.stdout.strip())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_oracles(self):
        self.check_oracles("bf16", "bf16", True, "v3-bf16", "moonlight-bf16")

    def test_codes_on_tiles_of_warps(self):
        # The other way round than by default, which all oracles of codes are compared with elsewhere.
        self.check_oracles("w8a8", "fp8", False, "v3-fp8", flags=["--tensor-cores=mma"])

    def test_nvrtc_compiles_them(self):
        for number, config in enumerate(configs):
            bundle = self.path(f"precompiled{number}")
            self.assertGreater(self.compile(bundle, "--config", config, "--context=4096",
                                            "--precompile"), 4)


share.main(3)
