import type { GraphiQLPlugin } from '@graphiql/react'
import { createContext, use, useState } from 'react'
import type { Rule } from './policy'

/** The rules of the root fields, once they are known. */
export const RulesContext = createContext<readonly Rule[] | undefined>(undefined)

/** A panel of who may call what, and what feeds it: the directives of all root fields at a glance. */
export const POLICY_PLUGIN: GraphiQLPlugin = { title: 'Policy', icon: PolicyIcon, content: PolicyPanel }

function PolicyPanel() {
  const rules = use(RulesContext)
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const found = rules?.filter(({ field, said }) => `${field} ${said.join(' ')}`.toLowerCase().includes(wanted))
  return (
    <section className="policy" aria-label="Policy">
      <h2>Policy</h2>
      <p>Who may call a field, what feeds it and what its budget is, as the schema says. A field that says neither @public nor @auth needs credentials.</p>
      {found ? (
        <>
          <input type="search" placeholder="Search" aria-label="Search policy" value={search} onChange={(event) => setSearch(event.target.value)} />
          {(['Query', 'Mutation', 'Subscription'] as const).map((kind) => (
            <Kind key={kind} kind={kind} rules={found.filter((rule) => rule.kind === kind)} />
          ))}
          {found.length === 0 && <p role="status">Nothing says “{search}”.</p>}
        </>
      ) : (
        <p role="status">The gateway tells nothing of it: that needs introspection, which --dev and --introspection turn on.</p>
      )}
    </section>
  )
}

function Kind({ kind, rules }: { kind: Rule['kind']; rules: readonly Rule[] }) {
  if (rules.length === 0) return null
  return (
    <>
      <h3>{kind}</h3>
      <dl>
        {rules.map(({ field, said }) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>{said.length > 0 ? said.map((text, i) => <code key={i}>{text}</code>) : <span>needs credentials</span>}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

function PolicyIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d="M12 3l7 3v5c0 4.5-3 8-7 10-4-2-7-5.5-7-10V6z" />
      <path d="M9 11.5l2.2 2.2L15.5 9.5" />
    </svg>
  )
}
