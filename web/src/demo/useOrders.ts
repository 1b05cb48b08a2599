import { useEffect, useState } from 'react'
import { orderStatusChanged, ordersLive } from './documents'
import { Session } from './session'
import type { Link } from './side'
import type { Result } from '../shared/client'

export const steps = ['PLACED', 'PACKED', 'SHIPPED', 'DELIVERED'] as const
export type Status = (typeof steps)[number]

export interface Order {
  id: string
  status: Status
  total: string
  currency: string
  placedAt: string
  lines: { quantity: number; price: string; product: { id: string; name: string } }[]
}

export interface Orders {
  /** Undefined until the first answer. */
  orders: Order[] | undefined
  link: Link
  /** The latest event, in words. */
  event: string | undefined
  trouble: string | undefined
}

const nothing: Orders = { orders: undefined, link: 'connecting', event: undefined, trouble: undefined }

/**
 * Follows a customer's orders: a live query keeps the list, and events say what has just happened.
 * `refused` is called when the gateway no longer takes the credentials.
 */
export function useOrders(credentials: string, refused: () => void): Orders {
  const [orders, setOrders] = useState(nothing)
  useEffect(() => {
    const change = (next: Partial<Orders>) => setOrders((before) => ({ ...before, ...next }))
    const trouble = (message: string) => change({ trouble: message })
    const session = new Session({ credentials, link: (link) => change({ link }), refused })
    session.follow<Result<{ orders: Order[] }>>({ query: ordersLive }, ({ data, errors }) =>
      change(data ? { orders: data.orders, trouble: undefined } : { trouble: errors?.at(0)?.message }), trouble)
    session.follow<Result<{ orderStatusChanged: { orderId: string; status: Status } }>>(
      { query: orderStatusChanged },
      ({ data }) => data && change({ event: say(data.orderStatusChanged) }),
      trouble,
    )
    return () => session.close()
  }, [credentials, refused])
  return orders
}

const say = ({ orderId, status }: { orderId: string; status: Status }) => `Order ${short(orderId)} is ${status.toLowerCase()}.`

/** As much of an order's id as tells a customer's orders apart. */
export const short = (id: string): string => id.slice(-6)
