#!/bin/sh
# Asks for the new value, or reads it from standard input; then stores it, and brings the bot to it.
set -eu

npm run pulumi -- config set --secret --path trading.binance_api_key --stack prod
npm start -- --stack prod "$@"
