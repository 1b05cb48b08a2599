import { expect, it } from 'vitest'
import { Clock, lag, noFigures, noteDelay } from './figures'

const at = '2026-11-21T10:00:00.000Z'
const then = Date.parse(at)

it('says nothing before there was an update', () => {
  expect(lag(noFigures(), new Clock())).toBeUndefined()
})

for (const apart of [0, -3_600_000, 3_600_000]) {
  it(`says how far behind a column is when the clocks are ${apart / 1000} s apart`, () => {
    const [clock, figures] = [new Clock(), noFigures()]
    clock.answered(20)
    for (const delay of [10, 500, 900]) noteDelay(figures, clock.arrived(at, then + apart + delay))
    expect(lag(figures, clock)).toEqual({ typical: 500, worst: 900 })
  })
}

it('learns from the other column how fast an update can be', () => {
  const [clock, polled] = [new Clock(), noFigures()]
  noteDelay(polled, clock.arrived(at, then + 700))
  clock.arrived(at, then + 1)
  expect(lag(polled, clock)?.typical).toBe(699)
})

it('keeps the latest 200 delays', () => {
  const figures = noFigures()
  for (let i = 0; i < 1000; i++) noteDelay(figures, i)
  expect([figures.delays.length, figures.delays.at(-1)]).toEqual([200, 999])
})
