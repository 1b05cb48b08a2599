// Who has signed in. The key stays in this tab: in its session storage, and nowhere else.

import type { Gateway, GraphQLError } from '../shared/client'

/** What the viewer is shown: everything, what its consumer has had, or what an end user may see of it. */
export type Role = 'operator' | 'consumer' | 'end user'

export type Session =
  | { state: 'signed out'; reason?: string }
  | { state: 'asking'; credentials: string }
  | { state: 'signed in'; credentials: string; role: Role }

export type SessionEvent =
  | { type: 'sign in'; credentials: string }
  | { type: 'accepted'; credentials: string; role: Role }
  | { type: 'refused'; credentials: string; reason: string }
  | { type: 'unanswered'; credentials: string; reason: string }
  | { type: 'sign out' }

/** What comes of an event. An answer about other credentials than those of now comes too late. */
export function sessionReducer(session: Session, event: SessionEvent): Session {
  switch (event.type) {
    case 'sign in':
      return { state: 'asking', credentials: event.credentials }
    case 'sign out':
      return { state: 'signed out' }
    case 'accepted':
      if (!holds(session, event.credentials)) return session
      if (session.state === 'signed in' && session.role === event.role) return session
      return { state: 'signed in', credentials: event.credentials, role: event.role }
    case 'refused':
      return holds(session, event.credentials) ? { state: 'signed out', reason: event.reason } : session
    case 'unanswered': // who is in stays in: the credentials may be as good as they were
      if (session.state === 'signed in' || !holds(session, event.credentials)) return session
      return { state: 'signed out', reason: event.reason }
  }
}

function holds(session: Session, credentials: string): boolean {
  return session.state !== 'signed out' && session.credentials === credentials
}

const storageKey = 'sluice-console'

/** The session of a page that was loaded again. */
export function restored(storage: Storage): Session {
  const credentials = storage.getItem(storageKey)
  return credentials ? { state: 'asking', credentials } : { state: 'signed out' }
}

export function keep(storage: Storage, session: Session): void {
  if (session.state === 'signed in') storage.setItem(storageKey, session.credentials)
  if (session.state === 'signed out') storage.removeItem(storageKey)
}

/** The bare key or token of what was pasted: with `Bearer` in front, in quotes, or broken over lines. */
export function bare(pasted: string): string {
  const text = pasted
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/^"(.*)"$/, '$1')
  return text.replace(/^(authorization: *)?bearer /i, '').replaceAll(' ', '')
}

const ofAnybody = '{ __typename }'
const ofOperators = '{ nodes { name } }'
const ofConsumers =
  '{ myOperations(first: 0) { total } myUsage(from: "2000-01-01T00:00:00Z", to: "2000-01-01T01:00:00Z") { at } }'

/** Finds out by asking what the viewer may see. It throws why there is no answer to that. */
export async function findRole(gateway: Gateway): Promise<Role> {
  const { errors = [] } = await gateway.query(ofAnybody).catch(() => {
    throw new Error(noAnswer)
  })
  if (errors.length > 0) throw new Error(sentence(errors[0].message))
  if (!forbidden(await ask(gateway, ofOperators))) return 'operator'
  return forbidden(await ask(gateway, ofConsumers)) ? 'end user' : 'consumer'
}

const noAnswer = 'The gateway does not answer. Is it running?'
const patience = 10_000 // milliseconds

/** The errors of a query. Over the socket, where a refusal is nothing that browsers complain of. */
function ask(gateway: Gateway, query: string): Promise<GraphQLError[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error(noAnswer))), patience)
    const end = (tell: () => void) => {
      clearTimeout(timer)
      stop()
      tell()
    }
    const stop = gateway.stream(query, undefined, {
      next: ({ errors = [] }) => end(() => resolve(errors)),
      error: (errors) => end(() => resolve(errors)),
    })
  })
}

function forbidden(errors: GraphQLError[]): boolean {
  return errors.some(({ extensions }) => extensions?.code === 'FORBIDDEN')
}

/** An error's text, to stand by itself. */
export function sentence(text: string): string {
  const trimmed = text.trim()
  return trimmed && trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? '' : '.')
}
