import { useState, type ReactNode } from 'react'
import { bytes, count, none, span, title } from '../format'
import { change, useAccess, useNow } from '../live'
import { Dialog } from '../parts/Dialog'
import { Field, filled, Form } from '../parts/Form'
import { Notice } from '../parts/Notice'
import { Time } from '../parts/Time'
import { endMutation, type Drops, type RunningOperation } from './queries'

interface Props {
  operation: RunningOperation
  /** It is not among those that run any more, as far as these are listed. */
  gone: boolean
  mayEnd: boolean
  onClose(): void
}

/** Everything about one operation, and its end. */
export function Details({ operation, gone, mayEnd, onClose }: Props) {
  const [ending, setEnding] = useState(false)
  const name = operation.operation ?? operation.field
  if (ending) return <End operation={operation} name={name} onClose={onClose} onCancel={() => setEnding(false)} />
  return (
    <Dialog title={name} onClose={onClose}>
      {gone && <Notice kind="warn">It is not listed any more: it has ended, or others have had more events.</Notice>}
      <Facts operation={operation} />
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
        {mayEnd && !gone && (
          <button type="button" className="danger" onClick={() => setEnding(true)}>
            End…
          </button>
        )}
      </div>
    </Dialog>
  )
}

function Facts({ operation }: { operation: RunningOperation }) {
  const now = useNow()
  const { client, clientVersion, consumer, issuer } = operation
  const facts: [string, ReactNode][] = [
    ['Id', <code>{operation.id}</code>],
    ['Kind', title(operation.kind)],
    ['Field', <code>{operation.field}</code>],
    ['Topic', operation.topic && <code>{operation.topic}</code>],
    ['Document', <code>{operation.document}</code>],
    ['Consumer', [consumer ?? 'anonymous', issuer && `of ${issuer}`].filter(Boolean).join(' ')],
    ['End user', operation.subject],
    ['Plan', operation.plan],
    ['Client', client && [client, clientVersion].filter(Boolean).join(' ')],
    ['Transport', operation.transport],
    ['Country', operation.country],
    ['Node', operation.node],
    [
      'Runs since',
      <>
        <Time at={operation.startedAt} /> ({span((now - Date.parse(operation.startedAt)) / 1000)})
      </>,
    ],
    ['Events', `${count(operation.events)}, ${bytes(operation.bytes)}`],
    ['With errors', count(operation.failed)],
    ['Dropped', drops(operation.dropped)],
  ]
  return (
    <dl className="facts">
      {facts.map(([term, fact]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{fact || none}</dd>
        </div>
      ))}
    </dl>
  )
}

const causes: [keyof Drops, string][] = [
  ['slow', 'reads too slowly'],
  ['rate', 'above its rate'],
  ['lease', 'budget came late'],
  ['write', 'left before they were written'],
  ['decode', 'could not be decoded'],
  ['overrun', 'came faster than they were executed'],
]

function drops(dropped: Drops): string {
  const why = causes.filter(([cause]) => dropped[cause] > 0).map(([cause, words]) => `${count(dropped[cause])} ${words}`)
  return why.length > 0 ? `${count(dropped.total)}: ${why.join(', ')}` : count(dropped.total)
}

function End({
  operation,
  name,
  onClose,
  onCancel,
}: {
  operation: RunningOperation
  name: string
  onClose(): void
  onCancel(): void
}) {
  const { gateway } = useAccess()
  const end = async (fields: FormData) => {
    await change(gateway, endMutation, { id: operation.id, reason: filled(fields, 'reason') ?? '' })
    onClose()
  }
  return (
    <Dialog title={`End ${name}?`} onClose={onCancel}>
      <Form action="End it" danger onCancel={onCancel} onSubmit={end}>
        <p>
          The client of {operation.consumer ?? 'an anonymous caller'} gets the error <code>ENDED_BY_OPERATOR</code>. It may start
          the operation again: to keep somebody out, revoke the key.
        </p>
        <Field label="Reason" hint="Its client is told. It stands in the audit log too.">
          {(control) => <input {...control} name="reason" maxLength={200} autoComplete="off" />}
        </Field>
      </Form>
    </Dialog>
  )
}
