import { count, span, title } from '../format'
import { useNow } from '../live'
import { Errors } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Time } from '../parts/Time'
import type { BudgetsAnswer, FieldBudget, Quota } from './queries'

/** What the viewer may have, and what is left of it. */
export function Budgets({ answer: { data, errors, again } }: { answer: BudgetsAnswer }) {
  return (
    <Panel title="Budgets" wide>
      <Errors errors={errors} again={again} />
      {!data && <Empty>Asking…</Empty>}
      {data?.myBudgets.length === 0 && <Empty>Nothing that you may call has a budget.</Empty>}
      <div className="budgets">
        {data?.myBudgets.map((budget) => (
          <section key={budget.field} aria-label={budget.field}>
            <h3>
              <code>{budget.field}</code>
            </h3>
            <BudgetBars budget={budget} />
          </section>
        ))}
      </div>
    </Panel>
  )
}

/** One bar for each quota of a field, and what else its budget says. */
export function BudgetBars({ budget: { quotas, duration, rate } }: { budget: FieldBudget }) {
  const terms = [duration && `each operation for at most ${duration}`, rate !== null && `at most ${rate} events a second`].filter(
    Boolean,
  )
  return (
    <>
      {quotas.map((quota) => (
        <Bar key={quota.per} quota={quota} />
      ))}
      {terms.length > 0 && <p className="quiet">{terms.join(', ')}</p>}
    </>
  )
}

function Bar({ quota: { events, per, remaining, resetAt } }: { quota: Quota }) {
  const now = useNow()
  const left = events > 0 ? remaining / events : 0
  const tone = left <= 0 ? 'bad' : left < 0.1 ? 'warn' : 'good'
  const text = `${count(remaining)} of ${count(events)} left`
  return (
    <div className="quota">
      <div className="line">
        <b>{text}</b>
        <span>{windowText(per)}</span>
      </div>
      <meter
        className={tone}
        aria-label={`${windowText(per)}: ${text}`}
        min={0}
        max={Math.max(1, events)}
        value={Math.max(0, remaining)}
      />
      <p className="quiet">
        {remaining < events ? (
          <>
            back in {span((Date.parse(resetAt) - now) / 1000)}, at <Time at={resetAt} />
          </>
        ) : (
          'nothing is used'
        )}
      </p>
    </div>
  )
}

function windowText(per: string): string {
  return per.startsWith('SLIDING_')
    ? `in any ${per.slice('SLIDING_'.length).toLowerCase()}`
    : `in this ${title(per).toLowerCase()}`
}
