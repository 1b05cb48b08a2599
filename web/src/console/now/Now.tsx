import { useNow } from '../live'
import { Errors, Notice } from '../parts/Notice'
import { Backends } from './Backends'
import { Charts } from './Charts'
import { figuresOf } from './figures'
import { latencyQuery, liveResultsQuery, pushedQuery, sessionsQuery, trafficQuery } from './queries'
import type { GatewayNode, LatencyRow, SessionRow, TrafficRow } from './queries'
import { seconds } from './steps'
import { Tiles } from './Tiles'
import { Top } from './Top'
import { useSteps } from './useSteps'

const span = 300 // seconds

/** The gateway now, and in the last five minutes. */
export function Now({ nodes }: { nodes?: GatewayNode[] }) {
  const traffic = useSteps<TrafficRow>(trafficQuery, span)
  const pushed = useSteps<TrafficRow>(pushedQuery, span)
  const live = useSteps<TrafficRow>(liveResultsQuery, span)
  const latencies = useSteps<LatencyRow>(latencyQuery, span)
  const sessions = useSteps<SessionRow>(sessionsQuery, span)
  const times = seconds(useNow() / 1000, span)
  const figures = figuresOf(times, traffic.steps, pushed.steps, live.steps)
  const draining = (nodes ?? []).filter((node) => node.draining).map(({ name }) => name)
  return (
    <>
      <Errors errors={traffic.errors} />
      {draining.length > 0 && <Notice kind="warn">About to stop: {draining.join(', ')}.</Notice>}
      <Tiles nodes={nodes} figures={figures} latencies={latencies.steps} />
      <div className="grid">
        <Charts figures={figures} latencies={latencies.steps} sessions={sessions.steps} />
        <Top />
        <Backends nodes={nodes} />
      </div>
    </>
  )
}
