#!/bin/sh
# The private key lies outside of the repository, and the Secret in the clear in no file.
set -eu

keys="${XDG_CONFIG_HOME:-$HOME/.config}/sops/age/keys.txt"
mkdir -p "$(dirname "$keys")" k8s/secrets
test -e "$keys" || (umask 077 && age-keygen -o "$keys")

cat > .sops.yaml <<YAML
creation_rules:
  - path_regex: ^k8s/secrets/
    encrypted_regex: ^(data|stringData)$
    age: $(age-keygen -y "$keys")
YAML

kubectl create secret generic hummingbot-trading-keys \
  --from-file=secrets/trading/binance_api_key \
  --from-file=secrets/trading/binance_secret_key \
  --namespace=hummingbot --dry-run=client -o yaml |
  sops encrypt --filename-override k8s/secrets/hummingbot-trading-keys.yaml > k8s/secrets/hummingbot-trading-keys.yaml

sops decrypt k8s/secrets/hummingbot-trading-keys.yaml | kubectl apply --server-side -f -
