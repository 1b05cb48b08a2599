import { useState } from 'react'
import type { GraphQLError } from '../../shared/client'
import { bytes, count, span, utcDay } from '../format'
import { Errors } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Table, type Column } from '../parts/Table'
import { monthName } from './months'
import type { Usage } from './queries'
import { summed, summedBy, type Sum } from './usage'

interface Props {
  month: string
  rows?: Usage[]
  errors: GraphQLError[]
  again(): void
}

type Row = Sum & { name: string }

const orders = {
  'By day': (row: Usage) => row.at,
  'By field': (row: Usage) => row.field,
}

type Order = keyof typeof orders

/** What was had in a month, as it is billed. */
export function UsagePanel({ month, rows, errors, again }: Props) {
  const [order, setOrder] = useState<Order>('By day')
  const choice = (
    <div className="choice" role="group" aria-label="Added up">
      {(Object.keys(orders) as Order[]).map((one) => (
        <button type="button" key={one} aria-pressed={one === order} onClick={() => setOrder(one)}>
          {one}
        </button>
      ))}
    </div>
  )
  return (
    <Panel title={`Usage in ${monthName(month)}`} wide aside={choice}>
      <Errors errors={errors} again={again} />
      {!rows && <Empty>Asking…</Empty>}
      {rows?.length === 0 && <Empty>Nothing was had in this month.</Empty>}
      {rows && rows.length > 0 && <UsageTable rows={rows} order={order} />}
    </Panel>
  )
}

function UsageTable({ rows, order }: { rows: Usage[]; order: Order }) {
  const all = summed(rows)
  const name: Column<Row> =
    order === 'By day'
      ? { title: 'Day of UTC', cell: (row) => utcDay(new Date(row.name)) }
      : { title: 'Field', cell: (row) => <code>{row.name}</code> }
  const footer = (
    <tr>
      <th scope="row">Together</th>
      {figures.map((column) => (
        <td key={column.title} className={column.wide ? 'number wide' : 'number'}>
          {column.cell({ name: '', ...all })}
        </td>
      ))}
    </tr>
  )
  return (
    <Table
      label="Usage"
      columns={[name, ...figures]}
      rows={summedBy(rows, orders[order])}
      id={(row) => row.name}
      footer={footer}
    />
  )
}

const figures: Column<Row>[] = [
  { title: 'Events', number: true, cell: ({ events }) => count(events) },
  { title: 'Bytes', number: true, wide: true, cell: (row) => bytes(row.bytes) },
  { title: 'Connected', number: true, cell: ({ connectedSeconds }) => span(connectedSeconds) },
  { title: 'Requests', number: true, cell: ({ requests }) => count(requests) },
]
