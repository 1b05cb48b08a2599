// The column that asks, and asks again.
import { newsOf, type Window } from './answers'
import { pollQuery, windowQuery } from './documents'
import type { Side } from './side'
import { ask } from './wire'

/** Asks each `interval` milliseconds, but not before there is an answer, until the function that it returns is called. */
export function poll(side: Side, interval: number): () => void {
  const traffic = side.restart()
  const end = new AbortController()
  let query = windowQuery
  let waiting = false
  const once = async () => {
    const begun = performance.now()
    const { data, errors } = await ask<Window>(query, traffic, end.signal)
    side.clock.answered(performance.now() - begun)
    if (!data) {
      side.trouble(errors?.at(0)?.message ?? 'The gateway has sent no data.')
      return
    }
    query = pollQuery // names and departments are known now
    side.answer(newsOf(data))
  }
  const tick = () => {
    if (waiting) return
    waiting = true
    once()
      .catch(() => end.signal.aborted || side.link('reconnecting'))
      .finally(() => (waiting = false))
  }
  tick()
  const timer = setInterval(tick, interval)
  return () => {
    clearInterval(timer)
    end.abort()
  }
}
