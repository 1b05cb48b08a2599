import { useState, type ReactNode } from 'react'
import { brief, title } from '../format'
import { BudgetBars } from '../mine/Budgets'
import type { FieldBudget } from '../mine/queries'
import { Description } from '../parts/Description'
import { Panel } from '../parts/Panel'
import { Tag } from '../parts/Tag'
import { isNeeded, named, written, type Api, type Field, type Input, type Operation } from './api'
import { exampleOf } from './example'
import { callers, type Budget, type Policies, type Policy } from './policy'
import { Snippets } from './Snippets'

interface Props {
  operation: Operation
  api: Api
  policies?: Policies
  budget?: FieldBudget
}

/** One operation: what it takes and gives, who may call it, and programs that do. */
export function OperationPage({ operation, api, policies, budget }: Props) {
  const [live, setLive] = useState(false)
  const { field, type, id } = operation
  const policy = policies?.get(id)
  const example = exampleOf(operation, { api, policies: policies ?? new Map(), now: new Date() }, live)
  const gives = api.types.get(named(field.type).name ?? '')
  return (
    <>
      <Panel title={field.name} wide aside={<Tag name={type} />}>
        <Description text={field.description} />
        {policy && <Rights policy={policy} />}
        {policies && policies.size === 0 && <p className="quiet">Who may call it, the gateway does not tell.</p>}
        <h3>Arguments</h3>
        <Inputs list={field.args} />
        <h3>
          Gives <code>{written(field.type)}</code>
        </h3>
        {gives?.fields && <Fields list={gives.fields} />}
      </Panel>
      {budget && (
        <Panel title="Your budget" wide>
          <BudgetBars budget={budget} />
        </Panel>
      )}
      <Panel
        title="Programs"
        wide
        aside={
          type === 'query' && (
            <label className="check">
              <input type="checkbox" checked={live} onChange={(event) => setLive(event.target.checked)} /> keep the result true
              (@live)
            </label>
          )
        }
      >
        <Snippets example={example} credentials={!policy?.public} />
      </Panel>
    </>
  )
}

function Rights({ policy }: { policy: Policy }) {
  const facts: [string, ReactNode][] = [
    ['For', callers(policy)],
    ['Rule', policy.rules.map((rule) => <code key={rule}>{rule}</code>)],
    ['Topic', policy.topic && <code>{policy.topic}</code>],
    ['Budget', policy.budgets.map(budgetText).join('; ')],
    ['Cost', policy.cost !== undefined && brief(policy.cost)],
    ['Slow readers', policy.overflow && title(policy.overflow)],
    ['Results', policy.private && 'depend on the caller, and are shared with nobody'],
    ['Runs again', policy.poll && `every ${policy.poll}, in live queries`],
  ]
  return (
    <dl className="facts">
      {facts
        .filter(([, fact]) => (Array.isArray(fact) ? fact.length > 0 : fact))
        .map(([term, fact]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
    </dl>
  )
}

function budgetText({ events, per, duration, rate }: Budget): string {
  const parts = [
    events !== undefined && `${brief(events)} per ${(per ?? '').toLowerCase().replace('_', ' ')}`,
    duration && `${duration} at most`,
    rate !== undefined && `${rate} a second`,
  ]
  return parts.filter(Boolean).join(', ')
}

function Inputs({ list }: { list: Input[] }) {
  if (list.length === 0) return <p className="quiet">None.</p>
  return (
    <dl className="facts">
      {list.map((input) => (
        <div key={input.name}>
          <dt>
            <code>{input.name}</code>
          </dt>
          <dd>
            <code>{written(input.type)}</code>
            {input.defaultValue !== null && ` = ${input.defaultValue}`}
            {isNeeded(input) && <small> needed</small>}
            <Description text={input.description} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Fields({ list }: { list: Field[] }) {
  return (
    <dl className="facts">
      {list.map((field) => (
        <div key={field.name}>
          <dt>
            <code>{field.name}</code>
          </dt>
          <dd>
            <code>{written(field.type)}</code>
            <Description text={field.description} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
