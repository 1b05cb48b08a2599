// GraphiQL's parts, which takes these instead of its own, see vite.config.ts: of its four editors only that of the
// operation is there to begin with.
import { cn, HeaderEditor as Headers, ResponseEditor as Response, VariableEditor as Variables } from '@graphiql/react'
import { useEffect, useState, type ComponentProps } from 'react'
import { later } from './later'

export * from '@graphiql/react'

export function VariableEditor(props: ComponentProps<typeof Variables>) {
  return useLater() ? <Variables {...props} /> : <div className={cn('graphiql-editor', props.className)} />
}

export function HeaderEditor(props: ComponentProps<typeof Headers>) {
  return useLater() ? <Headers {...props} /> : <div className={cn('graphiql-editor', props.className)} />
}

export function ResponseEditor(props: ComponentProps<typeof Response>) {
  return useLater() ? <Response {...props} /> : <section className="result-window" />
}

function useLater(): boolean {
  const [now, setNow] = useState(false)
  useEffect(() => later(() => setNow(true)), [])
  return now
}
