import { useState } from 'react'
import { change, useAccess } from '../live'
import { Dialog } from '../parts/Dialog'
import { Field, filled, Form } from '../parts/Form'
import { rotateKeyMutation, type ApiKey } from './queries'
import { Secret } from './Secret'

const graces = [
  { seconds: 0, text: 'ends at once' },
  { seconds: 3600, text: 'is good for another hour' },
  { seconds: 24 * 3600, text: 'is good for another day' },
  { seconds: 7 * 24 * 3600, text: 'is good for another week' },
  { seconds: 30 * 24 * 3600, text: 'is good for another 30 days' },
]

/** Gives a key a new secret. */
export function RotateKey({ of, onClose, onMade }: { of: ApiKey; onClose(): void; onMade(): void }) {
  const { gateway } = useAccess()
  const [secret, setSecret] = useState('')
  const rotate = async (fields: FormData) => {
    const variables = { id: of.id, graceSeconds: Number(filled(fields, 'grace')) }
    const { rotateApiKey } = await change<{ rotateApiKey: { key: string } }>(gateway, rotateKeyMutation, variables)
    setSecret(rotateApiKey.key)
    onMade()
  }
  if (secret) return <Secret secret={secret} onClose={onClose} />
  return (
    <Dialog title={`Rotate ${of.name}?`} onClose={onClose}>
      <Form action="Rotate it" onCancel={onClose} onSubmit={rotate}>
        <p>The key gets a new secret. Sessions that stand on the one of now end with it.</p>
        <Field label="The secret of now">
          {(control) => (
            <select {...control} name="grace" defaultValue={24 * 3600}>
              {graces.map(({ seconds, text }) => (
                <option key={seconds} value={seconds}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Form>
    </Dialog>
  )
}
