// Months of UTC, as usage is billed.

/** Such as `2026-11`. */
export function monthOf(date: Date): string {
  return date.toISOString().slice(0, 7)
}

/** The month of `now` and those before it, the newest first. */
export function lastMonths(now: Date, count = 12): string[] {
  return Array.from({ length: count }, (_, i) => monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i))))
}

/** When a month begins, and when the next one does. */
export function bounds(month: string): { from: string; to: string } {
  const from = new Date(`${month}-01T00:00:00Z`)
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1))
  return { from: from.toISOString(), to: to.toISOString() }
}

/** For people: November 2026. */
export function monthName(month: string): string {
  return new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-01T00:00:00Z`),
  )
}
