#!/usr/bin/env python3
"""What a person meets at --device=sim: answers, checks, seeds, refusals, the cache of kernels.

usage: sim.py DSV3_RUN DSV3_COMPILE MODEL     MODEL: models/nano
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import clang
import share

runner, compiler, model = (os.path.abspath(path) for path in sys.argv[1:4])
question = ["--chat", "What is the capital of France?", "--temperature", "0"]
answer = "The capital of France is Paris.\n"


class SimTest(unittest.TestCase):
    """One cache for all tests, so that kernels are compiled once."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-sim-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.folder, "cache"))
        cls.environment.pop("DSV3_SIM_CXX", None)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def generate(self, *arguments, source=model, device="sim", **environment):
        return subprocess.run([runner, "generate", "--model", source, "--device", device, *arguments],
                              capture_output=True, text=True, env={**self.environment, **environment})

    def expect_failure(self, result, *parts, code=1):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_answers_and_keeps_what_it_compiled(self):
        first = self.generate(*question)
        self.assertEqual(first.stdout, answer, first.stderr)
        again = self.generate(*question, device="sim:0")
        self.assertEqual(again.stdout, answer, again.stderr)
        self.assertNotIn("compiling", again.stderr)
        kernels = self.kernels()
        self.assertTrue(all(name.endswith(".so") for name in kernels) and kernels, kernels)

    def test_policy_bf16(self):
        result = self.generate(*question, "--policy=bf16", "--max-tokens", "8")
        self.assertEqual(result.stdout, answer, result.stderr)

    def test_policy_w8a8(self):
        # Compiled for a GPU with FP8.
        result = self.generate(*question, "--policy=w8a8", "--max-tokens", "8")
        self.assertEqual(result.stdout, answer, result.stderr)
        self.assertIn("for sm_90a", result.stderr)

    def test_experts_in_memory_of_the_host(self):
        said = "4.2 MiB of weights on the device, 3.8 MiB of routed experts on the host"
        result = self.generate(*question, "--experts=host")
        self.assertEqual(result.stdout, answer, result.stderr)
        self.assertIn(said, result.stderr)
        self.assertNotIn(said, self.generate(*question, "--experts=device").stderr)

    def test_kept_weights_of_experts_are_copied(self):
        bundle = self.path("kept")
        done = subprocess.run([compiler, "--model", model, "--target=cuda", "--arch=sm_80", "-o", bundle],
                              capture_output=True, text=True, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        for flags, said in (("--keep-packed", "packed weights are kept"), ("--verify-packed", "the weights are mapped")):
            result = self.generate(*question, "--experts=host", flags, source=bundle)
            self.assertEqual(result.stdout, answer, result.stderr)
            self.assertIn(said, result.stderr)
        self.assertEqual(self.generate(*question, source=bundle).stdout, answer)

    def test_encoded_weights(self):
        # As on the CPU, but for the order of sums; under bf16 rounded to it. The mean divergence from what is
        # stored is bounded as in encodings.py.
        ids = ",".join(map(str, range(5, 29)))
        for flags, most in ((("--weights=int8", "--head=int8"), 2e-4), (("--weights=int4",), 5e-3),
                            (("--weights=int4", "--policy=bf16"), 8e-3)):
            with self.subTest(flags=flags):
                result = self.generate(*question, *flags)
                self.assertEqual(result.stdout, answer, result.stderr)
                done = subprocess.run([runner, "compare", "--model", model, "--device=sim", "--ids", ids, "--json", *flags],
                                      capture_output=True, text=True, env=self.environment)
                self.assertEqual(done.returncode, 0, done.stderr)
                found = json.loads(done.stdout)["kl"]["mean"]
                self.assertGreater(found, 0)
                self.assertLess(found, most)

    def test_seeds_change_no_result(self):
        ids = ["--ids", ",".join(map(str, range(1, 20))), "--max-tokens", "2", "--print-ids", "--ignore-eos"]
        expected = self.generate(*ids, "--temperature", "0").stdout
        self.assertEqual(expected.count(","), 1)
        for seed in ("1", "2"):
            result = self.generate(*ids, "--temperature", "0", "--sim-seed", seed)
            self.assertEqual(result.stdout, expected, result.stderr)

    def test_draws_what_the_cpu_draws(self):
        # The random number is that of the seed and the position; logits that differ in their last bits move the
        # borders between tokens by about as much.
        texts = set()
        for flags in (["--temperature=0.8", "--top-p=1", "--top-k=0", "--seed=3"],
                      ["--temperature=2", "--top-k=40", "--top-p=0.9", "--min-p=0.001", "--seed=4"]):
            with self.subTest(flags=flags):
                arguments = ["--ids", "1,2,3,4,5", "--max-tokens", "8", "--print-ids", "--ignore-eos", *flags]
                expected = self.generate(*arguments, device="cpu")
                result = self.generate(*arguments)
                self.assertEqual(result.stdout, expected.stdout, result.stderr)
                self.assertEqual(expected.stdout.count(","), 7, expected.stderr)
                texts.add(result.stdout)
        self.assertEqual(len(texts), 2)
        again = self.generate(*arguments, "--chunk=2", "--sim-seed=9")
        self.assertEqual(again.stdout, result.stdout, again.stderr)

    def test_damaged_kernel_is_compiled_again(self):
        environment = {"XDG_CACHE_HOME": self.path("damaged")}
        self.generate(*question, **environment)
        folder = self.path("damaged/dsv3/cubins")
        victim = os.path.join(folder, self.kernels(folder)[0])
        size = os.path.getsize(victim)
        os.truncate(victim, size // 2)
        result = self.generate(*question, **environment)
        self.assertEqual(result.stdout, answer, result.stderr)
        self.assertIn("compiling 1 kernels", result.stderr)
        self.assertEqual(os.path.getsize(victim), size)

    def test_bundle_and_one_that_has_nothing_for_it(self):
        for target, name in (("--target=cuda --arch=sm_80", "gpu"), ("--target=cpu", "cpu")):
            done = subprocess.run([compiler, "--model", model, *target.split(), "-o", self.path(name)],
                                  capture_output=True, text=True, env=self.environment)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.generate(*question, source=self.path("gpu")).stdout, answer)
        self.expect_failure(self.generate(*question, source=self.path("cpu")), "--arch")
        for policy in ("f32", "bf16"):
            self.expect_failure(self.generate(*question, "--policy", policy, source=self.path("gpu")), "--policy",
                                "this is a bundle")

    def test_every_access_is_checked_and_counted(self):
        result = self.generate("--ids", ",".join(map(str, range(1, 9))), "--max-tokens", "2", "--sim-check",
                               "--temperature", "0", "--print-ids", "--ignore-eos")
        clang.skip_without_clang(self, result)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"\.latent_attention: \d+ launches, \d+ blocks, \d+ of at least \d+ sectors")
        onHost = self.generate("--ids", ",".join(map(str, range(1, 9))), "--max-tokens", "2", "--sim-check",
                               "--temperature", "0", "--print-ids", "--ignore-eos", "--experts=host")
        self.assertEqual(onHost.stdout, result.stdout, onHost.stderr)
        self.assertRegex(onHost.stderr, r"\.grouped\w*: .* sectors, \d+ of them on the host")
        self.assertNotRegex(onHost.stderr, r"\.latent_attention: .* on the host")

    def test_refusals(self):
        self.expect_failure(self.generate(*question, device="sim:7"), "expected the simulated GPU sim or sim:0, "
                            "found sim:7")
        self.expect_failure(self.generate(*question, device="simx"), "cuda:N, sim or auto", code=2)
        self.expect_failure(self.generate(*question, "--sim-check", device="cpu"), "--sim-check", "--device=sim",
                            code=2)
        self.expect_failure(self.generate(*question, "--sim-seed=3", device="cpu"), "--sim-seed", code=2)
        self.expect_failure(self.generate(*question, "--policy=int3"), "int3", "bf16", code=2)
        self.expect_failure(self.generate(*question, "--experts=host", device="cpu"), "--experts host", "--device=cuda:N",
                            code=2)
        compared = subprocess.run([runner, "compare", "--model", model, "--ids", "5", "--experts=host"],
                                  capture_output=True, text=True, env=self.environment)
        self.expect_failure(compared, "--experts host", "--device=cuda:N", code=2)
        self.expect_failure(self.generate(*question, "--experts=disk"), "device or host", "'disk'", code=2)

    def test_no_compiler(self):
        empty = self.path("empty")
        os.mkdir(empty)
        environment = {"PATH": empty, "XDG_CACHE_HOME": self.path("fresh")}
        self.expect_failure(self.generate(*question, **environment), "expected a C++ compiler", "c++ g++ clang++",
                            "install g++")
        self.expect_failure(self.generate(*question, "--sim-check", **environment), "clang++-22", "install clang-22")
        self.expect_failure(self.generate(*question, DSV3_SIM_CXX="/bin/false", XDG_CACHE_HOME=self.path("fresh")),
                            "cannot use the C++ compiler", "/bin/false")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def kernels(self, folder=None):
        """Files of compiled kernels; others, hidden, are locks."""
        names = os.listdir(folder or self.path("cache/dsv3/cubins"))
        return sorted(name for name in names if not name.startswith("."))


share.main(6)
