import { useState, type FormEvent } from 'react'
import { Field } from './parts/Form'
import { Notice } from './parts/Notice'
import { bare, sentence } from './session'

interface Props {
  /** Why the viewer is here again. */
  reason?: string
  asking: boolean
  onSignIn(credentials: string): void
}

/** Asks for a key or token. */
export function SignIn({ reason, asking, onSignIn }: Props) {
  const [text, setText] = useState('')
  const [shown, setShown] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (bare(text)) onSignIn(bare(text))
  }
  return (
    <main className="sign-in">
      <form className="panel" onSubmit={submit} autoComplete="off">
        <h1>
          <span>Sluice</span> Console
        </h1>
        <p className="lead">What runs now, what was had, and what is left. Operators see everything, consumers what is theirs.</p>
        {reason && !asking && <Notice kind="bad">{sentence(reason)}</Notice>}
        <Field label="API key or token" hint="It stays in this tab until you sign out or close it.">
          {(control) => (
            <span className="secret">
              <input
                {...control}
                name="credentials"
                type={shown ? 'text' : 'password'}
                autoComplete="off"
                spellCheck={false}
                required
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
              <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
                Show
              </button>
            </span>
          )}
        </Field>
        <button type="submit" className="primary" disabled={asking}>
          {asking ? 'Asking the gateway…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
