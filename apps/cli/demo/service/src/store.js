'use strict';

const { either } = require('./compat');

class NotFoundError extends Error {
  constructor(key) {
    super(`${key} is not known`);
    this.code = 'NOT_FOUND';
  }
}

// Keys look like `parcel:P-1`. In production this is a database; its driver answers later, so we do too.
class Store {
  #rows = new Map();

  get(key, done) {
    return either(this.#read(key), done);
  }

  put(key, value, done) {
    return either(this.#write(key, value), done);
  }

  list(prefix, done) {
    return either(this.#scan(prefix), done);
  }

  clear() {
    this.#rows.clear();
  }

  async #read(key) {
    await soon();
    if (!this.#rows.has(key)) throw new NotFoundError(key);
    return structuredClone(this.#rows.get(key));
  }

  async #write(key, value) {
    await soon();
    this.#rows.set(key, structuredClone(value));
  }

  async #scan(prefix) {
    await soon();
    const keys = [...this.#rows.keys()].filter((key) => key.startsWith(prefix));
    return keys.sort().map((key) => structuredClone(this.#rows.get(key)));
  }
}

function soon() {
  return new Promise((resolve) => setImmediate(resolve));
}

module.exports = { store: new Store(), NotFoundError };
