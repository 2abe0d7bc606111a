#!/usr/bin/env python3
"""What dsv3-compile --explain and dsv3-run profile say about registers and blocks of a multiprocessor.

usage: occupancy.py DSV3_RUN DSV3_COMPILE MODEL NO_NVRTC     MODEL: models/nano; NO_NVRTC hides NVRTC (NoNvrtc.c)
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

runner, compiler, model, no_nvrtc = (os.path.abspath(path) for path in sys.argv[1:5])
TARGET = ["--policy=bf16", "--target=cuda", "--arch=sm_80"]


class OccupancyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-occupancy-")
        cls.bundle = os.path.join(cls.folder, "bundle")
        done = subprocess.run([compiler, "--model", model, *TARGET, "-o", cls.bundle], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_program(self, *command, **environment):
        variables = dict(os.environ, XDG_CACHE_HOME=os.path.join(self.folder, "cache"), **environment)
        done = subprocess.run(command, capture_output=True, text=True, env=variables)
        clang.skip_without_clang(self, done)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def explain(self, kernel, *flags, **environment):
        """The lines of the variant by their names."""
        done = self.run_program(compiler, "--model", model, *TARGET, f"--explain=@{kernel}", *flags, **environment)
        return {line[2:13].strip(): line[13:].strip() for line in done.stdout.splitlines() if line.startswith("  ")}

    def profile(self, chip, tokens, **environment):
        """Text, notes, and what is predicted of each kernel."""
        figures = os.path.join(self.folder, "figures.json")
        done = self.run_program(runner, "profile", "--model", self.bundle, "--dummy", "--device=sim", f"--chip={chip}",
                                f"--prompt-tokens={tokens}", "--json", figures, **environment)
        with open(figures) as file:
            steps = json.load(file)["steps"]
        return done, {launch["kernel"]: launch["prediction"] for step in steps for launch in step["launches"]}

    def test_both_say_the_same(self):
        done, kernels = self.profile("h200", 24)
        self.assertNotIn("registers", done.stderr)
        self.assertNotIn("regs ?", done.stdout)
        for kernel, predicted in kernels.items():
            self.assertGreater(predicted["registers"], 0, kernel)
        self.assertIn("registers", {predicted["occupancy_limit"] for predicted in kernels.values()})
        for kernel in ("prefill.linear", "prefill.mla_attention", "decode.linear", "decode.latent_attention"):
            predicted = kernels[kernel]
            explained = self.explain(kernel, "--chip=h200")
            self.assertEqual(explained["registers"], f"{predicted['registers']} a thread", kernel)
            blocks = predicted["blocks_at_once"]
            self.assertRegex(explained["occupancy"], rf"^{blocks} blocks? a multiprocessor .* limited by "
                                                     rf"{predicted['occupancy_limit']}; ", kernel)
            self.assertRegex(done.stdout, rf"(?m)^{re.escape(kernel)} .* {predicted['registers']} +{blocks}  ")

    def test_without_nvrtc(self):
        explained = self.explain("prefill.linear", LD_PRELOAD=no_nvrtc)
        self.assertRegex(explained["registers"], "not known, nor local memory: expected NVRTC.*found none")
        self.assertIn("registers not known", explained["occupancy"])
        self.assertRegex(explained["roofline"], r"^[\d.]+ us, bound by memory$")
        done, kernels = self.profile("a100", 0, LD_PRELOAD=no_nvrtc)
        self.assertIn("note: registers of kernels are not known", done.stderr)
        self.assertIn("regs ?: NVRTC did not tell them", done.stdout)
        for kernel, predicted in kernels.items():
            self.assertEqual(predicted["registers"], 0, kernel)
            self.assertGreater(predicted["blocks_at_once"], 0, kernel)
            self.assertNotEqual(predicted["occupancy_limit"], "registers", kernel)


if __name__ == "__main__":
    share.main(2)
