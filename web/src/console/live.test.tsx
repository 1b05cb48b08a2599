import { act, cleanup, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '../shared/client'
import { change, useLive } from './live'
import { At, FakeGateway } from './testing'

function View({ variables, onData }: { variables?: { search: string }; onData?: (data: { n: number }) => void }) {
  const { data, errors, again } = useLive<{ n: number }>('query Numbers { n }', variables, onData)
  return (
    <button type="button" onClick={again}>
      {data?.n ?? 'nothing'} {errors.map(({ message }) => message).join()}
    </button>
  )
}

const askRole = vi.fn()
let gateway: FakeGateway
const shown = (props = {}) => (
  <At gateway={gateway} askRole={askRole}>
    <View {...props} />
  </At>
)
const sink = () => gateway.latest('Numbers').sink

beforeEach(() => {
  vi.useFakeTimers()
  askRole.mockClear()
  gateway = new FakeGateway()
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

describe('a live query', () => {
  const text = () => screen.getByRole('button').textContent?.trim()
  it('shows every result, and tells of it', () => {
    const told: number[] = []
    render(shown({ onData: ({ n }: { n: number }) => told.push(n) }))
    for (const n of [1, 2]) act(() => sink().next({ data: { n } }))
    expect(text()).toBe('2')
    expect(told).toEqual([1, 2])
  })
  it('keeps what it had through an error', () => {
    render(shown())
    act(() => sink().next({ data: { n: 1 } }))
    act(() => sink().next({ data: null, errors: [{ message: 'broken' }] }))
    expect(text()).toBe('1 broken')
    act(() => sink().next({ data: { n: 2 } }))
    expect(text()).toBe('2')
  })
  it('begins anew after a while when it has ended, or at once when the viewer wants it', () => {
    render(shown())
    act(() => sink().error?.([{ message: 'ended' }]))
    expect(gateway.streams).toHaveLength(1)
    act(() => vi.advanceTimersByTime(10_000))
    expect(gateway.streams).toHaveLength(2)
    act(() => screen.getByRole('button').click())
    expect(gateway.streams).toHaveLength(3)
    expect(gateway.open).toBe(1)
  })
  it('asks what the viewer may see when rights have changed', () => {
    render(shown())
    act(() => sink().error?.([{ message: 'no', extensions: { code: 'FORBIDDEN' } }]))
    expect(askRole).toHaveBeenCalledOnce()
  })
  it('is another one with other variables, and none after the view is gone', () => {
    const { rerender, unmount } = render(shown({ variables: { search: 'a' } }))
    rerender(shown({ variables: { search: 'a' } }))
    expect(gateway.streams).toHaveLength(1)
    rerender(shown({ variables: { search: 'b' } }))
    expect(gateway.streams.at(-1)?.variables).toEqual({ search: 'b' })
    expect(gateway.open).toBe(1)
    unmount()
    expect(gateway.open).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a change', () => {
  const gatewayOf = (query: () => Promise<unknown>) => ({ query }) as unknown as Gateway
  it('that was made counts, whatever else is told of it', async () => {
    const made = gatewayOf(async () => ({ data: { key: 'k' }, errors: [{ message: 'the nodes could not be told' }] }))
    expect(await change(made, '', {})).toEqual({ key: 'k' })
  })
  it('that was not made says why', async () => {
    await expect(
      change(
        gatewayOf(async () => ({ data: null, errors: [{ message: 'no such plan' }] })),
        '',
        {},
      ),
    ).rejects.toThrow('no such plan')
    await expect(
      change(
        gatewayOf(() => Promise.reject(new TypeError())),
        '',
        {},
      ),
    ).rejects.toThrow('does not answer')
  })
})
