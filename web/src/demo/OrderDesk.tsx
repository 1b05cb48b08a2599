import { useCallback, useEffect, useState } from 'react'
import { credentialsOf, forgetCredentials, refusal, rememberCredentials, rememberedCredentials } from './account'
import type { Basket } from './basket'
import { BasketCard } from './BasketCard'
import { OrderList } from './OrderList'
import { SignIn } from './SignIn'
import type { Product } from './product'
import { Gateway } from '../shared/client'

interface Props {
  basket: Basket
  setBasket(basket: Basket): void
  products: Product[]
}

/** Where orders are placed and followed: the one thing of the page that needs credentials. */
export function OrderDesk({ basket, setBasket, products }: Props) {
  const [credentials, setCredentials] = useState<string>()
  const [refused, setRefused] = useState<string>()
  const [checking, setChecking] = useState(false)

  const signOut = useCallback((why?: string) => {
    forgetCredentials()
    setCredentials(undefined)
    setRefused(why)
  }, [])
  const expired = useCallback(() => signOut('The gateway no longer takes this key or token. Each start with --dev makes new ones.'), [signOut])
  const signIn = useCallback(async (text: string) => {
    const given = credentialsOf(text)
    if (!given) return setRefused('A key or token is one line without spaces.')
    setChecking(true)
    const why = await refusal(new Gateway(() => given))
    setChecking(false)
    setRefused(why)
    if (why) return
    rememberCredentials(given)
    setCredentials(given)
  }, [])
  useEffect(() => {
    const kept = rememberedCredentials()
    if (kept) void signIn(kept)
  }, [signIn])

  return (
    <section id="order" className="order" aria-labelledby="order-title">
      <div className="intro">
        <h2 id="order-title">Place an order, and follow it</h2>
        <p>
          The list of orders is an <code>@live</code> query; what has just happened comes by the subscription{' '}
          <code>orderStatusChanged</code>.
        </p>
      </div>
      <div className="columns">
        <BasketCard {...{ basket, setBasket, products, credentials }} />
        {credentials ? (
          <OrderList credentials={credentials} refused={expired} signOut={() => signOut()} />
        ) : (
          <SignIn {...{ signIn, refused, checking }} />
        )}
      </div>
    </section>
  )
}
