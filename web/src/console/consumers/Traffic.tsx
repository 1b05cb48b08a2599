import { useState } from 'react'
import type { Variables } from '../../shared/client'
import { rate } from '../format'
import { useLive, useNow } from '../live'
import { line, sum, type Row } from '../now/steps'
import { Chart } from '../parts/Chart'
import { Errors } from '../parts/Notice'
import { Panel } from '../parts/Panel'
import type { Traffic } from './queries'

const ranges = {
  '1 h': { step: 'MINUTE', last: '1h', seconds: 60, count: 60 },
  '24 h': { step: 'MINUTE', last: '24h', seconds: 60, count: 24 * 60 },
  '30 d': { step: 'HOUR', last: '720h', seconds: 3600, count: 30 * 24 },
}

type RangeName = keyof typeof ranges

/** What somebody has had over time. `query` asks for `rows` of a `$range`. */
export function TrafficPanel({ query, variables }: { query: string; variables?: Variables }) {
  const [name, setName] = useState<RangeName>('1 h')
  const choice = (
    <div className="choice" role="group" aria-label="Range">
      {(Object.keys(ranges) as RangeName[]).map((one) => (
        <button type="button" key={one} aria-pressed={one === name} onClick={() => setName(one)}>
          {one}
        </button>
      ))}
    </div>
  )
  return (
    <Panel title="Deliveries per second" wide aside={choice}>
      <TrafficChart key={name} name={name} query={query} variables={variables} />
    </Panel>
  )
}

function TrafficChart({ name, query, variables }: { name: RangeName; query: string; variables?: Variables }) {
  const { step, last, seconds, count } = ranges[name]
  const { data, errors, again } = useLive<{ rows: Traffic[] }>(query, { ...variables, range: { step, last } })
  const times = stepTimes(useNow(10_000) / 1000, seconds, count)
  const steps = new Map((data?.rows ?? []).map((row) => [Date.parse(row.at) / 1000, [row]]))
  const perSecond = (value: (row: Traffic) => number) => line<Traffic & Row>(steps, times, (rows) => sum(rows, value) / seconds)
  return (
    <>
      <Errors errors={errors} again={again} />
      <Chart
        label={`Deliveries per second, last ${name}`}
        times={times}
        format={rate}
        lines={[
          { label: 'delivered', color: 1, values: perSecond((row) => row.events) },
          { label: 'dropped', color: 4, values: perSecond((row) => row.dropped.total) },
        ]}
      />
    </>
  )
}

/** The beginnings of the last `count` steps that are over. */
export function stepTimes(now: number, seconds: number, count: number): number[] {
  const current = Math.floor(now / seconds) * seconds
  return Array.from({ length: count }, (_, i) => current - (count - i) * seconds)
}
