# lit over the build's tools: .mlir files are compiled, checked with FileCheck or
# -verify-diagnostics; .test files are shell commands.
import os

import lit.formats

config.name = "dsv3"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Unit", "seeds"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.dsv3_binary_dir, "test")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.dsv3_binary_dir, "bin"), config.llvm_tools_dir, os.environ["PATH"]])
config.substitutions.append(("%source", config.dsv3_source_dir))
config.substitutions.append(("%python", f'"{config.python}"'))
# dsv3-interpret tokenizes and samples with the runtime: it is not built without it.
if config.dsv3_build_runtime.upper() in ("ON", "TRUE", "YES", "Y", "1"):
    config.available_features.add("interpret")
