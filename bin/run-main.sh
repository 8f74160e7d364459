# Sourced by the programs beside it, with the name of their main module in $main. Runs with the Node that npm ci
# brought, from any folder; elsewhere the machine's own must be 24 or later. Bundles (scripts/build-bundles.ts) are there in
# half the time; they count while no source is newer. Compiled code is kept, beside bundles (scripts/bundle-loader.ts) and for sources
# in a cache, so that a program is there in a third of the time; where the folder cannot be written there is none. The young generation of each of its threads is 48 MiB at most:
# V8 gives them 192 MiB each otherwise, which costs as much processor time.
root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
node="$root/node_modules/.bin/node"
[ -x "$node" ] || node=node
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE-$root/node_modules/.cache/varve}"
module="$root/dist/$main/$main.js"
{ [ -f "$module" ] &&
  changed=$(find "$root/src" "$root/package-lock.json" \( -name '*.ts' -o -name package-lock.json \) -newer "$root/dist/built" -print -quit 2>/dev/null) &&
  [ -z "$changed" ]; } || module="$root/src/server/main/$main.ts"
exec "$node" --max-semi-space-size=16 --disable-warning=ExperimentalWarning "$module" "$@"
