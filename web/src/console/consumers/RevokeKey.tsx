import { change, useAccess } from '../live'
import { Dialog } from '../parts/Dialog'
import { Form } from '../parts/Form'
import { revokeKeyMutation, type ApiKey } from './queries'

/** Ends a key for ever. */
export function RevokeKey({ of, onClose, onDone }: { of: ApiKey; onClose(): void; onDone(): void }) {
  const { gateway } = useAccess()
  const revoke = async () => {
    await change(gateway, revokeKeyMutation, { id: of.id })
    onDone()
    onClose()
  }
  return (
    <Dialog title={`Revoke ${of.name}?`} onClose={onClose}>
      <Form action="Revoke it" danger onCancel={onClose} onSubmit={revoke}>
        <p>Every session of {of.consumer} that stands on this key ends at once, on every node. It cannot be undone.</p>
      </Form>
    </Dialog>
  )
}
