import { brief, millis, percent, span } from '../format'
import { useNow } from '../live'
import { Empty, Panel } from '../parts/Panel'
import { Status } from '../parts/Status'
import { Table, type Column } from '../parts/Table'
import { Time } from '../parts/Time'
import type { Backend, Calls, GatewayNode } from './queries'

/** The services behind each node, as that node finds them. */
export function Backends({ nodes }: { nodes?: GatewayNode[] }) {
  const now = useNow(10_000)
  return (
    <Panel title="Back ends" wide>
      {!nodes && <Empty>Asking…</Empty>}
      {nodes?.map((node) => (
        <article className="node" key={node.name}>
          <h3>
            {node.name} <small>{nodeLine(node, now)}</small>
          </h3>
          <div className="backends">
            {node.backends.map((backend) => (
              <BackendCard key={backend.name} node={node.name} backend={backend} />
            ))}
          </div>
        </article>
      ))}
    </Panel>
  )
}

function nodeLine({ version, startedAt, draining }: GatewayNode, now: number): string {
  const up = `up for ${span((now - Date.parse(startedAt)) / 1000)}`
  return [version, up, draining && 'about to stop'].filter(Boolean).join(' · ')
}

function BackendCard({ node, backend }: { node: string; backend: Backend }) {
  const { name, up, since, reason, reconnects, calls } = backend
  return (
    <section className="backend" aria-label={`${name} of ${node}`}>
      <h4>
        <Status tone={up ? 'good' : 'bad'}>{up ? 'up' : 'down'}</Status> {name}
      </h4>
      <p>
        since <Time at={since} />
        {reconnects > 0 && `, ${brief(reconnects)} ${reconnects === 1 ? 'reconnect' : 'reconnects'}`}
      </p>
      {reason && <p className="reason">{reason}</p>}
      {calls.length > 0 && (
        <Table label={`Calls of ${name}, ${node}`} columns={callColumns} rows={calls} id={({ call }) => call} />
      )}
    </section>
  )
}

const callColumns: Column<Calls>[] = [
  {
    title: 'Call',
    cell: ({ call, lastError, lastFailedAt }) => (
      <span className="stacked">
        <span>{call}</span>
        {lastError && lastFailedAt && (
          <small className="bad">
            {lastError}, <Time at={lastFailedAt} />
          </small>
        )}
      </span>
    ),
  },
  { title: 'Count', number: true, cell: ({ count }) => brief(count) },
  { title: 'p99', number: true, cell: ({ p99Millis }) => millis(p99Millis) },
  {
    title: 'Errors',
    number: true,
    cell: ({ errorRatio }) => <span className={errorRatio > 0 ? 'bad' : undefined}>{percent(errorRatio)}</span>,
  },
]
