import { brief, bytes, rate, title } from '../format'
import { useLive } from '../live'
import { Empty, Panel } from '../parts/Panel'
import { Errors } from '../parts/Notice'
import { Table, type Column } from '../parts/Table'
import { ConsumerLink } from '../consumers/ConsumerLink'
import { topQuery, type Share } from './queries'

const span = 300
const variables = { range: { step: 'SECOND', last: `${span}s` } }

const figures: Column<Share>[] = [
  { title: 'Deliveries/s', number: true, cell: ({ events }) => rate(events / span) },
  { title: 'Bytes', number: true, cell: (row) => bytes(row.bytes) },
  { title: 'Dropped', number: true, wide: true, cell: ({ dropped }) => brief(dropped.total) },
]

const operationColumns: Column<Share>[] = [
  {
    title: 'Operation',
    cell: ({ kind, operation, field, document }) => (
      <span className="stacked" title={document ? `Document ${document}` : undefined}>
        <b>{operation ?? 'without a name'}</b>
        <small>{[kind && title(kind), field?.split('.')[1]].filter(Boolean).join(' · ')}</small>
      </span>
    ),
  },
  ...figures,
]

const consumerColumns: Column<Share>[] = [{ title: 'Consumer', cell: (row) => <ConsumerLink {...row} /> }, ...figures]

/** Which operations, and whose, have had the most in the last five minutes. */
export function Top() {
  const { data, errors, again } = useLive<{ operations: Share[]; consumers: Share[] }>(topQuery, variables)
  return (
    <>
      <Panel title="Top operations" aside="last 5 min">
        <Errors errors={errors} again={again} />
        <Shares label="Top operations" rows={data?.operations} columns={operationColumns} />
      </Panel>
      <Panel title="Top consumers" aside="last 5 min">
        <Shares label="Top consumers" rows={data?.consumers} columns={consumerColumns} />
      </Panel>
    </>
  )
}

function Shares({ label, rows, columns }: { label: string; rows?: Share[]; columns: Column<Share>[] }) {
  if (!rows) return <Empty>Asking…</Empty>
  if (rows.length === 0) return <Empty>Nothing has run in the last five minutes.</Empty>
  const id = (row: Share) => JSON.stringify([row.kind, row.operation, row.document, row.consumer, row.issuer])
  return <Table label={label} columns={columns} rows={rows} id={id} />
}
