import { createRoot } from 'react-dom/client'
import '../shared/theme.css'
import './styles/base.css'
import './styles/frame.css'
import './styles/figures.css'
import './styles/lists.css'
import './styles/forms.css'
import './styles/catalogue.css'
import './styles/narrow.css'
import { App } from './App'

createRoot(document.getElementById('root')!).render(<App />)
