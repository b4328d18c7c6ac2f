#!/bin/sh
# Prints the interpreter that `make install` takes: of those given (else of the usual places) the first that was built with
# profile-guided optimisation, which is a tenth to a quarter faster; else the first that can make a virtual environment.
# A distribution's own (prefix /usr) counts as optimised: Debian builds with profiles, but takes the flags out of what its
# interpreter says of itself.
set -eu

probe='
import importlib.util, sys, sysconfig
if sys.version_info < (3, 11) or not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
    sys.exit(1)
told = " ".join(str(sysconfig.get_config_var(name)) for name in ("CONFIG_ARGS", "PY_CFLAGS", "PY_CORE_CFLAGS"))
marks = ("--enable-optimizations", "-fprofile-use", "-fprofile-instr-use", "--prefix=/usr\x27")
print("optimised" if any(mark in told for mark in marks) else "plain", sys.version.split()[0], sys.executable)
'

[ $# -gt 0 ] || set -- python3 /usr/bin/python3 /usr/local/bin/python3 python3.14 python3.13 python3.12 python3.11

best=''
for name in "$@"; do
  path=$(command -v "$name") || continue
  found=$("$path" -c "$probe" 2>/dev/null) || continue
  [ -n "$best" ] || best=$found
  case $found in
    optimised*) best=$found; break ;;
  esac
done

if [ -z "$best" ]; then
  echo 'Python 3.11 or newer with venv and ensurepip is needed; on Debian: apt-get install python3-venv.' >&2
  echo 'Another one is named by: make install PYTHON=/path/to/python3' >&2
  exit 1
fi
about=${best%% /*} path=/${best#* /}
echo "Python: $path ($about). Another one: make install PYTHON=/path/to/python3" >&2
echo "$path"
