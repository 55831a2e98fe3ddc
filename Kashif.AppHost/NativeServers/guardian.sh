#!/bin/sh
# Outlives an AppHost for a moment and ends what it or DCP left behind when they were killed. Linux only: it reads /proc.
#   guardian.sh APPHOST MARK TEMPORARY [DCP]
# APPHOST is a process id; MARK is in the environment of every process of the run; TEMPORARY is the beginning of the paths to delete.
# With DCP the run also ends when DCP does (an AppHost in a test starts and ends several).
apphost=$1 mark=$2 temporary=$3 watches_dcp=${4:-}
trap '' HUP INT QUIT TERM

marked() { grep -laF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }
runs() { for process in $(marked); do grep -qaE "$1" "/proc/$process/cmdline" 2>/dev/null && echo "$process"; done; }
# DCP's short-lived processes (info, monitors) do not count.
dcp() { runs run-controllers; }

known=
while kill -0 "$apphost" 2>/dev/null; do
  sleep 1
  [ -n "$watches_dcp" ] || continue
  [ -n "$known" ] || known=$(dcp | head -n 1)
  [ -z "$known" ] || kill -0 "$known" 2>/dev/null || { kill -s TERM "$apphost"; break; }
done

# DCP stops everything in order when its AppHost is gone, and a monitor removes its container when DCP is. The rest, or what takes
# too long, is done here. A container has ten seconds to stop before it is killed.
tries=0
while [ $tries -lt 30 ] && [ -n "$(runs 'run-controllers|monitor-container')" ]; do tries=$((tries + 1)); sleep 1; done
for signal in TERM KILL; do
  left=$(marked)
  [ -n "$left" ] || break
  kill -s $signal $left 2>/dev/null
  tries=0
  while [ $tries -lt 6 ] && [ -n "$(marked)" ]; do tries=$((tries + 1)); sleep 1; done
done
[ -z "$watches_dcp" ] || kill -s KILL "$apphost" 2>/dev/null
rm -rf "$temporary"*
