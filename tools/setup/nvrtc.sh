# nvrtc.sh - NVRTC for the tests of GPU kernels; sourced by test.sh.
#
# install_nvrtc DIRECTORY: where there is no CUDA toolkit, PyPI's nvidia-cuda-nvrtc comes into a
# Python environment of its own in DIRECTORY, since Debian's Python takes no packages by pip.
# VIRTUAL_ENV then names it, as activating it would: dsv3 looks there. One version, so that
# the code of kernels is the same from one day to the next.

nvrtc_version=13.0.88

# Whether one of the folders, or those below, holds NVRTC.
has_nvrtc() {
  [ -n "$(find "$@" -name 'libnvrtc.so*' 2>/dev/null | head -1)" ]
}

install_nvrtc() {
  if has_nvrtc ${CUDA_HOME:+"$CUDA_HOME/lib64/"} ${CUDA_PATH:+"$CUDA_PATH/lib64/"} \
    ${VIRTUAL_ENV:+"$VIRTUAL_ENV"} /usr/local/cuda/lib64/; then
    return 0
  fi
  if ! has_nvrtc "$1"; then
    dsv3_packages=python3-venv install_packages || return 1
    echo "installing nvidia-cuda-nvrtc $nvrtc_version from PyPI into $1" >&2
    /usr/bin/python3 -m venv "$1" &&
      "$1/bin/pip" install --quiet --disable-pip-version-check "nvidia-cuda-nvrtc==$nvrtc_version" >&2 || return 1
  fi
  VIRTUAL_ENV=$(cd "$1" && pwd)
  export VIRTUAL_ENV
}
