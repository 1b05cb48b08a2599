import { useState } from 'react'
import { Copy } from '../parts/Copy'
import type { Example } from './example'
import { placeholder, snippets } from './snippets'

/** Programs that run an operation, one client at a time. Where it needs no `credentials`, they are without a key if nobody wants one. */
export function Snippets({ example, credentials }: { example: Example; credentials: boolean }) {
  const [chosen, setChosen] = useState('graphql-ws')
  const [withKey, setWithKey] = useState(false)
  const list = snippets({ ...example, endpoint: new URL('/graphql', location.href).href, credentials: credentials || withKey })
  const shown = list.find(({ name }) => name === chosen) ?? list[0]
  return (
    <div className="snippets">
      <div className="filters">
        <div className="choice" role="group" aria-label="Client">
          {list.map(({ name }) => (
            <button type="button" key={name} aria-pressed={name === shown.name} onClick={() => setChosen(name)}>
              {name}
            </button>
          ))}
        </div>
        {!credentials && (
          <label className="check">
            <input type="checkbox" checked={withKey} onChange={(event) => setWithKey(event.target.checked)} /> with a key
          </label>
        )}
      </div>
      <p className="quiet">
        {shown.note} {shown.text.includes(placeholder) && `Put your key in the place of ${placeholder}.`}
      </p>
      <div className="code">
        <pre tabIndex={0} aria-label={`Program for ${shown.name}`}>
          <code>{shown.text}</code>
        </pre>
        <Copy text={shown.text} />
      </div>
    </div>
  )
}
