// Numbers as people read them. The page is in English, so its numbers are too.

const money = new Map<string, Intl.NumberFormat>()

export function price(amount: string | number, currency: string): string {
  let format = money.get(currency)
  if (!format) {
    format = new Intl.NumberFormat('en', { style: 'currency', currency })
    money.set(currency, format)
  }
  return format.format(Number(amount))
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`
}

/** A time, given in milliseconds. */
export function duration(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 999.5) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** How long something goes on, given in milliseconds: 34 s, or 2 min 05 s. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
}

const whole = new Intl.NumberFormat('en')
export const count = (n: number): string => whole.format(n)
