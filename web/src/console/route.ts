// Which view is shown, as the part of the URL behind the #: #consumers/warehouse. Never a key.

import { useSyncExternalStore } from 'react'

/** The segments of the path behind the #, decoded. */
export function segments(hash: string): string[] {
  return hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded)
}

/** A link to the view with these segments. */
export function link(...path: string[]): string {
  return `#${path.map(encodeURIComponent).join('/')}`
}

export function useRoute(): string[] {
  return segments(useSyncExternalStore(listen, () => location.hash))
}

function listen(changed: () => void): () => void {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
