# shellcheck shell=bash
# Sourced by the scripts beside it: finds uv and an interpreter, and keeps the
# environments in .venv/. Outside the checkout, uv keeps its cache and what Pythons it
# fetches; nothing else is changed.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

# Without byte code every start would compile Home Assistant anew.
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
export PYTHONPYCACHEPREFIX=$root/.cache/pycache

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# describe_python COMMAND: "version path" of an interpreter that can run Home
# Assistant (CPython 3.13, or 3.14.2 and newer, with its lock), else nothing.
describe_python() {
  "$1" -I -S -c '
import sys
version = sys.version_info[:3]
if (
    sys.implementation.name == "cpython"
    and "t" not in sys.abiflags
    and ((3, 13) <= version < (3, 14) or (3, 14, 2) <= version < (3, 15))
):
    print("%d.%d.%d" % version, sys.executable)
' 2>/dev/null </dev/null || true
}

# Every command and file that may be an interpreter, one a line.
list_pythons() {
  local name uv_pythons
  echo "${PYTHON:-}"
  for name in python3.14 python3.13 python3 python; do
    type -ap "$name" || true
  done
  ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 2>/dev/null || true
  uv_pythons=$("$uv" python dir 2>/dev/null || true)
  [[ -z $uv_pythons ]] || ls -d "$uv_pythons"/*/bin/python3 2>/dev/null || true
}

# newest_python [3.13|3.14]: "version path" of the newest interpreter found, of that
# minor version if one is given, else nothing. The first found wins a tie.
newest_python() {
  local candidate
  list_pythons | awk '$0 && !seen[$0]++' | while IFS= read -r candidate; do
    describe_python "$candidate"
  done | awk -v wanted="${1:-3}." 'index($0, wanted) == 1' |
    sort -s -t. -k2,2nr -k3,3nr | head -n 1
}

# find_python [3.13|3.14]: sets python and python_version. $PYTHON, an interpreter or a
# minor version, decides, unless another minor version is wanted; then the newest found;
# uv fetches one where there is none. Fails, saying what is missing.
find_python() {
  local found="" wanted=${1:-}
  find_uv
  if [[ ${PYTHON:-} == 3.1[34] ]]; then
    wanted=${wanted:-$PYTHON}
  elif [[ -n ${PYTHON:-} ]]; then
    found=$(describe_python "$PYTHON")
    [[ -n $found || -n $wanted ]] || die "PYTHON=$PYTHON is not an interpreter that Home" \
      "Assistant runs on: Python 3.13, or Python 3.14.2 or newer, is needed. PYTHON=3.13" \
      "and PYTHON=3.14 take one wherever it is, and have uv fetch it if there is none."
    [[ $found == "$wanted"* ]] || found=""
  fi
  [[ -n $found ]] || found=$(newest_python "$wanted")
  if [[ -z $found ]]; then
    say "No Python ${wanted:-3.13 or newer} found; uv fetches ${wanted:-3.14} ..."
    "$uv" python install --no-bin "${wanted:-3.14}" >&2 || true
    found=$(newest_python "${wanted:-3.14}")
  fi
  if [[ -z $found ]]; then
    say "Python ${wanted:-3.13, or 3.14.2 or newer,} is missing: there is none on PATH, among" \
      "pyenv's or among uv's versions, and uv could not fetch one." \
      "Install one, or set PYTHON to its path."
    return 1
  fi
  python_version=${found%% *}
  python=${found#* }
}

# A Python with pip, of any version, else nothing.
python_with_pip() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python; do
    if [[ -n $candidate ]] && "$candidate" -m pip --version >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

# find_uv: sets uv, and installs it into .venv/ where there is none.
find_uv() {
  local installer
  uv=$root/.venv/uv/bin/uv
  [[ ! -x $uv ]] || return 0
  if uv --version >/dev/null 2>&1; then
    uv=$(type -p uv)
    return
  fi
  installer=$(python_with_pip)
  [[ -n $installer ]] || die "Neither uv nor a Python with pip is installed; one of them is needed."
  say "Installing uv into .venv/ ..."
  rm -rf "$root/.venv/uv" "$root/.venv/uv.new"
  PIP_ROOT_USER_ACTION=ignore "$installer" -m pip install --quiet --disable-pip-version-check \
    --target "$root/.venv/uv.new" uv >&2 || die "uv could not be installed with pip."
  mv "$root/.venv/uv.new" "$root/.venv/uv"
}

# with_pip_settings COMMAND...: runs uv with the package index that pip is configured
# to use, since uv does not read pip's settings.
with_pip_settings() (
  pip_python=$(python_with_pip)
  if [[ -n $pip_python ]]; then
    settings=$("$pip_python" "$root/script/pip_settings.py")
    eval "$settings"
  fi
  exec "$@"
)

# find_environment NAME REQUIREMENTS...: sets env to .venv/NAME-<minor version>, and wanted
# to what is noted in it once it holds the packages of these files for $python, which are
# installed with the overrides. Fails if it does not hold them.
find_environment() {
  overrides=(requirements_overrides.txt)
  env=$root/.venv/$1-${python_version%.*}
  [[ ! -f requirements_$1_overrides.txt ]] || overrides+=("requirements_$1_overrides.txt")
  shift
  wanted="# $python $python_version
$(cat "$@" "${overrides[@]}")"
  [[ -f $env/installed.txt && $(cat "$env/installed.txt") == "$wanted" ]]
}

# make_environment NAME REQUIREMENTS...: sets env to .venv/NAME-<minor version>, made for
# $python and holding the packages of these files. Nothing is done when it is there.
make_environment() {
  local wanted overrides file show=--quiet requirements=()
  find_environment "$@" && return
  shift
  for file in "$@"; do
    requirements+=(--requirement "$file")
  done
  [[ ! -t 2 ]] || show="" # progress is for those who watch
  say "Installing $* into ${env#"$root/"}, Python $python_version ($python);" \
    "the first time this takes a minute or two ..."
  rm -rf "$env"
  "$uv" venv --quiet --no-project --python "$python" "$env"
  with_pip_settings "$uv" pip install ${show:+"$show"} --python "$env/bin/python" \
    "${requirements[@]}" "${overrides[@]/#/--override=}" ||
    die "The packages of $* could not be installed."
  printf '%s\n' "$wanted" >"$env/installed.txt"
}

# make_browser_environment: what the browser tests need, beside all that the demo needs.
make_browser_environment() {
  make_environment browser requirements_demo.txt requirements_browser.txt
}

# make_demo_environment: what the demo needs. The browser tests' environment has that too,
# so it is taken where it is made already.
make_demo_environment() {
  local wanted overrides
  find_environment browser requirements_demo.txt requirements_browser.txt ||
    make_environment demo requirements_demo.txt
}

# home_assistant_version: that of the environment.
home_assistant_version() {
  "$env/bin/python" -I -c 'from importlib.metadata import version; print(version("homeassistant"))'
}
