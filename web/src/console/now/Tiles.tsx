import { brief, millis, rate } from '../format'
import { together, total } from '../fleet'
import { Tile } from '../parts/Tile'
import type { Figures } from './figures'
import { latest, timedFields } from './latencies'
import type { Count, GatewayNode, LatencyRow } from './queries'
import { lately, type Steps } from './steps'

interface Props {
  nodes?: GatewayNode[]
  figures: Figures
  latencies: Steps<LatencyRow>
}

/** What is going on, in five figures. */
export function Tiles({ nodes, figures, latencies }: Props) {
  const sessions = together((nodes ?? []).map((node) => node.sessions))
  const operations = together((nodes ?? []).map((node) => node.operations))
  const speed = (values: (number | null)[]) => rate(lately(values) ?? 0)
  const [field] = timedFields(latencies)
  const timed = latest(latencies, field)
  return (
    <dl className="tiles">
      <Tile label="Sessions" value={nodes ? brief(total(sessions)) : '…'}>
        {listed(sessions) || 'nobody is connected'}
      </Tile>
      <Tile label="Running operations" value={nodes ? brief(total(operations)) : '…'}>
        {listed(operations) || 'nothing runs'}
      </Tile>
      <Tile label="Deliveries per second" value={speed(figures.all)}>
        {`${speed(figures.subscriptions)} pushed, ${speed(figures.live)} live`}
      </Tile>
      <Tile label="Drops per second" value={speed(figures.drops)} tone={lately(figures.drops) ? 'warn' : undefined}>
        {`${speed(figures.refusals)} refused`}
      </Tile>
      <Tile label="Latency, p99" value={millis(timed?.p99Millis)}>
        {field ? `p50 ${millis(timed?.p50Millis)}, ${field.split('.')[1]}` : 'no event was timed'}
      </Tile>
    </dl>
  )
}

function listed(counts: Count[]): string {
  return counts.map(({ name, count }) => `${brief(count)} ${name}`).join(', ')
}
