// What the page asks, on either side. The texts never change, so the gateway parses each once.

/** The shop window: the products that the demo's feed changes most often. */
export const ids = ['1', '2', '3', '4', '5', '6', '7', '8']

const each = ids.map((id) => `  p${id}: product(id: "${id}") { ...Shown }`).join('\n')

const everything = 'fragment Shown on Product { id name category currency price stock revision updatedAt }'

/** How the window is now: both sides begin with it. */
export const windowQuery = `query Window {\n${each}\n}\n${everything}`

/** What can have changed since: a page that polls need not ask for names again. */
export const pollQuery = `query Poll {\n${each}\n}\nfragment Shown on Product { id price stock revision updatedAt }`

/** The window, kept true by the gateway. */
export const windowLive = `query Window @live(throttle: 100) {\n${each}\n}\n${everything}`

export const priceChanged = `subscription Prices($ids: [ID!]) {
  priceChanged(productIds: $ids) { productId price revision changedAt }
}`

export const stockChanged = `subscription Stock($id: ID!) {
  stockChanged(productId: $id) { productId stock revision changedAt }
}`

/** Asked once to find out whether credentials are of a customer. */
export const customerQuery = 'query Customer { orders(first: 1) { id } }'

export const ordersLive = `query Orders @live(throttle: 200) {
  orders(first: 5) {
    id status total currency placedAt
    lines { quantity price product { id name } }
  }
}`

export const orderStatusChanged = `subscription OrderStatus {
  orderStatusChanged { orderId status }
}`

export const placeOrder = `mutation PlaceOrder($lines: [OrderLineInput!]!) {
  placeOrder(lines: $lines) { id }
}`

export const advanceOrder = `mutation AdvanceOrder($id: ID!) {
  advanceOrder(id: $id) { status }
}`
