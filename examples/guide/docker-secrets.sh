#!/bin/sh
# Secrets of a swarm, by hand. `printf` adds no newline, and is a part of the shell: `ps` shows no value.
set -eu

# From files
docker secret create postgres_password secrets/database/postgres_password
docker secret create redis_password secrets/database/redis_password

# From an environment file, of which nothing is exported
. ./.env.secrets
printf %s "$BINANCE_API_KEY" | docker secret create binance_api_key -
printf %s "$BINANCE_SECRET_KEY" | docker secret create binance_secret_key -
