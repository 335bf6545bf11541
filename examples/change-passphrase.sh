#!/bin/sh
# Encrypts a stack's values and state with another passphrase, on a backend of your own:
#   PULUMI_CONFIG_PASSPHRASE_FILE=OLD sh examples/change-passphrase.sh STACK NEW
# NEW is a file with the new one. Nothing is deployed; nobody may change the stack meanwhile.
# What it leaves behind, and what to do about that: docs/security.md.
set -eu
stack=$1 new=$2

# Pulumi takes an empty standard input for an empty passphrase.
if [ "$(wc -c < "$new")" -lt 16 ]; then
  echo "$new: got less than 16 bytes; allowed: a passphrase of at least 16; fix: openssl rand -base64 32 > $new" >&2
  exit 1
fi

npm run -s pulumi -- stack change-secrets-provider passphrase --stack "$stack" < "$new"

# Opens with the new one, and nothing else has changed: a preview with no change says both.
PULUMI_CONFIG_PASSPHRASE_FILE=$new npm start --silent -- preview --stack "$stack"
