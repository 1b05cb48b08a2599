import { createRoot } from 'react-dom/client'
import '../shared/theme.css'
import './shop.css'
import { Shop } from './Shop'

const root = document.getElementById('root')
if (root) createRoot(root).render(<Shop />)
