// What somebody is about to order: how many of each product, by its id.
import type { Product } from './product'

export type Basket = Readonly<Record<string, number>>

/** As many as one line of an order may have. */
const most = 1000

/** A basket with more or fewer of a product; none of it is no line. */
export function change(basket: Basket, id: string, by: number): Basket {
  const quantity = Math.min(Math.max((basket[id] ?? 0) + by, 0), most)
  const { [id]: _, ...others } = basket
  return quantity === 0 ? others : { ...others, [id]: quantity }
}

export const pieces = (basket: Basket): number => Object.values(basket).reduce((sum, quantity) => sum + quantity, 0)

export interface Line {
  product: Product
  quantity: number
}

/** The lines, in the window's order. */
export function linesOf(basket: Basket, products: Product[]): Line[] {
  return products.map((product) => ({ product, quantity: basket[product.id] ?? 0 })).filter(({ quantity }) => quantity > 0)
}

/** What the lines cost now, exact to the cent. */
export function total(lines: Line[]): number {
  return lines.reduce((sum, { product, quantity }) => sum + Math.round(Number(product.price) * 100) * quantity, 0) / 100
}
