import type { ReactNode } from 'react'

/** One figure, and what it is made of. */
export function Tile({
  label,
  value,
  children,
  tone,
}: {
  label: string
  value: string
  children?: ReactNode
  tone?: 'bad' | 'warn'
}) {
  return (
    <div className={tone ? `tile ${tone}` : 'tile'}>
      <dt>{label}</dt>
      <dd>
        <strong>{value}</strong>
        <span>{children}</span>
      </dd>
    </div>
  )
}
