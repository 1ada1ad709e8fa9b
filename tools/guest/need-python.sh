# Sourced by run, test and bench: makes sure that there is a python3 of 3.9 or later to carry on with.
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  install_command="apt-get install -y --no-install-recommends python3"
  for argument in "$@"; do
    if [[ $argument == --no-install ]]; then
      echo "error: python3 (3.9 or later) is missing. Install it with: $install_command" >&2
      exit 2
    fi
  done
  echo "Installing python3: the driver of run, test and bench is written in it." >&2
  as_root=()
  if [[ $(id -u) != 0 ]]; then as_root=(sudo); fi
  if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" $install_command; } >&2; then
    echo "error: could not install python3. Install it with: $install_command" >&2
    exit 2
  fi
fi
