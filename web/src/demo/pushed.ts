// The column that the gateway tells: by events, or by a live query.
import { newsOf, newsOfEvent, type Event, type Window } from './answers'
import { ids, priceChanged, stockChanged, windowLive, windowQuery } from './documents'
import { patched, type JSONValue, type Operation } from './patch'
import { Session } from './session'
import type { Side } from './side'
import { countedSocket } from './wire'
import type { GraphQLError, Result } from '../shared/client'

export type Way = 'events' | 'live'

/** Keeps the side true until the function that it returns is called. */
export function push(side: Side, way: Way): () => void {
  return way === 'events' ? byEvents(side) : byLiveQuery(side)
}

/**
 * Subscriptions tell what happens from now on, and a query how things are. It is asked after them, and
 * with every new connection again: what was missed meanwhile stands in its answer.
 */
function byEvents(side: Side): () => void {
  let forgetLast = () => {}
  const ask = () => {
    forgetLast()
    forgetLast = session.ask<Window>(windowQuery, ({ data, errors }) => {
      if (data) side.answerAmongEvents(newsOf(data))
      else complain(side, errors)
    })
  }
  const session = new Session({
    socket: countedSocket(side.restart()),
    link: (link) => {
      side.link(link)
      if (link === 'connected') ask()
    },
  })
  const tell = (result: Result<Record<string, Event>>) => {
    const event = Object.values(result.data ?? {}).at(0)
    if (event) side.event(newsOfEvent(event))
    else complain(side, result.errors)
  }
  const trouble = (message: string) => side.trouble(message)
  session.follow({ query: priceChanged, variables: { ids } }, tell, trouble)
  for (const id of ids) session.follow({ query: stockChanged, variables: { id } }, tell, trouble)
  return () => session.close()
}

interface LiveResult extends Result<Window> {
  patch?: Operation[]
}

/** A live query is the query of the page, and needs nothing beside. Of a result that differs it is sent a patch. */
function byLiveQuery(side: Side): () => void {
  let window: Window = {}
  const session = new Session({ socket: countedSocket(side.restart()), link: (link) => side.link(link) })
  const tell = ({ data, patch, errors }: LiveResult) => {
    if (errors) complain(side, errors)
    if (!data && !patch) return
    window = data ?? (patched(window as unknown as JSONValue, patch ?? []) as unknown as Window)
    side.answer(newsOf(window))
  }
  const request = { query: windowLive, extensions: { livePatch: 'json-patch' } }
  session.follow(request, tell, (message) => side.trouble(message))
  return () => session.close()
}

function complain(side: Side, errors: GraphQLError[] | undefined): void {
  side.trouble(errors?.at(0)?.message ?? 'The gateway has sent no data.')
}
