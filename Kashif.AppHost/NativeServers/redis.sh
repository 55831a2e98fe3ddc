#!/bin/sh
# Runs Redis on 127.0.0.1:$PORT with $REDIS_PASSWORD. The data is in $DATA.
set -eu
. "$(dirname "$0")/serve.sh"
redis=$(find_program redis-server redis-server /opt/homebrew/bin /usr/local/bin)
umask 077
mkdir -p "$DATA"
cd "$DATA"
# Not arguments: the list of processes would show the password.
cat > redis.conf <<CONF
bind 127.0.0.1
port $PORT
dir "$DATA"
requirepass "$REDIS_PASSWORD"
save 60 1
CONF
unset REDIS_PASSWORD
serve TERM "$redis" "$DATA/redis.conf"
