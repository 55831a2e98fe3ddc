// Azure Managed Redis with a private endpoint. The key goes straight into the vault.
param name string
param location string
param tags object
param networkId string
param subnetId string
param vaultName string

@description('The secret that receives the connection string.')
param secretName string

@description('Such as Balanced_B0.')
param sku string

resource cache 'Microsoft.Cache/redisEnterprise@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  properties: { minimumTlsVersion: '1.2' }

  resource database 'databases' = {
    name: 'default'
    properties: {
      port: 10000
      clientProtocol: 'Encrypted'
      clusteringPolicy: 'EnterpriseCluster' // one endpoint, as of a single server
      evictionPolicy: 'VolatileLRU'
      accessKeysAuthentication: 'Enabled'
    }
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: 'privatelink.redis.azure.net'
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: 'pe-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: 'redis', properties: { privateLinkServiceId: cache.id, groupIds: ['redisEnterprise'] } }
    ]
  }

  resource zones 'privateDnsZoneGroups' = {
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: 'redis', properties: { privateDnsZoneId: zone.id } }] }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: vaultName }

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: secretName
  properties: {
    value: '${cache.properties.hostName}:10000,password=${cache::database.listKeys().primaryKey},ssl=True,abortConnect=False'
  }
}
