import { rate } from '../format'
import { Chart, type Line } from '../parts/Chart'
import { Panel } from '../parts/Panel'
import type { Figures } from './figures'
import { LatencyPanel } from './Latency'
import type { LatencyRow, SessionRow } from './queries'
import type { Steps } from './steps'
import { transports } from './transports'

interface Props {
  figures: Figures
  latencies: Steps<LatencyRow>
  sessions: Steps<SessionRow>
}

/** The last five minutes by the second. */
export function Charts({ figures, latencies, sessions }: Props) {
  const { times, subscriptions, live, requests, drops, refusals } = figures
  const deliveries: Line[] = [
    { label: 'subscriptions', color: 1, values: subscriptions },
    { label: 'live queries', color: 2, values: live },
    { label: 'requests', color: 3, values: requests },
  ]
  const losses: Line[] = [
    { label: 'dropped events', color: 4, values: drops },
    { label: 'refused operations', color: 5, values: refusals },
  ]
  return (
    <>
      <ChartPanel title="Deliveries per second" times={times} lines={deliveries} />
      <LatencyPanel times={times} steps={latencies} />
      <ChartPanel title="Drops and refusals per second" times={times} lines={losses} />
      <ChartPanel title="Open sessions" times={times} lines={transports(sessions, times)} />
    </>
  )
}

function ChartPanel({ title, times, lines }: { title: string; times: number[]; lines: Line[] }) {
  return (
    <Panel title={title} aside="last 5 min">
      <Chart label={`${title}, last five minutes`} times={times} lines={lines} format={rate} />
    </Panel>
  )
}
