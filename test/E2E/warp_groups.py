#!/usr/bin/env python3
"""Kernels of warp groups, which sm_90a has, and of warps there: on the simulated GPU, and through NVRTC.

usage: warp_groups.py DSV3_RUN DSV3_COMPILE MODEL CONFIG…     MODEL: models/nano; CONFIG: of BF16 weights
The oracles' answers are compared where DSV3_ORACLES names them, in classes bf16 and fp8.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import share

runner, compiler, model, *configs = (os.path.abspath(path) for path in sys.argv[1:])
oracles = os.environ.get("DSV3_ORACLES", "")


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

    def scores(self, bundle, *flags):
        """The logits of a prompt of 150 tokens, more than a tile has, as bytes."""
        output = self.path("scores")
        ids = ",".join(str(1 + i * 37 % 250) for i in range(150))
        done = subprocess.run([runner, "score", "--model", bundle, "--device=sim", "--ids", ids, "--output", output,
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
