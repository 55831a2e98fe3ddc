#!/bin/sh
# RabbitMQ on 127.0.0.1:$PORT, its page on $MANAGEMENT_PORT, its name server (epmd) and distribution on ports of their own,
# with $RABBITMQ_DEFAULT_USER and $RABBITMQ_DEFAULT_PASS and its data in $DATA. $SETTINGS is the file that the container gets, too.
set -eu
. "$(dirname "$0")/serve.sh"
# The script beside the package's others: the one on Debian's PATH changes the user.
rabbitmq=$(find_program rabbitmq-server rabbitmq-server /usr/local/opt/rabbitmq/sbin /opt/homebrew/opt/rabbitmq/sbin /usr/lib/rabbitmq/bin)
epmd=$(find_program epmd rabbitmq-server /usr/lib/erlang/erts-*/bin /usr/local/bin /opt/homebrew/bin)
umask 077
mkdir -p "$DATA"
cd "$DATA"

# Definitions are imported at every start: data made under another password takes the one of today.
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
export RABBITMQ_ALLOW_INPUT=1 # the package's script becomes the virtual machine instead of waiting for it
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none'
unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS

# The name server that Erlang starts by itself outlives the broker and is shared by all on its port.
(with_parent KILL "$epmd" -address 127.0.0.1 -port "$EPMD_PORT") &
serve TERM "$rabbitmq" -noinput
