import { expect, test } from 'vitest'
import { Rate } from './rate'

const began = 1_700_000_000_123

test('a young stream is measured over its own life, of a second at least', () => {
  const rate = new Rate(began)
  for (let i = 0; i < 4; i++) rate.add(began + 10 * i)
  expect(rate.perSecond(began + 100)).toBe(4)
  expect(rate.perSecond(began + 2000)).toBe(2)
})

test('an old one over the last five seconds', () => {
  const rate = new Rate(began)
  for (let at = 0; at < 60_000; at += 100) rate.add(began + at)
  expect(rate.perSecond(began + 60_000)).toBeCloseTo(10, -0.5)
})

test.each([5_001, 60_000, 86_400_000])('what has stopped comes down to nothing: after %i ms', (pause) => {
  const rate = new Rate(began)
  for (let i = 0; i < 1000; i++) rate.add(began)
  expect(rate.perSecond(began + pause)).toBe(0)
})

test('a clock that goes back counts on', () => {
  const rate = new Rate(began)
  rate.add(began + 3000)
  rate.add(began)
  expect(rate.perSecond(began + 4000)).toBe(0.5)
})
