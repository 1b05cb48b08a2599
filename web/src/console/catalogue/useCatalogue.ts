import { useEffect, useMemo, useState } from 'react'
import type { GraphQLError } from '../../shared/client'
import { askDirectives } from '../../shared/directives'
import { useOnce } from '../live'
import { apiOf, introspectionQuery, type Api, type Introspection } from './api'
import { policiesOf, type Policies } from './policy'

export interface Catalogue {
  api?: Api
  /** Undefined: nobody knows; of an empty one the gateway tells nothing. */
  policies?: Policies
  errors: GraphQLError[]
  again(): void
}

/** The schema by introspection, and what its directives say, if the gateway serves it as text. */
export function useCatalogue(): Catalogue {
  const { data, errors, again } = useOnce<Introspection>(introspectionQuery)
  const api = useMemo(() => data && apiOf(data), [data])
  const [policies, setPolicies] = useState<Policies>()
  useEffect(() => {
    if (!api) return
    const stop = new AbortController()
    void askDirectives(stop.signal).then((found) => !stop.signal.aborted && setPolicies(found ? policiesOf(found) : new Map()))
    return () => stop.abort()
  }, [api])
  return { api, policies, errors, again }
}
