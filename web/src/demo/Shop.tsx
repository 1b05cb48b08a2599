import { useState } from 'react'
import icon from '../shared/icon.svg'
import { change, pieces, type Basket } from './basket'
import { Choice } from './Choice'
import { Column } from './Column'
import { FiguresCard } from './FiguresCard'
import { OrderDesk } from './OrderDesk'
import type { Way } from './pushed'
import { Requests } from './Requests'
import { useComparison, useNow } from './useComparison'

const ways: [Way, string][] = [
  ['events', 'Subscriptions'],
  ['live', '@live query'],
]
const intervals: [number, string][] = [
  [500, '0.5 s'],
  [1000, '1 s'],
  [5000, '5 s'],
]

/** The page: one shop window, kept true in two ways. */
export function Shop() {
  const [way, setWay] = useState<Way>('events')
  const [interval, setInterval] = useState(1000)
  const [round, setRound] = useState(0)
  const [basket, setBasket] = useState<Basket>({})
  const { pushed, polled, clock, since } = useComparison(way, interval, round)
  const now = useNow()
  return (
    <>
      <header className="bar">
        <img src={icon} alt="" width="28" height="28" />
        <strong>Sluice</strong>
        <span className="quiet">Shop</span>
        <a className="to-basket" href="#order">
          Basket <b className="number">{pieces(basket)}</b>
        </a>
      </header>
      <main>
        <section className="intro">
          <h1>One shop window, kept up to date in two ways</h1>
          <p>
            The same eight products, twice. On one side the gateway sends what changes, when it changes. On the other the page
            asks again and again. Both count what it takes.
          </p>
        </section>
        <FiguresCard
          {...{ pushed, polled, clock }}
          counted={Math.max(0, now - since)}
          interval={interval}
          restart={() => setRound(round + 1)}
        />
        <div className="columns">
          <Column
            title="Pushed"
            side="pushed"
            view={pushed}
            now={now}
            basket={basket}
            order={(id, by) => setBasket(change(basket, id, by))}
          >
            <Choice label="How changes are pushed" options={ways} value={way} choose={setWay} />
          </Column>
          <Column title="Polled" side="polled" view={polled} now={now}>
            <Choice label="How often the page asks" options={intervals} value={interval} choose={setInterval} />
          </Column>
        </div>
        <Requests way={way} />
        <OrderDesk basket={basket} setBasket={setBasket} products={pushed.products ?? []} />
      </main>
    </>
  )
}
