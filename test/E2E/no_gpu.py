#!/usr/bin/env python3
"""What a person meets where GPU, driver and NVRTC do not go together; libraries of the tests stand
for NVIDIA's, so that no GPU is needed.

usage: no_gpu.py DSV3_RUN DSV3_COMPILE MODEL FAKE_DRIVER FAKE_NVRTC OLDER_NVRTC NO_NVRTC     MODEL: models/nano
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

runner, compiler, model, driver, nvrtc, older, no_nvrtc = (os.path.abspath(path) for path in sys.argv[1:8])
OUT_OF_MEMORY, INVALID_IMAGE, NO_BINARY_FOR_GPU, ILLEGAL_ADDRESS, UNKNOWN = 2, 200, 209, 700, 999


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
        folder = os.path.join(self.cubins(), "cubins")
        with open(os.path.join(folder, min(os.listdir(folder))), "rb") as file:
            return file.read().split(b"\n", 10)[10]

    def expect_failure(self, result, *parts):
        self.assertEqual(result.stdout, "")
        self.expect_fault(result, *parts)

    def expect_fault(self, result, *parts):
        """As expect_failure, but tokens may have come before."""
        self.assertEqual(result.returncode, 1, result.stderr)
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

    def test_auto_is_the_cpu_where_something_is_missing(self):
        answer = self.generate(model, "cpu", "--temperature=0", "--max-tokens=4").stdout
        self.assertNotEqual(answer, "")
        for environment, said in (({"LD_LIBRARY_PATH": self.path("no-folder")}, "libcuda.so.1"),
                                  ({"LD_PRELOAD": no_nvrtc}, "libnvrtc.so.13"),
                                  ({"FAKE_CAPABILITY": "75"}, "expected a GPU of compute capability 8.0 or newer")):
            result = self.generate(model, "auto", "--temperature=0", "--max-tokens=4", **environment)
            self.assertEqual((result.returncode, result.stdout), (0, answer), result.stderr)
            self.assertIn("note: the model runs on the CPU: ", result.stderr)
            self.assertIn(said, result.stderr)

    def test_auto_is_the_gpu_where_there_is_one(self):
        result = self.generate(self.cubins(), "auto", "--max-tokens=4", "--temperature=0", FAKE_ZEROS="1")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("note", result.stderr)

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
        for cached in (False, True):
            done = self.run_program(runner, "check-kernels", bundle, CUDA_HOME=self.path("old"),
                                    FAKE_CUBIN=self.path("code"), FAKE_LOG=complaint + "\n")
            self.assertEqual(done.returncode, 1, done.stderr)
            compiled, kept = map(int, re.search(r"(\d+) compiled, (\d+) from the cache", done.stdout).groups())
            self.assertTrue(compiled == 0 < kept if cached else kept == 0 < compiled, done.stdout)
            # What it took is said of kernels that are compiled.
            self.assertEqual(len(re.findall(r"^sm_80 +\d+\.\d\d  \w+\.\w+$", done.stdout, re.MULTILINE)), compiled)
            self.assertIn(f"of {bundle} for sm_80: NVRTC says: {complaint}\n", done.stdout)

    def test_kernels_that_cpus_divide_are_no_fault(self):
        # Together with a CPU's they are more than 60; 54 on GPUs alone.
        bundle = self.path("for both")
        done = self.run_program(compiler, "--model", model, "--target=cpu,cuda", "--variant=x86-64-v3", "--arch=sm_90a",
                                "-o", bundle)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_program(runner, "check-kernels", bundle, "--part=1/32")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreater(int(re.search(r"^sm_90a +(\d+)", done.stdout, re.MULTILINE)[1]), 60)

    def test_kernels_for_another_gpu(self):
        bundle = self.bundle("sm_120a", "--arch=sm_120a")
        self.expect_failure(self.generate(bundle, "cuda"), "expected kernels for this device (cuda, ", "found those for sm_120a",
                            "--arch=")

    def test_a_cubin_that_the_driver_refuses(self):
        bundle = self.cubins()
        for code in (NO_BINARY_FOR_GPU, INVALID_IMAGE):
            self.expect_failure(self.generate(bundle, "cuda", FAKE_ANSWER=f"cuModuleLoadData 0 {code}"), "a GPU of a test",
                                "is not for this GPU", bundle, "dsv3-compile")
        self.expect_failure(self.generate(bundle, "cuda", FAKE_ANSWER="cuModuleLoadData 0 300"),
                            "cannot load the kernel", "AN_ERROR_OF_A_TEST")

    def cubins(self):
        return self.bundle("cubins", "--arch=sm_90a", "--precompile")

    def step_fails(self, answer, *parts):
        """Three tokens of a prompt, which are one step, whose values are observed, then steps of one token; those
        from the second on, at position 4, are a graph."""
        self.expect_fault(self.generate(self.cubins(), "cuda", "--max-tokens=4", "--temperature=0", FAKE_ZEROS="1",
                                        FAKE_ANSWER=answer), *parts)

    def expect_next_run(self, bundle, **environment):
        """Works, with nothing left over of runs before, and nothing damaged."""
        done = self.generate(bundle, "cuda", "--max-tokens=4", "--temperature=0", FAKE_ZEROS="1", **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(done.stdout, "")
        for folder, _, files in os.walk(self.folder):
            self.assertEqual([name for name in files if "aside" in name], [], folder)
        done = self.run_program(runner, "cache", "verify")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_nvrtc(self):
        bundle, cubins = self.bundle("text", "--arch=sm_90a"), self.cubins()
        self.expect_failure(self.generate(bundle, "cuda", LD_PRELOAD=no_nvrtc, XDG_CACHE_HOME=self.path("empty")),
                            "expected NVRTC, the compiler for NVIDIA GPUs, found none", "libnvrtc.so.13",
                            "/usr/local/cuda/lib64", "--precompile", "set CUDA_HOME")
        self.expect_next_run(bundle)
        # What is compiled needs none.
        self.expect_next_run(cubins, LD_PRELOAD=no_nvrtc)

    def test_a_gpu_that_is_too_old(self):
        self.expect_failure(self.generate(self.cubins(), "cuda", FAKE_CAPABILITY="80"),
                            "expected kernels for this device (cuda, a GPU of a test of compute capability 8.0)",
                            "found those for sm_90a", "--arch=… for this device: one of sm_80")
        self.expect_failure(self.generate(self.cubins(), "cuda", FAKE_CAPABILITY="75"),
                            "expected a GPU of compute capability 8.0 or newer, found a GPU of a test of 7.5",
                            "leave --device out")

    def test_out_of_memory_while_loading(self):
        bundle = self.bundle("text", "--arch=sm_90a")
        # Known before, or because somebody else took it: the mark of failures comes first, then weights.
        self.expect_failure(self.generate(bundle, "cuda", FAKE_FREE=str(2**20)), "weights", "1.0 MiB")
        for call, what in ((0, "the mark of failures"), (1, "the weights"), (2, "")):
            self.expect_failure(self.generate(bundle, "cuda", FAKE_ANSWER=f"cuMemAlloc {call} {OUT_OF_MEMORY}"),
                                "cannot reserve", f"for {what}", "on a GPU of a test", "--context", "nvidia-smi")
        self.expect_next_run(bundle)
        # Kernels take memory, too.
        self.expect_failure(self.generate(bundle, "cuda", FAKE_ANSWER=f"cuModuleLoadData 9 {OUT_OF_MEMORY}"),
                            "cannot load the kernel '", "the GPU has no memory left", "AN_ERROR_OF_A_TEST", "--context")
        self.expect_next_run(bundle)

    def test_out_of_memory_in_a_step(self):
        self.step_fails(f"cuLaunchKernelEx 7 {OUT_OF_MEMORY}", "cannot launch: the GPU has no memory left",
                        "layer 0, kernel 'rows.", "positions 0 to 2", "--context", "nvidia-smi")
        self.step_fails(f"cuGraphLaunch 1 {OUT_OF_MEMORY}", "cannot launch a step: the GPU has no memory left",
                        "entry 'decode', on a GPU of a test, position 5", "--context")
        self.expect_next_run(self.cubins())

    def test_a_lost_gpu(self):
        self.step_fails(f"cuMemcpyDtoHAsync 0 {UNKNOWN} after cuGraphLaunch", "a step failed: the GPU is lost; the driver says AN_ERROR",
                        "entry 'decode', on a GPU of a test, position 4", "Xid in dmesg")
        self.expect_next_run(self.cubins())

    def test_a_kernel_that_the_gpu_stops(self):
        self.step_fails(f"cuStreamSynchronize 0 {ILLEGAL_ADDRESS} after cuGraphLaunch",
                        "a step failed: a kernel did what the GPU refuses",
                        "entry 'decode', on a GPU of a test, position 4", "compute-sanitizer")
        # Where values are observed it is known up to where; else another kernel's launch may be the first to tell.
        self.step_fails(f"cuStreamSynchronize 0 {ILLEGAL_ADDRESS} after cuLaunchKernelEx",
                        "entry 'rows', up to layer 0, on a GPU of a test, positions 0 to 2")
        self.step_fails(f"cuLaunchKernelEx 7 {ILLEGAL_ADDRESS}", "cannot launch: a kernel did what the GPU refuses",
                        "layer 0, kernel 'rows.", "' or one that was launched before it", "positions 0 to 2")
        self.expect_next_run(self.cubins())

    def test_a_kernel_that_fails(self):
        mark = 7 << 32 | ~1 & 0xffffffff
        self.expect_failure(self.generate(self.cubins(), "cuda", FAKE_MARK=str(mark)),
                            "a kernel found an index out of range in its input", "entry 'rows', layer 0, kernel 'rows.",
                            "positions 0 to 2", "check the token ids")
        self.expect_next_run(self.cubins())

    def test_experts_in_memory_of_the_host(self):
        bundle = self.cubins()
        # Kernels of this driver do nothing: the logits are no numbers.
        self.expect_failure(self.generate(bundle, "cuda", "--experts=host"), "is no number",
                            "4.2 MiB of weights on the device, 3.8 MiB of routed experts on the host")
        self.expect_failure(self.generate(bundle, "cuda", "--experts=host",
                                          FAKE_ANSWER=f"cuMemHostAlloc 0 {OUT_OF_MEMORY}"),
                            "cannot reserve 3.8 MiB for the weights of routed experts in page-locked memory of the host",
                            "AN_ERROR_OF_A_TEST", "ulimit -l")

    def test_weights_reach_the_gpu(self):
        # Large ones by page-locked memory, which this driver reads as late as it may.
        bundle = shutil.copytree(self.cubins(), self.path("weights"))
        memory = self.path("memory")

        def weights(*flags, **environment):
            """Of the weights on the GPU: bytes, copies, and what they are."""
            self.expect_failure(self.generate(bundle, "cuda", *flags, FAKE_MEMORY=memory, **environment), "is no number")
            with open(memory, encoding="utf-8") as file:
                blocks = [line.split() for line in file]
            os.remove(memory)
            size, copied, copies, content = max(blocks, key=lambda block: int(block[1]))
            return int(size), int(copied), int(copies), content

        size, copied, copies, content = weights()
        self.assertLessEqual(copied, size)
        self.assertGreater(copied, 0.99 * size, "but for what lies between weights")
        self.assertGreater(copies, 50, "one by one, as they get ready")
        self.assertEqual(weights(FAKE_ANSWER=f"cuMemHostAlloc 0 {OUT_OF_MEMORY}"), (size, copied, copies, content))
        for said in ("packed weights are kept", "the weights are mapped"):
            self.assertEqual(weights("--keep-packed"), (size, size, 2, content), said)
        apart = [weights("--experts=host", *flags) for flags in ((), ("--keep-packed",))]
        shutil.rmtree(bundle)
        shutil.copytree(self.cubins(), bundle)
        apart.append(weights("--experts=host"))
        self.assertEqual({(size, content) for size, _, _, content in apart}, {(apart[0][0], apart[0][3])}, apart)
        self.assertLess(apart[0][0], size)
        self.assertGreater(apart[2][2], apart[0][2], "one by one")

    def test_launches_overlap_but_the_first_of_a_step(self):
        # Kernels of this driver do nothing: the logits of the prompt are no numbers.
        bundle, launches = self.cubins(), self.path("launches")
        self.expect_failure(self.generate(bundle, "cuda", FAKE_LAUNCHES=launches), "is no number")
        with open(launches, encoding="utf-8") as file:
            first, *others = (line.split() for line in file.read().splitlines())
        programmatic_serialization = "6"
        self.assertEqual(first, [])
        # After each of the ten values that are observed a launch waits, too: nano has six layers.
        self.assertEqual(others.count([]), 10)
        self.assertEqual(others.count([programmatic_serialization]), len(others) - 10)

    def test_tensor_maps_have_the_rows_of_the_step(self):
        bundle = self.bundle("mapped", "--arch=sm_90a", "--policy=bf16", "--chunk=48", "--precompile")
        maps = self.path("maps.txt")
        ids = ",".join(["5"] * 136)

        def generate(**environment):
            return self.run_program(runner, "generate", "--model", bundle, "--device=cuda", "--ids", ids, "--max-tokens", "4",
                                    "--ignore-eos", FAKE_ZEROS="1", **environment)

        for call in (0, 9):  # of a weight while loading, of rows in the first step
            self.expect_failure(generate(FAKE_ANSWER=f"cuTensorMapEncodeTiled {call} {UNKNOWN}"),
                                "cannot encode a tensor map", "kernel 'prefill.")
        done = generate(FAKE_MAPS=maps)
        self.assertEqual(done.returncode, 0, done.stderr)
        box_rows = 64
        with open(maps, encoding="utf-8") as file:
            mapped = [tuple(map(int, line.split())) for line in file]
        rows = [rows for rows, box in mapped if box == box_rows and 1 < rows <= 48]
        self.assertEqual(sorted(set(rows)), [40, 48], "of both chunks")
        self.assertEqual(rows.count(40), rows.count(48), "all products, once for two steps of 48")
        boxes = [box for _, box in mapped]
        self.assertEqual(boxes, sorted(boxes, reverse=True), "those of weights once, before all steps")


unittest.main(argv=sys.argv[:1])
