import { useDeferredValue, useReducer, useState } from 'react'
import { brief, bytes, none, rate, span, title } from '../format'
import { useLive, useNow } from '../live'
import { Errors, Notice } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Table, type Column } from '../parts/Table'
import { Tag } from '../parts/Tag'
import { Details } from './Details'
import { myOperationsQuery, operationsQuery, type RunningOperation, type RunningOperations } from './queries'
import { measured, noSpeeds, type Sample, type Speeds } from './speed'

const kinds = ['SUBSCRIPTION', 'LIVE', 'QUERY', 'MUTATION']

/** Operations that run now: everybody's, to be ended, or those of the viewer's consumer. */
export function Operations({ everybody }: { everybody: boolean }) {
  const [search, setSearch] = useState('')
  const [kind, setKind] = useState('')
  const [opened, setOpened] = useState<RunningOperation>()
  const [speeds, measure] = useReducer((before: Speeds, samples: Sample[]) => measured(before, samples, Date.now()), noSpeeds)
  const text = useDeferredValue(search.trim())
  const variables = { search: text || undefined, kind: (everybody && kind) || undefined }
  const { data, errors, again } = useLive<{ operations: RunningOperations }>(
    everybody ? operationsQuery : myOperationsQuery,
    variables,
    ({ operations }) => measure(operations.list),
  )
  const running = data?.operations
  return (
    <Panel title="Running operations" wide aside={running && counted(running)}>
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="Search"
          placeholder="Search in names"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        {everybody && (
          <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">All kinds</option>
            {kinds.map((name) => (
              <option key={name} value={name}>
                {title(name)}
              </option>
            ))}
          </select>
        )}
      </div>
      <Errors errors={errors} again={again} />
      {running && running.missing.length > 0 && (
        <Notice kind="warn">
          Not listed and not counted, because these nodes did not answer in time: {running.missing.join(', ')}.
        </Notice>
      )}
      <List running={running} narrowed={Boolean(text || kind)} speeds={speeds} everybody={everybody} onOpen={setOpened} />
      {opened && (
        <Details
          operation={running?.list.find(({ id }) => id === opened.id) ?? opened}
          gone={running !== undefined && !running.list.some(({ id }) => id === opened.id)}
          mayEnd={everybody}
          onClose={() => setOpened(undefined)}
        />
      )}
    </Panel>
  )
}

function counted({ total, list }: RunningOperations): string {
  return total > list.length ? `${brief(list.length)} of ${brief(total)}, those with the most events` : `${brief(total)} in all`
}

interface ListProps {
  running?: RunningOperations
  narrowed: boolean
  speeds: Speeds
  everybody: boolean
  onOpen(operation: RunningOperation): void
}

function List({ running, narrowed, speeds, everybody, onOpen }: ListProps) {
  const now = useNow()
  if (!running) return <Empty>Asking…</Empty>
  if (running.list.length === 0) return <Empty>{narrowed ? 'Nothing that runs now is like that.' : 'Nothing runs now.'}</Empty>
  const consumer: Column<RunningOperation> = {
    title: 'Consumer',
    wide: true,
    cell: (row) => (
      <span className="stacked">
        <span>{row.consumer ?? <i>anonymous</i>}</span>
        {row.subject && <small>{row.subject}</small>}
      </span>
    ),
  }
  const columns: Column<RunningOperation>[] = [
    {
      title: 'Operation',
      cell: (row) => (
        <button type="button" className="row" onClick={() => onOpen(row)}>
          <b>{row.operation ?? row.field.split('.')[1]}</b>
          <small>{row.field}</small>
        </button>
      ),
    },
    { title: 'Kind', wide: true, cell: (row) => <Tag name={row.kind} /> },
    ...(everybody ? [consumer] : []),
    { title: 'Client', wide: true, cell: (row) => [row.client ?? none, row.clientVersion].filter(Boolean).join(' ') },
    { title: 'Transport', wide: true, cell: (row) => row.transport },
    { title: 'Runs for', number: true, cell: (row) => span((now - Date.parse(row.startedAt)) / 1000) },
    {
      title: 'Events/s',
      number: true,
      cell: (row) => (speeds.perSecond.has(row.id) ? rate(speeds.perSecond.get(row.id) ?? 0) : none),
    },
    { title: 'Events', number: true, wide: true, cell: (row) => brief(row.events) },
    { title: 'Bytes', number: true, wide: true, cell: (row) => bytes(row.bytes) },
    {
      title: 'Dropped',
      number: true,
      cell: (row) => <span className={row.dropped.total > 0 ? 'warn' : undefined}>{brief(row.dropped.total)}</span>,
    },
  ]
  return <Table label="Running operations" columns={columns} rows={running.list} id={({ id }) => id} />
}
