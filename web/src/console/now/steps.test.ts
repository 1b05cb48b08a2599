import { describe, expect, it } from 'vitest'
import { lately, line, merged, seconds, sum, type Steps } from './steps'

interface R {
  at: string
  n: number
}
const row = (second: number, n: number): R => ({ at: new Date(second * 1000).toISOString(), n })
const total = (rows: readonly R[]) => sum(rows, ({ n }) => n)

describe('steps', () => {
  const first = merged<R>(new Map(), [row(100, 1), row(101, 2), row(101, 3)], 110, 60)
  it('have all rows of a second', () => expect(line(first, [100, 101], total)).toEqual([1, 5]))
  it('are replaced by a newer answer, whole', () => {
    const second = merged(first, [row(101, 7), row(102, 8)], 111, 60)
    expect(line(second, [100, 101, 102], total)).toEqual([1, 7, 8])
  })
  it('are forgotten when they are old', () => expect([...merged(first, [], 161, 60).keys()]).toEqual([101]))
  it('that nobody told of are empty', () => {
    expect(line(first, [99, 100], total)).toEqual([0, 1])
    expect(line(first, [99, 100], total, null)).toEqual([null, 1])
  })
  it('do not grow with the time', () => {
    let steps: Steps<R> = new Map()
    for (let now = 1000; now < 3000; now++) steps = merged(steps, [row(now, 1)], now, 300)
    expect(steps.size).toBe(301)
  })
})

it('the seconds that are shown end where all is told', () => {
  const times = seconds(1000.7, 10)
  expect(times).toEqual([991, 992, 993, 994])
})

it('what goes on lately is the mean of what is known', () => {
  expect(lately([9, 9, 1, null, 3], 3)).toBe(2)
  expect(lately([null])).toBeNull()
})
