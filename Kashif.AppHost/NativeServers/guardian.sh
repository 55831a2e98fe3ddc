#!/bin/sh
# Waits until the AppHost ends, then stops the processes that it or a killed DCP left running. Linux only: reads /proc.
#   guardian.sh APPHOST MARK TEMPORARY [DCP]
# APPHOST is a process id. Every process of the run has MARK in its environment. TEMPORARY is the prefix of the paths to delete.
# With the argument DCP, the run also ends when DCP ends. Tests omit it: their process starts and stops DCP several times.
apphost=$1 mark=$2 temporary=$3 watches_dcp=${4:-}
trap '' HUP INT QUIT TERM

marked() { grep -laF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }
runs() { for process in $(marked); do grep -qaE "$1" "/proc/$process/cmdline" 2>/dev/null && echo "$process"; done; }
# Ignores DCP's other processes (info, monitors).
dcp() { runs run-controllers; }

known=
while kill -0 "$apphost" 2>/dev/null; do
  sleep 1
  [ -n "$watches_dcp" ] || continue
  [ -n "$known" ] || known=$(dcp | head -n 1)
  [ -z "$known" ] || kill -0 "$known" 2>/dev/null || { kill -s TERM "$apphost"; break; }
done

# DCP stops all resources in order when the AppHost is gone, and its monitors remove the containers when DCP is gone. Wait for them,
# then stop the remaining processes. A container has ten seconds to stop before it is killed.
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
