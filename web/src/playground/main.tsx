import 'graphiql/setup-workers/vite' // from files of this origin: the page may load no other
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import 'graphiql/graphiql.css' // graphiql/style.css is all of these and half a megabyte of fonts
import '../shared/theme.css'
import './playground.css'
import { createRoot } from 'react-dom/client'
import { Playground } from './Playground'

createRoot(document.getElementById('root')!).render(<Playground />)
