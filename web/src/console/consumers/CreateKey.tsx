import { useState } from 'react'
import { change, useAccess } from '../live'
import { Dialog } from '../parts/Dialog'
import { Field, filled, Form } from '../parts/Form'
import { words } from './keyState'
import { createKeyMutation } from './queries'
import { Secret } from './Secret'

interface Props {
  /** Whose key it is to be; asked for where it is left out. */
  consumer?: string
  onClose(): void
  onMade(): void
}

/** Makes an API key, and shows its secret. */
export function CreateKey({ consumer, onClose, onMade }: Props) {
  const { gateway } = useAccess()
  const [secret, setSecret] = useState('')
  const create = async (fields: FormData) => {
    const expires = filled(fields, 'expires')
    const input = {
      name: filled(fields, 'name'),
      consumer: consumer ?? filled(fields, 'consumer'),
      scopes: words(filled(fields, 'scopes') ?? ''),
      plan: filled(fields, 'plan'),
      expiresAt: expires && new Date(expires).toISOString(), // what was filled in is of the viewer's zone
    }
    const { createApiKey } = await change<{ createApiKey: { key: string } }>(gateway, createKeyMutation, { input })
    setSecret(createApiKey.key)
    onMade()
  }
  if (secret) return <Secret secret={secret} onClose={onClose} />
  return (
    <Dialog title={consumer ? `New key of ${consumer}` : 'New key'} onClose={onClose}>
      <Form action="Make it" onCancel={onClose} onSubmit={create}>
        {!consumer && (
          <Field label="Consumer" hint="The application that it belongs to.">
            {(control) => <input {...control} name="consumer" required maxLength={100} autoComplete="off" />}
          </Field>
        )}
        <Field label="Name" hint="For those who read the list.">
          {(control) => <input {...control} name="name" required maxLength={100} autoComplete="off" />}
        </Field>
        <Field
          label="Scopes"
          hint="Such as orders:read publish. The catalogue says what each is good for; none is needed for what is public."
        >
          {(control) => <input {...control} name="scopes" autoComplete="off" spellCheck={false} />}
        </Field>
        <Field label="Plan" hint="As the configuration names it; left empty, the default plan.">
          {(control) => <input {...control} name="plan" maxLength={100} autoComplete="off" spellCheck={false} />}
        </Field>
        <Field label="Good until" hint="In your time zone; left empty, for ever.">
          {(control) => <input {...control} name="expires" type="datetime-local" />}
        </Field>
      </Form>
    </Dialog>
  )
}
