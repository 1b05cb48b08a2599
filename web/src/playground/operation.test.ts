import { expect, test } from 'vitest'
import { isStream, named, title } from './operation'

test.each([
  ['a subscription streams', 'subscription { priceChanged { price } }', true],
  ['a live query streams', 'query A @live { products { totalCount } }', true],
  ['a live query with a throttle streams', '# @no\nquery A @live(throttle: 500) { a }', true],
  ['a live query by a variable streams', 'query A($on: Boolean) @live(if: $on) { a }', true],
  ['a live query that is off has one result', 'query A @live(if: false) { a }', false],
  ['a query has one result', 'query A { a @include(if: true) }', false],
  ['@live on a field is no live query', '{ a @live }', false],
  ['a mutation has one result', 'mutation { a }', false],
  ['what cannot be parsed is left to the gateway', 'subscription {', false],
])('%s', (_name, query, streams) => expect(isStream({ query })).toBe(streams))

const several = 'query Once { a } subscription Many { b } query Kept @live { c }'

test.each([
  ['Once', false],
  ['Many', true],
  ['Kept', true],
  ['Unknown', false],
])('of several operations the one that is named decides: %s', (operationName, streams) => {
  expect(isStream({ query: several, operationName })).toBe(streams)
})

test.each([
  ['its name', 'subscription Prices { priceChanged { price } }', 'Prices'],
  ['its field', 'subscription { ...F priceChanged { price } }', 'priceChanged'],
  ['nothing that it says', 'fragment F on Query { a }', 'stream'],
])('a stream is called by %s', (_name, query, called) => expect(title({ query })).toBe(called))

test('the name of the tab before does not stop the only operation', () => {
  expect(named({ query: 'query B { a }', operationName: 'A' }).operationName).toBeUndefined()
  expect(named({ query: 'query B { a }', operationName: 'B' }).operationName).toBe('B')
  expect(named({ query: several, operationName: 'A' }).operationName).toBe('A')
  expect(named({ query: '{', operationName: 'A' }).operationName).toBe('A')
})
