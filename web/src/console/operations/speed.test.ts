import { expect, it } from 'vitest'
import { measured, noSpeeds } from './speed'

it('the speed of an operation is what it had between two answers', () => {
  const first = measured(noSpeeds, [{ id: 'a', events: 10 }], 1000)
  expect(first.perSecond.has('a')).toBe(false)
  const second = measured(
    first,
    [
      { id: 'a', events: 30 },
      { id: 'b', events: 5 },
    ],
    3000,
  )
  expect([...second.perSecond]).toEqual([['a', 10]])
})

it('what was taken back is no speed below nothing', () => {
  const first = measured(noSpeeds, [{ id: 'a', events: 10 }], 1000)
  expect(measured(first, [{ id: 'a', events: 9 }], 2000).perSecond.get('a')).toBe(0)
})

it('operations that have ended are forgotten', () => {
  const first = measured(noSpeeds, [{ id: 'a', events: 10 }], 1000)
  expect(measured(first, [], 2000).events.size).toBe(0)
})
