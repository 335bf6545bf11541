#!/bin/sh
# A native Secret, from files: a value in an argument is one that `ps` shows to everybody. Applied by the
# server: `kubectl apply` alone keeps a copy of all values in an annotation.
set -eu

kubectl create namespace hummingbot --dry-run=client -o yaml | kubectl apply --server-side -f -
kubectl create secret generic hummingbot-trading-keys \
  --from-file=secrets/trading/binance_api_key \
  --from-file=secrets/trading/binance_secret_key \
  --namespace=hummingbot --dry-run=client -o yaml |
  kubectl apply --server-side -f -
