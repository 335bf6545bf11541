#!/bin/sh
# sh load-env.sh COMMAND: with the variables of .env.secrets, which are in no argument of any process.
set -eu

set -a
. ./.env.secrets
set +a
exec "$@"
