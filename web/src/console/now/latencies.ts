import type { LatencyRow } from './queries'
import type { Steps } from './steps'

/** The fields that were timed, the busiest first. */
export function timedFields(steps: Steps<LatencyRow>): string[] {
  const counts = new Map<string, number>()
  for (const { field, count } of [...steps.values()].flat()) counts.set(field, (counts.get(field) ?? 0) + count)
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([field]) => field)
}

/** What a field's events of the newest second took in which there were any. */
export function latest(steps: Steps<LatencyRow>, field: string | undefined): LatencyRow | undefined {
  const times = [...steps.keys()].sort((a, b) => b - a)
  for (const at of times) {
    const row = steps.get(at)?.find((one) => one.field === field)
    if (row) return row
  }
  return undefined
}
