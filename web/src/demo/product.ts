// A product as one column shows it. Everything here is plain data, and made anew when it changes.

/** A point of a sparkline; `at` is in milliseconds of performance.now(). */
export interface Point {
  at: number
  price: number
}

/** What the gateway has said of a product: all of it at first, then what an event or an answer tells. */
export interface News {
  id: string
  name?: string
  category?: string
  currency?: string
  price?: string
  stock?: number
  revision: number
  changedAt: string
}

export interface Product {
  id: string
  name: string
  category: string
  currency: string
  price: string
  stock: number
  /** Of price and stock apart: their events come by different topics, and either may be the later one. */
  priceRevision: number
  stockRevision: number
  /** The newest revision that this column has heard of. */
  newest: number
  /** Where the price went last, and how often it has moved. */
  direction: 'up' | 'down' | undefined
  priceMoves: number
  stockMoves: number
  history: Point[]
}

/** What the news has done: `shown` says whether it changed anything, `changes` how many it stands for. */
export interface Seen {
  product: Product
  shown: boolean
  changes: number
}

/** For so long, in milliseconds, a sparkline looks back; and so many points it has at most. */
export const span = 60_000
const mostPoints = 240

/** A product that is shown for the first time; undefined when the news does not say enough. */
export function introduce(news: News, now: number): Product | undefined {
  const { id, name, category, currency, price, stock, revision } = news
  if (name === undefined || category === undefined || currency === undefined) return undefined
  if (price === undefined || stock === undefined) return undefined
  return {
    ...{ id, name, category, currency, price, stock },
    ...{ priceRevision: revision, stockRevision: revision, newest: revision },
    ...{ direction: undefined, priceMoves: 0, stockMoves: 0 },
    history: [{ at: now, price: Number(price) }],
  }
}

/**
 * Before news of a new connection, or an answer that says how all things are: what it says is believed
 * then, also where a new database counts from the beginning.
 */
export function forgetRevisions(product: Product): Product {
  return { ...product, priceRevision: -1, stockRevision: -1 }
}

/** An event. What it tells that is older than what is shown is late, and changes nothing. */
export function hearEvent(product: Product, news: News, now: number): Seen {
  const next = take(product, news, now)
  const shown = next.priceRevision !== product.priceRevision || next.stockRevision !== product.stockRevision
  return { product: next, shown, changes: jump(product, news) }
}

/** An answer: it is an update when something differs, or has changed and changed back. */
export function hearAnswer(product: Product, news: News, now: number): Seen {
  const next = take(product, news, now)
  const moved = next.priceMoves !== product.priceMoves || next.stockMoves !== product.stockMoves
  return { product: next, shown: moved || news.revision > product.newest, changes: jump(product, news) }
}

const jump = (product: Product, news: News) => Math.max(0, news.revision - product.newest)

function take(product: Product, news: News, now: number): Product {
  const next = { ...product }
  if (news.revision > product.priceRevision) takePrice(next, news, now)
  if (news.revision > product.stockRevision) takeStock(next, news)
  next.newest = Math.max(next.priceRevision, next.stockRevision)
  return next
}

function takePrice(product: Product, news: News, now: number): void {
  if (news.price === undefined) return
  product.priceRevision = news.revision
  if (news.price === product.price) return
  product.direction = Number(news.price) > Number(product.price) ? 'up' : 'down'
  product.price = news.price
  product.priceMoves++
  product.history = remember(product.history, { at: now, price: Number(news.price) })
}

function takeStock(product: Product, news: News): void {
  if (news.stock === undefined) return
  product.stockRevision = news.revision
  if (news.stock === product.stock) return
  product.stock = news.stock
  product.stockMoves++
}

// One point from before the span stays: it says where the line comes from.
function remember(history: Point[], point: Point): Point[] {
  const first = history.findLastIndex(({ at }) => at < point.at - span)
  return [...history.slice(Math.max(first, 0)), point].slice(-mostPoints)
}
