// Who places orders: nobody, until somebody gives a key or token. It is kept for this tab's session only.
import { customerQuery } from './documents'
import type { Gateway, Result } from '../shared/client'

const stored = 'sluice-shop-credentials'

export const rememberCredentials = (credentials: string): void => sessionStorage.setItem(stored, credentials)
export const rememberedCredentials = (): string | null => sessionStorage.getItem(stored)
export const forgetCredentials = (): void => sessionStorage.removeItem(stored)

/** Why the gateway would take no order with these credentials; undefined when it would. */
export async function refusal(gateway: Gateway): Promise<string | undefined> {
  const result = await attempt(gateway.query<unknown>(customerQuery))
  if (result.data) return undefined
  const { code, message } = problem(result)
  if (code === 'FORBIDDEN') return 'This key is nobody’s in particular, and an order needs a customer. Take the token.'
  if (code === 'UNAUTHENTICATED') return 'The gateway does not know this key or token. Each start with --dev makes new ones.'
  return message
}

export interface Problem {
  code?: string
  message: string
}

/** The first error of a result, for people. */
export function problem(result: Result<unknown>): Problem {
  const first = result.errors?.at(0)
  return { code: first?.extensions?.code, message: first?.message ?? 'The gateway has sent no data.' }
}

/** A result also where there is no answer. */
export function attempt<T>(answer: Promise<Result<T>>): Promise<Result<T>> {
  return answer.catch(() => ({ errors: [{ message: 'The gateway gives no answer. Try again in a moment.' }] }))
}

/** What people paste, without what they paste with it; undefined when it can be no key or token. */
export function credentialsOf(text: string): string | undefined {
  const bare = text.trim().replace(/^(Authorization:\s*)?Bearer\s+/i, '')
  return /^[\x21-\x7e]+$/.test(bare) ? bare : undefined
}
