import { describe, expect, it } from 'vitest'
import { forgetRevisions, hearAnswer, hearEvent, introduce, span, type News, type Product } from './product'

const news = (more: Partial<News>): News => ({ id: '1', revision: 5, changedAt: '2026-11-21T10:00:00Z', ...more })
const kettle = introduce(
  news({ name: 'Kettle', category: 'Kitchen', currency: 'EUR', price: '10.00', stock: 7 }),
  0,
) as Product

describe('a product', () => {
  it('is not shown before everything is known of it', () => {
    expect(introduce(news({ price: '10.00' }), 0)).toBeUndefined()
  })

  for (const { name, events, price, stock, shown, changes } of [
    { name: 'takes an event', events: [news({ revision: 6, price: '11.00' })], price: '11.00', stock: 7, shown: 1, changes: 1 },
    { name: 'does not take an event that it knows already', events: [news({ price: '9.00' })], price: '10.00', stock: 7, shown: 0, changes: 0 },
    {
      name: 'takes a price that is older than its stock',
      events: [news({ revision: 7, stock: 3 }), news({ revision: 6, price: '12.00' })],
      ...{ price: '12.00', stock: 3, shown: 2, changes: 2 },
    },
    {
      name: 'does not take a price that is older than its price',
      events: [news({ revision: 7, price: '13.00' }), news({ revision: 6, price: '12.00' })],
      ...{ price: '13.00', stock: 7, shown: 1, changes: 2 },
    },
  ]) {
    it(name, () => {
      let [product, updates, counted] = [kettle, 0, 0]
      for (const event of events) {
        const seen = hearEvent(product, event, 1)
        product = seen.product
        updates += Number(seen.shown)
        counted += seen.changes
      }
      expect([product.price, product.stock, updates, counted]).toEqual([price, stock, shown, changes])
    })
  }

  it('counts the changes between two answers, and one update', () => {
    const seen = hearAnswer(forgetRevisions(kettle), news({ revision: 9, price: '11.00', stock: 7 }), 1)
    expect([seen.shown, seen.changes, seen.product.newest]).toEqual([true, 4, 9])
  })

  it('shows nothing new when an answer says what is known', () => {
    const seen = hearAnswer(forgetRevisions(kettle), news({ price: '10.00', stock: 7 }), 1)
    expect([seen.shown, seen.changes]).toEqual([false, 0])
  })

  it('believes an answer of a database that counts from the beginning', () => {
    const { product, changes } = hearAnswer(forgetRevisions(kettle), news({ revision: 1, price: '20.00', stock: 1 }), 1)
    expect([product.price, product.newest, changes]).toEqual(['20.00', 1, 0])
    expect(hearEvent(product, news({ revision: 2, price: '21.00' }), 2).product.price).toBe('21.00')
  })

  it('keeps what an event of this connection has told when the answer is older', () => {
    const heard = hearEvent(forgetRevisions(kettle), news({ revision: 8, price: '15.00' }), 1).product
    const { product } = hearAnswer(heard, news({ revision: 7, price: '14.00', stock: 2 }), 2)
    expect([product.price, product.stock, product.newest]).toEqual(['15.00', 2, 8])
  })

  it('knows where its price went', () => {
    const up = hearEvent(kettle, news({ revision: 6, price: '10.01' }), 1).product
    const down = hearEvent(up, news({ revision: 7, price: '9.99' }), 2).product
    expect([kettle.direction, up.direction, down.direction]).toEqual([undefined, 'up', 'down'])
  })

  it('keeps a bounded history, with one price from before it', () => {
    let product = kettle
    for (let i = 1; i <= 1000; i++) product = hearEvent(product, news({ revision: 5 + i, price: `${i}.00` }), i * 10).product
    expect(product.history).toHaveLength(240)
    const late = hearEvent(product, news({ revision: 2000, price: '1.50' }), 10_000 + span * 2).product
    expect(late.history.map(({ price }) => price)).toEqual([1000, 1.5])
  })
})
