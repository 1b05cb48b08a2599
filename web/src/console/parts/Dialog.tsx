import { useEffect, useId, useRef, type ReactNode } from 'react'

interface Props {
  title: string
  /** The viewer has closed it, by Escape too. */
  onClose(): void
  children: ReactNode
}

/** A question before everything else; it is open while it is mounted. The browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => shown?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}
