// {{name}}. azd deploys this file with the image that it has just built (infra/{{name}}.parameters.json).
param environmentName string
param location string
param image string
param environmentId string
param identityId string
param registry string
param vaultUri string

@description('The settings without a value, separated by commas. The vault has no secret for them.')
param unset string
param minReplicas int = 2
param maxReplicas int = 4
{{parameters}}
var secretNames = filter({{secretNames}}, name => !contains(split(unset, ','), name))

var variables { name: string, value: string?, secretRef: string? }[] = {{env}}

var env = filter(variables, variable => !contains(split(unset, ','), variable.?secretRef ?? ' '))

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: '{{name}}'
  location: location
  tags: { 'azd-env-name': environmentName, 'azd-service-name': '{{name}}' }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    configuration: {
      activeRevisionsMode: 'Single' // the old revision serves until the new one is ready
      ingress: {{ingress}}
      registries: [{ server: registry, identity: identityId }]
      secrets: [for name in secretNames: { name: name, keyVaultUrl: '${vaultUri}secrets/${name}', identity: identityId }]
    }
    template: {
      terminationGracePeriodSeconds: 40
      initContainers: {{initContainers}}
      containers: [
        {
          name: '{{name}}'
          image: image
          args: {{args}}
          env: env
          resources: { cpu: json('0.5'), memory: '1Gi' }
          probes: {{probes}}
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [{ name: 'http', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}
