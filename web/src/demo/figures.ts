// What a column counts, and how it is measured.

/** What went over the wire. Bytes are those of bodies and frames, without any headers. */
export interface Traffic {
  /** HTTP requests, and the one that becomes a WebSocket. */
  requests: number
  /** Frames of a WebSocket, either way. */
  frames: number
  sent: number
  received: number
}

export interface Figures extends Traffic {
  /** Updates that this column has shown. */
  shown: number
  /** Changes that there were, by the products' revisions: between two updates there may be several. */
  changes: number
  /** How long the latest updates were on their way, in milliseconds by two clocks; see Clock. */
  delays: number[]
}

const mostDelays = 200

export function noFigures(): Figures {
  return { requests: 0, frames: 0, sent: 0, received: 0, shown: 0, changes: 0, delays: [] }
}

/** Notes one delay, and forgets the oldest. */
export function noteDelay(figures: Figures, delay: number): void {
  figures.delays = [...figures.delays, delay].slice(-mostDelays)
}

/**
 * A Clock relates the gateway's time to the browser's, which need not agree: the update that came
 * fastest, on either side, is taken to have needed half of the shortest round trip.
 */
export class Clock {
  private fastest = Infinity
  private roundTrip = Infinity

  /** Forgets what it has learned: somebody may have set a clock. */
  restart(): void {
    this.fastest = Infinity
    this.roundTrip = Infinity
  }

  /** Notes an update, and returns its delay by the two clocks as they are. */
  arrived(changedAt: string, now = Date.now()): number {
    const delay = now - Date.parse(changedAt)
    this.fastest = Math.min(this.fastest, delay)
    return delay
  }

  /** Notes how long a request and its answer took, in milliseconds. */
  answered(took: number): void {
    this.roundTrip = Math.min(this.roundTrip, took)
  }

  /** What a delay is by one clock: never less than nothing. */
  true(delay: number): number {
    const way = Number.isFinite(this.roundTrip) ? this.roundTrip / 2 : 0
    return Math.max(0, delay - this.fastest + way)
  }
}

export interface Lag {
  typical: number
  worst: number
}

/** How far a column is behind, in milliseconds: the median and the worst; undefined before any update. */
export function lag(figures: Figures, clock: Clock): Lag | undefined {
  const sorted = figures.delays.map((delay) => clock.true(delay)).sort((a, b) => a - b)
  const worst = sorted.at(-1)
  const typical = sorted[Math.floor(sorted.length / 2)]
  return typical === undefined || worst === undefined ? undefined : { typical, worst }
}
