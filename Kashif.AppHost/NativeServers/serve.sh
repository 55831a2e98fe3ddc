# Sourced by the start scripts. DCP stops a process with TERM, and with KILL some seconds later.

# find_program NAME PACKAGE DIRECTORY…: prints the program's path. The last match wins: globs list the newest version last.
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

# with_parent SIGNAL COMMAND…: sends the command the signal when its parent ends, even by KILL.
with_parent() {
  signal=$1
  shift
  if command -v setpriv >/dev/null; then exec setpriv --pdeathsig "$signal" -- "$@"; else exec "$@"; fi
}

# serve SIGNAL COMMAND…: runs a server and stops it with the signal on TERM, or when the parent of the script ends.
serve() {
  stop=$1
  shift
  stopping=
  (with_parent "$stop" "$@") &
  server=$!
  trap 'stopping=yes; kill -s "$stop" "$server" 2>/dev/null' TERM INT
  while [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null; do
    kill -0 "$PPID" 2>/dev/null || { echo "The parent process is gone. Stopping."; kill -s TERM $$; }
    sleep 1 &
    wait $! || true # a signal interrupts wait, but not sleep
  done
  wait "$server" && exit 0 || exit $?
}
