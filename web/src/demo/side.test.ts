import { expect, it } from 'vitest'
import { Clock } from './figures'
import type { News } from './product'
import { Side } from './side'

const whole = (more: Partial<News> = {}): News => ({
  ...{ id: '1', name: 'Kettle', category: 'Kitchen', currency: 'EUR', price: '10.00', stock: 7, revision: 5 },
  changedAt: '2026-11-21T10:00:00Z',
  ...more,
})
const priced = (revision: number, price: string): News => ({ id: '1', revision, price, changedAt: '2026-11-21T10:00:01Z' })
const counts = ({ figures }: { figures: { shown: number; changes: number } }) => [figures.shown, figures.changes]

it('the first answer is no update', () => {
  const side = new Side(new Clock())
  side.answer([whole()])
  expect(side.current().products?.map(({ price }) => price)).toEqual(['10.00'])
  expect(counts(side.current())).toEqual([0, 0])
})

it('an event that comes before the first answer is not lost', () => {
  const side = new Side(new Clock())
  side.event(priced(6, '11.00'))
  side.answerAmongEvents([whole()])
  expect(side.current().products?.at(0)?.price).toBe('11.00')
})

it('what was missed while the connection was lost counts as changes', () => {
  const side = new Side(new Clock())
  side.answer([whole()])
  side.link('reconnecting')
  side.link('connected')
  side.answerAmongEvents([whole({ revision: 9, price: '12.00' })])
  expect(counts(side.current())).toEqual([1, 4])
})

it('counts from nothing again, and still shows the products', () => {
  const side = new Side(new Clock())
  side.answer([whole()])
  side.event(priced(6, '11.00'))
  const before = side.current()
  side.restart().requests++
  side.answer([whole({ revision: 6, price: '11.00' })])
  expect(counts(before)).toEqual([1, 1])
  expect(counts(side.current())).toEqual([0, 0])
  expect(side.current().figures.requests).toBe(1)
  expect(side.current().products).toHaveLength(1)
})

it('an answer ends the trouble, and the view is a new one each time', () => {
  const side = new Side(new Clock())
  const views = new Set([side.current()])
  side.subscribe(() => views.add(side.current()))
  side.trouble('The broker is away.')
  side.answer([])
  expect(side.current().trouble).toBeUndefined()
  expect(views.size).toBeGreaterThanOrEqual(3)
})
