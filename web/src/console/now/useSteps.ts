import { useEffectEvent, useRef, useState } from 'react'
import type { GraphQLError } from '../../shared/client'
import { useAccess, useLive } from '../live'
import { merged, type Row, type Steps } from './steps'

/** An answer so many milliseconds after the one before joins on to it. */
const unbroken = 10_000

const latestSeconds = { range: { step: 'SECOND', last: '15s' } }

/**
 * The last `span` seconds of a field that gives rows by the second. `query` is live, and asks for `rows` of a `$range`:
 * its answers are short, and after a break all is asked for again.
 */
export function useSteps<R extends Row>(query: string, span: number): { steps: Steps<R>; errors: GraphQLError[] } {
  const { gateway } = useAccess()
  const [steps, setSteps] = useState<Steps<R>>(new Map())
  const latest = useRef(0)
  const take = (rows: readonly R[]) => setSteps((before) => merged(before, rows, Date.now() / 1000, span))
  const fill = useEffectEvent(async () => {
    const { data } = await gateway.query<{ rows: R[] }>(query, { range: { step: 'SECOND', last: `${span}s` } })
    if (data) take(data.rows)
  })
  const { errors } = useLive<{ rows: R[] }>(query, latestSeconds, ({ rows }) => {
    const now = Date.now()
    if (now - latest.current > unbroken) fill().catch(() => (latest.current = 0)) // then with the next answer
    latest.current = now
    take(rows)
  })
  return { steps, errors }
}
