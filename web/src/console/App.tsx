import { useCallback, useEffect, useMemo, useReducer } from 'react'
import { Gateway } from '../shared/client'
import { Frame } from './Frame'
import { AccessProvider } from './live'
import { findRole, keep, restored, sessionReducer, type SessionEvent } from './session'
import { SignIn } from './SignIn'

/** The console: who has not signed in is asked to. */
export function App() {
  const [session, tell] = useReducer(sessionReducer, sessionStorage, restored)
  useEffect(() => keep(sessionStorage, session), [session])
  const credentials = session.state === 'signed out' ? undefined : session.credentials
  const access = useSession(credentials, tell)
  if (session.state !== 'signed in' || !access) {
    return (
      <SignIn
        reason={session.state === 'signed out' ? session.reason : undefined}
        asking={session.state === 'asking'}
        onSignIn={(given) => tell({ type: 'sign in', credentials: given })}
      />
    )
  }
  return (
    <AccessProvider value={access}>
      <Frame key={session.role} role={session.role} onSignOut={() => tell({ type: 'sign out' })} />
    </AccessProvider>
  )
}

/** A gateway for these credentials, until there are others, and what it tells of them. */
function useSession(credentials: string | undefined, tell: (event: SessionEvent) => void) {
  const gateway = useMemo(
    () => (credentials ? new Gateway(() => credentials, undefined, 'sluice-console') : undefined),
    [credentials],
  )
  const refuse = useCallback(
    (reason: string) => credentials && tell({ type: 'refused', credentials, reason: refusal(reason) }),
    [credentials, tell],
  )
  const askRole = useCallback(() => {
    if (!gateway || !credentials) return
    findRole(gateway).then(
      (role) => tell({ type: 'accepted', credentials, role }),
      (error: Error) => tell({ type: 'unanswered', credentials, reason: error.message }),
    )
  }, [gateway, credentials, tell])
  useEffect(() => {
    if (!gateway) return
    const stop = gateway.refused(refuse)
    askRole()
    return () => {
      stop()
      gateway.close()
    }
  }, [gateway, refuse, askRole])
  return useMemo(() => gateway && { gateway, askRole }, [gateway, askRole])
}

const refusals: Record<string, string> = {
  'bad credentials': 'The gateway does not know this key or token.',
  'the credentials are not valid': 'The gateway does not know this key or token.',
  'token expired': 'Your key or token has expired. Sign in with a fresh one.',
  'key revoked': 'Your key was revoked or replaced. Sign in with another one.',
}

/** What a viewer is told whose credentials are not taken. */
function refusal(reason: string): string {
  return refusals[reason] ?? reason
}
