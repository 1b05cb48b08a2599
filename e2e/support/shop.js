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
