import { useState, type FormEvent } from 'react'

interface Props {
  signIn(text: string): void
  /** Why the last attempt failed. */
  refused: string | undefined
  checking: boolean
}

/** Asks for a key or token. The page is given none: whoever can read the gateway's output has one. */
export function SignIn({ signIn, refused, checking }: Props) {
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn(text)
  }
  return (
    <form className="card sign-in" onSubmit={submit}>
      <h3>Who orders?</h3>
      <p className="quiet">
        Products are for everybody; an order needs a customer. Started with <code>make run</code> or <code>--dev</code>, the gateway
        prints two under “For development”: the <b>token</b> of the customer ann, and an <b>API key</b> that may do the shop’s work too.
        Paste either.
      </p>
      <label htmlFor="credentials">Key or token</label>
      <div className="field">
        <input
          id="credentials"
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="dev_… or eyJ…"
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-invalid={refused !== undefined}
          aria-describedby="credentials-hint credentials-refused"
          required
        />
        <button type="submit" className="main" disabled={checking}>
          {checking ? 'Asking…' : 'Use it'}
        </button>
      </div>
      <p id="credentials-refused" className="trouble" role="alert">
        {refused}
      </p>
      <p id="credentials-hint" className="small quiet">
        It stays in this tab, and is forgotten with it.
      </p>
    </form>
  )
}
