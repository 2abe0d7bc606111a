#!/usr/bin/env python3
"""`bench --kernels --shapes` beside cuBLASLt, and how a GPU's kernels are timed there; libraries of the
tests stand for NVIDIA's, so that no GPU is needed.

usage: peer.py DSV3_RUN DSV3_COMPILE MODEL FAKE_DRIVER FAKE_NVRTC FAKE_CUBLASLT NO_CUBLASLT     MODEL: models/nano
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

runner, compiler, model, driver, nvrtc, cublaslt, no_cublaslt = (os.path.abspath(path) for path in sys.argv[1:8])
OUT_OF_MEMORY = 2
BF16, E4M3, VECTOR, BLOCK = 14, 28, 4, 5  # as in library_types.h and cublasLt.h
WORKSPACE = 64 << 20
# Microseconds of a launch on empty caches, and of the best way of the library: FakeDriver.c, FakeCublasLt.c.
LAUNCH, BEST = 3, 5


class PeerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-peer-")
        for library, place in ((driver, "driver/libcuda.so.1"), (nvrtc, "toolkit/lib64/libnvrtc.so.13"),
                               (cublaslt, "toolkit/lib64/libcublasLt.so.13"),
                               (nvrtc, "other/lib64/libcublasLt.so.13"), (nvrtc, "other/lib64/libnvrtc.so.13")):
            os.makedirs(os.path.dirname(cls.path(place)), exist_ok=True)
            shutil.copy(library, cls.path(place))
        with open(cls.path("code"), "w", encoding="utf-8") as file:
            file.write("code of every kernel")
        for policy in ("w8a8", "bf16"):
            done = subprocess.run([compiler, "--model", model, "--target=cuda", "--arch=sm_90a", f"--policy={policy}",
                                   "-o", cls.path(policy)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def bench(self, *flags, policy="w8a8", repeat=2, **environment):
        variables = dict(os.environ, XDG_CACHE_HOME=self.path("cache"), LD_LIBRARY_PATH=self.path("driver"),
                         CUDA_HOME=self.path("toolkit"), FAKE_ZEROS="1", FAKE_CUBIN=self.path("code"),
                         FAKE_ARCHITECTURE="90")
        return subprocess.run([runner, "bench", "--model", self.path(policy), "--device=cuda", "--chip=h100", "--kernels",
                               "--shapes", "--depth=4", f"--repeat={repeat}", *flags],
                              capture_output=True, text=True, env={**variables, **environment})

    def rows(self, *flags, **environment):
        """(tokens, row) of each kernel of the JSON."""
        done = self.bench("--json", *flags, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [(int(table["step"].split()[3]), row) for table in json.loads(done.stdout)["shapes"]
                for row in table["shapes"]]

    def expect_without(self, *said, **environment):
        """Works, without times of cuBLASLt."""
        done = self.bench(**environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)
        return done.stdout

    def test_times_beside_ours(self):
        text = self.bench().stdout
        self.assertEqual(text.count("cuBLASLt: the best of cuBLASLt 13.4.7"), 3, text)
        beside = f"{LAUNCH:.1f}", f"{BEST:.1f}", f"{LAUNCH / BEST:.2f}"
        product, = (line.split() for line in text.splitlines() if " 128 x 1280 x 256 " in line)
        self.assertEqual((product[6], product[9], product[10]), beside, product)
        experts, = (line.split() for line in text.splitlines() if " 512 x 128 x 256 " in line)
        self.assertEqual(experts[9], "-", experts)

    def test_the_same_products(self):
        products = self.path("products")
        rows = self.rows(FAKE_PRODUCTS=products)
        timed, left = set(), set()
        for tokens, row in rows:
            shape = row["columns"], row["rows"], row["depth"]
            if "cublaslt_us" in row:
                self.assertAlmostEqual(row["cublaslt_us"], BEST, places=3)
                self.assertEqual((row["family"], row["groups"]), ("gemm", 1))
                timed.add(shape)
            elif row["family"] == "gemm" and row["groups"] == 1:
                self.assertEqual(tokens, 1, "codes of more than one row have a time")
                left.add(shape)
        self.assertTrue(timed and left, (timed, left))
        with open(products, encoding="utf-8") as file:
            orders = [tuple(map(int, line.split())) for line in file]
        self.assertEqual({order[:3] for order in orders}, timed)
        scaled = (E4M3, E4M3, BF16, 1, BLOCK, VECTOR, 1, 0, 1, 0, WORKSPACE)
        plain = (BF16, BF16, BF16, 1, 0, 0, 0, 0, 1, 0, WORKSPACE)
        self.assertEqual({order[3:] for order in orders}, {scaled, plain})
        # Of the first two ways one that is not counted, and three for each of two repeats; of the third it.
        self.assertEqual(orders.count((1280, 64, 256, *scaled)), 7 + 7 + 1)

    def test_products_that_are_others(self):
        # Under bf16 the weights alone are codes, but for those of the router and the logits.
        timed = {row["columns"] for _, row in self.rows(policy="bf16") if "cublaslt_us" in row}
        self.assertEqual(timed, {16, 2048})

    def test_kernels_run_on_empty_caches(self):
        done = self.bench()
        self.assertEqual(done.stdout.count("caches are empty before each run; events with nothing between them are 0.0 us apart"),
                         3, done.stdout)
        for _, row in self.rows():
            self.assertAlmostEqual(1e6 * row["seconds"], LAUNCH, places=3, msg="without what empties the caches")

    def test_no_library(self):
        text = self.expect_without("note: expected cuBLASLt, NVIDIA's library of products, found none", "libcublasLt.so.13",
                                   "/usr/local/cuda/lib64", "nvidia-cublas", LD_PRELOAD=no_cublaslt)
        self.assertNotIn("cuBLASLt", text)
        self.assertIn("caches are empty", text)

    def test_a_library_that_cannot_be_used(self):
        for said, environment in (("found one without cublasLt", {"CUDA_HOME": self.path("other")}),
                                  ("it does not start: cuBLASLt says AN_ERROR_OF_A_TEST", {"FAKE_CUBLASLT": "sleeps"})):
            text = self.expect_without("note: ", said, "libcublasLt.so.13", **environment)
            self.assertNotIn("cuBLASLt", text)

    def test_products_that_the_library_does_not_have(self):
        for kind in ("refuses", "finds-none"):
            done = self.bench(FAKE_CUBLASLT=kind)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("note: ", done.stderr)
            self.assertEqual(done.stdout.count("   cuBLASLt  times"), 3, "the column is there")
            self.assertEqual([row for _, row in self.rows(FAKE_CUBLASLT=kind) if "cublaslt_us" in row], [])

    def test_a_product_that_fails(self):
        self.expect_without("note: ", "cuBLASLt 13.4.7, 64 x 1280 x 256: it cannot be launched: cuBLASLt says INTERNAL_ERROR_OF_A_TEST",
                            FAKE_CUBLASLT="breaks")

    def test_no_memory_left(self):
        # The bf16 products of one token come first, then the step of 64, of which nothing is left to measure with.
        done = self.bench(repeat=1, FAKE_ANSWER=f"cuMemAlloc 0 {OUT_OF_MEMORY} after cuEventElapsedTime")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("note: cuBLASLt 13.4.7, 1 x 2048 x 256: cannot reserve 1.0 MiB for a product by cuBLASLt on a GPU of a test",
                      done.stderr)
        self.assertIn("cannot reserve 256.0 MiB to empty the caches of a GPU of a test", done.stderr)

    def test_memory_is_given_back(self):
        memory = self.path("memory")
        self.bench(FAKE_MEMORY=memory)
        with open(memory, encoding="utf-8") as file:
            given = [int(line.split()[0]) for line in file]
        # A stopwatch of each product and of each of two repeats of three steps.
        products = sum("cublaslt_us" in row for _, row in self.rows())
        self.assertEqual(given.count(WORKSPACE), given.count(256 << 20) - 2 * 3)
        self.assertGreater(given.count(WORKSPACE), products)


unittest.main(argv=sys.argv[:1])
