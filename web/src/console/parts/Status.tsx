import type { ReactNode } from 'react'

/** A word with a colour; the word says it to those who see no colour. */
export function Status({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'quiet'; children: ReactNode }) {
  return <span className={`status ${tone}`}>{children}</span>
}
