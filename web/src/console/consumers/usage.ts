// Sums of what consumers have had.

import type { ApiKey, ShareOfDay, Usage } from './queries'

export interface Sum {
  events: number
  bytes: number
  connectedSeconds: number
  requests: number
}

const nothing: Sum = { events: 0, bytes: 0, connectedSeconds: 0, requests: 0 }

export function summed(rows: Usage[]): Sum {
  return rows.reduce(
    (sum, row) => ({
      events: sum.events + row.events,
      bytes: sum.bytes + row.bytes,
      connectedSeconds: sum.connectedSeconds + row.connectedSeconds,
      requests: sum.requests + row.requests,
    }),
    nothing,
  )
}

/** The sums of rows with the same name, in the order of the names. */
export function summedBy(rows: Usage[], name: (row: Usage) => string): (Sum & { name: string })[] {
  const groups = new Map<string, Usage[]>()
  for (const row of rows) groups.set(name(row), [...(groups.get(name(row)) ?? []), row])
  return [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([key, list]) => ({ name: key, ...summed(list) }))
}

/** What the list of consumers has of one; without a name they are the anonymous callers. */
export interface Consumer {
  consumer: string | null
  issuer: string | null
  /** Of the last 24 hours. */
  day: { events: number; bytes: number; dropped: number }
  /** Of the calendar month. */
  month: Sum
  /** Keys that are good. */
  keys: number
}

/** All consumers that are known from any side: those with the most events of the day first. */
export function gathered(shares: ShareOfDay[], usage: Usage[], keys: ApiKey[]): Consumer[] {
  const found = new Map<string, Consumer>()
  const of = (consumer: string | null, issuer: string | null): Consumer => {
    const key = JSON.stringify([consumer, issuer])
    const known = found.get(key) ?? { consumer, issuer, day: { events: 0, bytes: 0, dropped: 0 }, month: nothing, keys: 0 }
    found.set(key, known)
    return known
  }
  for (const { consumer, issuer, events, bytes, dropped } of shares) {
    const { day } = of(consumer, issuer)
    day.events += events
    day.bytes += bytes
    day.dropped += dropped.total
  }
  for (const row of usage) {
    const known = of(row.consumer, row.issuer)
    known.month = summed([row, { ...row, ...known.month }])
  }
  for (const { consumer, revokedAt } of keys) of(consumer, null).keys += revokedAt ? 0 : 1
  return [...found.values()].sort((a, b) => b.day.events - a.day.events || (a.consumer ?? '').localeCompare(b.consumer ?? ''))
}
