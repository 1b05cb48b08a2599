import { Empty, Panel } from '../parts/Panel'
import { link } from '../route'
import { byScope, type Policies } from './policy'

/** What each scope is good for; the catalogue's first page. */
export function Scopes({ policies, fields }: { policies?: Policies; fields: string[] }) {
  const scopes = policies ? byScope(policies, fields) : []
  return (
    <Panel title="Scopes" wide>
      <p className="lead">
        Choose an operation to see what it takes and gives, who may call it, and a program that does. These are the scopes that
        some of them need.
      </p>
      {!policies && <Empty>Reading the schema…</Empty>}
      {policies && scopes.length === 0 && <Empty>The gateway does not tell which scopes there are.</Empty>}
      <dl className="facts">
        {scopes.map(([scope, needing]) => (
          <div key={scope}>
            <dt>
              <code>{scope}</code>
            </dt>
            <dd className="names">
              {needing.map((id) => (
                <a key={id} href={link('catalogue', id)}>
                  {id}
                </a>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
