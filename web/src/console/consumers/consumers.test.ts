import { describe, expect, it } from 'vitest'
import { priceText, quantityText } from './Invoice'
import { keyState, words } from './keyState'
import { bounds, lastMonths, monthName } from './months'
import type { ApiKey, Usage } from './queries'
import { stepTimes } from './Traffic'
import { gathered, summed, summedBy } from './usage'

const usage = (consumer: string | null, field: string, events: number): Usage => ({
  at: '2026-11-21T00:00:00Z',
  consumer,
  issuer: null,
  plan: null,
  field,
  events,
  bytes: 10,
  connectedSeconds: 0.5,
  requests: 1,
})
const key = (rest: Partial<ApiKey> = {}): ApiKey => ({
  id: 'k',
  name: 'Key',
  consumer: 'shop',
  subject: null,
  scopes: [],
  publish: [],
  plan: null,
  createdAt: '2026-11-01T00:00:00Z',
  expiresAt: null,
  revokedAt: null,
  previousSecretUntil: null,
  ...rest,
})

describe('usage', () => {
  it('is summed up', () =>
    expect(summed([usage('a', 'x', 1), usage('a', 'y', 2)])).toEqual({ events: 3, bytes: 20, connectedSeconds: 1, requests: 2 }))
  it('is summed up by a name, in its order', () => {
    const sums = summedBy([usage('a', 'y', 1), usage('a', 'x', 2), usage('a', 'y', 3)], ({ field }) => field)
    expect(sums.map(({ name, events }) => [name, events])).toEqual([
      ['x', 2],
      ['y', 4],
    ])
  })
})

describe('consumers', () => {
  const share = { consumer: 'b', issuer: 'https://login.example/', events: 5, bytes: 1, dropped: { total: 0 } }
  const list = gathered(
    [share],
    [usage('a', 'x', 1), usage('a', 'y', 2), usage(null, 'x', 1)],
    [key(), key({ revokedAt: '2026-11-02T00:00:00Z' })],
  )
  it('are those with traffic, with usage, or with keys', () => {
    expect(list.map(({ consumer }) => consumer)).toEqual(['b', null, 'a', 'shop'])
  })
  it('have their month, and the keys that are good', () => {
    expect(list.find(({ consumer }) => consumer === 'a')?.month.events).toBe(3)
    expect(list.find(({ consumer }) => consumer === 'shop')?.keys).toBe(1)
  })
})

describe('a key', () => {
  const now = Date.parse('2026-11-21T00:00:00Z')
  it.each([
    ['is good', key(), 'good'],
    ['is good for long', key({ expiresAt: '2027-11-21T00:00:00Z' }), 'good'],
    ['expires within a week', key({ expiresAt: '2026-11-22T00:00:00Z' }), 'expires soon'],
    ['has expired', key({ expiresAt: '2026-11-20T00:00:00Z' }), 'expired'],
    ['was revoked, whatever else', key({ revokedAt: '2026-11-20T00:00:00Z', expiresAt: '2026-11-20T00:00:00Z' }), 'revoked'],
    ['is being rotated', key({ previousSecretUntil: '2026-11-22T00:00:00Z' }), 'two secrets'],
    ['was rotated', key({ previousSecretUntil: '2026-11-20T00:00:00Z' }), 'good'],
  ])('%s', (_, of, want) => expect(keyState(of, now).word).toBe(want))
  it('has the scopes that were written down, once each', () => expect(words(' a, b\nb  c ')).toEqual(['a', 'b', 'c']))
})

describe('months', () => {
  it('go back over the turn of a year', () =>
    expect(lastMonths(new Date('2026-01-31T12:00:00Z'), 3)).toEqual(['2026-01', '2025-12', '2025-11']))
  it('end where the next one begins', () => {
    expect(bounds('2026-12')).toEqual({ from: '2026-12-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' })
  })
  it('have names', () => expect(monthName('2026-11')).toBe('November 2026'))
})

describe('an invoice', () => {
  it('counts connected time as time', () => expect(quantityText(5_983_000, 'ms')).toBe('1 h 39 min'))
  it('says what a price is for', () => {
    expect(priceText('€0.20', 1000, 'event')).toBe('€0.20 per 1,000')
    expect(priceText('€29.00', 1, 'month')).toBe('€29.00')
  })
})

it('a chart of the past ends with the last step that is over', () => {
  expect(stepTimes(185, 60, 3)).toEqual([0, 60, 120])
})
