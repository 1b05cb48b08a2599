// The streams of the page. GraphiQL has one operation at a time and stops it when its tab is left; here a stream
// belongs to its tab and goes on until it is stopped, or its tab closed: so what a mutation in another tab
// does to it can be seen.
import { Rate } from './rate'
import type { Failure, Link, Listener, Result, Transport } from './transport'

/** What is shown of a stream. It is plain data, a new one for each change. */
export interface Status {
  tab: string
  title: string
  transport: Transport
  state: Link | 'ended'
  events: number
  dropped: number // as the results tell
  perSecond: number
}

/** Who shows the results: GraphiQL's half of an observable. */
export interface Viewer {
  next(result: Result): void
  complete(): void
}

/** The other half. */
export interface Watchable {
  subscribe(viewer: Viewer): { unsubscribe(): void }
}

/** Results are shown so often, in milliseconds: nobody reads faster, and the editor need not. */
const showEvery = 100

class Run implements Listener {
  state: Link | 'ended' = 'connecting'
  latest: Result | undefined
  stop: () => void = () => {}
  viewer: Viewer | undefined
  private events = 0
  private dropped = 0
  private readonly rate = new Rate(Date.now())
  private shown: Result | undefined
  private pending: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly tab: string,
    private readonly title: string,
    private readonly transport: Transport,
    private readonly changed: () => void,
  ) {}

  link(state: Link): void {
    if (this.state === 'ended') return
    this.state = state
    this.changed()
  }

  result(result: Result): void {
    if (this.state === 'ended') return
    this.events++
    this.rate.add(Date.now())
    this.dropped += droppedOf(result)
    this.latest = result
    if (this.pending === undefined) this.show()
  }

  end(failures: readonly Failure[]): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    if (failures.length > 0) this.latest = { errors: failures }
    this.show()
    this.stop()
    this.changed()
  }

  /** From now on a viewer has the results, beginning with the latest. */
  attach(viewer: Viewer): void {
    this.viewer = viewer
    this.shown = undefined
    this.show()
  }

  /** Nobody looks any more; the stream goes on. */
  detach(): void {
    const viewer = this.viewer
    this.viewer = undefined
    viewer?.complete()
  }

  /** Reports whether there is something that no viewer has had. */
  get unseen(): boolean {
    return this.state !== 'ended' || this.shown !== this.latest
  }

  get status(): Status {
    const { tab, title, transport, state, events, dropped } = this
    const perSecond = state === 'ended' ? 0 : this.rate.perSecond(Date.now())
    return { tab, title, transport, state, events, dropped, perSecond }
  }

  // Shows the latest result, and again after a while if there is another by then.
  private show(): void {
    clearTimeout(this.pending)
    this.pending = undefined
    const fresh = this.viewer && this.latest !== this.shown ? this.latest : undefined
    if (fresh) {
      this.shown = fresh
      this.viewer?.next(fresh)
      this.changed()
    }
    if (this.state === 'ended') return this.detach()
    if (fresh) this.pending = setTimeout(() => this.show(), showEvery)
  }
}

function droppedOf(result: Result): number {
  const dropped = result.extensions?.dropped
  return typeof dropped === 'number' ? dropped : 0
}

/** The streams of all tabs, at most one of each. */
export class Runs {
  private readonly runs = new Map<string, Run>()
  private readonly listeners = new Set<() => void>()
  private statuses: readonly Status[] = []
  private active = ''
  private changes = 0 // of tabs

  /** Starts the stream of the tab that is shown, in place of one that it had. `open` starts it and returns how to stop it. */
  start(title: string, transport: Transport, open: (listener: Listener) => () => void): Watchable {
    this.stop(this.active)
    const run = new Run(this.active, title, transport, () => this.refresh())
    this.runs.set(run.tab, run)
    run.stop = open(run)
    this.refresh()
    return this.watch(run)
  }

  /** Reports whether the tab that is shown has a stream that runs, or ended while nobody looked. */
  get resumes(): boolean {
    const run = this.runs.get(this.active)
    return run !== undefined && !run.viewer && run.unseen
  }

  /** Shows that stream again. */
  resume(): Watchable | undefined {
    const run = this.runs.get(this.active)
    return run && this.resumes ? this.watch(run) : undefined
  }

  /** Ends the stream of a tab. What it has told remains. */
  stop(tab: string): void {
    this.runs.get(tab)?.end([])
  }

  /** Says which tabs there are, and which is shown. */
  tabs(all: readonly string[], active: string): void {
    this.active = active
    this.changes++
    for (const [tab, run] of this.runs) {
      if (!all.includes(tab)) {
        run.end([])
        this.runs.delete(tab)
        this.refresh()
      } else if (tab !== active) {
        queueMicrotask(() => tab !== this.active && run.detach()) // GraphiQL is in the midst of changing the tab
      }
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** How all streams are; the same array until `refresh`. */
  readonly snapshot = (): readonly Status[] => this.statuses

  /** Looks again: counts change without a call. */
  readonly refresh = (): void => {
    this.statuses = [...this.runs.values()].map((run) => run.status)
    for (const listener of this.listeners) listener()
  }

  private watch(run: Run): Watchable {
    return {
      subscribe: (viewer) => {
        run.attach(viewer)
        return { unsubscribe: () => this.leave(run, viewer) }
      },
    }
  }

  // GraphiQL unsubscribes when its user stops the operation, and when they go to another tab, or to the same again,
  // of which `tabs` hears right after. Only the first ends the stream.
  private leave(run: Run, viewer: Viewer): void {
    if (run.viewer !== viewer) return
    run.viewer = undefined
    const { changes } = this
    queueMicrotask(() => {
      if (this.changes === changes) run.end([])
      this.refresh()
    })
  }
}
