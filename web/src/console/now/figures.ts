import type { TrafficRow } from './queries'
import { line, sum, type Steps } from './steps'

type Values = (number | null)[]

/** What was delivered and what was not, for each of some seconds. */
export interface Figures {
  times: number[]
  all: Values
  subscriptions: Values
  live: Values
  /** Results of queries and mutations. */
  requests: Values
  drops: Values
  refusals: Values
}

export function figuresOf(
  times: number[],
  traffic: Steps<TrafficRow>,
  pushed: Steps<TrafficRow>,
  results: Steps<TrafficRow>,
): Figures {
  const values = (steps: Steps<TrafficRow>, of: (row: TrafficRow) => number) => line(steps, times, (rows) => sum(rows, of))
  const events = (row: TrafficRow) => row.events
  const [all, subscriptions, live] = [values(traffic, events), values(pushed, events), values(results, events)]
  // The three are told one after the other: what is newer in one must not make the rest less than nothing.
  const requests = all.map((n, i) => Math.max(0, (n ?? 0) - (subscriptions[i] ?? 0) - (live[i] ?? 0)))
  const drops = values(traffic, (row) => row.dropped.total)
  const refusals = values(traffic, (row) => row.refused)
  return { times, all, subscriptions, live, requests, drops, refusals }
}
