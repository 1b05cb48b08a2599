import type { ReactNode } from 'react'
import type { Basket } from './basket'
import { ids } from './documents'
import { ProductRow } from './ProductRow'
import type { View } from './side'
import { State } from './State'

interface Props {
  title: string
  side: 'pushed' | 'polled'
  view: View
  /** In milliseconds of performance.now(). */
  now: number
  /** What is ordered already, where one can order. */
  basket?: Basket
  order?(id: string, by: number): void
  children: ReactNode
}

/** The shop window, as one of the sides keeps it. */
export function Column({ title, side, view, now, basket, order, children }: Props) {
  const heading = `column-${side}`
  return (
    <section className={`card column ${side}`} aria-labelledby={heading}>
      <div className="head">
        <h2 id={heading}>{title}</h2>
        <State link={view.link} good={side === 'pushed' ? 'Live' : 'Asking'} />
        {children}
      </div>
      {view.trouble && <p className="trouble">{view.trouble}</p>}
      <Products {...{ view, now, basket, order }} />
    </section>
  )
}

function Products({ view, now, basket, order }: Pick<Props, 'view' | 'now' | 'basket' | 'order'>) {
  if (!view.products) return <Waiting />
  if (view.products.length === 0) {
    return <p className="empty quiet">This gateway’s shop has none of the products 1 to {ids.length}. Start it with --demo and a new database.</p>
  }
  return (
    <ul className="products">
      {view.products.map((product) => (
        <ProductRow key={product.id} {...{ product, now }} quantity={basket?.[product.id] ?? 0} order={order} />
      ))}
    </ul>
  )
}

/** As high as the products will be, so that nothing jumps when they come. */
function Waiting() {
  return (
    <ul className="products" aria-busy="true" aria-label="Products are on their way">
      {ids.map((id) => (
        <li key={id} className="product waiting">
          <span />
          <span />
          <span />
        </li>
      ))}
    </ul>
  )
}
