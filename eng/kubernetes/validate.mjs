// Reads Kubernetes objects as YAML from standard input and prints them as a JSON array. Fails if one of them does not satisfy
// Kubernetes' own schema. Objects of other API groups (a ServiceMonitor) are printed, but have no schema here.
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

const objects = parseAllDocuments(readFileSync(0, 'utf8'), { uniqueKeys: true }).flatMap(document => {
  if (document.errors.length > 0) throw document.errors[0]
  return document.toJS() ?? []
})
let failed = false
for (const object of objects) {
  const [group] = object.apiVersion.split('/')
  if (object.apiVersion.includes('/') && group.includes('.') && !group.endsWith('.k8s.io')) continue
  const name = `${object.kind} ${object.metadata?.name}`
  try {
    const { [object.kind]: Model } = await import(`kubernetes-models/${object.apiVersion}`)
    new Model(object).validate()
  } catch (error) {
    failed = true
    console.error(`${name}: ${error.message}`)
  }
}
console.log(JSON.stringify(objects))
process.exitCode = failed ? 1 : 0
