#!/bin/sh
# Runs PostgreSQL on 127.0.0.1:$PORT with the given arguments. Like the entry point of the image `postgres`, creates the cluster in
# $PGDATA with the superuser $POSTGRES_USER and $POSTGRES_PASSWORD.
set -eu
. "$(dirname "$0")/serve.sh"
postgres=$(find_program postgres postgresql /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin)
initdb=$(dirname "$postgres")/initdb
umask 077

# PostgreSQL refuses to run as root.
as_owner() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  as_owner() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
  mkdir -p "$(dirname "$PGDATA")"
  if ! as_owner test -x "$(dirname "$PGDATA")"; then
    PGDATA=/var/tmp/kashif-$(printf %s "$PGDATA" | cksum | tr ' ' '-')
    echo "The user postgres cannot access .kashif. The data is in $PGDATA."
  fi
fi

if [ ! -e "$PGDATA/PG_VERSION" ]; then
  # Atomic: an interrupted start leaves no partial cluster in $PGDATA.
  next=$PGDATA.next
  rm -rf "$next" && mkdir -p "$next"
  printf '%s\n' "$POSTGRES_PASSWORD" > "$next.password"
  [ "$(id -u)" != 0 ] || chown postgres: "$next" "$next.password"
  as_owner "$initdb" -D "$next" -U "$POSTGRES_USER" --auth=scram-sha-256 --pwfile="$next.password" \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions >/dev/null
  rm "$next.password"
  rmdir "$PGDATA" 2>/dev/null || true
  mv "$next" "$PGDATA"
else
  # The cluster may have another password: the secrets were deleted, or the data was copied.
  quoted=$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")
  as_owner "$postgres" --single -D "$PGDATA" -c unix_socket_directories= -c log_min_messages=fatal -c log_checkpoints=off postgres >/dev/null <<INPUT
ALTER ROLE "$POSTGRES_USER" PASSWORD '$quoted'
INPUT
fi

set -- "$postgres" -D "$PGDATA" -c listen_addresses=127.0.0.1 -c port="$PORT" -c unix_socket_directories= "$@"
unset POSTGRES_PASSWORD
# INT is PostgreSQL's fast shutdown. TERM would wait for the services to disconnect.
if [ "$(id -u)" = 0 ]; then
  serve INT setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig INT -- "$@"
else
  serve INT "$@"
fi
