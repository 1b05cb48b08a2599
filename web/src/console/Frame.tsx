import { useEffect, useState } from 'react'
import { Catalogue } from './catalogue/Catalogue'
import { ConsumerPage } from './consumers/Consumer'
import { Consumers } from './consumers/Consumers'
import { down } from './fleet'
import { moment } from './format'
import { useConnection, useLive } from './live'
import { Budgets } from './mine/Budgets'
import { budgetsQuery, type BudgetsAnswer } from './mine/queries'
import { Overview } from './mine/Overview'
import { Now } from './now/Now'
import { nodesQuery, type GatewayNode } from './now/queries'
import { Operations } from './operations/Operations'
import { Errors, Notice } from './parts/Notice'
import { Status } from './parts/Status'
import { link, useRoute } from './route'
import type { Role } from './session'

const views: Record<Role, [id: string, title: string][]> = {
  operator: [
    ['now', 'Now'],
    ['operations', 'Operations'],
    ['consumers', 'Consumers'],
    ['catalogue', 'Catalogue'],
  ],
  consumer: [
    ['overview', 'Overview'],
    ['operations', 'Operations'],
    ['catalogue', 'Catalogue'],
  ],
  'end user': [
    ['budgets', 'Budgets'],
    ['operations', 'Operations'],
    ['catalogue', 'Catalogue'],
  ],
}

/** What is around every view, for those who have signed in. */
export function Frame({ role, onSignOut }: { role: Role; onSignOut(): void }) {
  const route = useRoute()
  const [id, title] = views[role].find(([view]) => view === route[0]) ?? views[role][0]
  useEffect(() => {
    document.title = `${title} · Sluice Console`
  }, [title])
  return (
    <>
      <header className="top">
        <h1>
          <span>Sluice</span> Console
        </h1>
        <nav aria-label="Views">
          {views[role].map(([view, name]) => (
            <a key={view} href={link(view)} aria-current={view === id ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <div className="who">
          <Connected />
          <span className="role">{role}</span>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      <main>
        <Lost />
        {role === 'operator' ? <OperatorView id={id} path={route.slice(1)} /> : <OwnView id={id} path={route.slice(1)} />}
      </main>
    </>
  )
}

/** The nodes are always watched: what is wrong with them is said in every view. */
function OperatorView({ id, path }: { id: string; path: string[] }) {
  const { data, errors, again } = useLive<{ nodes: GatewayNode[] }>(nodesQuery)
  const missing = down(data?.nodes ?? [])
  return (
    <>
      <Errors errors={errors} again={again} />
      {missing.map(({ node, backend }) => (
        <Notice kind="bad" key={`${node} ${backend.name}`}>
          {backend.name} of {node} is down since {moment(new Date(backend.since))}
          {backend.reason && `: ${backend.reason}`}
        </Notice>
      ))}
      {id === 'now' && <Now nodes={data?.nodes} />}
      {id === 'operations' && <Operations everybody />}
      {id === 'consumers' && !path[0] && <Consumers />}
      {id === 'consumers' && path[0] && <ConsumerPage key={path.join('/')} consumer={path[0]} issuer={path[1] ?? null} />}
      {id === 'catalogue' && <Catalogue chosen={path[0]} />}
    </>
  )
}

/** Budgets are always watched: it is by the connection that the viewer learns that a key was revoked. */
function OwnView({ id, path }: { id: string; path: string[] }) {
  const budgets: BudgetsAnswer = useLive(budgetsQuery)
  return (
    <>
      {id === 'overview' && <Overview budgets={budgets} />}
      {id === 'budgets' && <Budgets answer={budgets} />}
      {id === 'operations' && <Operations everybody={false} />}
      {id === 'catalogue' && <Catalogue chosen={path[0]} />}
    </>
  )
}

function Connected() {
  const connection = useConnection()
  if (connection === 'connected') return <Status tone="good">live</Status>
  return <Status tone="warn">{connection === 'reconnecting' ? 'reconnecting' : 'connecting'}</Status>
}

/** Says that what is shown is old, and since when. */
function Lost() {
  const connection = useConnection()
  const [since, setSince] = useState<Date>()
  useEffect(() => {
    if (connection === 'connected') setSince(undefined)
    if (connection === 'reconnecting') setSince((before) => before ?? new Date())
  }, [connection])
  if (!since) return null
  return (
    <Notice kind="warn">The connection to the gateway is lost. What you see is of {moment(since)}; it goes on by itself.</Notice>
  )
}
