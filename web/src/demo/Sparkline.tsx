import { span, type Point } from './product'

const width = 96
const height = 28
const margin = 3

/** In milliseconds: what is known for less begins in the middle. */
const shortest = 10_000

/** The price over the last minute, or since it is known: it stays until it changes, so the line has steps. */
export function Sparkline({ history, now }: { history: Point[]; now: number }) {
  const path = line(history, now)
  return (
    <svg className="sparkline" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <path d={path.d} />
      <circle cx={width - margin} cy={path.end} r="2" />
    </svg>
  )
}

/** The path of the line, and how high its end is. Exported for its test. */
export function line(history: Point[], now: number): { d: string; end: number } {
  const first = history.at(0)?.at ?? now
  const shown = Math.min(Math.max(now - first, shortest), span)
  const prices = history.map(({ price }) => price)
  const last = prices.at(-1) ?? 0
  // A change of less than four per cent is no cliff.
  const [low, high] = [Math.min(...prices, last * 0.98), Math.max(...prices, last * 1.02)]
  const x = (at: number) => clamp(width - margin - ((now - at) / shown) * (width - 2 * margin))
  const y = (price: number) => height - margin - ((price - low) / (high - low || 1)) * (height - 2 * margin)
  const round = (n: number) => Math.round(n * 10) / 10
  const steps = history.map(({ at, price }, i) => (i === 0 ? `M${round(x(at))} ${round(y(price))}` : `H${round(x(at))}V${round(y(price))}`))
  return { d: `${steps.join('')}H${width - margin}`, end: round(y(last)) }
}

// What has come since `now` was looked at is at the end, and what is older than is shown at the beginning.
const clamp = (x: number) => Math.min(Math.max(x, margin), width - margin)
