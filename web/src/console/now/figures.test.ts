import { expect, it } from 'vitest'
import { figuresOf } from './figures'
import { latest, timedFields } from './latencies'
import type { LatencyRow, SessionRow, TrafficRow } from './queries'
import { merged } from './steps'
import { transports } from './transports'

const at = new Date(1000 * 1000).toISOString()
const steps = <R extends { at: string }>(...rows: R[]) => merged<R>(new Map(), rows, 1001, 300)
const traffic = (events: number): TrafficRow => ({ at, events, refused: 1, dropped: { total: 2 } })

it('requests are what is neither pushed nor live, and never less than nothing', () => {
  expect(figuresOf([1000], steps(traffic(10)), steps(traffic(6)), steps(traffic(3))).requests).toEqual([1])
  expect(figuresOf([1000], steps(traffic(10)), steps(traffic(12)), steps(traffic(0))).requests).toEqual([0])
})

it('latency is that of the busiest field unless another one is chosen', () => {
  const row = (field: string, count: number): LatencyRow => ({ at, field, count, p50Millis: 1, p99Millis: count })
  const known = steps(row('Subscription.a', 1), row('Subscription.b', 5))
  expect(timedFields(known)).toEqual(['Subscription.b', 'Subscription.a'])
  expect(latest(known, 'Subscription.b')?.p99Millis).toBe(5)
  expect(latest(known, undefined)).toBeUndefined()
})

it('a transport keeps its colour while it is shown', () => {
  const row = (transport: string): SessionRow => ({ at, transport, average: 2 })
  const lines = transports(steps(row('websocket'), row('sse')), [1000])
  expect(lines.map(({ label, color }) => [label, color])).toEqual([
    ['sse', 1],
    ['websocket', 2],
  ])
  expect(transports(new Map(), [1000, 1001])[0].values).toEqual([0, 0])
})
