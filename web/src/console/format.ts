// How the console writes numbers, spans of time, moments and money. What is not known is a dash.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 })

export const none = '–'

/** All digits of a whole number, in groups. */
export function count(n: number): string {
  return whole.format(n)
}

/** Up to five digits as they are, more of them as in 1.23M. */
export function brief(n: number): string {
  return n < 100_000 ? whole.format(n) : short.format(n)
}

/** So many a second: two digits where it is little. */
export function rate(n: number): string {
  if (n >= 100) return brief(n)
  const digits = n >= 1 ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: 2 }
  return new Intl.NumberFormat(undefined, digits).format(n)
}

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** Bytes, in thousands as networks are billed. */
export function bytes(n: number): string {
  let power = 0
  for (; n >= 999.5 && power < units.length - 1; power++) n /= 1000
  const digits = power === 0 || n >= 99.5 ? 0 : 1
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(n)} ${units[power]}`
}

/** Milliseconds, with about three digits. */
export function millis(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return none
  if (ms >= 10_000) return span(ms / 1000)
  const digits = ms >= 99.5 ? 0 : ms >= 9.95 ? 1 : 2
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(ms)} ms`
}

/** A span of seconds, in the two largest units that it has. */
export function span(seconds: number): string {
  const all = Math.max(0, Math.round(seconds))
  const parts: [number, string][] = [
    [Math.floor(all / 86_400), 'd'],
    [Math.floor(all / 3600) % 24, 'h'],
    [Math.floor(all / 60) % 60, 'min'],
    [all % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** A ratio from 0 to 1. */
export function percent(ratio: number): string {
  const digits = ratio > 0 && ratio < 0.1 ? 2 : 0
  return new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: digits }).format(ratio)
}

/** An exact amount as the gateway writes it, with the cents and what there is below them. */
export function money(amount: string, currency: string): string {
  const exact = amount as `${number}`
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency, maximumFractionDigits: 6 }).format(exact)
  } catch {
    return `${amount} ${currency}` // a currency that the browser does not know
  }
}

/** A moment in the viewer's zone; without the date if it is today's. */
export function moment(at: Date, now = new Date()): string {
  const today = at.toDateString() === now.toDateString()
  return new Intl.DateTimeFormat(undefined, { dateStyle: today ? undefined : 'medium', timeStyle: 'medium' }).format(at)
}

/** The same moment in UTC, to the second. */
export function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** A day of UTC, as usage is billed. */
export function utcDay(at: Date): string {
  return new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short' }).format(at)
}

/** SUBSCRIPTION as Subscription. */
export function title(constant: string): string {
  const words = constant.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
