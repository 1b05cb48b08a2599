import { useMemo, useState } from 'react'
import { useOnce } from '../live'
import { Errors, Notice } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { link } from '../route'
import { budgetsQuery, type FieldBudget } from '../mine/queries'
import { operationsOf, type Api, type Operation, type OperationType } from './api'
import { OperationPage } from './OperationPage'
import { Scopes } from './Scopes'
import { useCatalogue } from './useCatalogue'

const groups: [OperationType, string][] = [
  ['subscription', 'Events'],
  ['query', 'Queries'],
  ['mutation', 'Mutations'],
]

/** What the API offers, and programs that use it. `chosen` is an operation, such as `Query.products`. */
export function Catalogue({ chosen }: { chosen?: string }) {
  const { api, policies, errors, again } = useCatalogue()
  const { data: budgets } = useOnce<{ myBudgets: FieldBudget[] }>(budgetsQuery)
  const operations = useMemo(() => (api ? groups.flatMap(([type]) => operationsOf(api, type)) : []), [api])
  if (errors.some(({ extensions }) => extensions?.code === 'INTROSPECTION_DISABLED')) return <NoIntrospection />
  if (!api) return errors.length > 0 ? <Errors errors={errors} again={again} /> : <Empty>Reading the schema…</Empty>
  const operation = operations.find(({ id }) => id === chosen)
  return (
    <div className="catalogue">
      <List api={api} chosen={chosen} />
      <div className="chosen">
        {chosen && !operation && <Notice kind="warn">There is no {chosen} in this API.</Notice>}
        {operation ? (
          <OperationPage
            key={operation.id}
            operation={operation}
            api={api}
            policies={policies}
            budget={budgets?.myBudgets.find(({ field }) => field === operation.id)}
          />
        ) : (
          <Scopes policies={policies} fields={operations.map(({ id }) => id)} />
        )}
      </div>
    </div>
  )
}

function NoIntrospection() {
  return (
    <Panel title="The schema is not to be read" wide>
      <p>
        The catalogue is made from the schema, and this gateway does not let clients read it. Start it with{' '}
        <code>--introspection</code>, or with <code>introspection: true</code> in its configuration file. Whoever may introspect
        sees all of the schema, whatever they may call.
      </p>
    </Panel>
  )
}

function List({ api, chosen }: { api: Api; chosen?: string }) {
  const [search, setSearch] = useState('')
  const matches = ({ field }: Operation) => field.name.toLowerCase().includes(search.trim().toLowerCase())
  const found = groups.map(([type, title]) => ({ title, list: operationsOf(api, type).filter(matches) }))
  return (
    <nav className="operations" aria-label="Operations of the API">
      <input
        type="search"
        aria-label="Search operations"
        placeholder="Search operations"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {found.every(({ list }) => list.length === 0) && <Empty>No operation is called so.</Empty>}
      {found.map(
        ({ title, list }) =>
          list.length > 0 && (
            <section key={title}>
              <h3>{title}</h3>
              <ul>
                {list.map(({ id, field }) => (
                  <li key={id}>
                    <a href={link('catalogue', id)} aria-current={id === chosen ? 'page' : undefined}>
                      {field.name}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          ),
      )}
    </nav>
  )
}
