#!/usr/bin/env python3
"""What dsv3-run profile says, on a CPU and on a simulated GPU. No speed is tested.

usage: profile.py DSV3_RUN MODEL     MODEL: models/nano; dsv3-compile lies beside DSV3_RUN
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import clang
import share

runner, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
config = os.path.join(model, "config.json")


class ProfileTest(unittest.TestCase):
    """One cache for all tests, so that kernels are compiled once."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-profile-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.folder, "cache"))
        cls.environment.pop("DSV3_SIM_CXX", None)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *arguments, command="profile", **environment):
        return subprocess.run([runner, command, *arguments], capture_output=True, text=True,
                              env={**self.environment, **environment})

    def profile(self, *arguments):
        """The text, the JSON and the trace of a profile."""
        files = self.path("out.json"), self.path("trace.json")
        result = self.run_command(*arguments, "--json", files[0], "--trace", files[1])
        clang.skip_without_clang(self, result)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = []
        for name in files:
            with open(name) as file:
                found.append(json.load(file))
        return result.stdout, *found

    def refusal(self, code, *parts, arguments, **how):
        result = self.run_command(*arguments, **how)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)

    def check_together(self, text, figures, trace, time):
        """Table, JSON and trace say the same."""
        lines = text.split("\n")
        self.assertRegex(lines[0], r"^model .* reads [\d.]+ GB/s, multiplies [\d.]+ GFLOP/s")
        self.assertRegex(lines[1], rf"^prompt .* ms in \d+ launches, .* of the roofline; {time}$")
        self.assertRegex(lines[2], rf"^decode .*; {time}$")
        events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
        launches = [launch for step in figures["steps"] for launch in step["launches"]]
        self.assertEqual([event["name"] for event in events], [launch["kernel"] for launch in launches])
        end = 0
        for event, launch in zip(events, launches):
            self.assertAlmostEqual(event["dur"], 1e6 * launch["seconds"], places=6)
            self.assertAlmostEqual(event["ts"], end, delta=1e-3)
            self.assertEqual(event["args"]["layer"], launch["layer"])
            self.assertEqual(event["args"]["bytes"], launch["bytes"])
            self.assertEqual(event["args"]["time"], time)
            self.assertGreater(launch["seconds"], 0)
            end = event["ts"] + event["dur"]
        for step, table in zip(figures["steps"], text.split("\n\n")[1:]):
            rows = table.strip().split("\n")[2:]
            times = [float(re.split(r" +", row)[3]) for row in rows]
            self.assertEqual(times, sorted(times, reverse=True))
            self.assertAlmostEqual(sum(times), 1e6 * step["seconds"], delta=0.06 * len(times))
            self.assertEqual({row.split()[0] for row in rows}, {launch["kernel"] for launch in step["launches"]})
            self.assertTrue(all(f"  {time}" in row for row in rows), table)

    def test_on_this_cpu(self):
        text, figures, trace = self.profile("--model", model, "--prompt-tokens", "40", "--depth", "3")
        self.check_together(text, figures, trace, "measured")
        self.assertEqual([(step["tokens"], step["depth"]) for step in figures["steps"]], [(40, 3), (1, 3)])
        with open(config) as file:
            layers = json.load(file)["num_hidden_layers"]
        seen = {launch["layer"] for launch in figures["steps"][0]["launches"]}
        self.assertEqual(seen, {-1, *range(layers)})

    def test_a_prompt_is_shown_by_its_first_chunk(self):
        _, figures, _ = self.profile("--model", model, "--prompt-tokens", "90", "--chunk", "32")
        self.assertEqual([step["tokens"] for step in figures["steps"]], [32, 1])

    def test_predicted_for_two_chips(self):
        seconds = {}
        for chip in ("a100", "h200"):
            text, figures, trace = self.profile("--model", model, "--device=sim", "--chip", chip, "--policy=bf16",
                                                "--prompt-tokens", "24")
            self.check_together(text, figures, trace, f"predicted for {chip}")
            for step in figures["steps"]:
                for launch in step["launches"]:
                    prediction = launch["prediction"]
                    parts = prediction["seconds_of_each_limit"]
                    self.assertEqual(max(parts, key=parts.get), prediction["limit"])
                    # A time between launches, and the longest of the rest.
                    rest = max(value for name, value in parts.items() if name != "launch")
                    self.assertAlmostEqual(launch["seconds"], parts["launch"] + rest, places=12)
                    self.assertLessEqual(prediction["tensor_flops"], prediction["flops"])
                    self.assertEqual(set(prediction["waits"]), {"loads", "shuffles", "barriers"})
            # Products of 24 rows on tensor cores: tiles of 64 or 128 rows are filled up. They meet at barriers.
            tiles = [launch for launch in figures["steps"][0]["launches"]
                     if launch["prediction"]["tensor_flops"] > 0 and launch["flops"] > 0 and "layer" in launch]
            self.assertGreater(len(tiles), 10)
            for launch in tiles:
                self.assertGreater(launch["prediction"]["tensor_flops"], launch["flops"], launch)
                self.assertGreater(launch["prediction"]["waits"]["barriers"], 0, launch)
            head = [launch for launch in figures["steps"][1]["launches"] if "lm_head" in launch["kernel"]][0]
            # The head is read once, and little more.
            self.assertGreaterEqual(head["prediction"]["memory_bytes"], head["bytes"])
            self.assertLess(head["prediction"]["memory_bytes"], 1.05 * head["bytes"])
            seconds[chip] = figures["steps"][0]["seconds"]
        self.assertLess(seconds["h200"], seconds["a100"])

    def test_a_prediction_is_about_the_same_each_time(self):
        arguments = ["--model", model, "--device=sim", "--policy=bf16", "--prompt-tokens", "24"]
        first, again = (self.profile(*arguments)[1]["steps"] for _ in range(2))
        for one, other in zip(first, again):
            # Sets of the L2 depend on where memory lies.
            self.assertAlmostEqual(one["seconds"], other["seconds"], delta=0.01 * one["seconds"])
            for a, b in zip(one["launches"], other["launches"]):
                self.assertEqual(a["prediction"]["flops"], b["prediction"]["flops"])

    def test_bench_of_a_simulated_gpu(self):
        arguments = ["--model", model, "--device=sim", "--policy=bf16", "--prompt-tokens", "24", "--repeat", "1"]
        self.refusal(2, "--kernels", "no speed", arguments=arguments, command="bench")
        result = self.run_command(*arguments, "--kernels", command="bench")
        clang.skip_without_clang(self, result)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("predicted for h100"), 2)
        self.assertNotIn("prefill  ", result.stdout)
        self.assertIn("decode.lm_head", result.stdout)

    def test_shapes_of_a_simulated_gpu(self):
        arguments = ["--model", model, "--device=sim", "--policy=bf16", "--depth", "70"]
        self.refusal(2, "--shapes", "--kernels", arguments=[*arguments, "--shapes"], command="bench")
        arguments += ["--kernels", "--shapes"]
        result = self.run_command(*arguments, command="bench")
        clang.skip_without_clang(self, result)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("left out: a step of 4096 tokens", result.stderr)
        self.assertEqual(result.stdout.count("predicted for h100"), 3)
        self.assertIn("decode.latent_attention", result.stdout)
        tables = json.loads(self.run_command(*arguments, "--json", command="bench").stdout)["shapes"]
        with open(config) as file:
            shape = json.load(file)
        for tokens, table in zip((1, 64, 128), tables, strict=True):
            rows = {row["kernel"].split(".")[1]: row for row in table["shapes"]}
            self.assertTrue(all(row["seconds"] > 0 for row in rows.values()))
            self.assertTrue(all(row["flops"] > 0 for row in rows.values() if row["depth"] or row["cached"]))
            attention = {"expanded_attention"} if tokens > 1 else {"latent_attention", "attention_combine"}
            self.assertEqual({row["family"] for row in rows.values()},
                             {"gather", "rowwise", "gemm", "rope_table", "rope_append", "router", "dispatch",
                              "grouped_gemm", "combine", "sample"} | attention)
            # The router has a row for each token; of each expert's entries there are as many.
            self.assertEqual({(row["rows"], row["groups"]) for row in rows.values() if row["family"] == "grouped_gemm"},
                             {(tokens, shape["num_experts_per_tok"])})
            self.assertIn((tokens, shape["n_routed_experts"], shape["hidden_size"]),
                          {(row["rows"], row["columns"], row["depth"]) for row in rows.values()})
        attention = [row for row in tables[0]["shapes"] if row["family"] == "latent_attention"]
        self.assertEqual([row["cached"] for row in attention], [71])
        self.assertGreater(attention[0]["published_seconds"], attention[0]["goal_seconds"])

    def test_refusals(self):
        self.refusal(2, "a100, h100, h200, b200", "v100", arguments=["--model", model, "--device=sim", "--chip=v100"])
        self.refusal(1, "expected kernels for a100, found those for sm_90a",
                     arguments=["--model", model, "--device=sim", "--chip=a100", "--policy=w8a8"])
        self.refusal(2, "--chip h100", "--device=sim", arguments=["--model", model, "--chip=h100"])
        self.refusal(2, "--sim-check", arguments=["--model", model, "--device=sim", "--sim-check"])
        self.refusal(2, "--dummy", arguments=["--config", config])
        self.refusal(1, "context of at least", arguments=["--model", model, "--depth", "100000"])
        self.refusal(1, "/nowhere/trace", "cannot create a file", arguments=["--model", model, "--trace", "/nowhere/trace"])
        copy = self.path("copy")
        shutil.copytree(model, copy)
        self.refusal(1, "--json", "config.json",
                     arguments=["--model", copy, "--json", os.path.join(copy, "config.json")])

    def test_no_clang(self):
        empty = self.path("empty")
        os.mkdir(empty)
        self.refusal(1, "clang++-22", "predicted times", "install clang-22",
                     arguments=["--model", model, "--device=sim"],
                     PATH=empty)


if __name__ == "__main__":
    share.main(4)
