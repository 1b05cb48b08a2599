// What the view of now asks for. Names of the types are those of the gateway's schema.

import type { Row } from './steps'

export interface TrafficRow extends Row {
  events: number
  dropped: { total: number }
  refused: number
}

export interface Deliveries {
  rows: TrafficRow[]
}

const counted = 'at events refused dropped { total }'

export const trafficQuery = `query ConsoleTraffic($range: Range!) @live(throttle: 1000) {
  rows: traffic(range: $range) { ${counted} }
}`

export const pushedQuery = `query ConsolePushed($range: Range!) @live(throttle: 1000) {
  rows: traffic(range: $range, filter: { kind: SUBSCRIPTION }) { ${counted} }
}`

export const liveResultsQuery = `query ConsoleLiveResults($range: Range!) @live(throttle: 1000) {
  rows: traffic(range: $range, filter: { kind: LIVE }) { ${counted} }
}`

export interface LatencyRow extends Row {
  field: string
  count: number
  p50Millis: number
  p99Millis: number
}

export const latencyQuery = `query ConsoleLatencies($range: Range!) @live(throttle: 1000) {
  rows: latencies(range: $range) { at field count p50Millis p99Millis }
}`

export interface SessionRow extends Row {
  transport: string
  average: number
}

export const sessionsQuery = `query ConsoleSessions($range: Range!) @live(throttle: 1000) {
  rows: sessions(range: $range) { at transport average }
}`

export interface Calls {
  call: string
  count: number
  errorRatio: number
  p99Millis: number
  lastError: string | null
  lastFailedAt: string | null
}

export interface Backend {
  name: string
  up: boolean
  since: string
  reason: string | null
  reconnects: number
  calls: Calls[]
}

export interface Count {
  name: string
  count: number
}

export interface GatewayNode {
  name: string
  version: string | null
  startedAt: string
  draining: boolean
  sessions: Count[]
  operations: Count[]
  backends: Backend[]
}

export const nodesQuery = `query ConsoleNodes @live(throttle: 1000) {
  nodes {
    name version startedAt draining
    sessions { name count }
    operations { name count }
    backends { name up since reason reconnects calls { call count errorRatio p99Millis lastError lastFailedAt } }
  }
}`

export interface Share {
  kind: string | null
  operation: string | null
  document: string | null
  field: string | null
  consumer: string | null
  issuer: string | null
  events: number
  bytes: number
  dropped: { total: number }
}

export const topQuery = `query ConsoleTop($range: Range!) @live(throttle: 2000) {
  operations: top(by: OPERATION, range: $range, first: 8) { ...Share }
  consumers: top(by: CONSUMER, range: $range, first: 8) { ...Share }
}
fragment Share on Share { kind operation document field consumer issuer events bytes dropped { total } }`
