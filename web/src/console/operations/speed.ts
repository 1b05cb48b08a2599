// How fast operations get events, from two answers about them.

export interface Sample {
  id: string
  events: number
}

/** What was known when, in milliseconds, and from that how many events a second each operation has had. */
export interface Speeds {
  at: number
  events: ReadonlyMap<string, number>
  perSecond: ReadonlyMap<string, number>
}

export const noSpeeds: Speeds = { at: 0, events: new Map(), perSecond: new Map() }

/** What is known after another answer. Operations that are new have no speed yet. */
export function measured(before: Speeds, samples: Sample[], now: number): Speeds {
  const seconds = (now - before.at) / 1000
  const perSecond = new Map<string, number>()
  for (const { id, events } of samples) {
    const had = before.events.get(id)
    if (had !== undefined && seconds > 0) perSecond.set(id, Math.max(0, events - had) / seconds)
  }
  return { at: now, events: new Map(samples.map(({ id, events }) => [id, events])), perSecond }
}
