// One of the two columns: what it shows, and what that has cost.
import { Clock, noFigures, noteDelay, type Figures } from './figures'
import { forgetRevisions, hearAnswer, hearEvent, introduce, type News, type Product, type Seen } from './product'

/** How a column stands with the gateway. */
export type Link = 'connecting' | 'connected' | 'reconnecting'

/** What a column shows: made anew with every change, and not changed after. */
export interface View {
  link: Link
  /** Undefined until the first answer. */
  products: Product[] | undefined
  figures: Figures
  /** What the gateway refuses, in its words. */
  trouble: string | undefined
}

const mostEarly = 100

/** A Side keeps the view of one column. */
export class Side {
  /** Counted as it happens, and shown with the next change of the view. */
  private figures: Figures = noFigures()
  private view: View = { link: 'connecting', products: undefined, figures: this.figures, trouble: undefined }
  private early: News[] = [] // events that came before the first answer
  private readonly listeners = new Set<() => void>()

  constructor(readonly clock: Clock) {}

  /** For React's useSyncExternalStore, as current. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly current = (): View => this.view

  /** Counts from nothing again, into what it returns. What is shown stays. */
  restart(): Figures {
    this.figures = noFigures()
    this.show({ link: 'connecting', trouble: undefined })
    return this.figures
  }

  /** A change of the connection. What comes by a new one is believed, whatever came by the last. */
  link(link: Link): void {
    if (link === 'connected') this.forget()
    this.show({ link })
  }

  trouble(trouble: string): void {
    this.show({ trouble })
  }

  /** Takes an answer that says how all products are now. */
  answer(news: News[]): void {
    this.forget()
    this.answerAmongEvents(news)
  }

  /** Takes an answer beside which events come: one may be here already that is newer. */
  answerAmongEvents(news: News[]): void {
    const known = this.view.products ?? []
    const products = news.map((one) => this.hear(known.find(({ id }) => id === one.id), one))
    this.show({ products: products.filter((one) => one !== undefined), link: 'connected', trouble: undefined })
    for (const event of this.early.splice(0)) this.event(event)
  }

  /** Takes an event. */
  event(news: News): void {
    if (!this.view.products) {
      this.early = [...this.early, news].slice(-mostEarly)
      return
    }
    const now = performance.now()
    const products = this.view.products.map((product) =>
      product.id === news.id ? this.count(news, hearEvent(product, news, now)) : product,
    )
    this.show({ products })
  }

  private hear(known: Product | undefined, news: News): Product | undefined {
    const now = performance.now()
    return known ? this.count(news, hearAnswer(known, news, now)) : introduce(news, now)
  }

  private count(news: News, { product, shown, changes }: Seen): Product {
    this.figures.changes += changes
    if (shown) {
      this.figures.shown++
      noteDelay(this.figures, this.clock.arrived(news.changedAt))
    }
    return product
  }

  private forget(): void {
    this.show({ products: this.view.products?.map(forgetRevisions) })
  }

  private show(change: Partial<View>): void {
    this.view = { ...this.view, ...change, figures: { ...this.figures } }
    for (const listener of this.listeners) listener()
  }
}
