import { link } from '../route'

interface Props {
  consumer: string | null
  issuer: string | null
}

/** A consumer's name, which leads to its page. Anonymous callers have none. */
export function ConsumerLink({ consumer, issuer }: Props) {
  if (!consumer) return <i>anonymous</i>
  return (
    <span className="stacked">
      <a href={consumerLink(consumer, issuer)}>{consumer}</a>
      {issuer && <small>{issuer}</small>}
    </span>
  )
}

/** Where a consumer of API keys is shown, or one of an issuer's tokens. */
function consumerLink(consumer: string, issuer: string | null): string {
  return issuer ? link('consumers', consumer, issuer) : link('consumers', consumer)
}
