import type { Invoice } from './Invoice'

export interface ShareOfDay {
  consumer: string | null
  issuer: string | null
  events: number
  bytes: number
  dropped: { total: number }
}

export interface Usage {
  at: string
  consumer: string | null
  issuer: string | null
  plan: string | null
  field: string
  events: number
  bytes: number
  connectedSeconds: number
  requests: number
}

export interface ApiKey {
  id: string
  name: string
  consumer: string
  subject: string | null
  scopes: string[]
  publish: string[]
  plan: string | null
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
  previousSecretUntil: string | null
}

export interface Traffic {
  at: string
  events: number
  bytes: number
  dropped: { total: number }
}

const usageFields = 'at consumer issuer plan field events bytes connectedSeconds requests'
const trafficFields = 'at events bytes dropped { total }'
const invoiceFields =
  'consumer issuer lines { plan item quantity unit price per currency amount } totals { currency amount } unpriced'

export const dayQuery = `query ConsoleConsumers @live(throttle: 5000) {
  top(by: CONSUMER, range: { step: HOUR, last: "24h" }, first: 100) { consumer issuer events bytes dropped { total } }
}`

export const monthQuery = `query ConsoleMonth($from: Time!) @live(throttle: 10000) {
  usage(from: $from, step: MONTH) { ${usageFields} }
}`

export const trafficQuery = `query ConsoleConsumerTraffic($range: Range!, $consumer: String!, $issuer: String!) @live(throttle: 5000) {
  rows: traffic(range: $range, filter: { consumer: $consumer, issuer: $issuer }) { ${trafficFields} }
}`

export const myTrafficQuery = `query ConsoleMyTraffic($range: Range!) @live(throttle: 5000) {
  rows: myTraffic(range: $range) { ${trafficFields} }
}`

export const usageQuery = `query ConsoleUsage($from: Time!, $to: Time, $consumer: String) @live(throttle: 10000) {
  usage(from: $from, to: $to, consumer: $consumer) { ${usageFields} }
}`

export const myUsageQuery = `query ConsoleMyUsage($from: Time!, $to: Time) @live(throttle: 10000) {
  usage: myUsage(from: $from, to: $to) { ${usageFields} }
}`

export interface Invoices {
  invoices: (Invoice & { consumer: string; issuer: string | null })[]
}

export const invoiceQuery = `query ConsoleInvoice($month: String!, $consumer: String) @live(throttle: 30000) {
  invoices(month: $month, consumer: $consumer) { ${invoiceFields} }
}`

export const myInvoiceQuery = `query ConsoleMyInvoice($month: String!) @live(throttle: 30000) {
  myInvoice(month: $month) { ${invoiceFields} }
}`

const keyFields = 'id name consumer subject scopes publish plan createdAt expiresAt revokedAt previousSecretUntil'

export const keysQuery = `query ConsoleKeys($consumer: String, $after: ID) {
  apiKeys(consumer: $consumer, first: 100, after: $after) { ${keyFields} }
}`

export const createKeyMutation = `mutation ConsoleCreateKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { key apiKey { ${keyFields} } }
}`

export const rotateKeyMutation = `mutation ConsoleRotateKey($id: ID!, $graceSeconds: Int!) {
  rotateApiKey(id: $id, graceSeconds: $graceSeconds) { key apiKey { ${keyFields} } }
}`

export const revokeKeyMutation = `mutation ConsoleRevokeKey($id: ID!) {
  revokeApiKey(id: $id) { id }
}`
