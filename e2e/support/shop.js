// The part of the storefront's API that the tests use, and the events of its back end.

export const productQuery = /* GraphQL */ `
  query Product($id: ID!) {
    product(id: $id) {
      id
      name
      price
    }
  }
`;

export const changePrice = /* GraphQL */ `
  mutation ChangePrice($id: ID!, $price: Decimal!, $note: String) {
    changePrice(productId: $id, price: $price, note: $note) {
      price
      revision
      note
    }
  }
`;

export const priceChanged = /* GraphQL */ `
  subscription PriceChanged($ids: [ID!]) {
    priceChanged(productIds: $ids) {
      productId
      price
      note
      product {
        id
        name
      }
    }
  }
`;

export const restock = /* GraphQL */ `
  mutation Restock($id: ID!) {
    restock(productId: $id, quantity: 1) {
      stock
    }
  }
`;

/** Its events are kept for ten minutes. */
export const stockChanged = /* GraphQL */ `
  subscription StockChanged($id: ID!) {
    stockChanged(productId: $id) {
      stock
    }
  }
`;

export const orders = /* GraphQL */ `
  query Orders {
    orders {
      id
      status
    }
  }
`;

export const placeOrder = /* GraphQL */ `
  mutation PlaceOrder($lines: [OrderLineInput!]!) {
    placeOrder(lines: $lines) {
      id
      customer
      status
    }
  }
`;

export const advanceOrder = /* GraphQL */ `
  mutation AdvanceOrder($id: ID!) {
    advanceOrder(id: $id) {
      status
    }
  }
`;

export const orderStatusChanged = /* GraphQL */ `
  subscription OrderStatusChanged {
    orderStatusChanged {
      orderId
      status
    }
  }
`;

export const createApiKey = /* GraphQL */ `
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      key
      apiKey {
        id
      }
    }
  }
`;

export const revokeApiKey = /* GraphQL */ `
  mutation RevokeApiKey($id: ID!) {
    revokeApiKey(id: $id) {
      id
    }
  }
`;

export const myBudgets = /* GraphQL */ `
  query MyBudgets {
    myBudgets {
      field
      quotas {
        events
        per
        remaining
        resetAt
      }
      duration
      rate
    }
  }
`;

/** An event as a back-end service publishes it to Redis. */
export function priceEvent(productId, note) {
  return {
    productId,
    price: "9.99",
    previousPrice: "8.99",
    currency: "EUR",
    revision: 7,
    note,
    changedAt: "2026-11-21T10:00:00Z",
  };
}

/** One of a product's stock, with a product of its own if wanted. */
export function stockEvent(productId, stock, product) {
  return { productId, stock, revision: stock, changedAt: "2026-11-21T10:00:00Z", product };
}

/** One of an order of a customer. */
export function orderEvent(orderId, customer) {
  return { orderId, customer, status: "PACKED", changedAt: "2026-11-21T10:00:00Z" };
}
