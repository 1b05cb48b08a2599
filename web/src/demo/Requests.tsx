import { pollQuery, priceChanged, stockChanged, windowLive, windowQuery } from './documents'
import type { Way } from './pushed'

const pushed: Record<Way, [string, string][]> = {
  events: [
    ['Once, and for every product', `${priceChanged}\n\n${stockChanged}`],
    ['With each connection, for how things are and what was missed', windowQuery],
  ],
  live: [['Once; results after the first are patches', windowLive]],
}

/** The operations that the two sides send, for those who want to know. */
export function Requests({ way }: { way: Way }) {
  return (
    <details className="card requests">
      <summary>What the two sides ask</summary>
      <div className="columns">
        <Documents title="Pushed, over one WebSocket" documents={pushed[way]} />
        <Documents
          title="Polled, by POST"
          documents={[
            ['At first', windowQuery],
            ['From then on, as little as will do', pollQuery],
          ]}
        />
      </div>
    </details>
  )
}

function Documents({ title, documents }: { title: string; documents: [string, string][] }) {
  return (
    <div>
      <h3>{title}</h3>
      {documents.map(([when, text]) => (
        <figure key={when}>
          <figcaption className="small quiet">{when}</figcaption>
          <pre tabIndex={0} aria-label={when}>
            {text}
          </pre>
        </figure>
      ))}
    </div>
  )
}
