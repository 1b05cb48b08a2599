// Where an application stands in a subscription: what it keeps of each result, and hands back.

/**
 * Stands in a request as `extensions.resume`. Clients write a request anew whenever they send it, also when
 * they come back by themselves: then it is written as the cursor of the latest result.
 */
export class Place {
  cursor;

  constructor(cursor) {
    this.cursor = cursor;
  }

  toJSON() {
    return this.cursor ?? true;
  }

  keep({ extensions }) {
    this.cursor = extensions?.cursor ?? this.cursor;
  }
}
