# Sourced by the start scripts. DCP stops a process with TERM and, seconds later, KILL.

# find NAME PACKAGE DIRECTORY…: prints the program's path. A later directory wins: the newest version comes last.
find_program() {
  found=$(command -v "$1" || true)
  name=$1 package=$2
  shift 2
  for directory in "$@"; do
    [ ! -x "$directory/$name" ] || found=$directory/$name
  done
  [ -n "$found" ] || { echo "'$name' is missing. Install it: apt-get install $package" >&2; exit 127; }
  echo "$found"
}

# with_parent SIGNAL COMMAND…: the command gets the signal when its parent dies, SIGKILL included.
with_parent() {
  signal=$1
  shift
  if command -v setpriv >/dev/null; then exec setpriv --pdeathsig "$signal" -- "$@"; else exec "$@"; fi
}

# serve SIGNAL COMMAND…: runs a server and stops it with the signal when this script gets TERM or loses its parent.
serve() {
  stop=$1
  shift
  stopping=
  (with_parent "$stop" "$@") &
  server=$!
  trap 'stopping=yes; kill -s "$stop" "$server" 2>/dev/null' TERM INT
  while [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null; do
    kill -0 "$PPID" 2>/dev/null || { echo "The process that started this one is gone; stopping."; kill -s TERM $$; }
    sleep 1 &
    wait $! || true # a signal ends the wait, not the sleep
  done
  wait "$server" && exit 0 || exit $?
}
