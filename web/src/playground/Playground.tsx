import { useGraphiQL, useGraphiQLActions, useMonaco } from '@graphiql/react'
import type { Fetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { LazyMotion } from 'framer-motion'
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { newFetcher, type Run } from './fetcher'
import { begin, later } from './later'
import type { Rule } from './policy'
import { POLICY_PLUGIN, RulesContext } from './PolicyPanel'
import { Runs } from './runs'
import { StreamBar } from './StreamBar'
import { defaultHeaders, defaultTabs } from './tabs'
import { dress } from './theme'
import type { Transport } from './transport'

const plugins = [POLICY_PLUGIN]

/** What the tabs need to be moved. */
const motion = async () => {
  await new Promise<void>(later)
  return (await import('./motion')).domMax
}

/** GraphiQL, at the gateway that serves the page. */
export function Playground() {
  const [runs] = useState(() => new Runs())
  const [rules, setRules] = useState<readonly Rule[]>()
  const [transport, setTransport] = useState<Transport>('websocket')
  const chosen = useRef(transport)
  const resuming = useRef(false)
  const [fetcher] = useState(() => {
    const run = newFetcher({
      url: new URL('/graphql', location.href),
      runs,
      transport: () => chosen.current,
      learned: setRules,
    })
    const resumeOrRun: Run = (params, options) => (resuming.current && runs.resume()) || run(params, options)
    return resumeOrRun as unknown as Fetcher // whose type wants errors to be of a class; they are printed
  })
  const choose = (next: Transport) => {
    chosen.current = next
    setTransport(next)
  }
  const resume = (run: () => void) => {
    if (!runs.resumes) return
    resuming.current = true
    run() // which calls the fetcher before it returns
    resuming.current = false
  }
  return (
    <LazyMotion features={motion}>
      <RulesContext value={rules}>
        <GraphiQL
          fetcher={fetcher}
          plugins={plugins}
          defaultTabs={defaultTabs}
          defaultHeaders={defaultHeaders}
          defaultEditorToolsVisibility="headers"
          shouldPersistHeaders={false} // nor offer to: keys stand there
          inputValueDeprecation
          schemaDescription
          onTabChange={({ tabs, activeTabIndex }) => runs.tabs(tabs.map(({ id }) => id), tabs[activeTabIndex]?.id ?? '')}
        >
          <GraphiQL.Logo>
            <Head transport={transport} choose={choose} />
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <StreamBar runs={runs} />
          </GraphiQL.Footer>
          <Follow runs={runs} resume={resume} />
        </GraphiQL>
      </RulesContext>
    </LazyMotion>
  )
}

function Head({ transport, choose }: { transport: Transport; choose: (transport: Transport) => void }) {
  return (
    <div className="head">
      <label>
        <span>Streams by</span>
        <select value={transport} onChange={(event) => choose(event.target.value as Transport)}>
          <option value="websocket">WebSocket</option>
          <option value="sse">Server-Sent Events</option>
        </select>
      </label>
      <span className="brand">Sluice</span>
    </div>
  )
}

/** Tells of the tabs that there are at the beginning, and shows the stream of a tab that its user comes to again. */
function Follow({ runs, resume }: { runs: Runs; resume: (run: () => void) => void }) {
  const { run } = useGraphiQLActions()
  const tabs = useGraphiQL((state) => state.tabs.map(({ id }) => id))
  const active = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id ?? '')
  const resumes = useSyncExternalStore(runs.subscribe, () => runs.resumes)
  useEffect(() => runs.tabs(tabs, active), [])
  useEffect(() => resume(() => void run()), [active, resumes])
  const monaco = useMonaco((state) => state.monaco)
  useLayoutEffect(() => monaco && dress(monaco), [monaco]) // before there are editors, which would be coloured twice
  const stands = useGraphiQL(({ queryEditor }) => queryEditor !== undefined)
  useEffect(() => void (stands && begin()), [stands])
  useEffect(() => mend(document))
  return null
}

/**
 * Corrects what GraphiQL tells those who do not see the page: its tabs, which have no keys of tabs, and buttons in them,
 * are a list of buttons, one of which is of what is shown.
 */
function mend(page: ParentNode): void {
  page.querySelector('.graphiql-tabs')?.removeAttribute('role')
  for (const tab of page.querySelectorAll('.graphiql-tab')) {
    tab.removeAttribute('role')
    tab.removeAttribute('aria-selected')
    const shown = tab.classList.contains('graphiql-tab-active')
    tab.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(shown))
  }
}
