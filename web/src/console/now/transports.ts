import type { Line } from '../parts/Chart'
import type { SessionRow } from './queries'
import { line, sum, type Steps } from './steps'

const most = 5 // lines, as there are colours

/** A line for each transport, always in the same order: a colour stays with its transport. */
export function transports(steps: Steps<SessionRow>, times: number[]): Line[] {
  const names = [...new Set([...steps.values()].flat().map(({ transport }) => transport))].sort().slice(0, most)
  if (names.length === 0) return [{ label: 'sessions', color: 1, values: times.map(() => 0) }]
  return names.map((label, i) => {
    const open = (rows: readonly SessionRow[]) =>
      sum(
        rows.filter(({ transport }) => transport === label),
        ({ average }) => average,
      )
    return { label, color: i + 1, values: line(steps, times, open) }
  })
}
