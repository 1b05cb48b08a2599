import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useEffect, useSyncExternalStore } from 'react'
import type { Runs, Status } from './runs'

/** The streams of the page: that of the tab that is shown, and shortcuts to those of others. */
export function StreamBar({ runs }: { runs: Runs }) {
  const statuses = useSyncExternalStore(runs.subscribe, runs.snapshot)
  const tabs = useGraphiQL((state) => state.tabs.map(({ id }) => id))
  const active = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id)
  const { changeTab } = useGraphiQLActions()
  const running = statuses.some(({ state }) => state !== 'ended')
  useEffect(() => {
    if (!running) return
    const timer = setInterval(runs.refresh, 500)
    return () => clearInterval(timer)
  }, [runs, running])
  const own = statuses.find(({ tab }) => tab === active)
  const others = statuses.filter(({ tab, state }) => tab !== active && state !== 'ended')
  return (
    <section className="streams" aria-label="Streams">
      {own && <Own status={own} stop={() => runs.stop(own.tab)} />}
      {statuses.length === 0 && <p className="idle">How subscriptions and live queries go is shown here.</p>}
      {others.map((status) => (
        <button key={status.tab} type="button" className="other" onClick={() => changeTab(tabs.indexOf(status.tab))} title="Go to its tab">
          <Dot state={status.state} />
          {status.title} <b>{count(status.events)}</b>
        </button>
      ))}
    </section>
  )
}

function Own({ status, stop }: { status: Status; stop: () => void }) {
  const { state, transport, events, dropped, perSecond } = status
  return (
    <>
      <p className="state">
        <Dot state={state} />
        {said[state]} <span className="by">{transport === 'sse' ? 'Server-Sent Events' : 'WebSocket'}</span>
      </p>
      <dl>
        <div>
          <dt>{events === 1 ? 'event' : 'events'}</dt>
          <dd data-testid="events">{count(events)}</dd>
        </div>
        <div>
          <dt>a second</dt>
          <dd data-testid="rate">{perSecond.toFixed(1)}</dd>
        </div>
        {dropped > 0 && (
          <div className="lost">
            <dt>lost</dt>
            <dd>{count(dropped)}</dd>
          </div>
        )}
      </dl>
      {state !== 'ended' && (
        <button type="button" className="stop" onClick={stop}>
          Stop
        </button>
      )}
    </>
  )
}

const said: Record<Status['state'], string> = {
  connecting: 'Connecting by',
  connected: 'Streaming by',
  reconnecting: 'Reconnecting by',
  ended: 'Ended, by',
}

const Dot = ({ state }: { state: Status['state'] }) => <span className={`dot ${state}`} aria-hidden="true" />

const count = (number: number): string => number.toLocaleString('en')
