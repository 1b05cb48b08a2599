// What the schema's directives say of a field: who may call it, and what it costs. Introspection does not tell.

import { parse, valueFromASTUntyped, type ConstDirectiveNode, type DefinitionNode, type FieldDefinitionNode } from 'graphql'

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

/** Policies by field, such as `Query.products`, of all object types. */
export type Policies = ReadonlyMap<string, Policy>

export function policiesOf(schema: string): Policies {
  const { definitions } = parse(schema, { noLocation: true })
  return new Map(definitions.flatMap(policiesOfType))
}

function policiesOfType(type: DefinitionNode): [string, Policy][] {
  if (type.kind !== 'ObjectTypeDefinition' && type.kind !== 'ObjectTypeExtension') return []
  const one = (field: FieldDefinitionNode): [string, Policy] => [
    `${type.name.value}.${field.name.value}`,
    policy([...(type.directives ?? []), ...(field.directives ?? [])]), // what is said for the type holds for its fields
  ]
  return (type.fields ?? []).map(one)
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
