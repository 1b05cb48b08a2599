import { link } from '../route'
import { InvoicePanel } from './Invoice'
import { Keys } from './Keys'
import { MonthChoice, useMonth } from './MonthChoice'
import { invoiceQuery, trafficQuery, usageQuery, type Invoices, type Usage } from './queries'
import { TrafficPanel } from './Traffic'
import { UsagePanel } from './Usage'
import { useLive } from '../live'
import { bounds } from './months'

/** One consumer: of API keys, or with an issuer that of its tokens. */
export function ConsumerPage({ consumer, issuer }: { consumer: string; issuer: string | null }) {
  const [month, setMonth] = useMonth()
  const usage = useLive<{ usage: Usage[] }>(usageQuery, { ...bounds(month), consumer })
  const invoices = useLive<Invoices>(invoiceQuery, { month, consumer })
  const own = (row: { issuer: string | null }) => row.issuer === issuer // the same name may be another issuer's too
  return (
    <>
      <div className="heading">
        <a href={link('consumers')}>All consumers</a>
        <h2>{consumer}</h2>
        {issuer && <p className="quiet">by tokens of {issuer}</p>}
        <MonthChoice month={month} onChange={setMonth} />
      </div>
      <div className="grid">
        <TrafficPanel query={trafficQuery} variables={{ consumer, issuer: issuer ?? '' }} />
        <UsagePanel month={month} rows={usage.data?.usage.filter(own)} errors={usage.errors} again={usage.again} />
        <InvoicePanel
          month={month}
          invoice={invoices.data && (invoices.data.invoices.find(own) ?? null)}
          errors={invoices.errors}
          again={invoices.again}
        />
        {!issuer && <Keys consumer={consumer} />}
      </div>
    </>
  )
}
