'use strict';

// Bridges between callbacks and promises, for as long as both styles live in this code base.

// Gives a promise's result to a callback if there is one, else hands the promise on.
function either(promise, done) {
  if (!done) return promise;
  promise.then((value) => done(null, value), done);
}

// Calls a function of either style and returns a promise.
function call(fn, ...args) {
  if (fn.length === args.length) return fn(...args);
  return new Promise((resolve, reject) => {
    fn(...args, (err, value) => (err ? reject(err) : resolve(value)));
  });
}

module.exports = { either, call };
