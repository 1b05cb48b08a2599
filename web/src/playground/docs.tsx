// GraphiQL's documentation, which takes these instead of its own, see vite.config.ts: what shows it is loaded once the
// page can be used, not before.
import { DocsFilledIcon, DocsIcon, useGraphiQL, type GraphiQLPlugin } from '@graphiql/react'
import { Fragment, lazy, Suspense, useEffect, useState, type ComponentType, type PropsWithChildren } from 'react'
import { later } from './later'

const load = () => import('@graphiql/plugin-doc-explorer')
const Explorer = lazy(async () => ({ default: (await load()).DocExplorer }))

export const DOC_EXPLORER_PLUGIN: GraphiQLPlugin = { title: 'Documentation Explorer', icon: Icon, content: Content }

function Icon() {
  const shown = useGraphiQL(({ visiblePlugin }) => visiblePlugin === DOC_EXPLORER_PLUGIN)
  return shown ? <DocsFilledIcon /> : <DocsIcon />
}

function Content() {
  return (
    <Suspense>
      <Explorer />
    </Suspense>
  )
}

/** What the documentation follows: its keys, the schema, and what is asked for in the editor. */
export function DocExplorerStore({ children }: PropsWithChildren) {
  const [Store, setStore] = useState<ComponentType<PropsWithChildren>>(() => Fragment)
  useEffect(() => {
    later(() => void load().then(({ DocExplorerStore }) => setStore(() => DocExplorerStore as ComponentType<PropsWithChildren>)))
  }, [])
  return (
    <>
      {children}
      <Store>{null}</Store>
    </>
  )
}
