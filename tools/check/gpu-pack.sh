#!/bin/sh
# gpu-pack.sh - a folder with all that gpu.sh runs on a machine with a GPU.
#
# usage: tools/check/gpu-pack.sh BUILD_DIRECTORY FOLDER [ARCHITECTURE]
# For a machine that has neither a compiler, MLIR nor this build: dsv3-run and the tests of
# devices with the libraries that they load, and bundles with compiled kernels of nano and,
# where DSV3_ORACLES names them, of three small oracles, with their checkpoints and answers;
# less than 50 MiB.
# ARCHITECTURE is that of the GPU there (sm_90a: H100, H200). Needs NVRTC here.
set -eu
build=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
arch=${3:-sm_90a}
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
if [ -n "$(ls -A "$folder")" ] && [ ! -f "$folder/gpu.sh" ]; then
  echo "gpu-pack.sh: expected a new folder, or one that gpu-pack.sh made; found other files in $folder" >&2
  exit 1
fi
rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib" "$folder/cases"
for program in bin/dsv3-run test/Unit/DeviceConformanceTest; do
  strip -o "$folder/bin/$(basename $program)" "$build/$program"
  # Everything but the libraries of C and C++, which the other machine has.
  ldd "$build/$program" | awk '$3 ~ /^\// { print $3 }' |
    grep -v -E '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*|libstdc\+\+|libgcc_s)\.so' | xargs -I{} cp -L {} "$folder/lib/"
done

# A case is a bundle `model`, its checkpoint, and the answers where there are some.
pack_case() {
  name=$1
  checkpoint=$2
  mkdir -p "$folder/cases/$name/checkpoint"
  cp -L "$checkpoint"/* "$folder/cases/$name/checkpoint/"
  "$build/bin/dsv3-compile" --model "$checkpoint" --target=cpu,cuda --variant=x86-64-v3 --arch="$arch" \
    --precompile -o "$folder/cases/$name/model"
  echo ../checkpoint >"$folder/cases/$name/model/checkpoint"
}
# pack_narrow NAME SUFFIX CHECKPOINT FLAG…: the same with flags for fewer bits, for the GPU alone.
pack_narrow() {
  case=$1.$2
  name=$1
  checkpoint=$3
  shift 3
  mkdir -p "$folder/cases/$case"
  "$build/bin/dsv3-compile" --model "$checkpoint" "$@" --target=cuda --arch="$arch" --precompile \
    -o "$folder/cases/$case/model"
  echo "../../$name/checkpoint" >"$folder/cases/$case/model/checkpoint"
}
# pack_answers NAME SUFFIX: of a narrow case.
pack_answers() {
  ln -s "../$1/expected.safetensors" "../$1/case.json" "$folder/cases/$1.$2/"
}
pack_case nano "$source_dir/models/nano"
# Policies of fewer bits; sm_80 has no FP8.
policies='bf16 w8a8'
[ "$arch" != sm_80 ] || policies=bf16
for policy in $policies; do
  pack_narrow nano "$policy" "$source_dir/models/nano" "--policy=$policy"
done
# Whose expanded attention is on tensor cores with a weight as it is stored.
pack_narrow nano bf16.weights "$source_dir/models/nano" --policy=bf16 --weights=bf16
if [ -d "${DSV3_ORACLES:-}" ]; then
  cp "$DSV3_ORACLES/compare.py" "$folder/"
  for name in v3-bf16 v3-fp8 moonlight-bf16; do
    pack_case "$name" "$DSV3_ORACLES/$name/model"
    cp "$DSV3_ORACLES/$name/expected.safetensors" "$DSV3_ORACLES/$name/case.json" "$folder/cases/$name/"
    pack_narrow "$name" bf16 "$DSV3_ORACLES/$name/model" --policy=bf16
    pack_answers "$name" bf16
  done
  case $policies in *w8a8)
    pack_narrow v3-fp8 w8a8 "$DSV3_ORACLES/v3-fp8/model" --policy=w8a8
    pack_answers v3-fp8 w8a8
    ;;
  esac
  pack_narrow v3-fp8 cache.bf16 "$DSV3_ORACLES/v3-fp8/model" --cache-type=bf16
  pack_answers v3-fp8 cache.bf16
  # Tiles of warps, which GPUs have that have no wgmma.
  if [ "$arch" = sm_90a ]; then
    for name in v3-bf16 moonlight-bf16; do
      pack_narrow "$name" mma.bf16 "$DSV3_ORACLES/$name/model" --policy=bf16 --tensor-cores=mma
      pack_answers "$name" mma.bf16
    done
    pack_narrow v3-fp8 mma.w8a8 "$DSV3_ORACLES/v3-fp8/model" --policy=w8a8 --tensor-cores=mma
    pack_answers v3-fp8 mma.w8a8
  fi
fi
cp "$source_dir/tools/check/gpu.sh" "$folder/"
du -sh "$folder"
