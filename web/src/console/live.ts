// What a view asks of the gateway: by live queries while it is shown, or once.

import { createContext, useCallback, useContext, useEffect, useEffectEvent, useState } from 'react'
import type { Connection, Gateway, GraphQLError, Result, Variables } from '../shared/client'

/** The gateway that a view asks, and how it finds out anew what the viewer may see. */
export interface Access {
  gateway: Gateway
  askRole(): void
}

const AccessContext = createContext<Access | null>(null)
export const AccessProvider = AccessContext.Provider

export function useAccess(): Access {
  const access = useContext(AccessContext)
  if (!access) throw new Error('nobody has signed in')
  return access
}

export interface Answer<T> {
  /** The latest that there was; it stays through errors. */
  data?: T
  errors: GraphQLError[]
  /** Asks again. */
  again(): void
}

const restartAfter = 10_000 // milliseconds

/** A live query, until the component is gone. One that has ended begins anew after a while. */
export function useLive<T>(query: string, variables?: Variables, onData?: (data: T) => void): Answer<T> {
  const { gateway, askRole } = useAccess()
  const [attempt, setAttempt] = useState(0)
  const [answer, setAnswer] = useState<{ data?: T; errors: GraphQLError[] }>({ errors: [] })
  const again = useCallback(() => setAttempt((n) => n + 1), [])
  const told = useEffectEvent((data: T) => onData?.(data))
  const text = JSON.stringify(variables)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    const ended = (errors: GraphQLError[]) => {
      setAnswer((before) => ({ ...before, errors }))
      if (errors.some(isAboutRights)) askRole()
      timer = setTimeout(again, errors.some(({ extensions }) => extensions?.code === 'VIEWER_CHANGED') ? 500 : restartAfter)
    }
    const stop = gateway.stream<T>(query, text ? (JSON.parse(text) as Variables) : undefined, {
      next(result) {
        setAnswer((before) => taken(before, result))
        if (result.data) told(result.data)
      },
      error: ended,
      complete: () => (timer = setTimeout(again, restartAfter)),
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [gateway, askRole, query, text, attempt, again])
  return { ...answer, again }
}

/** A query, run again when its variables change. */
export function useOnce<T>(query: string, variables?: Variables): Answer<T> & { asking: boolean } {
  const { gateway } = useAccess()
  const [attempt, setAttempt] = useState(0)
  const [answer, setAnswer] = useState<{ data?: T; errors: GraphQLError[]; asking: boolean }>({ errors: [], asking: true })
  const text = JSON.stringify(variables)
  useEffect(() => {
    const stop = new AbortController()
    setAnswer((before) => ({ ...before, asking: true }))
    gateway
      .query<T>(query, text ? (JSON.parse(text) as Variables) : undefined, stop.signal)
      .then((result) => !stop.signal.aborted && setAnswer((before) => ({ ...taken(before, result), asking: false })))
      .catch(() => !stop.signal.aborted && setAnswer((before) => ({ ...before, errors: [noAnswer], asking: false })))
    return () => stop.abort()
  }, [gateway, query, text, attempt])
  return { ...answer, again: useCallback(() => setAttempt((n) => n + 1), []) }
}

/** Runs a mutation; it throws what to tell the viewer. Of a change that was made, with an error beside it, the data counts. */
export async function change<T>(gateway: Gateway, mutation: string, variables: Variables): Promise<T> {
  const { data, errors } = await gateway.query<T>(mutation, variables).catch(() => ({ data: null, errors: [noAnswer] }))
  if (data) return data
  throw new Error(errors?.[0]?.message ?? 'there was no answer')
}

export function useConnection(): Connection {
  const { gateway } = useAccess()
  const [connection, setConnection] = useState<Connection>('connecting')
  useEffect(() => gateway.watch(setConnection), [gateway])
  return connection
}

/** The time, so often. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

const noAnswer: GraphQLError = { message: 'the gateway does not answer' }

function taken<T>(before: { data?: T }, { data, errors = [] }: Result<T>) {
  return { data: data ?? before.data, errors }
}

function isAboutRights({ extensions }: GraphQLError): boolean {
  return extensions?.code === 'FORBIDDEN' || extensions?.code === 'VIEWER_CHANGED'
}
