import { useState } from 'react'
import { attempt, problem } from './account'
import { advanceOrder } from './documents'
import { price } from './format'
import { State } from './State'
import { short, steps, useOrders, type Order } from './useOrders'
import { Gateway } from '../shared/client'

interface Props {
  credentials: string
  refused(): void
  signOut(): void
}

/** The customer's latest orders, as they go their way. */
export function OrderList({ credentials, refused, signOut }: Props) {
  const { orders, link, event, trouble } = useOrders(credentials, refused)
  return (
    <div className="card orders">
      <div className="head">
        <h3>Your orders</h3>
        <State link={link} good="Live" />
        <button type="button" className="plain" onClick={signOut}>
          Sign out
        </button>
      </div>
      <p className="event" role="status">
        {event}
      </p>
      {trouble && <p className="trouble">{trouble}</p>}
      {orders?.length === 0 && <p className="empty quiet">None yet.</p>}
      {orders && orders.length > 0 && (
        <ol>
          {orders.map((order) => (
            <OrderItem key={order.id} order={order} credentials={credentials} />
          ))}
        </ol>
      )}
    </div>
  )
}

function OrderItem({ order, credentials }: { order: Order; credentials: string }) {
  const { id, status, lines, total, currency } = order
  return (
    <li data-order={id} data-status={status}>
      <div className="order-head">
        <b title={id}>Order {short(id)}</b>
        <span className="number">{price(total, currency)}</span>
      </div>
      <p className="small quiet">{lines.map(({ quantity, product }) => `${quantity} × ${product.name}`).join(', ')}</p>
      <Way order={order} />
      {status !== 'DELIVERED' && <Advance id={id} credentials={credentials} />}
    </li>
  )
}

function Way({ order: { status } }: { order: Order }) {
  const at = steps.indexOf(status)
  return (
    <ol className="way" aria-label="Its way">
      {steps.map((step, i) => (
        <li key={step} className={i <= at ? 'done' : ''} aria-current={i === at ? 'step' : undefined}>
          {step.toLowerCase()}
        </li>
      ))}
    </ol>
  )
}

/** Nobody works in this shop: whoever has the scope for it can be its staff. */
function Advance({ id, credentials }: { id: string; credentials: string }) {
  const [trouble, setTrouble] = useState<string>()
  const advance = async () => {
    const result = await attempt(new Gateway(() => credentials).query<unknown>(advanceOrder, { id }))
    const { code, message } = problem(result)
    if (result.data) setTrouble(undefined)
    else setTrouble(code === 'FORBIDDEN' ? 'Only the shop may do that, not its customers: sign in with the API key to try it.' : message)
  }
  return (
    <div className="advance">
      <button type="button" onClick={() => void advance()}>
        Play the shop: next step
      </button>
      {trouble && (
        <p className="trouble small" role="alert">
          {trouble}
        </p>
      )}
    </div>
  )
}
