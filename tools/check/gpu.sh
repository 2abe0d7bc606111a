#!/bin/sh
# gpu.sh - what dsv3 shows on a GPU: run it on a machine that has one.
#
# usage: FOLDER/gpu.sh [DEVICE]     FOLDER is what gpu-pack.sh made, DEVICE cuda:0 unless given
# The conformance tests of the device interface; nano's answers beside those of the CPU; the
# oracles in the classes of policies f32, bf16 and w8a8 (needs python3 with numpy); a start that
# compiles the kernels itself. Takes a minute or two; needs no network and writes to a temporary
# folder alone. Closes with a line
# `N passed, N failed, N skipped`.
set -u
folder=$(cd "$(dirname "$0")" && pwd)
device=${1:-cuda:0}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME="$scratch/cache"
# Ours alone get the libraries that came along: python3 has its own.
for program in dsv3-run DeviceConformanceTest; do
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s:${LD_LIBRARY_PATH:-}" exec "%s" "$@"\n' "$folder/lib" \
    "$folder/bin/$program" >"$scratch/$program"
  chmod +x "$scratch/$program"
done
run=$scratch/dsv3-run
passed=0
failed=0
skipped=0

# NVRTC of a Python installation that python3 knows, for what is not compiled yet.
if [ -z "${CUDA_HOME:-}" ] && [ ! -d /usr/local/cuda/lib64 ]; then
  site=$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null)
  for library in "$site"/nvidia/*/lib; do
    export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}:$library"
  done
fi

# report NAME STATUS: counts a step; 77 is one that was skipped.
report() {
  case $2 in
  0) passed=$((passed + 1)) && echo "passed: $1" ;;
  77) skipped=$((skipped + 1)) && echo "skipped: $1" ;;
  *) failed=$((failed + 1)) && echo "FAILED: $1" ;;
  esac
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null

"$scratch/DeviceConformanceTest" --gtest_filter='*cuda*' --gtest_brief=1 >"$scratch/cts" 2>&1
status=$?
tail -40 "$scratch/cts"
# Where there is a GPU, a device that cannot be made is a failure.
grep -q 'SKIPPED' "$scratch/cts" && [ $status -eq 0 ] && status=77
[ $status -eq 77 ] && nvidia-smi -L 2>/dev/null | grep -q '^GPU' && status=1
report "conformance of the device interface" $status

# The same answer from both devices.
answer() {
  "$run" generate --model "$folder/cases/nano/model" --device="$1" \
    --chat "$2" --max-tokens 48 --temperature 0 2>"$scratch/stderr"
}
for question in 'What is the capital of France?' 'What is 2 plus 3?' 'Who lives in the red house?'; do
  expected=$(answer cpu "$question")
  found=$(answer "$device" "$question")
  status=$?
  tail -3 "$scratch/stderr"
  echo "question: $question"
  echo "answer:   $found"
  [ $status -eq 0 ] && [ "$found" != "$expected" ] && echo "expected: $expected" && status=1
  report "nano: $question" $status
done

for policy in bf16 w8a8; do
  [ -d "$folder/cases/nano.$policy" ] || continue
  "$run" generate --model "$folder/cases/nano.$policy/model" --device="$device" \
    --chat 'What is the capital of France?' --max-tokens 48 --temperature 0 >"$scratch/out" 2>"$scratch/stderr"
  tail -3 "$scratch/stderr"
  cat "$scratch/out"
  grep -q 'Paris' "$scratch/out"
  report "nano under policy $policy" $?
done

# A prompt of many tokens, so that all entries run.
ids=$(seq -s, 1 300)
for where in cpu "$device"; do
  "$run" generate --model "$folder/cases/nano/model" --device="$where" --ids "$ids" \
    --max-tokens 16 --temperature 0 --print-ids --ignore-eos >"$scratch/ids.$where" 2>"$scratch/stderr" ||
    cat "$scratch/stderr"
done
cat "$scratch/ids.$device"
cmp -s "$scratch/ids.cpu" "$scratch/ids.$device" && [ -s "$scratch/ids.cpu" ]
report "nano: 300 tokens of prompt, 16 generated" $?

# What policies change, over more keys than attention has at once: in nats.
for policy in bf16:0.005 bf16.weights:0.005 w8a8:0.05; do
  case=$folder/cases/nano.${policy%:*}
  [ -d "$case" ] || continue
  "$run" compare --model "$case/model" --reference "$folder/cases/nano/model" --device="$device" \
    --ids "$ids" --json >"$scratch/compare" 2>"$scratch/stderr" || cat "$scratch/stderr"
  divergence=$(sed -n 's/.*"mean": *\([0-9.e+-]*\).*/\1/p' "$scratch/compare" | head -1)
  echo "divergence of ${policy%:*}: ${divergence:-unknown}"
  awk -v found="${divergence:-1}" -v most="${policy#*:}" 'BEGIN { exit !(found < most) }'
  report "nano: 300 tokens under policy ${policy%:*}" $?
done

# Kernels from their text.
cp -r "$folder/cases/nano" "$scratch/text" && rm -rf "$scratch/text/model/cubins"
start=$(date +%s%N)
"$run" generate --model "$scratch/text/model" --device="$device" --chat 'What is 2 plus 3?' \
  --max-tokens 8 --temperature 0 >"$scratch/out" 2>"$scratch/stderr"
status=$?
cat "$scratch/out"
tail -3 "$scratch/stderr"
echo "with NVRTC: $((($(date +%s%N) - start) / 1000000)) ms"
[ $status -eq 0 ] && [ "$(cat "$scratch/out")" != '2 plus 3 is 5.' ] && status=1
grep -q 'NVRTC, the compiler' "$scratch/stderr" && status=77
report "kernels compiled on this machine" $status

# A GPU that is not there.
"$run" generate --model "$folder/cases/nano/model" --device=cuda:77 --ids 1 >/dev/null 2>"$scratch/stderr"
status=$?
cat "$scratch/stderr"
[ $status -eq 1 ] && grep -q 'found cuda:77' "$scratch/stderr"
report "a GPU that is not there is refused" $?

for case in "$folder"/cases/*/; do
  [ -f "$case/expected.safetensors" ] || continue
  if ! python3 -c 'import numpy' 2>/dev/null; then
    report "oracle $(basename "$case"): needs numpy" 77
    continue
  fi
  class=f32
  case $case in *.bf16/) class=bf16 ;; *.w8a8/) class=fp8 ;; esac
  python3 "$folder/compare.py" --class $class "$run" "${case%/}" -- --device="$device"
  report "oracle $(basename "$case")" $?
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
