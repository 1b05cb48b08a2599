import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Runs, type Status, type Watchable } from './runs'
import type { Listener, Result } from './transport'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A page with two tabs, and a stream in the first. */
function page() {
  const runs = new Runs()
  runs.tabs(['a', 'b'], 'a')
  const stop = vi.fn()
  let told!: Listener
  const watchable = runs.start('Prices', 'websocket', (listener) => {
    told = listener
    return stop
  })
  const status = (): Status | undefined => (runs.refresh(), runs.snapshot()[0])
  return { runs, stop, told, status, shown: view(watchable) }
}

/** What GraphiQL does with an operation. */
function view(watchable: Watchable) {
  const results: Result[] = []
  const complete = vi.fn()
  const { unsubscribe } = watchable.subscribe({ next: (result) => results.push(result), complete })
  return { results, complete, unsubscribe }
}

/** What GraphiQL does when its user goes to another tab. */
function go(runs: Runs, shown: { unsubscribe: () => void }, all: string[], tab: string) {
  shown.unsubscribe()
  runs.tabs(all, tab)
}

const event = (n: number, dropped?: number): Result => ({ data: { n }, extensions: dropped ? { dropped } : undefined })

test('the first result is shown at once, of a burst the last, and all are counted', () => {
  const { told, shown, status } = page()
  told.link('connected')
  for (let n = 1; n <= 50; n++) told.result(event(n, n === 7 ? 3 : undefined))
  expect(shown.results).toEqual([event(1)])
  vi.advanceTimersByTime(100)
  expect(shown.results).toEqual([event(1), event(50)])
  vi.advanceTimersByTime(10_000)
  expect(shown.results).toHaveLength(2)
  expect(status()).toMatchObject({ title: 'Prices', state: 'connected', events: 50, dropped: 3, transport: 'websocket' })
})

test('stopping it ends the stream', async () => {
  const { shown, stop, status, told } = page()
  shown.unsubscribe()
  await Promise.resolve()
  expect(stop).toHaveBeenCalledOnce()
  told.result(event(1)) // on its way
  expect(status()).toMatchObject({ state: 'ended', events: 0, perSecond: 0 })
  expect(shown.results).toEqual([])
})

test('another tab does not end it, and finds the latest result on coming back', async () => {
  const { runs, told, shown, stop, status } = page()
  go(runs, shown, ['a', 'b'], 'b')
  await Promise.resolve()
  told.result(event(1))
  told.result(event(2))
  expect(stop).not.toHaveBeenCalled()
  expect(runs.resumes).toBe(false) // b has none
  expect(status()?.events).toBe(2)
  expect(shown.results).toEqual([])

  runs.tabs(['a', 'b'], 'a')
  expect(runs.resumes).toBe(true)
  const again = view(runs.resume()!)
  expect(again.results).toEqual([event(2)])
  vi.advanceTimersByTime(100)
  told.result(event(3))
  expect(again.results).toEqual([event(2), event(3)])
  again.unsubscribe()
  await Promise.resolve()
  expect(stop).toHaveBeenCalledOnce()
})

test('going to the same tab again does not end it', async () => {
  const { runs, shown, stop } = page()
  const heard = vi.fn()
  runs.subscribe(heard)
  go(runs, shown, ['a', 'b'], 'a')
  await Promise.resolve()
  expect(stop).not.toHaveBeenCalled()
  expect(heard).toHaveBeenCalled()
  expect(runs.resumes).toBe(true)
})

test('a new tab, for which GraphiQL does not unsubscribe, takes nothing of it', async () => {
  const { runs, told, shown, stop } = page()
  runs.tabs(['a', 'b', 'c'], 'c')
  await Promise.resolve()
  expect(shown.complete).toHaveBeenCalledOnce()
  told.result(event(1))
  expect(shown.results).toEqual([])
  expect(stop).not.toHaveBeenCalled()
})

test('closing its tab ends it', () => {
  const { runs, shown, stop } = page()
  go(runs, shown, ['b'], 'b')
  expect(stop).toHaveBeenCalledOnce()
  expect(runs.snapshot()).toEqual([])
})

test('why it ended is shown, also to who comes back later, once', async () => {
  const { runs, told, shown } = page()
  go(runs, shown, ['a', 'b'], 'b')
  await Promise.resolve()
  told.result(event(1))
  told.end([{ message: 'no', extensions: { code: 'FORBIDDEN' } }])
  runs.tabs(['a', 'b'], 'a')
  const again = view(runs.resume()!)
  expect(again.results).toEqual([{ errors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] }])
  expect(again.complete).toHaveBeenCalledOnce()
  expect(runs.resumes).toBe(false)
})

test('a stream takes the place of the one before in its tab', () => {
  const { runs, stop, shown } = page()
  const second = vi.fn()
  runs.start('Stock', 'sse', () => second)
  expect(stop).toHaveBeenCalledOnce()
  expect(shown.complete).toHaveBeenCalledOnce()
  expect(runs.snapshot().map(({ title }) => title)).toEqual(['Stock'])
})

test('what is told of it is told to who listens', () => {
  const { runs, told } = page()
  const heard = vi.fn()
  const leave = runs.subscribe(heard)
  told.link('reconnecting')
  expect(heard).toHaveBeenCalledOnce()
  expect(runs.snapshot()).toBe(runs.snapshot())
  leave()
  told.link('connected')
  expect(heard).toHaveBeenCalledOnce()
})

test('nothing waits after its end', () => {
  const { told } = page()
  told.result(event(1))
  told.result(event(2))
  told.end([])
  expect(vi.getTimerCount()).toBe(0)
})
