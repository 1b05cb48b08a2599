import type { Link } from './side'

const words = { connecting: 'Connecting', reconnecting: 'Reconnecting' }

/** How a connection is. `good` is the word for a good one. */
export function State({ link, good }: { link: Link; good: string }) {
  return (
    <span className={`state ${link}`} role="status">
      {link === 'connected' ? good : words[link]}
    </span>
  )
}
