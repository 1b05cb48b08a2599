import { bytes, count, duration, elapsed } from './format'
import { lag, type Clock } from './figures'
import type { View } from './side'

interface Props {
  pushed: View
  polled: View
  clock: Clock
  /** For how long both have counted, in milliseconds. */
  counted: number
  /** Between two polls, in milliseconds. */
  interval: number
  restart(): void
}

interface Figure {
  name: string
  /** How much it is, for the bar: less is better. Undefined for no bar. */
  amount(view: View): number | undefined
  text(view: View): string
  note(view: View): string
  /** The same, exactly, where the text is rounded. */
  exactly?(view: View): string
}

/** What the two columns have taken so far, side by side. */
export function FiguresCard({ pushed, polled, clock, counted, interval, restart }: Props) {
  const figures = [requests, data, updates, behind(clock)]
  return (
    <section className="card figures" aria-labelledby="figures">
      <div className="head">
        <h2 id="figures">What it takes</h2>
        <span className="quiet number">counted for {elapsed(counted)}</span>
        <button type="button" className="plain" onClick={restart}>
          Start again
        </button>
      </div>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">Pushed</th>
            <th scope="col">Polled every {interval / 1000} s</th>
          </tr>
        </thead>
        <tbody>
          {figures.map((figure) => (
            <Row key={figure.name} figure={figure} pushed={pushed} polled={polled} />
          ))}
        </tbody>
      </table>
      <details className="small">
        <summary>How it is counted</summary>
        <ul className="quiet">
          <li>
            <b>Data</b> is what bodies and WebSocket frames hold, both ways. Headers are left out: an HTTP request and its answer
            have some hundred bytes of them, a frame 2 to 14.
          </li>
          <li>
            <b>Changes</b> are told apart by the products’ revisions: between two answers there may be several.
          </li>
          <li>
            <b>Behind</b> is from the time of a change, as the gateway says it, until it is here. As two clocks differ, the fastest
            update counts as half a round trip. The latest 200 updates count.
          </li>
          <li>Orders are not counted: they have a connection of their own.</li>
        </ul>
      </details>
    </section>
  )
}

function Row({ figure, pushed, polled }: { figure: Figure; pushed: View; polled: View }) {
  const most = Math.max(figure.amount(pushed) ?? 0, figure.amount(polled) ?? 0)
  return (
    <tr data-figure={figure.name}>
      <th scope="row">{figure.name}</th>
      <Cell figure={figure} view={pushed} most={most} side="pushed" />
      <Cell figure={figure} view={polled} most={most} side="polled" />
    </tr>
  )
}

function Cell({ figure, view, most, side }: { figure: Figure; view: View; most: number; side: string }) {
  const amount = figure.amount(view)
  return (
    <td className={side}>
      <span className="number figure" title={figure.exactly?.(view)}>
        {figure.text(view)}
      </span> <span className="small quiet number">{figure.note(view)}</span>
      <span className="track" aria-hidden="true">
        {amount !== undefined && most > 0 && <span style={{ inlineSize: `${(amount / most) * 100}%` }} />}
      </span>
    </td>
  )
}

const requests: Figure = {
  name: 'Requests',
  amount: ({ figures }) => figures.requests,
  text: ({ figures }) => count(figures.requests),
  note: ({ figures }) => (figures.frames > 0 ? `WebSocket, ${count(figures.frames)} frames` : 'HTTP'),
}

const data: Figure = {
  name: 'Data',
  amount: ({ figures }) => figures.sent + figures.received,
  text: ({ figures }) => bytes(figures.sent + figures.received),
  note: ({ figures }) => `${bytes(figures.sent)} sent, ${bytes(figures.received)} received`,
  exactly: ({ figures }) => `${count(figures.sent + figures.received)} bytes`,
}

const updates: Figure = {
  name: 'Updates shown',
  amount: () => undefined,
  text: ({ figures }) => count(figures.shown),
  note: ({ figures }) => `of ${count(figures.changes)} changes`,
}

const behind = (clock: Clock): Figure => ({
  name: 'Behind',
  amount: ({ figures }) => lag(figures, clock)?.typical,
  text: ({ figures }) => {
    const now = lag(figures, clock)
    return now ? duration(now.typical) : '–'
  },
  note: ({ figures }) => {
    const now = lag(figures, clock)
    return now ? `typically; ${duration(now.worst)} at worst` : 'no change yet'
  },
})
