#!/usr/bin/env python3
"""What dsv3-run bench says: that its figures are there and fit together. No speed is tested.

usage: bench.py DSV3_RUN MODEL     MODEL: models/nano; dsv3-compile lies beside DSV3_RUN
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

runner, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
config = os.path.join(model, "config.json")


class BenchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-bench-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def bench(self, *arguments, repeat="1"):
        return subprocess.run([runner, "bench", "--repeat", repeat, *arguments],
                              capture_output=True, text=True, env=self.environment)

    def figures(self, *arguments):
        result = self.bench("--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_progress_of_what_takes_long(self):
        # The machine is measured after each repeat, which alone takes some tenths of a second.
        found = self.bench("--model", model, "--prompt-tokens", "70", "--generate-tokens", "4",
                           repeat="40")
        self.assertEqual(found.returncode, 0, found.stderr)
        for what in ("prefill", "decode"):
            self.assertRegex(found.stderr, rf"measuring {what} [1-9]\d?%, \d+ s left\n")
            self.assertIn(f"measuring {what} 100%\n", found.stderr)

    def refusal(self, code, *arguments):
        result = self.bench(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_figures_of_a_model(self):
        found = self.figures("--model", model, "--prompt-tokens", "70", "--generate-tokens", "6",
                             "--depth", "9", "--batch", "3", "--kernels")
        self.assertEqual([found[key] for key in ("prompt_tokens", "depth", "batch")], [70, 9, 3])
        for spread in (found["machine"]["read_bandwidth"], found["machine"]["fma_peak"],
                       found["prefill"]["tokens_per_second"], found["decode"]["tokens_per_second"]):
            self.assertGreater(spread["least"], 0)
            self.assertLessEqual(spread["least"], spread["median"])
            self.assertLessEqual(spread["median"], spread["most"])
        self.assertEqual(found["load"]["weights"], "loaded")
        self.assertAlmostEqual(sum(found["weights"].values()), 1)
        self.assertEqual(found["cache_type"], "f32")
        self.assertIn(found["decode"]["bound_by"],
                      ("memory", "memory and multiplying", "neither"))
        self.assertEqual(found["activations"], "f32")
        self.assertRegex(found["date"], r"^20\d\d-\d\d-\d\d$")
        # Of one repeat each share follows from what is printed beside it.
        decode, prefill = found["decode"], found["prefill"]
        self.assertAlmostEqual(
            decode["bytes_per_token"] * decode["tokens_per_second"]["median"],
            decode["bandwidth_fraction"]["median"] * decode["bandwidth"]["median"],
            delta=1e-6 * decode["bandwidth"]["median"])
        self.assertGreaterEqual(decode["limit_fraction"]["median"],
                                decode["bandwidth_fraction"]["median"])
        self.assertAlmostEqual(
            prefill["flops_per_token"] * prefill["tokens_per_second"]["median"],
            prefill["peak_fraction"]["median"] * prefill["peak"]["median"],
            delta=1e-6 * prefill["peak"]["median"])
        copied = found["load"]["bytes"] / found["load"]["seconds"]
        self.assertAlmostEqual(copied, found["load"]["copy_fraction"] *
                               found["machine"]["copy_rate"], delta=1e-6 * copied)
        self.assertEqual(found["load"]["copied_fraction"], found["load"]["copy_fraction"])
        self.assertEqual(found["load"]["in_place_bytes"], 0)
        self.assertLessEqual(found["load"]["huge_page_bytes"], found["load"]["bytes"])
        self.assertGreater(found["yardstick"]["row_bandwidth"], 0)
        self.assertGreater(found["yardstick"]["block_rate"], 0)
        self.assertEqual(len(found["kernels"]), 2)
        for table in found["kernels"]:
            self.assertTrue(all(row["launches"] > 0 and row["seconds"] > 0
                                for row in table["kernels"]))
            self.assertIn("grouped_gemm", {row["family"] for row in table["kernels"]})
            for row in table["kernels"]:
                bounds = ("-",) if "attention" in row["family"] else (
                    "memory", "multiplying", "neither")
                self.assertIn(row["bound_by"], bounds)

    def test_needs_follow_from_the_shape(self):
        with open(config) as file:
            shape = json.load(file)
        one = self.figures("--config", config, "--dummy", "--prompt-tokens", "0",
                           "--generate-tokens", "4")
        self.assertNotIn("prefill", one)
        self.assertEqual(one["load"]["weights"], "made up")
        self.assertNotIn("copy_fraction", one["load"])
        self.assertEqual(one["decode"]["experts_touched"], shape["num_experts_per_tok"])
        more = self.figures("--config", config, "--dummy", "--prompt-tokens", "0",
                            "--generate-tokens", "4", "--depth", "100")
        width = (shape["kv_lora_rank"] + shape["qk_rope_head_dim"]) * 4
        cached = 100 * shape["num_hidden_layers"] * width
        self.assertAlmostEqual(
            more["decode"]["bytes_per_token"] - one["decode"]["bytes_per_token"], cached, delta=1)

    def test_weights_that_were_kept(self):
        environment = dict(self.environment, XDG_CACHE_HOME=os.path.join(self.folder, "kept"))
        first, second = (subprocess.run(
            [runner, "bench", "--repeat", "1", "--model", model, "--prompt-tokens", "0",
             "--generate-tokens", "1", *more], capture_output=True, text=True, env=environment)
            for more in (["--keep-packed"], []))
        self.assertRegex(first.stdout, r"loading +[\d.]+ \w+ loaded in", first.stderr)
        self.assertRegex(second.stdout, r"loading +[\d.]+ \w+ mapped in", second.stderr)

    def test_a_table_for_people(self):
        result = self.bench("--model", model, "--prompt-tokens", "8", "--generate-tokens", "2",
                            "--kernels")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"machine +.+ \(family \d+, model \d+\) reads ")
        self.assertNotIn(" 0.00 GFLOP", result.stdout)
        for word in ("machine", "loading", "prefill", "decode", "decode.lm_head"):
            self.assertIn(word, result.stdout)

    def test_activations_are_named(self):
        found = self.figures("--model", model, "--weights", "int8", "--activations", "int8",
                             "--prompt-tokens", "0", "--generate-tokens", "1")
        self.assertEqual(found["activations"], "int8")

    def test_refusals(self):
        self.assertIn("add --dummy", self.refusal(2, "--config", config))
        self.assertIn("--model", self.refusal(2, "--dummy"))
        self.refusal(2, "--model", model, "--config", config, "--dummy")
        self.assertIn("context of at least", self.refusal(1, "--model", model, "--depth", "100000"))
        self.refusal(2, "--model", model, "--batch", "0")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
