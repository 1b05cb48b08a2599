import { useLive } from '../live'
import { InvoicePanel, type Invoice } from '../consumers/Invoice'
import { MonthChoice, useMonth } from '../consumers/MonthChoice'
import { bounds } from '../consumers/months'
import { myInvoiceQuery, myTrafficQuery, myUsageQuery, type Usage } from '../consumers/queries'
import { TrafficPanel } from '../consumers/Traffic'
import { UsagePanel } from '../consumers/Usage'
import { Budgets } from './Budgets'
import type { BudgetsAnswer } from './queries'

/** What the viewer's consumer may have, has had and owes. */
export function Overview({ budgets }: { budgets: BudgetsAnswer }) {
  const [month, setMonth] = useMonth()
  const usage = useLive<{ usage: Usage[] }>(myUsageQuery, bounds(month))
  const invoice = useLive<{ myInvoice: Invoice | null }>(myInvoiceQuery, { month })
  return (
    <>
      <div className="heading">
        <h2>What you have</h2>
        <MonthChoice month={month} onChange={setMonth} />
      </div>
      <div className="grid">
        <Budgets answer={budgets} />
        <TrafficPanel query={myTrafficQuery} />
        <UsagePanel month={month} rows={usage.data?.usage} errors={usage.errors} again={usage.again} />
        <InvoicePanel month={month} invoice={invoice.data?.myInvoice} errors={invoice.errors} again={invoice.again} />
      </div>
    </>
  )
}
