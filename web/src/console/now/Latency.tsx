import { useState } from 'react'
import { millis } from '../format'
import { Chart } from '../parts/Chart'
import { Panel } from '../parts/Panel'
import { timedFields } from './latencies'
import type { LatencyRow } from './queries'
import { line, type Steps } from './steps'

/** How long events of one field took, by default of the busiest. Quantiles of several fields make no sum. */
export function LatencyPanel({ times, steps }: { times: number[]; steps: Steps<LatencyRow> }) {
  const [chosen, setChosen] = useState('')
  const fields = timedFields(steps)
  const field = chosen || fields[0]
  const of = (pick: (row: LatencyRow) => number) =>
    line(steps, times, (rows) => rows.filter((row) => row.field === field).map(pick)[0] ?? null, null)
  const choice = fields.length > 1 && (
    <select aria-label="Field" value={field} onChange={(event) => setChosen(event.target.value)}>
      {fields.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  )
  return (
    <Panel title="Latency" aside={choice || field || 'no event was timed'}>
      <Chart
        label={`Latency of ${field ?? 'events'}, last five minutes`}
        times={times}
        format={millis}
        lines={[
          { label: 'p50', color: 1, values: of((row) => row.p50Millis) },
          { label: 'p99', color: 4, values: of((row) => row.p99Millis) },
        ]}
      />
    </Panel>
  )
}
