// The last minutes, second by second, put together from answers that each tell of a few seconds.

/** Anything that the gateway tells of one step. */
export interface Row {
  at: string
}

/** Rows by the second that they are of, in seconds since 1970. */
export type Steps<R extends Row> = ReadonlyMap<number, readonly R[]>

/** What is known after an answer: it replaces the steps that it tells of. What is older than `span` seconds goes. */
export function merged<R extends Row>(known: Steps<R>, rows: readonly R[], now: number, span: number): Steps<R> {
  const told = new Map<number, R[]>()
  for (const row of rows) {
    const at = Math.floor(Date.parse(row.at) / 1000)
    told.set(at, [...(told.get(at) ?? []), row])
  }
  return new Map([...known, ...told].filter(([at]) => at >= now - span))
}

/** So many seconds later a node has summed a second up, the sums are written, and live queries have seen them. */
const settled = 6

/** Every second of the last `span` that is told of in full by now. */
export function seconds(now: number, span: number): number[] {
  const first = Math.floor(now) - span
  return Array.from({ length: Math.max(0, span - settled) }, (_, i) => first + 1 + i)
}

/** One value of each second; where there are no rows, `empty`. */
export function line<R extends Row>(
  steps: Steps<R>,
  times: number[],
  value: (rows: readonly R[]) => number | null,
  empty: number | null = 0,
): (number | null)[] {
  return times.map((at) => {
    const rows = steps.get(at)
    return rows ? value(rows) : empty
  })
}

export function sum<R>(rows: readonly R[], value: (row: R) => number): number {
  return rows.reduce((total, row) => total + value(row), 0)
}

/** The mean of the last `count` values that are known, as what is going on now. */
export function lately(values: (number | null)[], count = 10): number | null {
  const known = values.slice(-count).filter((value) => value !== null)
  return known.length > 0 ? sum(known, (n) => n) / known.length : null
}
