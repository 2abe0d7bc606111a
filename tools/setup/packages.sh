# packages.sh - installs what a build needs on Debian 12; sourced by build.sh.
#
# Asks apt only for what is missing, so that a second call costs nothing. LLVM 22
# comes through Debian 12's security archive.

dsv3_packages="g++ cmake ninja-build ccache mold pkg-config ca-certificates git \
llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools liblld-22-dev \
libfmt-dev libcli11-dev nlohmann-json3-dev libpcre2-dev libgtest-dev \
python3 python3-numpy"
# What the test command needs besides.
dsv3_check_packages="clang-22 libclang-rt-22-dev clang-format-22 clang-tidy-22"

install_packages() {
  missing=
  for package in $dsv3_packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
      missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "packages are missing and need root to install:$missing" >&2
      echo "  hint: run this as root, or install sudo" >&2
      return 1
    }
    as_root=sudo
  fi
  export DEBIAN_FRONTEND=noninteractive
  echo "installing packages:$missing" >&2
  $as_root apt-get update >&2 || return 1
  if [ -z "$(apt-cache madison llvm-22-dev 2>/dev/null)" ]; then
    if grep -rqs bookworm-security /etc/apt/sources.list /etc/apt/sources.list.d; then
      echo "LLVM 22 is not in the package lists, although the security archive is enabled:" >&2
      echo "  hint: see what apt-get update says above; is there a network?" >&2
      return 1
    fi
    echo "LLVM 22 is not in the package lists: Debian 12's security archive is not enabled." >&2
    echo "  hint: add this line to /etc/apt/sources.list and run the command again:" >&2
    echo "  deb http://deb.debian.org/debian-security bookworm-security main" >&2
    return 1
  fi
  # shellcheck disable=SC2086 # a list of words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >&2
}
