// What the playground shows to whoever opens it first: one tab for each kind of operation of the storefront.

const products = `# A query: the shop as it is now.
# Run it with the button, or Ctrl-Enter.
query Products {
  products(first: 5, orderBy: { field: PRICE }) {
    totalCount
    nodes {
      id
      name
      price
      currency
      stock
    }
  }
}
`

const priceChanged = `# A subscription: it goes on until you stop it, also
# while you look at another tab. Run it, then the
# mutation in the next tab: what that does comes here.
# With --demo, prices change by themselves, too.
subscription PriceChanged {
  priceChanged {
    productId
    product {
      name
    }
    price
    previousPrice
    note
    changedAt
  }
}
`

const changePrice = `# A mutation: it makes the subscription in the tab
# before move. It needs a key with the scope
# catalog:write: put yours into Headers, below.
mutation ChangePrice($id: ID!, $price: Decimal!) {
  changePrice(
    productId: $id
    price: $price
    note: "from the playground"
  ) {
    product {
      name
    }
    price
    previousPrice
    revision
  }
}
`

const livePrices = `# A live query: it is answered again whenever its
# result differs, at most once in throttle
# milliseconds. Nothing polls: the gateway knows what
# the result was made from, and hears of changes.
query LivePrices @live(throttle: 500) {
  products(first: 5, orderBy: { field: UPDATED, direction: DESC }) {
    nodes {
      name
      price
      stock
      revision
      updatedAt
    }
  }
}
`

const running = `# What your own key runs now, on all nodes. Put it
# into Headers. For a key with the scope admin,
# operations is the same for everybody.
query MyOperations @live {
  myOperations {
    total
    list {
      kind
      operation
      field
      transport
      startedAt
      events
      bytes
    }
  }
}
`

/** What stands in the editor of headers until somebody writes there. */
export const defaultHeaders = `{
  // A key or token; sluice --dev prints one:
  // "Authorization": "Bearer "
}
`

/** The tabs, in their order. */
export const defaultTabs = [
  { query: products },
  { query: priceChanged },
  { query: changePrice, variables: JSON.stringify({ id: '1', price: '9.99' }, null, 2) },
  { query: livePrices },
  { query: running },
].map((tab) => ({ variables: null, ...tab, headers: defaultHeaders }))
