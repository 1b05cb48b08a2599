// What the gateway answers, as news of products.
import { ids } from './documents'
import type { News } from './product'

/** A product of an answer; a page that polls does not ask for everything. */
export type Row = Omit<News, 'changedAt'> & { updatedAt: string }

/** The data of the window's queries: a product, or null, for each alias. */
export type Window = Record<string, Row | null>

/** The products that there are, in the window's order. */
export function newsOf(window: Window): News[] {
  const rows = ids.map((id) => window[`p${id}`]).filter((row) => row !== null && row !== undefined)
  return rows.map(({ updatedAt, ...row }) => ({ ...row, changedAt: updatedAt }))
}

/** An event of priceChanged or stockChanged. */
export type Event = Omit<News, 'id'> & { productId: string }

export function newsOfEvent({ productId, ...event }: Event): News {
  return { ...event, id: productId }
}
