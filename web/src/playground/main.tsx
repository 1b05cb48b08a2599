import 'graphiql/setup-workers/vite' // from files of this origin: the page may load no other
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import 'graphiql/graphiql.css' // graphiql/style.css is all of these and half a megabyte of fonts
import '../shared/theme.css'
import './playground.css'
import { lazy, Suspense } from 'react'
import { createRoot } from 'react-dom/client'

const Playground = lazy(async () => ({ default: (await import('./Playground')).Playground }))

createRoot(document.getElementById('root')!).render(
  <Suspense fallback={<p className="opening">The playground is being opened.</p>}>
    <Playground />
  </Suspense>,
)
