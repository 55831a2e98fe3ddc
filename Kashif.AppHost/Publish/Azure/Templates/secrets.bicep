// Writes secrets into the vault. It has no empty ones.
param vaultName string

@description('The values by name.')
@secure()
param values object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: vaultName }

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [
  for item in items(values): if (!empty(item.value)) {
    parent: vault
    name: item.key
    properties: { value: item.value }
  }
]
