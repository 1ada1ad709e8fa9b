# SPDX-License-Identifier: MIT
# Sourced by run, test and bench: makes sure that there is a python3 of 3.9 or later to carry on with.
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  as_root=()
  if [[ $(id -u) != 0 ]]; then as_root=(sudo); fi
  install=("${as_root[@]}" apt-get install -y --no-install-recommends)
  for argument in "$@"; do
    if [[ $argument == --no-install ]]; then
      # The packages that packages.py would find missing, so that the refusal names them all at once.
      groups=" build boot "
      if [[ $(basename "$0") == test ]]; then groups+="test explorer "; fi
      missing=(python3)
      while read -r group package why; do
        if [[ $groups != *" $group "* ]]; then continue; fi
        if dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then continue; fi
        echo "[bifolium] missing: $package ($why)" >&2
        missing+=("$package")
      done < "$root/tools/guest/packages.list"
      echo "[bifolium] missing: python3 (run, test and bench are written in it)" >&2
      echo "error: ${#missing[@]} package(s) missing. Install them with: ${install[*]} ${missing[*]}" >&2
      exit 2
    fi
  done
  echo "[bifolium] missing: python3 (run, test and bench are written in it)" >&2
  echo "[bifolium] installing python3" >&2
  if [[ ${#as_root[@]} != 0 ]] && ! command -v sudo > /dev/null; then
    echo "error: cannot install as this user and there is no sudo. As root: apt-get install -y python3" >&2
    exit 2
  fi
  if ! said=$({ "${as_root[@]}" apt-get update -q &&
                DEBIAN_FRONTEND=noninteractive "${install[@]}" python3; } 2>&1); then
    echo "$said" >&2
    echo "error: could not install python3. By hand: ${install[*]} python3" >&2
    exit 2
  fi
fi
