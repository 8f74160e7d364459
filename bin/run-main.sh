# Sourced by the programs beside it, with the name of their main module in $main. Runs with the Node that npm ci
# brought, from any folder; elsewhere the machine's own must be 24 or later. Compiled code is kept, so that a program is
# there in a third of the time; where the folder cannot be written there is no such cache.
root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
node="$root/node_modules/.bin/node"
[ -x "$node" ] || node=node
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE-$root/node_modules/.cache/varve}"
exec "$node" --disable-warning=ExperimentalWarning "$root/src/server/main/$main" "$@"
