#!/usr/bin/env python3
"""What a person meets at `dsv3-run cache`: what is kept, what is damaged, what goes.

usage: cache.py DSV3_RUN DSV3_COMPILE MODEL     MODEL: models/nano
Kernels of GPUs are compiled by NVRTC; no GPU is needed.
"""
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

runner, compiler, model = (os.path.abspath(path) for path in sys.argv[1:4])
DAY = 86400


class CacheTest(unittest.TestCase):
    """A cache with one model and a few kernels, made once and copied for each test."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="dsv3-cache-")
        cls.filled = os.path.join(cls.scratch, "filled")
        cls.bundle = bundle = os.path.join(cls.scratch, "bundle")
        for command in ([runner, "generate", "--model", model, "--prompt", "Once", "--max-tokens", "1"],
                        [compiler, "--model", model, "--target=cuda", "--arch=sm_80", "-o", bundle],
                        [runner, "check-kernels", bundle, "--part=1/6"]):
            done = subprocess.run(command, capture_output=True, text=True, env=cls.environment(cls.filled))
            if done.returncode != 0:
                raise RuntimeError(f"{command}: {done.stderr}")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    @staticmethod
    def environment(folder):
        return dict(os.environ, XDG_CACHE_HOME=folder)

    def setUp(self):
        self.folder = os.path.join(self.scratch, self.id())
        shutil.copytree(self.filled, self.folder)
        self.cache = os.path.join(self.folder, "dsv3")
        self.models = [name for name in os.listdir(self.cache) if len(name) == 32]
        self.kernels = sorted(name for name in os.listdir(self.path("cubins")) if name.endswith(".cubin"))
        self.assertEqual(len(self.models), 1)
        self.assertGreater(len(self.kernels), 1)

    def path(self, *names):
        return os.path.join(self.cache, *names)

    def run_cache(self, *arguments, code=0):
        done = subprocess.run([runner, "cache", *arguments], capture_output=True, text=True,
                              env=self.environment(self.folder))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def age(self, seconds, *names):
        then = time.time() - seconds
        os.utime(self.path(*names), (then, then))

    def test_lists_models_and_kinds_of_kernels(self):
        self.age(3 * DAY + 60, self.models[0])
        text = self.run_cache("list")
        (line,) = [line for line in text.splitlines() if self.models[0] in line]
        for word in ("--model " + os.path.realpath(model), "3 days", "policy f32", "x86-64"):
            self.assertIn(word, line)
        (line,) = [line for line in text.splitlines() if "kernel for sm_80, NVRTC" in line]
        self.assertIn(f"{len(self.kernels)} times", line)

    def test_a_cache_that_is_not_there_has_nothing(self):
        shutil.rmtree(self.cache)
        self.assertIn("0 bytes  in all", self.run_cache("list"))
        self.assertIn("0 of 0", self.run_cache("verify"))
        self.assertIn("removed 0", self.run_cache("prune", "--older-than", "0"))
        self.assertFalse(os.path.exists(self.cache))

    def test_damage_is_named_and_removed(self):
        self.assertIn("can be used", self.run_cache("verify"))
        (code,) = [name for name in os.listdir(self.path(self.models[0])) if name.endswith(".so")]
        for names in ((self.models[0], code), ("cubins", self.kernels[0])):
            with open(self.path(*names), "r+b") as file:
                file.seek(-1, os.SEEK_END)
                last = file.read(1)
                file.seek(-1, os.SEEK_END)
                file.write(bytes([last[0] ^ 1]))
        text = self.run_cache("verify", code=1)
        self.assertIn(self.models[0] + ": its kernels are damaged", text)
        self.assertIn(self.kernels[0] + ": its checksum is another", text)
        self.assertIn("found 2", text)
        os.rename(self.path("cubins", self.kernels[1]), self.path("cubins", "elsewhere"))
        os.makedirs(self.path("cubins", self.kernels[1], "a folder"))
        self.assertIn(self.kernels[1] + ": expected a file of a kernel", self.run_cache("verify", code=1))
        self.assertIn("removed 4", self.run_cache("verify", "--remove"))
        self.run_cache("verify")
        self.assertFalse(os.path.exists(self.path(self.models[0])))
        self.assertTrue(os.path.exists(self.path("cubins", self.kernels[2])))

    def test_bundles_are_verified_with_their_kernels(self):
        bundle = os.path.join(self.folder, "bundle")
        shutil.copytree(self.bundle, bundle)
        os.mkdir(os.path.join(bundle, "cubins"))
        shutil.copy(self.path("cubins", self.kernels[0]), os.path.join(bundle, "cubins"))
        self.assertIn("2 of 2 can be used", self.run_cache("verify", bundle))
        for name, problem in ((os.path.join("cubins", self.kernels[0]), "its checksum is another"),
                              ("sm_80.cu", "its kernels are damaged")):
            with open(os.path.join(bundle, name), "r+b") as file:
                file.seek(-2, os.SEEK_END)
                file.write(b"\1")
            self.assertIn(problem, self.run_cache("verify", bundle, code=1))
        self.assertIn("0 of 2 can be used", self.run_cache("verify", bundle, code=1))
        missing = os.path.join(self.folder, "nothing")
        text = self.run_cache("verify", bundle, missing, code=1)
        self.assertIn(f"{missing}: there is no such folder", text)
        self.assertNotIn("can be used", text)
        self.run_cache("verify", bundle, "--remove", code=2)

    def test_a_process_that_is_killed_while_it_compiles_leaves_a_cache_that_works(self):
        shutil.rmtree(self.cache)
        for command in ([runner, "generate", "--model", model, "--prompt", "Once", "--max-tokens", "1"],
                        [runner, "check-kernels", self.bundle, "--part=1/6"]):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  env=self.environment(self.folder)) as process:
                self.assertTrue(any(line.startswith("compiling ") for line in process.stderr))
                process.kill()
            self.assertEqual(process.returncode, -signal.SIGKILL)
            done = subprocess.run(command, capture_output=True, text=True, env=self.environment(self.folder))
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("can be used", self.run_cache("verify"))

    def test_prunes_what_was_not_used(self):
        self.age(40 * DAY, self.models[0])
        self.age(31 * DAY, "cubins", self.kernels[0])
        self.assertIn("removed 2", self.run_cache("prune", "--older-than", "30"))
        self.assertIn("removed 0", self.run_cache("prune", "--older-than", "30"))
        self.assertFalse(os.path.exists(self.path(self.models[0])))

    def test_use_counts(self):
        self.age(40 * DAY, self.models[0])
        subprocess.run([runner, "generate", "--model", model, "--prompt", "Once", "--max-tokens", "1"],
                       capture_output=True, check=True, env=self.environment(self.folder))
        self.assertIn("removed 0", self.run_cache("prune", "--older-than", "30"))

    def test_prunes_to_a_size_the_least_recently_used_first(self):
        self.age(DAY, self.models[0])
        rest = sum(os.path.getsize(self.path("cubins", name)) for name in self.kernels)
        self.assertIn("removed 1 ", self.run_cache("prune", "--max-size", str((rest + 1) / 2**30)))
        self.assertFalse(os.path.exists(self.path(self.models[0])))
        self.run_cache("prune", "--max-size", "0")
        self.assertIn("0 bytes  in all", self.run_cache("list"))

    def test_removes_what_killed_processes_left(self):
        os.mkdir(self.path(".dsv3-aside-abcdef"))
        with open(self.path("cubins", ".aside-abcdef"), "w", encoding="utf-8") as file:
            file.write("half")
        self.age(3600, ".dsv3-aside-abcdef")
        self.age(3600, "cubins", ".aside-abcdef")
        self.assertIn("; 2 left half written", self.run_cache("prune", "--older-than", "30"))
        self.assertEqual([name for name in os.listdir(self.cache) if name.startswith(".")], [".lock"])

    def test_removes_packed_weights_that_killed_processes_left(self):
        left, written = (self.path(self.models[0], f"packed.{name}.aside") for name in ("x86-64-v3", "x86-64-v4"))
        for path in (left, written):
            with open(path, "w", encoding="utf-8") as file:
                file.write("half")
        os.mkdir(self.path(self.models[0], "packed.folder.aside"))
        with open(written, "r+", encoding="utf-8") as writer:  # a process that is at it holds the lock
            fcntl.flock(writer, fcntl.LOCK_EX)
            self.assertIn("; 1 left half written", self.run_cache("prune", "--older-than", "30"))
            self.assertEqual([os.path.exists(path) for path in (left, written)], [False, True])
        self.assertIn("; 1 left half written", self.run_cache("prune", "--older-than", "30"))
        self.assertFalse(os.path.exists(written))

    def test_what_is_not_ours_stays(self):
        os.mkdir(self.path("notes"))
        self.run_cache("prune", "--older-than", "0")
        self.assertTrue(os.path.isdir(self.path("notes")))

    def test_usage(self):
        self.assertIn("list, prune, verify", self.run_cache(code=2))
        self.assertIn("--older-than", self.run_cache("prune", code=2))
        self.assertIn("expected a number", self.run_cache("prune", "--older-than", "x", code=2))


unittest.main(argv=sys.argv[:1])
