# Outlives the engine by a moment: when its standard input ends, the engine is gone, however it went,
# and what it left running is ended and what it left lying is deleted.
#   + PID SIGNAL   a process (leader of its own session) to end with SIGNAL
#   - PID          it has ended
#   d PATH         a throw-away file or directory
trap '' HUP INT QUIT TERM
running=
newline='
'
throwaway=
while read -r operation value signal; do
  case $operation in
    +) running="$running $value:$signal" ;;
    -)
      rest=
      for entry in $running; do [ "${entry%%:*}" = "$value" ] || rest="$rest $entry"; done
      running=$rest
      ;;
    d) throwaway="$throwaway$value$newline" ;;
  esac
done

for entry in $running; do
  kill -s "${entry#*:}" -- "-${entry%%:*}" "${entry%%:*}" 2>/dev/null
done

tries=0
while [ $tries -lt 25 ]; do
  alive=
  for entry in $running; do kill -0 "${entry%%:*}" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || break
  tries=$((tries + 1))
  sleep 0.2
done

for entry in $running; do
  kill -s KILL -- "-${entry%%:*}" "${entry%%:*}" 2>/dev/null
done

IFS=$newline
for path in $throwaway; do rm -rf -- "$path"; done
