import { memo } from 'react'
import { price } from './format'
import type { Product } from './product'
import { Sparkline } from './Sparkline'

interface Props {
  product: Product
  now: number
  quantity: number
  /** Undefined where one cannot order. */
  order?(id: string, by: number): void
}

export function ProductRow({ product, now, quantity, order }: Props) {
  const { id, name, category, currency, direction, priceMoves } = product
  return (
    <li className="product" data-product={id}>
      <div className="name">
        <span>{name}</span>
        <span className="small quiet">{category}</span>
      </div>
      <Sparkline history={product.history} now={now} />
      <div className="amounts">
        {/* A new element for each move: its animation begins anew. */}
        <span key={priceMoves} className={`price number ${direction ?? ''}`}>
          <span className="arrow" aria-hidden="true" />
          {price(product.price, currency)}
        </span>
        <Stock stock={product.stock} moves={product.stockMoves} />
      </div>
      {order && <Stepper {...{ product, quantity, order }} />}
    </li>
  )
}

const Stock = memo(function Stock({ stock, moves }: { stock: number; moves: number }) {
  const level = stock === 0 ? 'none' : stock < 20 ? 'low' : ''
  return (
    <span key={moves} className={`stock small number ${level} ${moves > 0 ? 'moved' : ''}`}>
      {stock === 0 ? 'sold out' : `${stock} in stock`}
    </span>
  )
})

function Stepper({ product, quantity, order }: Required<Pick<Props, 'product' | 'quantity' | 'order'>>) {
  const { id, name, stock } = product
  if (quantity === 0) {
    return (
      <div className="stepper">
        <button type="button" className="add" disabled={stock === 0} onClick={() => order(id, 1)} aria-label={`Add ${name} to the basket`}>
          Add
        </button>
      </div>
    )
  }
  return (
    <div className="stepper">
      <button type="button" onClick={() => order(id, -1)} aria-label={`One ${name} less`}>
        −
      </button>
      <span className="number">{quantity}</span>
      <button type="button" disabled={quantity >= stock} onClick={() => order(id, 1)} aria-label={`One ${name} more`}>
        +
      </button>
    </div>
  )
}
