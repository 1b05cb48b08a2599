import type { ApiKey } from './queries'

export interface KeyState {
  tone: 'good' | 'warn' | 'bad' | 'quiet'
  word: 'good' | 'expires soon' | 'expired' | 'revoked' | 'two secrets'
}

const soon = 7 * 24 * 3600 * 1000 // milliseconds

/** What a key is worth at a moment. */
export function keyState(key: ApiKey, now: number): KeyState {
  if (key.revokedAt) return { tone: 'quiet', word: 'revoked' }
  const left = key.expiresAt ? Date.parse(key.expiresAt) - now : Infinity
  if (left <= 0) return { tone: 'bad', word: 'expired' }
  if (left < soon) return { tone: 'warn', word: 'expires soon' }
  if (key.previousSecretUntil && Date.parse(key.previousSecretUntil) > now) return { tone: 'warn', word: 'two secrets' }
  return { tone: 'good', word: 'good' }
}

/** The words of a field for scopes or topics. */
export function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))]
}
