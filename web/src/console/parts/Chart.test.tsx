import { act, cleanup, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Chart } from './Chart'

const alive = vi.hoisted(() => ({ plots: 0, observers: 0, data: [] as unknown[] }))

vi.mock('uplot', () => ({
  default: class {
    constructor() {
      alive.plots++
    }
    setData(data: unknown) {
      alive.data.push(data)
    }
    setSize() {}
    destroy() {
      alive.plots--
    }
  },
}))
vi.mock('uplot/dist/uPlot.min.css', () => ({}))

beforeEach(() => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {
        alive.observers++
      }
      disconnect() {
        alive.observers--
      }
    },
  )
})
afterEach(cleanup)

const chart = (values: (number | null)[], label = 'events') => (
  <Chart label="Deliveries" times={values.map((_, i) => i)} lines={[{ label, color: 1, values }]} format={String} />
)

it('a chart leaves nothing behind when it goes', () => {
  const { rerender, unmount } = render(chart([1]))
  rerender(chart([1, 2]))
  rerender(chart([1, 2], 'others')) // other lines are another plot
  expect(alive).toMatchObject({ plots: 1, observers: 1 })
  unmount()
  expect(alive).toMatchObject({ plots: 0, observers: 0 })
})

it('a chart says its latest values to those who do not see it', () => {
  const { rerender } = render(chart([1, 4, null]))
  expect(screen.getByRole('img', { name: 'Deliveries: events 4' })).toBeTruthy()
  act(() => rerender(chart([])))
  expect(screen.getByRole('img', { name: 'Deliveries: events none' })).toBeTruthy()
})

it('a chart is drawn anew with every value, by the same plot', () => {
  const { rerender } = render(chart([1]))
  alive.data.length = 0
  rerender(chart([1, 2]))
  expect(alive.data.at(-1)).toEqual([
    [0, 1],
    [1, 2],
  ])
  expect(alive.plots).toBe(1)
})
