// What the schema's directives say of a field: who may call it, and what it costs.

import { valueFromASTUntyped, type ConstDirectiveNode } from 'graphql'
import type { Directives } from '../../shared/directives'

export interface Policy {
  /** Anyone may call it. */
  public: boolean
  /** The result depends on who asks. */
  private: boolean
  scopes: string[]
  rules: string[]
  topic?: string
  budgets: Budget[]
  cost?: number
  /** What becomes of subscribers that read too slowly; not said: they are disconnected. */
  overflow?: string
  /** How often live queries run again whatever is known. */
  poll?: string
}

export interface Budget {
  events?: number
  per?: string
  duration?: string
  rate?: number
}

/** Policies by field, such as `Query.products`. */
export type Policies = ReadonlyMap<string, Policy>

export function policiesOf(directives: Directives): Policies {
  const fields = [...directives].filter(([name]) => name.includes('.'))
  const ofType = (field: string) => directives.get(field.slice(0, field.indexOf('.'))) ?? []
  return new Map(fields.map(([field, own]) => [field, policy([...ofType(field), ...own])])) // what is said of the type holds for its fields
}

function policy(directives: readonly ConstDirectiveNode[]): Policy {
  const all = (name: string) => directives.filter((d) => d.name.value === name).map(argumentsOf)
  const one = (name: string) => all(name).at(-1)
  const auth = all('auth')
  return {
    public: all('public').length > 0 && auth.length === 0,
    private: all('private').length > 0,
    scopes: [...new Set(auth.flatMap(({ scopes }) => (scopes as string[] | undefined) ?? []))],
    rules: auth.flatMap(({ rule }) => (rule as string | undefined) ?? []),
    topic: one('topic')?.name as string | undefined,
    budgets: all('budget') as Budget[],
    cost: one('cost')?.weight as number | undefined,
    overflow: one('backpressure')?.policy as string | undefined,
    poll: one('poll')?.interval as string | undefined,
  }
}

function argumentsOf(directive: ConstDirectiveNode): Record<string, unknown> {
  return Object.fromEntries((directive.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]))
}

/** Who may call a field of Query, Mutation or Subscription. */
export function callers(policy: Policy): string {
  if (policy.public) return 'anyone'
  if (policy.scopes.length === 0) return policy.rules.length > 0 ? 'callers for whom the rule holds' : 'anyone with credentials'
  return `the ${policy.scopes.length === 1 ? 'scope' : 'scopes'} ${policy.scopes.join(', ')}`
}

/** The fields that need each scope, by scope. */
export function byScope(policies: Policies, fields: string[]): [string, string[]][] {
  const scopes = new Map<string, string[]>()
  for (const field of fields) {
    for (const scope of policies.get(field)?.scopes ?? []) scopes.set(scope, [...(scopes.get(scope) ?? []), field])
  }
  return [...scopes].sort(([a], [b]) => a.localeCompare(b))
}
