// A server as a container app: one replica, reached only by the other apps. Its data live as long as the replica: a new revision,
// or a move by Azure, starts with empty data. For data that must outlive it, give the connection string of an external server.
param name string
param location string
param tags object
param environmentId string
param identityId string
param image string
param command string[]
param args string[]
param env object[]

@description('References to the vault.')
param secrets object[]

@description('The first is the one that tells whether the server is alive.')
param ports int[]

@description('Directories with data.')
param volumes { name: string, path: string }[]

@description('Files with their content.')
param files { name: string, path: string, content: string }[]
param cpu string
param memory string

resource server 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: false
        transport: 'tcp'
        targetPort: ports[0]
        exposedPort: ports[0]
        additionalPortMappings: [for port in skip(ports, 1): { external: false, targetPort: port, exposedPort: port }]
      }
      secrets: concat(secrets, map(files, file => { name: replace(file.name, '.', '-'), value: file.content }))
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: name
          image: image
          command: command
          args: args
          env: env
          resources: { cpu: json(cpu), memory: memory }
          probes: [
            { type: 'Startup', tcpSocket: { port: ports[0] }, periodSeconds: 10, failureThreshold: 10 }
            { type: 'Liveness', tcpSocket: { port: ports[0] }, periodSeconds: 30, failureThreshold: 3 }
          ]
          volumeMounts: concat(
            map(volumes, volume => { volumeName: volume.name, mountPath: volume.path }),
            map(files, file => { volumeName: 'files', mountPath: file.path, subPath: file.name })
          )
        }
      ]
      scale: { minReplicas: 1, maxReplicas: 1 }
      volumes: concat(
        map(volumes, volume => { name: volume.name, storageType: 'EmptyDir' }),
        empty(files)
          ? []
          : [
              {
                name: 'files'
                storageType: 'Secret'
                secrets: map(files, file => { secretRef: replace(file.name, '.', '-'), path: file.name })
              }
            ]
      )
    }
  }
}
