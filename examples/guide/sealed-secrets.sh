#!/bin/sh
# Seals for one namespace of one cluster, whose administrator says what FINGERPRINT its certificate has.
set -eu

kubeseal --fetch-cert > certificate.pem
test "$(openssl x509 -in certificate.pem -noout -fingerprint -sha256 | cut -d= -f2)" = "$FINGERPRINT"

kubectl create secret generic hummingbot-trading-keys \
  --from-file=secrets/trading/binance_api_key \
  --from-file=secrets/trading/binance_secret_key \
  --namespace=hummingbot --dry-run=client -o yaml |
  kubeseal --cert certificate.pem --scope strict --format yaml > sealed-trading-keys.yaml

kubectl apply --server-side -f sealed-trading-keys.yaml
kubectl wait --namespace=hummingbot --for=condition=Synced --timeout=60s sealedsecret/hummingbot-trading-keys
