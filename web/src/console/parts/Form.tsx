import { useId, useState, type FormEvent, type ReactNode } from 'react'
import { sentence } from '../session'
import { Notice } from './Notice'

interface FormProps {
  /** What the button says that does it. */
  action: string
  danger?: boolean
  onCancel(): void
  /** Does it; what it throws is shown, and the form stays. */
  onSubmit(fields: FormData): Promise<void>
  children: ReactNode
}

/** The fields and the two buttons of a dialog. */
export function Form({ action, danger, onCancel, onSubmit, children }: FormProps) {
  const [failure, setFailure] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    try {
      await onSubmit(new FormData(event.currentTarget))
    } catch (error) {
      setFailure(sentence((error as Error).message))
      setBusy(false)
    }
  }
  return (
    <form onSubmit={submit}>
      {children}
      {failure && <Notice kind="bad">{failure}</Notice>}
      <div className="buttons">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className={danger ? 'danger' : 'primary'} disabled={busy}>
          {action}
        </button>
      </div>
    </form>
  )
}

/** What the control of a field must have, so that it is called by its label. */
interface Control {
  id: string
  'aria-describedby'?: string
}

/** A label, what is filled in, and a few words on that. */
export function Field({ label, hint, children }: { label: string; hint?: string; children(control: Control): ReactNode }) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': hint && `${id}-hint` })}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

/** The text of a field, without space around it; undefined where there is none. */
export function filled(fields: FormData, name: string): string | undefined {
  return String(fields.get(name) ?? '').trim() || undefined
}
