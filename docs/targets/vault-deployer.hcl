# What the token of whoever deploys stack prod may do, with the default namespace, prefix, vaultMount and vaultAuth.

path "secret/data/hummingbot/*" {
  capabilities = ["create", "read", "update", "delete"]
}

path "secret/metadata/hummingbot/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Old versions, once a rotation has replaced them (docs/rotation.md).
path "secret/destroy/hummingbot/*" {
  capabilities = ["update"]
}

path "sys/policies/acl/hummingbot-prod-secrets-reader" {
  capabilities = ["create", "read", "update", "delete"]
}

path "auth/kubernetes/role/hummingbot-prod-secrets-reader" {
  capabilities = ["create", "read", "update", "delete"]
}
