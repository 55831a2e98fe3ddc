// Azure Database for PostgreSQL in the network, instead of a container: a data volume of a container app is SMB, on which
// PostgreSQL cannot create its files.
param name string
param location string
param tags object
param version string
param networkId string
param subnetId string
param user string

@secure()
param password string
param databases string[]

@description('What CREATE EXTENSION may create, such as BTREE_GIST,CUBE,POSTGIS.')
param extensions string

@description('A General Purpose size such as Standard_D2ds_v5. The services open up to 300 connections.')
param sku string

@description('A standby in another zone.')
param highAvailability bool

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku, tier: 'GeneralPurpose' }
  properties: {
    version: version
    administratorLogin: user
    administratorLoginPassword: password
    storage: { storageSizeGB: 64, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 14, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: highAvailability ? 'ZoneRedundant' : 'Disabled' }
    network: { delegatedSubnetResourceId: subnetId, privateDnsZoneArmResourceId: zone.id }
  }
  dependsOn: [zone::link]
}

resource allowed 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'azure.extensions'
  properties: { value: extensions, source: 'user-override' }
}

@batchSize(1) // the server refuses changes at the same time
resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = [
  for database in databases: {
    parent: server
    name: database
    properties: { charset: 'UTF8', collation: 'en_US.utf8' }
    dependsOn: [allowed]
  }
]

output host string = server.properties.fullyQualifiedDomainName
