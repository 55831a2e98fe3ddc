#!/bin/sh
# What the entry point of the image `postgres` does: a database cluster in $PGDATA, owned by $POSTGRES_USER with $POSTGRES_PASSWORD.
# Arguments go to the server. Listens on 127.0.0.1:$PORT.
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
    echo "The user postgres cannot reach .kashif; the data are in $PGDATA."
  fi
fi

if [ ! -e "$PGDATA/PG_VERSION" ]; then
  # Made beside its place and moved there whole: an interrupted start leaves nothing that looks like data.
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
  # Data made under another password (secrets cleared, another checkout) takes the one of today.
  quoted=$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")
  as_owner "$postgres" --single -D "$PGDATA" -c unix_socket_directories= -c log_min_messages=fatal -c log_checkpoints=off postgres >/dev/null <<INPUT
ALTER ROLE "$POSTGRES_USER" PASSWORD '$quoted'
INPUT
fi

set -- "$postgres" -D "$PGDATA" -c listen_addresses=127.0.0.1 -c port="$PORT" -c unix_socket_directories= "$@"
unset POSTGRES_PASSWORD
# INT is the fast shutdown: sessions are ended, everything is written. TERM would wait for the services to leave.
if [ "$(id -u)" = 0 ]; then
  serve INT setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig INT -- "$@"
else
  serve INT "$@"
fi
