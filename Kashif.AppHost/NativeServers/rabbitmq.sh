#!/bin/sh
# Runs RabbitMQ on 127.0.0.1:$PORT, its management UI on $MANAGEMENT_PORT, and its own epmd on $EPMD_PORT. The user is
# $RABBITMQ_DEFAULT_USER with $RABBITMQ_DEFAULT_PASS. The data is in $DATA. The container uses the file $SETTINGS too.
set -eu
. "$(dirname "$0")/serve.sh"
# Not Debian's rabbitmq-server on the PATH: it changes the user.
rabbitmq=$(find_program rabbitmq-server rabbitmq-server /usr/local/opt/rabbitmq/sbin /opt/homebrew/opt/rabbitmq/sbin /usr/lib/rabbitmq/bin)
epmd=$(find_program epmd rabbitmq-server /usr/lib/erlang/erts-*/bin /usr/local/bin /opt/homebrew/bin)
umask 077
mkdir -p "$DATA"
cd "$DATA"

# Imported at every start, because existing data may have another password.
cat > definitions.json <<JSON
{
  "users": [{ "name": "$RABBITMQ_DEFAULT_USER", "password": "$RABBITMQ_DEFAULT_PASS", "tags": "administrator", "limits": {} }],
  "vhosts": [{ "name": "/" }],
  "permissions": [{ "user": "$RABBITMQ_DEFAULT_USER", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }]
}
JSON
cat - "$SETTINGS" > rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$PORT
management.tcp.ip = 127.0.0.1
management.tcp.port = $MANAGEMENT_PORT
load_definitions = $DATA/definitions.json
log.console = true
log.file = false
CONF
echo '[rabbitmq_management].' > enabled_plugins

export HOME="$DATA" # the Erlang cookie
export ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=kashif@localhost RABBITMQ_DIST_PORT="$DISTRIBUTION_PORT"
export RABBITMQ_CONFIG_FILE="$DATA/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$DATA/advanced.config" RABBITMQ_CONF_ENV_FILE="$DATA/rabbitmq-env.conf"
export RABBITMQ_GENERATED_CONFIG_DIR="$DATA/generated" RABBITMQ_MNESIA_BASE="$DATA/mnesia" RABBITMQ_FEATURE_FLAGS_FILE="$DATA/feature_flags"
export RABBITMQ_LOG_BASE="$DATA" RABBITMQ_PID_FILE="$DATA/pid" RABBITMQ_ENABLED_PLUGINS_FILE="$DATA/enabled_plugins"
export RABBITMQ_LOG=-color
export RABBITMQ_ALLOW_INPUT=1 # makes the script exec Erlang instead of waiting for it
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none'
unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS

# Erlang would start an epmd that outlives the broker and is shared by all nodes on its port.
(with_parent KILL "$epmd" -address 127.0.0.1 -port "$EPMD_PORT") &
serve TERM "$rabbitmq" -noinput
