import { Copy } from '../parts/Copy'
import { Dialog } from '../parts/Dialog'
import { Notice } from '../parts/Notice'

/** A key with its secret, the one time that it is shown. */
export function Secret({ secret, onClose }: { secret: string; onClose(): void }) {
  return (
    <Dialog title="Keep this key now" onClose={onClose}>
      <Notice kind="warn">It is shown only here, once. The gateway keeps a hash of it, and nobody can read it again.</Notice>
      <div className="code">
        <pre tabIndex={0} aria-label="API key">
          <code>{secret}</code>
        </pre>
        <Copy text={secret} label="Copy the key" />
      </div>
      <div className="buttons">
        <button type="button" className="primary" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  )
}
