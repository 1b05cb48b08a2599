import { describe, expect, it } from 'vitest'
import { credentialsOf } from './account'
import { change, linesOf, pieces, total, type Basket } from './basket'
import { bytes, duration, elapsed, price } from './format'
import { introduce, type Product } from './product'
import { line } from './Sparkline'

const product = (id: string, amount: string): Product =>
  introduce({ id, name: id, category: '', currency: 'EUR', price: amount, stock: 9, revision: 1, changedAt: '' }, 0) as Product

it('numbers are written as people read them', () => {
  expect([0, 999, 1000, 12_345, 2_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '12 kB', '2.0 MB'])
  expect([0.2, 9.4, 999.9, 12_400].map(duration)).toEqual(['< 1 ms', '9 ms', '1.0 s', '12 s'])
  expect([0, 59_999, 125_000].map(elapsed)).toEqual(['0 s', '59 s', '2 min 05 s'])
  expect(price('1234.5', 'EUR')).toBe('€1,234.50')
})

describe('a basket', () => {
  it('has no line for what is taken out', () => {
    const full = change(change({}, '1', 1), '2', 2)
    expect([full, pieces(full)]).toEqual([{ 1: 1, 2: 2 }, 3])
    expect(change(change(full, '1', -1), '1', -1)).toEqual({ 2: 2 })
  })

  it('costs what its lines cost, to the cent', () => {
    const basket: Basket = { 1: 3, 2: 1, gone: 4 }
    const lines = linesOf(basket, [product('1', '0.10'), product('2', '0.20'), product('3', '9.00')])
    expect(lines.map(({ quantity }) => quantity)).toEqual([3, 1])
    expect(total(lines)).toBe(0.5)
  })
})

it('credentials are taken as people paste them', () => {
  expect([' dev_A\n', 'Authorization: Bearer dev_A', 'bearer dev_A'].map(credentialsOf)).toEqual(['dev_A', 'dev_A', 'dev_A'])
  expect(['', 'two words', 'é'].map(credentialsOf)).toEqual([undefined, undefined, undefined])
})

describe('a sparkline', () => {
  it('of one price is level', () => expect(line([{ at: 0, price: 5 }], 60_000)).toEqual({ d: 'M3 14H93', end: 14 }))

  it('steps where the price moved, and stays in its frame', () => {
    const { d, end } = line([{ at: 0, price: 10 }, { at: 30_000, price: 20 }, { at: 61_000, price: 15 }], 60_000)
    expect([d, end]).toEqual(['M3 25H48V3H93V14H93', 14])
  })
})
