import { useState } from 'react'
import { brief, bytes, span } from '../format'
import { useLive, useOnce } from '../live'
import { Errors } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Table, type Column } from '../parts/Table'
import { ConsumerLink } from './ConsumerLink'
import { CreateKey } from './CreateKey'
import { bounds, monthOf } from './months'
import { dayQuery, keysQuery, monthQuery, type ApiKey, type ShareOfDay, type Usage } from './queries'
import { gathered, type Consumer } from './usage'

/** Everybody who has had something, or could. */
export function Consumers() {
  const day = useLive<{ top: ShareOfDay[] }>(dayQuery)
  const [from] = useState(() => bounds(monthOf(new Date())).from)
  const month = useLive<{ usage: Usage[] }>(monthQuery, { from })
  const keys = useOnce<{ apiKeys: ApiKey[] }>(keysQuery)
  const [search, setSearch] = useState('')
  const [creating, setCreating] = useState(false)
  const known = day.data || month.data || keys.data
  const all = gathered(day.data?.top ?? [], month.data?.usage ?? [], keys.data?.apiKeys ?? [])
  const listed = all.filter(({ consumer }) => (consumer ?? 'anonymous').toLowerCase().includes(search.trim().toLowerCase()))
  return (
    <Panel
      title="Consumers"
      wide
      aside={
        <button type="button" className="primary" onClick={() => setCreating(true)}>
          New key…
        </button>
      }
    >
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="Search consumers"
          placeholder="Search consumers"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      <Errors errors={[day, month, keys].flatMap(({ errors }) => errors)} again={day.again} />
      {!known && <Empty>Asking…</Empty>}
      {known && listed.length === 0 && (
        <Empty>{all.length === 0 ? 'Nobody has had anything yet, and there are no keys.' : 'No consumer is called so.'}</Empty>
      )}
      {listed.length > 0 && (
        <Table
          label="Consumers"
          columns={columns}
          rows={listed}
          id={({ consumer, issuer }) => JSON.stringify([consumer, issuer])}
        />
      )}
      {creating && <CreateKey onClose={() => setCreating(false)} onMade={keys.again} />}
    </Panel>
  )
}

const columns: Column<Consumer>[] = [
  { title: 'Consumer', cell: (row) => <ConsumerLink {...row} /> },
  { title: 'Deliveries, 24 h', number: true, cell: ({ day }) => brief(day.events) },
  { title: 'Bytes, 24 h', number: true, wide: true, cell: ({ day }) => bytes(day.bytes) },
  {
    title: 'Dropped, 24 h',
    number: true,
    wide: true,
    cell: ({ day }) => <span className={day.dropped > 0 ? 'warn' : undefined}>{brief(day.dropped)}</span>,
  },
  { title: 'Events, month', number: true, cell: ({ month }) => brief(month.events) },
  { title: 'Requests, month', number: true, wide: true, cell: ({ month }) => brief(month.requests) },
  { title: 'Connected, month', number: true, wide: true, cell: ({ month }) => span(month.connectedSeconds) },
  { title: 'Keys', number: true, cell: ({ keys }) => brief(keys) },
]
