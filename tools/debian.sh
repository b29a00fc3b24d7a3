# Sourced: installing Debian's packages.

# As root, or by sudo; services are started by those who need them, not by the
# installation.  What apt-get says is shown if it fails.
install_debian() {
  local root='' log status=0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "as root, please: apt-get install $*" >&2
      return 1; }
    root=sudo
  fi
  log=$(mktemp)
  { $root apt-get update -q &&
    $root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
      apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 || status=1
  [ "$status" = 0 ] || tail -n 20 "$log" >&2
  rm -f "$log"
  return "$status"
}
