import type { ReactNode } from 'react'
import type { GraphQLError } from '../../shared/client'
import { sentence } from '../session'

/** Something the viewer should know. What is wrong is read out. */
export function Notice({ kind = 'hint', children }: { kind?: 'hint' | 'warn' | 'bad'; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === 'hint' ? undefined : 'alert'}>
      {children}
    </div>
  )
}

/** Why something is not there, as the gateway has said; nothing where there are no errors. */
export function Errors({ errors, again }: { errors: GraphQLError[]; again?: () => void }) {
  if (errors.length === 0) return null
  return (
    <Notice kind="bad">
      <p>{explained(errors[0])}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </Notice>
  )
}

function explained({ message, extensions }: GraphQLError): string {
  switch (extensions?.code) {
    case 'USAGE_NOT_KEPT':
      return 'This gateway does not keep these figures: it runs with --usage off or --traffic off.'
    case 'ENDED_BY_OPERATOR':
      return `An operator has ended what this view shows. ${sentence(message)}`
    default:
      return sentence(message)
  }
}
