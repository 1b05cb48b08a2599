export interface Drops {
  total: number
  slow: number
  rate: number
  lease: number
  write: number
  decode: number
  overrun: number
}

export interface RunningOperation {
  id: string
  node: string
  kind: string
  operation: string | null
  document: string
  field: string
  topic: string | null
  consumer: string | null
  issuer: string | null
  subject: string | null
  plan: string | null
  transport: string
  client: string | null
  clientVersion: string | null
  country: string | null
  startedAt: string
  events: number
  bytes: number
  failed: number
  dropped: Drops
}

export interface RunningOperations {
  total: number
  list: RunningOperation[]
  missing: string[]
}

const running = `total missing list {
    id node kind operation document field topic consumer issuer subject plan transport client clientVersion country
    startedAt events bytes failed dropped { total slow rate lease write decode overrun }
  }`

export const operationsQuery = `query ConsoleOperations($search: String, $kind: OperationKind) @live(throttle: 1000) {
  operations(search: $search, kind: $kind, first: 100) { ${running} }
}`

export const myOperationsQuery = `query ConsoleMyOperations($search: String) @live(throttle: 2000) {
  operations: myOperations(search: $search, first: 100) { ${running} }
}`

export const endMutation = `mutation ConsoleEndOperation($id: ID!, $reason: String!) {
  endOperation(id: $id, reason: $reason) { id }
}`
