import { useId, type ReactNode } from 'react'

interface Props {
  title: string
  /** What stands at the end of the title's line: controls, or a few words. */
  aside?: ReactNode
  /** Takes the whole width of the view. */
  wide?: boolean
  children: ReactNode
}

/** A part of a view with a title of its own. */
export function Panel({ title, aside, wide, children }: Props) {
  const id = useId()
  return (
    <section className={wide ? 'panel wide' : 'panel'} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside && <div className="aside">{aside}</div>}
      </header>
      {children}
    </section>
  )
}

/** What stands where there is nothing to show. */
export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>
}
