// Written by `aspire publish`: change the AppHost instead. `azd up` creates this, builds the images and deploys the services.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('The name of the azd environment.')
param environmentName string

@description('The Azure region.')
param location string

@description('Encrypts the traffic between container apps.')
param peerEncryption bool = false
{{parameters}}
var tags = { 'azd-env-name': environmentName }
var token = uniqueString(subscription().id, environmentName, location)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module platform 'modules/platform.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token, peerEncryption: peerEncryption }
}
{{modules}}
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = platform.outputs.registry
output AZURE_CONTAINER_APPS_ENVIRONMENT_ID string = platform.outputs.environmentId
output AZURE_CONTAINER_APPS_DOMAIN string = platform.outputs.defaultDomain
output AZURE_IDENTITY_ID string = platform.outputs.identityId
output AZURE_KEY_VAULT_URI string = platform.outputs.vaultUri
{{outputs}}