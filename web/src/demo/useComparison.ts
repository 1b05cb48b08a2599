import { useEffect, useState, useSyncExternalStore } from 'react'
import { Clock } from './figures'
import { poll } from './polled'
import { push, type Way } from './pushed'
import { Side, type View } from './side'

export interface Comparison {
  pushed: View
  polled: View
  clock: Clock
  /** Since when both sides count, in milliseconds of performance.now(). */
  since: number
}

function newSides() {
  const clock = new Clock()
  return { clock, pushed: new Side(clock), polled: new Side(clock) }
}

/**
 * Runs both sides while the page is looked at. They begin to count anew, together, whenever one of the
 * arguments changes, and when the page is looked at again.
 */
export function useComparison(way: Way, interval: number, round: number): Comparison {
  const [sides] = useState(newSides)
  const [since, setSince] = useState(() => performance.now())
  const hidden = useHidden()
  useEffect(() => {
    if (hidden) return
    setSince(performance.now())
    sides.clock.restart()
    const stops = [push(sides.pushed, way), poll(sides.polled, interval)]
    return () => stops.forEach((stop) => stop())
  }, [sides, way, interval, round, hidden])
  return {
    pushed: useSyncExternalStore(sides.pushed.subscribe, sides.pushed.current),
    polled: useSyncExternalStore(sides.polled.subscribe, sides.polled.current),
    clock: sides.clock,
    since,
  }
}

/** Whether nobody can see the page. Browsers slow its timers down then, which would be no fair comparison. */
const useHidden = () => useSyncExternalStore(onVisibility, () => document.hidden)

function onVisibility(changed: () => void): () => void {
  document.addEventListener('visibilitychange', changed)
  return () => document.removeEventListener('visibilitychange', changed)
}

/** The time, in milliseconds of performance.now(), once a second. */
export function useNow(): number {
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
