// What kind of operation a request is: that decides how it is sent.
import { getOperationAST, Kind, OperationTypeNode, parse, type OperationDefinitionNode } from 'graphql'

export interface Request {
  query: string
  operationName?: string | null
  variables?: Record<string, unknown>
}

/**
 * Reports whether a request may have more than one result: a subscription, or a query with @live. One that cannot
 * be parsed, or names no operation, has not: the gateway says what is wrong with it.
 */
export function isStream(request: Request): boolean {
  const operation = chosen(request)
  if (!operation) return false
  return operation.operation === OperationTypeNode.SUBSCRIPTION || isLive(operation)
}

/** What a stream is called where several are shown. */
export function title(request: Request): string {
  const operation = chosen(request)
  if (operation?.name) return operation.name.value
  const field = operation?.selectionSet.selections.find((selection) => selection.kind === Kind.FIELD)
  return field?.name.value ?? 'stream'
}

/**
 * Leaves out the name of an operation that is not in the document, if there is only one: right after a change of tabs,
 * GraphiQL still says the name of the tab before.
 */
export function named(request: Request): Request {
  const operations = operationsOf(request.query)
  const wrong = operations.length === 1 && operations[0]?.name?.value !== request.operationName
  return wrong ? { ...request, operationName: undefined } : request
}

function operationsOf(query: string): OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  } catch {
    return []
  }
}

function chosen({ query, operationName }: Request): OperationDefinitionNode | undefined {
  try {
    return getOperationAST(parse(query), operationName) ?? undefined
  } catch {
    return undefined
  }
}

// A query with @live(if: false) has one result. What a variable says is left to the gateway.
function isLive(operation: OperationDefinitionNode): boolean {
  const live = operation.directives?.find((directive) => directive.name.value === 'live')
  const condition = live?.arguments?.find((argument) => argument.name.value === 'if')?.value
  return live !== undefined && !(condition?.kind === Kind.BOOLEAN && !condition.value)
}
