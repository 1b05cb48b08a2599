import { moment, utc } from '../format'

/** A moment in the viewer's zone; in UTC for whoever points at it. */
export function Time({ at }: { at: string }) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={utc(date)}>
      {moment(date)}
    </time>
  )
}
