import type { GraphQLError } from '../../shared/client'
import { count, money, span } from '../format'
import { Errors } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Table, type Column } from '../parts/Table'
import { monthName } from './months'

export interface InvoiceLine {
  plan: string
  item: string
  quantity: number
  unit: string
  price: string
  per: number
  currency: string
  amount: string
}

export interface Invoice {
  lines: InvoiceLine[]
  totals: { currency: string; amount: string }[]
  unpriced: string[]
}

interface Props {
  month: string
  /** Null: there is none. */
  invoice?: Invoice | null
  errors: GraphQLError[]
  again(): void
}

/** What a month costs so far. */
export function InvoicePanel({ month, invoice, errors, again }: Props) {
  const totals = invoice?.totals.map(({ currency, amount }) => money(amount, currency)).join(' and ')
  return (
    <Panel title={`Estimated invoice, ${monthName(month)}`} wide aside={totals && <b className="total">{totals}</b>}>
      <Errors errors={errors} again={again} />
      {invoice === undefined && errors.length === 0 && <Empty>Asking…</Empty>}
      {invoice === null && <Empty>There is no invoice: nothing was had in this month, or no plan has prices.</Empty>}
      {invoice && invoice.lines.length > 0 && (
        <Table
          label="Invoice"
          columns={columns}
          rows={invoice.lines}
          id={({ plan, item, price }) => `${plan} ${item} ${price}`}
        />
      )}
      {invoice && invoice.unpriced.length > 0 && (
        <p className="quiet">
          There is no price for what was had {invoice.unpriced.map(planOf).join(', nor for what was had ')}.
        </p>
      )}
      {invoice && invoice.lines.length > 0 && <p className="quiet">Taxes and discounts are not in it.</p>}
    </Panel>
  )
}

const items: Record<string, string> = { month: 'Month', events: 'Events', connected: 'Connected time', requests: 'Requests' }

const columns: Column<InvoiceLine>[] = [
  {
    title: 'Item',
    cell: ({ item, plan }) => (
      <span className="stacked">
        <span>{items[item] ?? item}</span>
        <small>{planOf(plan)}</small>
      </span>
    ),
  },
  { title: 'Quantity', number: true, cell: ({ quantity, unit }) => quantityText(quantity, unit) },
  {
    title: 'Price',
    number: true,
    wide: true,
    cell: ({ price, per, unit, currency }) => priceText(money(price, currency), per, unit),
  },
  { title: 'Amount', number: true, cell: ({ amount, currency }) => money(amount, currency) },
]

function planOf(plan: string): string {
  return plan ? `under the plan ${plan}` : 'without a plan'
}

export function quantityText(quantity: number, unit: string): string {
  return unit === 'ms' ? span(quantity / 1000) : count(quantity)
}

export function priceText(price: string, per: number, unit: string): string {
  if (per === 1) return price
  return `${price} per ${quantityText(per, unit)}`
}
