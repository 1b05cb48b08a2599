import { useState } from 'react'
import { useNow, useOnce } from '../live'
import { Errors } from '../parts/Notice'
import { Empty, Panel } from '../parts/Panel'
import { Status } from '../parts/Status'
import { Table, type Column } from '../parts/Table'
import { Time } from '../parts/Time'
import { CreateKey } from './CreateKey'
import { keyState } from './keyState'
import { keysQuery, type ApiKey } from './queries'
import { RevokeKey } from './RevokeKey'
import { RotateKey } from './RotateKey'

type Open = { what: 'create' } | { what: 'rotate' | 'revoke'; key: ApiKey }

/** The API keys of a consumer. */
export function Keys({ consumer }: { consumer: string }) {
  const { data, errors, again } = useOnce<{ apiKeys: ApiKey[] }>(keysQuery, { consumer })
  const [open, setOpen] = useState<Open>()
  const now = useNow(10_000)
  const close = () => setOpen(undefined)
  const columns: Column<ApiKey>[] = [
    {
      title: 'Key',
      cell: ({ name, id, subject }) => (
        <span className="stacked">
          <b>{name}</b>
          <small>
            <code>{id}</code>
            {subject && ` for ${subject}`}
          </small>
        </span>
      ),
    },
    { title: 'Is', cell: (key) => <State key={key.id} of={key} now={now} /> },
    { title: 'Scopes', wide: true, cell: ({ scopes }) => (scopes.length > 0 ? scopes.join(', ') : 'none') },
    { title: 'Plan', wide: true, cell: ({ plan }) => plan ?? 'default' },
    { title: 'Made', wide: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      title: 'Change',
      cell: (key) =>
        !key.revokedAt && (
          <span className="buttons">
            <button type="button" aria-label={`Rotate ${key.name}`} onClick={() => setOpen({ what: 'rotate', key })}>
              Rotate…
            </button>
            <button
              type="button"
              className="danger"
              aria-label={`Revoke ${key.name}`}
              onClick={() => setOpen({ what: 'revoke', key })}
            >
              Revoke…
            </button>
          </span>
        ),
    },
  ]
  const create = (
    <button type="button" className="primary" onClick={() => setOpen({ what: 'create' })}>
      New key…
    </button>
  )
  return (
    <Panel title="API keys" wide aside={create}>
      <Errors errors={errors} again={again} />
      {!data && errors.length === 0 && <Empty>Asking…</Empty>}
      {data?.apiKeys.length === 0 && (
        <Empty>It has no keys in the database. Those of the configuration file are not listed.</Empty>
      )}
      {data && data.apiKeys.length > 0 && <Table label="API keys" columns={columns} rows={data.apiKeys} id={({ id }) => id} />}
      {open?.what === 'create' && <CreateKey consumer={consumer} onClose={close} onMade={again} />}
      {open?.what === 'rotate' && <RotateKey of={open.key} onClose={close} onMade={again} />}
      {open?.what === 'revoke' && <RevokeKey of={open.key} onClose={close} onDone={again} />}
    </Panel>
  )
}

function State({ of, now }: { of: ApiKey; now: number }) {
  const { tone, word } = keyState(of, now)
  const until = word === 'revoked' ? of.revokedAt : word === 'two secrets' ? of.previousSecretUntil : of.expiresAt
  const before = word === 'revoked' || word === 'expired' ? '' : 'until '
  return (
    <span className="stacked">
      <Status tone={tone}>{word}</Status>
      {until && (
        <small>
          {before}
          <Time at={until} />
        </small>
      )}
    </span>
  )
}
