// Events a second, over the last seconds.

const slot = 500 // milliseconds
const slots = 10 // 5 s

/** A Rate counts in slots of time, so that its size does not depend on how much there is to count. */
export class Rate {
  private readonly counts = new Array<number>(slots).fill(0)
  private latest: number // the number of the slot of now, since 1970

  /** `now` is in milliseconds, as everywhere here. */
  constructor(private readonly began: number) {
    this.latest = Math.floor(began / slot)
  }

  add(now: number): void {
    this.move(now)
    this.counts[this.latest % slots]! += 1
  }

  /** Events a second; of a stream younger than the span of the slots, since it began, but of one second at least. */
  perSecond(now: number): number {
    this.move(now)
    const sum = this.counts.reduce((a, b) => a + b, 0)
    const span = Math.min(Math.max(now - this.began, 1000), slot * slots)
    return sum / (span / 1000)
  }

  private move(now: number): void {
    const current = Math.floor(now / slot)
    for (let gone = Math.min(current - this.latest, slots); gone > 0; gone--) this.counts[(current - gone + 1) % slots] = 0
    this.latest = Math.max(this.latest, current)
  }
}
