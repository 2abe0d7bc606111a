#!/usr/bin/env python3
"""What a person meets where GPU, driver and NVRTC do not go together; libraries of the tests stand
for NVIDIA's, so that no GPU is needed.

usage: no_gpu.py DSV3_RUN DSV3_COMPILE MODEL FAKE_DRIVER FAKE_NVRTC OLDER_NVRTC     MODEL: models/nano
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

runner, compiler, model, driver, nvrtc, older = (os.path.abspath(path) for path in sys.argv[1:7])
OUT_OF_MEMORY, NO_BINARY_FOR_GPU, INVALID_IMAGE = 2, 209, 200


class NoGpuTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-no-gpu-")
        for library, place in ((driver, "driver/libcuda.so.1"), (nvrtc, "old/lib64/libnvrtc.so.13"),
                               (older, "older/lib64/libnvrtc.so.13")):
            os.makedirs(os.path.dirname(cls.path(place)))
            shutil.copy(library, cls.path(place))
        os.mkdir(cls.path("nothing"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def run_program(self, *command, **environment):
        variables = dict(os.environ, XDG_CACHE_HOME=self.path("cache"), LD_LIBRARY_PATH=self.path("driver"))
        return subprocess.run(command, capture_output=True, text=True, env={**variables, **environment})

    def generate(self, source, device, *flags, **environment):
        return self.run_program(runner, "generate", "--model", source, "--prompt", "Once", "--device", device,
                                *flags, **environment)

    def bundle(self, name, *flags):
        if not os.path.exists(self.path(name)):
            done = self.run_program(compiler, "--model", model, "--target=cuda", *flags, "-o", self.path(name))
            self.assertEqual(done.returncode, 0, done.stderr)
        return self.path(name)

    def some_cubin(self):
        """Code of a kernel, which lies behind ten lines of its file and NVRTC's words, here none."""
        folder = os.path.join(self.bundle("cubins", "--arch=sm_90a", "--precompile"), "cubins")
        with open(os.path.join(folder, min(os.listdir(folder))), "rb") as file:
            return file.read().split(b"\n", 10)[10]

    def expect_failure(self, result, *parts):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_a_gpu_that_is_not_there(self):
        self.expect_failure(self.generate(model, "cuda:3"), "expected a GPU from cuda:0 to cuda:0, found cuda:3",
                            "nvidia-smi")

    def test_no_driver(self):
        with open(self.path("nothing/libcuda.so.1"), "w", encoding="utf-8") as file:
            file.write("no library")
        self.expect_failure(self.generate(model, "cuda", LD_LIBRARY_PATH=self.path("nothing")), "libcuda.so.1",
                            "/usr/local/nvidia/lib64", "leave --device out")

    def test_nvrtc_too_old_for_the_gpu(self):
        bundle = self.bundle("text", "--arch=sm_90a")
        for result in (self.generate(bundle, "cuda", CUDA_HOME=self.path("old")),
                       self.run_program(runner, "check-kernels", bundle, CUDA_HOME=self.path("old")),
                       self.run_program(compiler, "--model", model, "--target=cuda", "--arch=sm_90a",
                                        "--precompile", "-o", self.path("none"), CUDA_HOME=self.path("old"))):
            self.expect_failure(result, "NVRTC 11.2 makes no code for sm_90a, only for sm_52, sm_80",
                                self.path("old/lib64/libnvrtc.so.13"), "install a CUDA toolkit")
        self.assertFalse(os.path.exists(self.path("none")))

    def test_nvrtc_too_old_for_us(self):
        bundle = self.bundle("text", "--arch=sm_90a")
        self.expect_failure(self.generate(bundle, "cuda", CUDA_HOME=self.path("older")),
                            "expected NVRTC 11.2 or newer, found one without nvrtcGetCUBINSize",
                            self.path("older/lib64/libnvrtc.so.13"), "install a newer CUDA toolkit")

    def test_what_nvrtc_says_of_a_kernel_is_a_fault(self):
        bundle = self.bundle("older text", "--arch=sm_80")
        with open(self.path("code"), "wb") as file:
            file.write(self.some_cubin())
        complaint = "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored"
        for came in ("1 compiled, 0 from the cache", "0 compiled, 1 from the cache"):
            done = self.run_program(runner, "check-kernels", bundle, "--part=1/40", CUDA_HOME=self.path("old"),
                                    FAKE_CUBIN=self.path("code"), FAKE_LOG=complaint + "\n")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(came, done.stdout)
            # What it took is said of kernels that are compiled.
            self.assertEqual(len(re.findall(r"^sm_80 +\d+\.\d\d  \w+\.\w+$", done.stdout, re.MULTILINE)), int(came[0]))
            self.assertIn(f"of {bundle} for sm_80: NVRTC says: {complaint}\n", done.stdout)

    def test_kernels_for_another_gpu(self):
        bundle = self.bundle("sm_120a", "--arch=sm_120a")
        self.expect_failure(self.generate(bundle, "cuda"), "expected kernels for this device (cuda)", "found those for sm_120a",
                            "--arch=")

    def test_a_cubin_that_the_driver_refuses(self):
        bundle = self.bundle("cubins", "--arch=sm_90a", "--precompile")
        for code in (NO_BINARY_FOR_GPU, INVALID_IMAGE):
            self.expect_failure(self.generate(bundle, "cuda", FAKE_LOAD=str(code)), "a GPU of a test",
                                "is not for this GPU", bundle, "dsv3-compile")
        self.expect_failure(self.generate(bundle, "cuda", FAKE_LOAD="2"), "AN_ERROR_OF_A_TEST")

    def test_experts_in_memory_of_the_host(self):
        bundle = self.bundle("cubins", "--arch=sm_90a", "--precompile")
        # Kernels of this driver do nothing: the logits are no numbers.
        self.expect_failure(self.generate(bundle, "cuda", "--experts=host"), "is no number",
                            "4.2 MiB of weights on the device, 3.8 MiB of routed experts on the host")
        self.expect_failure(self.generate(bundle, "cuda", "--experts=host", FAKE_HOST_ALLOCATION=str(OUT_OF_MEMORY)),
                            "cannot reserve 3.8 MiB for the weights of routed experts in page-locked memory of the host",
                            "AN_ERROR_OF_A_TEST", "ulimit -l")

    def test_launches_overlap_but_the_first_of_a_step(self):
        # Kernels of this driver do nothing: the logits of the prompt are no numbers.
        bundle, launches = self.bundle("cubins", "--arch=sm_90a", "--precompile"), self.path("launches")
        self.expect_failure(self.generate(bundle, "cuda", FAKE_LAUNCHES=launches), "is no number")
        with open(launches, encoding="utf-8") as file:
            first, *others = (line.split() for line in file.read().splitlines())
        programmatic_serialization = "6"
        self.assertEqual(first, [])
        # After each of the ten values that are observed a launch waits, too: nano has six layers.
        self.assertEqual(others.count([]), 10)
        self.assertEqual(others.count([programmatic_serialization]), len(others) - 10)


unittest.main(argv=sys.argv[:1])
