import { useState } from 'react'
import { attempt, problem } from './account'
import { linesOf, total, type Basket, type Line } from './basket'
import { placeOrder } from './documents'
import { price } from './format'
import type { Product } from './product'
import { Gateway } from '../shared/client'

interface Props {
  basket: Basket
  setBasket(basket: Basket): void
  products: Product[]
  credentials: string | undefined
}

/** What is about to be ordered, at the prices of the moment. */
export function BasketCard({ basket, setBasket, products, credentials }: Props) {
  const [trouble, setTrouble] = useState<string>()
  const [placing, setPlacing] = useState(false)
  const lines = linesOf(basket, products)
  const place = async () => {
    setPlacing(true)
    const result = await attempt(sendOrder(lines, credentials))
    setPlacing(false)
    setTrouble(result.data ? undefined : problem(result).message)
    if (result.data) setBasket({})
  }
  return (
    <div className="card basket">
      <h3>Basket</h3>
      {lines.length === 0 ? <p className="empty quiet">Nothing yet. Add something from the window above.</p> : <Lines lines={lines} />}
      {trouble && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
      <button type="button" className="main" disabled={lines.length === 0 || !credentials || placing} onClick={() => void place()}>
        {placing ? 'Placing…' : 'Place the order'}
      </button>
      {!credentials && lines.length > 0 && <p className="small quiet">It can be placed once you have said who orders.</p>}
    </div>
  )
}

function sendOrder(lines: Line[], credentials: string | undefined) {
  const ordered = lines.map(({ product, quantity }) => ({ productId: product.id, quantity }))
  return new Gateway(() => credentials).query<{ placeOrder: { id: string } }>(placeOrder, { lines: ordered })
}

function Lines({ lines }: { lines: Line[] }) {
  const currency = lines[0]?.product.currency ?? 'EUR'
  return (
    <table className="lines">
      <thead className="unseen">
        <tr>
          <th scope="col">Product</th>
          <th scope="col">Quantity and price</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ product, quantity }) => (
          <tr key={product.id}>
            <th scope="row">{product.name}</th>
            <td className="number">
              {quantity} × {price(product.price, product.currency)}
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total now</th>
          <td className="number">{price(total(lines), currency)}</td>
        </tr>
      </tfoot>
    </table>
  )
}
